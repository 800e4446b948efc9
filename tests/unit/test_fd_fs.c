// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/sys.h"

static char dir[64];

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/isolab-unit.XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	cr_assert_eq(chdir(dir), 0);
}

static void remove_dir(void)
{
	cr_assert_eq(il_remove_tree(AT_FDCWD, dir), 0);
	cr_assert_neq(access(dir, F_OK), 0);
}

TestSuite(fd, .init = make_dir, .fini = remove_dir);
TestSuite(fs, .init = make_dir, .fini = remove_dir);
TestSuite(json, .init = make_dir, .fini = remove_dir);

Test(fd, files_are_cloexec)
{
	_cleanup_(closep) int fd = il_open(AT_FDCWD, "f", O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(il_open(AT_FDCWD, "none", O_RDONLY, 0), -ENOENT);
}

Test(fd, atomic_write_then_read_back)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;

	cr_assert_eq(il_write_file_atomic(AT_FDCWD, "a", "old", 3, 0600), 0);
	cr_assert_eq(il_write_file_atomic(AT_FDCWD, "a", "newer", 5, 0600), 0);
	cr_assert_eq(il_read_file(AT_FDCWD, "a", 100, &text, &len), 0);
	cr_assert_eq(len, 5);
	cr_assert_str_eq(text, "newer");
}

Test(fd, atomic_write_leaves_nothing_behind_on_failure)
{
	cr_assert_eq(mkdir("target", 0700), 0);
	cr_assert_lt(il_write_file_atomic(AT_FDCWD, "target", "x", 1, 0600), 0);
	cr_assert_eq(rmdir("target"), 0, "the failed rename's temporary file is elsewhere");
	/* remove_dir would pass with a left-over too; the directory must be empty now. */
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(rmdir(dir), 0);
}

Test(fd, read_file_enforces_its_limit)
{
	char *text = NULL;

	cr_assert_eq(il_write_file_atomic(AT_FDCWD, "a", "12345", 5, 0600), 0);
	cr_assert_eq(il_read_file(AT_FDCWD, "a", 4, &text, NULL), -EFBIG);
	cr_assert_null(text);
	cr_assert_eq(il_read_file(AT_FDCWD, "a", 5, &text, NULL), 0);
	free(text);
}

Test(fd, read_file_reads_proc)
{
	_cleanup_(freep) char *text = NULL;

	cr_assert_eq(il_read_file(AT_FDCWD, "/proc/self/status", 1 << 20, &text, NULL), 0);
	cr_assert_not_null(strstr(text, "VmRSS"));
}

Test(fs, remove_tree_does_not_follow_links)
{
	cr_assert_eq(il_mkdir_p("keep/inner", 0700), 0);
	cr_assert_eq(il_mkdir_p("t/a/b", 0700), 0);
	cr_assert_eq(symlink("../../keep", "t/a/link"), 0);
	cr_assert_eq(il_write_file_atomic(AT_FDCWD, "t/a/b/f", "", 0, 0600), 0);
	cr_assert_eq(il_remove_tree(AT_FDCWD, "t"), 0);
	cr_assert_neq(access("t", F_OK), 0);
	cr_assert_eq(access("keep/inner", F_OK), 0);
	cr_assert_eq(il_remove_tree(AT_FDCWD, "t"), 0, "a missing tree is success");
}

Test(fs, mkdir_p_refuses_a_file_in_the_way)
{
	cr_assert_eq(il_write_file_atomic(AT_FDCWD, "f", "", 0, 0600), 0);
	cr_assert_eq(il_mkdir_p("f", 0700), -ENOTDIR);
	cr_assert_eq(il_mkdir_p("f/x", 0700), -ENOTDIR);
	cr_assert_eq(il_mkdir_p("", 0700), -ENOENT);
}

Test(fs, lock_file_excludes)
{
	int a = il_lock_file(AT_FDCWD, "lock", false);

	cr_assert_geq(a, 0);
	cr_assert_eq(il_lock_file(AT_FDCWD, "lock", false), -EWOULDBLOCK);
	close(a);
	a = il_lock_file(AT_FDCWD, "lock", false);
	cr_assert_geq(a, 0);
	close(a);
}

Test(fs, open_in_root_cannot_leave)
{
	cr_assert_eq(il_mkdir_p("root/etc", 0700), 0);
	cr_assert_eq(symlink("/../../etc", "root/esc"), 0);
	cr_assert_eq(il_write_file_atomic(AT_FDCWD, "root/etc/passwd", "mine", 4, 0600), 0);
	_cleanup_(closep) int root = il_open(AT_FDCWD, "root", O_PATH | O_DIRECTORY, 0);
	_cleanup_(closep) int fd = il_open_in_root(root, "esc/passwd", O_RDONLY, 0);
	char text[8] = "";
	cr_assert_geq(fd, 0);
	cr_assert_eq(il_read_full(fd, text, sizeof(text)), 4);
	cr_assert_str_eq(text, "mine");
	_cleanup_(closep) int d = il_open_in_root(root, "etc", O_RDONLY | O_DIRECTORY, 0);
	cr_assert_geq(d, 0);
}

Test(buf, grows_and_formats)
{
	struct il_buf b = {0};

	for (int i = 0; i < 1000; i++)
		il_buf_printf(&b, "%d,", i);
	cr_assert_eq(il_buf_check(&b), 0);
	_cleanup_(freep) char *s = il_buf_steal(&b);
	cr_assert_eq(strlen(s), 10 * 2 + 90 * 3 + 900 * 4);
	cr_assert_null(b.data);
	_cleanup_(freep) char *empty = il_buf_steal(&b);
	cr_assert_str_eq(empty, "");
}

Test(json, errors_name_the_path)
{
	json_auto_t *j = NULL;
	struct il_err err = {0};
	const char *s = NULL;
	const char text[] = "{\"config\": {\"Cmd\": 5}}";

	cr_assert_eq(il_json_parse(text, sizeof(text) - 1, "doc", &j, &err), 0);
	json_t *config = NULL;
	cr_assert_eq(il_json_obj(j, "doc", "config", &config, &err), 0);
	cr_assert_eq(il_json_str(config, "doc.config", "Cmd", &s, &err), -EINVAL);
	cr_assert_str_eq(err.msg, "doc.config.Cmd: expected a string, found integer");
	cr_assert_eq(il_json_str(config, "doc.config", "User", &s, NULL), -ENOENT);
	cr_assert_null(s);
}

Test(json, refuses_duplicates_and_garbage)
{
	json_t *j = NULL;

	cr_assert_eq(il_json_parse("{\"a\":1,\"a\":2}", 13, "doc", &j, NULL), -EINVAL);
	cr_assert_eq(il_json_parse("{\"a\":1}x", 8, "doc", &j, NULL), -EINVAL);
	cr_assert_null(j);
}

Test(json, save_and_load)
{
	json_auto_t *j = json_pack("{s:i}", "n", 7);
	json_auto_t *back = NULL;
	uint64_t n = 0;

	cr_assert_eq(il_json_save(AT_FDCWD, "x.json", j, NULL), 0);
	cr_assert_eq(il_json_load(AT_FDCWD, "x.json", 1000, &back, NULL), 0);
	cr_assert_eq(il_json_u64(back, "x", "n", &n, NULL), 0);
	cr_assert_eq(n, 7);
}
