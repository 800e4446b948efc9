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
#include "image/image.h"

struct world {
	char path[64];
	char tree[96]; /* a root directory to import */
	struct img_store *store;
	int lines; /* of progress */
};

static void count_line(void *ctx, const char *line)
{
	struct world *w = ctx;

	cr_assert(line[0] != '\0');
	w->lines++;
}

static void write_file(const struct world *w, const char *text)
{
	_cleanup_(freep) char *path = il_strf("%s/file", w->tree);

	cr_assert_eq(il_write_file_atomic(AT_FDCWD, path, text, strlen(text), 0644), 0);
}

static void world_init(struct world *w)
{
	struct il_err err = {0};

	*w = (struct world){0};
	snprintf(w->path, sizeof(w->path), "/tmp/isolab-unit-store.XXXXXX");
	cr_assert_not_null(mkdtemp(w->path));
	snprintf(w->tree, sizeof(w->tree), "%s/tree", w->path);
	cr_assert_eq(mkdir(w->tree, 0755), 0);
	write_file(w, "one");
	cr_assert_eq(img_store_open(w->path, &w->store, &err), 0, "%s", err.msg);
	img_store_set_progress(w->store, count_line, w);
}

static void world_done(struct world *w)
{
	img_store_closep(&w->store);
	cr_assert_eq(il_remove_tree(AT_FDCWD, w->path), 0);
}

static void import(struct world *w, const char *name)
{
	struct il_err err = {0};

	cr_assert_eq(img_import(w->store, name, w->tree, NULL, &err), 0, "%s", err.msg);
}

Test(store, import_open_rootfs)
{
	struct world w;
	struct img_image *image = NULL;
	struct il_err err = {0};
	char *root = NULL;

	world_init(&w);
	import(&w, "demo");
	cr_assert_eq(img_open(w.store, "demo", &image, &err), 0, "%s", err.msg);
	cr_assert_str_eq(image->name, "docker.io/library/demo:latest");
	cr_assert_str_eq(image->cmd[0], "/bin/sh");
	cr_assert_str_eq(image->workdir, "/");
	cr_assert_str_eq(image->user, "");
	cr_assert_null(image->entrypoint[0]);
	cr_assert_gt(image->size_bytes, 0);
	int before = w.lines;
	cr_assert_eq(img_rootfs(w.store, image, &root, &err), 0, "%s", err.msg);
	cr_assert_eq(w.lines, before, "it was unpacked by the import");
	_cleanup_(freep) char *file = il_strf("%s/file", root);
	cr_assert_eq(access(file, R_OK), 0);
	/* A lost cache is made again from the blobs. */
	cr_assert_eq(il_remove_tree(AT_FDCWD, root), 0);
	free(root);
	cr_assert_eq(img_rootfs(w.store, image, &root, &err), 0, "%s", err.msg);
	cr_assert_gt(w.lines, before);
	cr_assert_eq(access(file, R_OK), 0);
	free(root);
	img_closep(&image);
	world_done(&w);
}

Test(store, unknown_and_bad_names)
{
	struct world w;
	struct img_image *image = NULL;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(img_open(w.store, "demo", &image, &err), -ENOENT);
	cr_assert_not_null(strstr(err.msg, "isolab import"), "%s", err.msg);
	il_err_clear(&err);
	cr_assert_eq(img_open(w.store, "De mo", &image, &err), -EINVAL);
	cr_assert_null(image);
	world_done(&w);
}

Test(store, an_ambiguous_id_is_refused)
{
	struct world w;
	struct img_image *image = NULL;
	struct il_err err = {0};

	world_init(&w);
	/* Among 17 images two share their ID's first digit. */
	for (int i = 0; i < 17; i++) {
		char text[16];

		snprintf(text, sizeof(text), "file %d", i);
		write_file(&w, text);
		snprintf(text, sizeof(text), "image%d", i);
		import(&w, text);
	}
	bool ambiguous = false;
	for (const char *digit = "0123456789abcdef"; *digit; digit++) {
		const char id[2] = {*digit, '\0'};

		il_err_clear(&err);
		int r = img_open(w.store, id, &image, &err);
		ambiguous |= r == -EINVAL && strstr(err.msg, "ambiguous");
		img_closep(&image);
	}
	cr_assert(ambiguous);
	world_done(&w);
}

