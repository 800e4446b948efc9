// SPDX-License-Identifier: Apache-2.0
/* Layers made entry by entry; the hostile ones are in tests/functional/hostile_image.py. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "image/tar_write.h"
#include "image/unpack_private.h"

/* ---- names -------------------------------------------------------------------------- */

Test(unpack_name, is_normalised)
{
	static const struct {
		const char *text;
		const char *path;
		const char *base;
		size_t dir_len;
		unsigned int depth;
	} rows[] = {
	    {"a", "a", "a", 0, 1},
	    {"./a/", "a", "a", 0, 1},
	    {"a//b/./c", "a/b/c", "c", 3, 3},
	    {".", "", "", 0, 0},
	    {"./", "", "", 0, 0},
	    {"", "", "", 0, 0},
	    {"...", "...", "...", 0, 1},
	    {"..a/b..", "..a/b..", "b..", 3, 2},
	    {"a\nb/\xff", "a\nb/\xff", "\xff", 3, 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unpack_name n;

		cr_assert_eq(unpack_name_parse(rows[i].text, &n, NULL), 0, "'%s'", rows[i].text);
		cr_assert_str_eq(n.path, rows[i].path);
		cr_assert_str_eq(n.base, rows[i].base);
		cr_assert_eq(n.dir_len, rows[i].dir_len, "'%s'", rows[i].text);
		cr_assert_eq(n.depth, rows[i].depth, "'%s'", rows[i].text);
	}
}

Test(unpack_name, ways_out_are_refused)
{
	static const char *const rows[] = {"..",   "../a", "a/..", "a/../b",
					   "./..", "/",    "/a",   "//a"};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct unpack_name n;

		cr_assert_eq(unpack_name_parse(rows[i], &n, NULL), -EINVAL, "'%s'", rows[i]);
	}
}

