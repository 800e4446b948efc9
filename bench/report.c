// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <errno.h>
#include <fcntl.h>

#include "base/json.h"
#include "bench/report_model.h"

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