Test(store, an_open_image_is_in_use)
{
	struct world w;
	struct img_image *image = NULL;
	struct img_removed removed = {0};
	struct il_err err = {0};

	world_init(&w);
	import(&w, "demo");
	cr_assert_eq(img_open(w.store, "demo", &image, &err), 0, "%s", err.msg);
	cr_assert_eq(img_remove(w.store, "demo", false, &removed, &err), -EBUSY);
	il_err_clear(&err);
	/* Its name may be given to another image; its content stays. */
	write_file(&w, "two");
	import(&w, "demo");
	_cleanup_(freep) char *root = NULL;
	cr_assert_eq(img_rootfs(w.store, image, &root, &err), 0, "%s", err.msg);
	_cleanup_(freep) char *file = il_strf("%s/file", root);
	cr_assert_eq(access(file, R_OK), 0);
	img_closep(&image);
	cr_assert_eq(img_remove(w.store, "demo", false, &removed, &err), 0, "%s", err.msg);
	cr_assert(removed.deleted);
	cr_assert_gt(removed.freed, 0);
	img_removed_done(&removed);
	cr_assert_eq(access(file, R_OK), -1);
	world_done(&w);
}

Test(store, a_failed_import_leaves_the_old_image)
{
	struct world w;
	struct img_image *image = NULL;
	struct il_err err = {0};

	world_init(&w);
	import(&w, "demo");
	cr_assert_eq(img_import(w.store, "demo", "/dev/null", NULL, &err), -EINVAL);
	il_err_clear(&err);
	cr_assert_eq(img_import(w.store, "demo", "/nothing/there", NULL, &err), -ENOENT);
	il_err_clear(&err);
	cr_assert_eq(img_open(w.store, "demo", &image, &err), 0, "%s", err.msg);
	img_closep(&image);
	world_done(&w);
}

Test(store, damage_is_an_error_not_a_crash)
{
	struct world w;
	struct img_image *image = NULL;
	struct il_err err = {0};
	static const char *const texts[] = {"", "{", "[]", "{\"manifests\":{}}",
					    "{\"manifests\":[1,{},{\"digest\":\"x\"}]}"};

	world_init(&w);
	import(&w, "demo");
	_cleanup_(freep) char *index = il_strf("%s/images/index.json", w.path);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		il_err_clear(&err);
		cr_assert_eq(
		    il_write_file_atomic(AT_FDCWD, index, texts[i], strlen(texts[i]), 0600), 0);
		cr_assert_lt(img_open(w.store, "demo", &image, &err), 0, "%s", texts[i]);
		cr_assert(err.msg[0] != '\0');
		cr_assert_null(image);
	}
	world_done(&w);
}

Test(store, list_is_sorted)
{
	struct world w;
	struct img_summary *list = NULL;
	size_t n = 0;
	struct il_err err = {0};

	world_init(&w);
	cr_assert_eq(img_list(w.store, &list, &n, &err), 0);
	cr_assert_eq(n, 0);
	img_list_free(list, n);
	import(&w, "b:2");
	import(&w, "b:1");
	import(&w, "a");
	cr_assert_eq(img_list(w.store, &list, &n, &err), 0);
	cr_assert_eq(n, 3);
	cr_assert_str_eq(list[0].repository, "a");
	cr_assert_str_eq(list[1].tag, "1");
	cr_assert_str_eq(list[2].tag, "2");
	cr_assert_str_eq(list[0].config_digest, list[2].config_digest);
	img_list_free(list, n);
	world_done(&w);
}