Test(unpack_name, limits)
{
	char text[8192];
	struct unpack_name n;

	memset(text, 'x', sizeof(text));
	text[255] = '\0';
	cr_assert_eq(unpack_name_parse(text, &n, NULL), 0);
	text[255] = 'x';
	text[256] = '\0';
	cr_assert_eq(unpack_name_parse(text, &n, NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(text) - 1; i++)
		text[i] = i % 2 ? '/' : 'd';
	text[2 * UNPACK_DEPTH_MAX] = '\0';
	cr_assert_eq(unpack_name_parse(text, &n, NULL), 0);
	text[2 * UNPACK_DEPTH_MAX] = 'd';
	text[2 * UNPACK_DEPTH_MAX + 1] = '\0';
	cr_assert_eq(unpack_name_parse(text, &n, NULL), -EINVAL);
	memset(text, 'x', sizeof(text));
	for (size_t i = 100; i < ARRAY_SIZE(text); i += 100)
		text[i] = '/';
	text[PATH_MAX] = '\0';
	cr_assert_eq(unpack_name_parse(text, &n, NULL), -EINVAL);
}

Test(inode_set, keeps_what_was_added)
{
	struct inode_set set = {0};

	cr_assert(!inode_set_has(&set, 1));
	for (uint64_t i = 1; i <= 5000; i++)
		cr_assert_eq(inode_set_add(&set, i * 4096), 0);
	for (uint64_t i = 1; i <= 5000; i++) {
		cr_assert(inode_set_has(&set, i * 4096));
		cr_assert(!inode_set_has(&set, i * 4096 + 1));
	}
	cr_assert_eq(set.used, 5000);
	cr_assert_eq(inode_set_add(&set, 4096), 0);
	cr_assert_eq(set.used, 5000);
	inode_set_clear(&set);
	cr_assert(!inode_set_has(&set, 4096));
	inode_set_done(&set);
}

/* ---- layers ------------------------------------------------------------------------- */

struct world {
	char path[64];
	int fd;
	struct img_unpack *unpack;
	int warnings;
};

static void count_warning(void *ctx, const char *text)
{
	struct world *w = ctx;

	(void)text;
	w->warnings++;
}

static void world_init(struct world *w)
{
	*w = (struct world){.fd = -1};
	snprintf(w->path, sizeof(w->path), "/tmp/isolab-unit-unpack.XXXXXX");
	cr_assert_not_null(mkdtemp(w->path));
	w->fd = il_open(AT_FDCWD, w->path, O_RDONLY | O_DIRECTORY, 0);
	cr_assert_geq(w->fd, 0);
	cr_assert_eq(img_unpack_new(w->fd, count_warning, w, &w->unpack, NULL), 0);
}

static void world_done(struct world *w)
{
	img_unpack_freep(&w->unpack);
	closep(&w->fd);
	cr_assert_eq(il_remove_tree(AT_FDCWD, w->path), 0);
}

struct row {
	const char *path;
	mode_t mode;
	const char *link; /* of a symbolic link; with mode 0, a hard link */
	const char *data;
};

static void add_row(struct tar_writer *w, const struct row *row)
{
	struct stat st = {
	    .st_mode = row->mode ? row->mode : S_IFREG | 0644,
	    .st_uid = geteuid(),
	    .st_gid = getegid(),
	    .st_size = row->data ? (off_t)strlen(row->data) : 0,
	    .st_mtim = {.tv_sec = 1000000000, .tv_nsec = 5},
	};
	struct tar_entry e = {
	    .path = row->path, .linkname = row->link, .hardlink = row->mode == 0, .st = &st};

	cr_assert_eq(tar_write_header(w, &e), 0);
	if (row->data) {
		cr_assert_eq(tar_write_data(w, row->data, strlen(row->data)), 0);
		cr_assert_eq(tar_write_pad(w), 0);
	}
}

static int apply(struct world *w, const struct row *rows, size_t n, struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	_cleanup_(closep) int fd = memfd_create("layer", MFD_CLOEXEC);
	struct tar_writer tar;
	struct img_digest want;
	struct img_digest got;

	tar_writer_init(&tar, fd);
	for (size_t i = 0; i < n; i++)
		add_row(&tar, &rows[i]);
	cr_assert_eq(tar_writer_end(&tar, &want), 0);
	lseek(fd, 0, SEEK_SET);
	cr_assert_eq(img_stream_open(fd, "the layer", &stream, err), 0);
	int r = img_unpack_layer(w->unpack, stream, err);
	if (r < 0)
		return r;
	r = img_stream_finish(stream, true, &got, err);
	cr_assert(r < 0 || img_digest_eq(&want, &got));
	return r;
}

#define LAYER(w, err, ...)                                                                         \
	apply(w, (const struct row[]){__VA_ARGS__},                                                \
	      sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row), err)

