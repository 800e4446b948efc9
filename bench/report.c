// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "bench/report_model.h"
#include "bench/report_out.h"

/*
 * A message may quote the file's own keys and bytes: nothing of them may steer the terminal
 * that shows it.
 */
static void make_message_safe(struct il_err *err)
{
	for (char *c = err ? err->msg : NULL; c && *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			*c = '?';
}

int report_load(const char *path, json_t **ret, struct il_err *err)
{
	json_auto_t *json = NULL;
	_cleanup_(rep_set_done) struct rep_set set = {0};
	int r = il_json_load(AT_FDCWD, path, REPORT_FILE_MAX, &json, err);

	if (r < 0) {
		make_message_safe(err);
		return r;
	}
	r = rep_set_add(&set, json, err);
	if (r < 0) {
		r = il_wrap(err, r, "'%s'", path);
		make_message_safe(err);
		return r;
	}
	*ret = json_incref(json);
	return 0;
}

int rep_write_out(const struct il_buf *b, const char *path, struct il_err *err)
{
	struct stat st;
	int r = il_buf_check(b);

	if (r < 0)
		return il_fail(err, -r, "write '%s'", path);
	if (strcmp(path, "-") == 0) {
		r = il_write_full(STDOUT_FILENO, b->data, b->len);
		return r < 0 ? il_fail(err, -r, "write to the standard output") : 0;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		_cleanup_(closep) int fd = il_open(AT_FDCWD, path, O_WRONLY, 0);

		r = fd < 0 ? fd : il_write_full(fd, b->data, b->len);
	} else {
		r = il_write_file_atomic(AT_FDCWD, path, b->data, b->len, 0644);
	}
	return r < 0 ? il_fail(err, -r, "write '%s'", path) : 0;
}
