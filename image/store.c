// SPDX-License-Identifier: Apache-2.0
#include "image/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"

#define INDEX_MAX   (64u << 20) /* bytes of index.json */
#define LAYOUT_TEXT "{\"imageLayoutVersion\": \"1.0.0\"}\n"

/* The store is private to its owner: unpacked roots hold setuid programs. */
#define STORE_MODE 0700

static int make_store(const char *path, struct il_err *err)
{
	static const char *const dirs[] = {"",       "/blobs", "/blobs/sha256",
					   "/roots", "/erofs", "/tmp"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_(freep) char *dir = il_strf("%s%s", path, dirs[i]);

		if (!dir)
			return il_fail(err, ENOMEM, "make '%s'", path);
		int r = il_mkdir_p(dir, STORE_MODE);
		if (r < 0)
			return il_fail(err, -r, "make the image store '%s'", dir);
	}
	_cleanup_(freep) char *layout = il_strf("%s/oci-layout", path);
	int r = layout ? il_write_file_atomic(AT_FDCWD, layout, LAYOUT_TEXT,
					      sizeof(LAYOUT_TEXT) - 1, 0600)
		       : -ENOMEM;
	return r < 0 ? il_fail(err, -r, "write '%s/oci-layout'", path) : 0;
}

static char *absolute_store_path(const char *root)
{
	char cwd[PATH_MAX];

	if (root[0] == '/')
		return il_strf("%s/images", root);
	if (!getcwd(cwd, sizeof(cwd)))
		return NULL;
	return il_strf("%s/%s/images", cwd, root);
}

int img_store_open(const char *root, struct img_store **ret, struct il_err *err)
{
	_cleanup_(img_store_closep) struct img_store *store = calloc(1, sizeof(*store));

	if (!store)
		return il_fail(err, ENOMEM, "open the image store");
	store->fd = -1;
	store->path = absolute_store_path(root);
	if (!store->path)
		/* cppcheck-suppress memleak ; its scope frees it */
		return il_fail(err, ENOMEM, "open the image store '%s/images'", root);
	store->fd = il_open(AT_FDCWD, store->path, O_PATH | O_DIRECTORY, 0);
	/* oci-layout is written last: without it the store is half made. */
	if (store->fd == -ENOENT ||
	    (store->fd >= 0 && faccessat(store->fd, "oci-layout", F_OK, 0) < 0)) {
		closep(&store->fd);
		int r = make_store(store->path, err);
		if (r < 0)
			return r;
		store->fd = il_open(AT_FDCWD, store->path, O_PATH | O_DIRECTORY, 0);
	}
	if (store->fd < 0)
		return il_fail(err, -store->fd, "open the image store '%s'", store->path);
	*ret = steal_ptr(store);
	return 0;
}

struct img_store *img_store_close(struct img_store *store)
{
	if (store) {
		closep(&store->fd);
		free(store->path);
		free(store);
	}
	return NULL;
}

void img_store_closep(struct img_store **store)
{
	*store = img_store_close(*store);
}

void img_store_set_progress(struct img_store *store, img_progress_fn fn, void *ctx)
{
	store->progress = fn;
	store->progress_ctx = ctx;
}

void img_store_say(const struct img_store *store, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!store->progress)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	store->progress(store->progress_ctx, line);
}

void img_blob_path(const struct img_digest *digest, char *ret)
{
	snprintf(ret, IMG_BLOB_PATH_MAX, "blobs/sha256/%s", img_digest_hex(digest));
}

int img_blob_read(const struct img_store *store, const struct img_digest *digest, char **ret,
		  size_t *ret_len, struct il_err *err)
{
	char path[IMG_BLOB_PATH_MAX];

	img_blob_path(digest, path);
	int r = il_read_file(store->fd, path, IMG_JSON_MAX, ret, ret_len);
	if (r == -ENOENT)
		return il_refuse(err, EINVAL,
				 "the image store lost blob %.19s: import the image again",
				 digest->text);
	return r < 0 ? il_fail(err, -r, "read '%s/%s'", store->path, path) : 0;
}

/* ---- index.json --------------------------------------------------------------------- */

int img_index_load(const struct img_store *store, json_t **ret, struct il_err *err)
{
	json_auto_t *index = NULL;
	struct il_err why = {0};
	int r = il_json_load(store->fd, "index.json", INDEX_MAX, &index, &why);

	if (r == -ENOENT) {
		index = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
				  IMG_MEDIA_INDEX, "manifests");
		if (!index)
			return il_fail(err, ENOMEM, "make the image index");
	} else if (r < 0) {
		return il_refuse(err, -r, "image store '%s': %s", store->path, why.msg);
	}
	if (!json_is_array(img_index_entries(index)))
		return il_refuse(err, EINVAL, "'%s/index.json' is not an OCI image index",
				 store->path);
	*ret = steal_ptr(index);
	return 0;
}

json_t *img_index_entries(const json_t *index)
{
	return json_object_get(index, "manifests");
}

const char *img_index_entry_name(const json_t *entry)
{
	const json_t *notes = json_object_get(entry, "annotations");
	const char *name = json_string_value(json_object_get(notes, IMG_REF_ANNOTATION));

	return name ? name : "";
}

const char *img_index_entry_digest(const json_t *entry)
{
	const char *digest = json_string_value(json_object_get(entry, "digest"));

	return digest ? digest : "";
}

int img_index_save(struct img_stage *stage, const json_t *index, struct il_err *err)
{
	struct img_store *store = stage->store;

	/* Written in the staging directory, so that a full disk leaves nothing behind. */
	int r = il_json_save(stage->fd, "index.json", index, err);
	if (r < 0)
		return r;
	if (renameat(stage->fd, "index.json", store->fd, "index.json") < 0)
		return il_fail(err, errno, "write '%s/index.json'", store->path);
	return 0;
}