static bool there(const struct world *w, const char *path)
{
	return faccessat(w->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Test(unpack, modes_times_and_links)
{
	struct world w;
	struct stat st;
	struct il_err err = {0};

	world_init(&w);
	int r = LAYER(&w, &err, {"d", S_IFDIR | 01750, NULL, NULL},
		      {"d/f", S_IFREG | 04711, NULL, "text"}, {"d/h", 0, "d/f", NULL},
		      {"s", S_IFLNK | 0777, "/no/where", NULL}, {"p", S_IFIFO | 0600, NULL, NULL});
	cr_assert_eq(r, 0, "%s", err.msg);
	cr_assert_eq(img_unpack_end(w.unpack, &err), 0);
	cr_assert_eq(fstatat(w.fd, "d", &st, 0), 0);
	cr_assert_eq(st.st_mode & 07777, 01750);
	cr_assert_eq(st.st_mtim.tv_sec, 1000000000, "not the time of what was put into it");
	cr_assert_eq(fstatat(w.fd, "d/h", &st, 0), 0);
	cr_assert_eq(st.st_mode & 07777, 04711);
	cr_assert_eq(st.st_nlink, 2);
	cr_assert_eq(st.st_mtim.tv_nsec, 5);
	cr_assert_eq(fstatat(w.fd, "p", &st, 0), 0);
	cr_assert(S_ISFIFO(st.st_mode));
	world_done(&w);
}

Test(unpack, whiteouts_hide_lower_layers_only)
{
	struct world w;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(LAYER(&w, &err, {"a/x", S_IFREG | 0644, NULL, NULL},
			   {"a/y", S_IFREG | 0644, NULL, NULL},
			   {"b/c/d", S_IFREG | 0644, NULL, NULL}),
		     0, "%s", err.msg);
	cr_assert_eq(LAYER(&w, &err, {"a/new", S_IFREG | 0644, NULL, NULL},
			   {"a/.wh.new", S_IFREG | 0644, NULL, NULL},
			   {"a/.wh..wh..opq", S_IFREG | 0644, NULL, NULL},
			   {".wh.b", S_IFREG | 0644, NULL, NULL},
			   {"b/e", S_IFREG | 0644, NULL, NULL},
			   {".wh.nothing", S_IFREG | 0644, NULL, NULL},
			   {"no/dir/.wh.x", S_IFREG | 0644, NULL, NULL}),
		     0, "%s", err.msg);
	cr_assert(there(&w, "a/new"));
	cr_assert(!there(&w, "a/x") && !there(&w, "a/y"));
	cr_assert(there(&w, "b/e") && !there(&w, "b/c"));
	cr_assert(!there(&w, "no"), "a whiteout makes no directories");
	world_done(&w);
}

Test(unpack, types_replace_one_another)
{
	struct world w;
	struct stat st;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(LAYER(&w, &err, {"a/x", S_IFREG | 0644, NULL, NULL},
			   {"b", S_IFREG | 0644, NULL, NULL}, {"l", S_IFLNK | 0777, "a", NULL}),
		     0, "%s", err.msg);
	cr_assert_eq(LAYER(&w, &err, {"a", S_IFREG | 0644, NULL, "file"},
			   {"b/in", S_IFREG | 0644, NULL, NULL}),
		     -ENOTDIR);
	il_err_clear(&err);
	cr_assert_eq(LAYER(&w, &err, {"b", S_IFDIR | 0755, NULL, NULL},
			   {"b/in", S_IFREG | 0644, NULL, NULL}, {"l", S_IFDIR | 0755, NULL, NULL}),
		     0, "%s", err.msg);
	cr_assert_eq(fstatat(w.fd, "l", &st, AT_SYMLINK_NOFOLLOW), 0);
	cr_assert(S_ISDIR(st.st_mode));
	cr_assert(there(&w, "b/in"));
	world_done(&w);
}

Test(unpack, links_of_lower_layers_are_followed_inside)
{
	struct world w;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(LAYER(&w, &err, {"run", S_IFDIR | 0755, NULL, NULL},
			   {"var/run", S_IFLNK | 0777, "/run", NULL},
			   {"up", S_IFLNK | 0777, "../../../../run", NULL}),
		     0, "%s", err.msg);
	cr_assert_eq(LAYER(&w, &err, {"var/run/x", S_IFREG | 0644, NULL, NULL},
			   {"up/d/y", S_IFREG | 0644, NULL, NULL}),
		     0, "%s", err.msg);
	cr_assert(there(&w, "run/x"));
	cr_assert(there(&w, "run/d/y"));
	world_done(&w);
}

Test(unpack, links_of_the_same_layer_are_not)
{
	struct world w;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(LAYER(&w, &err, {"d", S_IFDIR | 0755, NULL, NULL},
			   {"l", S_IFLNK | 0777, "d", NULL}, {"l/x", S_IFREG | 0644, NULL, NULL}),
		     -EINVAL);
	cr_assert_not_null(strstr(err.msg, "symbolic link 'l' of the same layer"), "%s", err.msg);
	cr_assert(!there(&w, "d/x"));
	world_done(&w);
}

Test(unpack, a_later_layer_sets_the_modes_of_a_directory)
{
	struct world w;
	struct stat st;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(LAYER(&w, &err, {"d", S_IFDIR | 0755, NULL, NULL}), 0);
	cr_assert_eq(LAYER(&w, &err, {"d", S_IFDIR | 0500, NULL, NULL}), 0);
	cr_assert_eq(LAYER(&w, &err, {"d/f", S_IFREG | 0644, NULL, NULL}), 0);
	cr_assert_eq(img_unpack_end(w.unpack, &err), 0);
	cr_assert_eq(fstatat(w.fd, "d", &st, 0), 0);
	cr_assert_eq(st.st_mode & 0777, geteuid() == 0 ? 0500 : 0700);
	world_done(&w);
}
