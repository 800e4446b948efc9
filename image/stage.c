// SPDX-License-Identifier: Apache-2.0
/*
 * Staging: everything new is made in a private directory under the store's lock and moved
 * to its place when it is whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "image/store.h"

#define COPY_CHUNK (256u << 10)

/* Removes what a killed command left. Only the holder of the lock may. */
static int clear_tmp(struct img_store *store)
{
	int fd = il_open(store->fd, "tmp", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	_cleanup_(closedirp) DIR *dir = il_fdopendir(fd);
	if (!dir)
		return -errno;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int r = il_remove_tree(fd, e->d_name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int lock_store(struct img_store *store)
{
	int fd = il_lock_file(store->fd, "lock", false);

	if (fd != -EWOULDBLOCK)
		return fd;
	img_store_say(store, "waiting for another command that changes the image store");
	return il_lock_file(store->fd, "lock", true);
}

static int make_stage(struct img_store *store, struct img_stage *stage, struct il_err *err)
{
	stage->lock_fd = lock_store(store);
	if (stage->lock_fd < 0)
		return il_fail(err, -stage->lock_fd, "lock the image store '%s'", store->path);
	int r = clear_tmp(store);
	if (r < 0)
		return il_fail(err, -r, "clear '%s/tmp'", store->path);
	snprintf(stage->name, sizeof(stage->name), "tmp/%d", (int)getpid());
	if (mkdirat(store->fd, stage->name, 0700) < 0)
		return il_fail(err, errno, "make '%s/%s'", store->path, stage->name);
	stage->store = store;
	stage->fd = il_open(store->fd, stage->name, O_RDONLY | O_DIRECTORY, 0);
	if (stage->fd < 0)
		return il_fail(err, -stage->fd, "open '%s/%s'", store->path, stage->name);
	return 0;
}

int img_stage_begin(struct img_store *store, struct img_stage *ret, struct il_err *err)
{
	*ret = IMG_STAGE_INIT;
	int r = make_stage(store, ret, err);

	if (r < 0)
		img_stage_done(ret);
	return r;
}

void img_stage_done(struct img_stage *stage)
{
	closep(&stage->fd);
	/* Best effort: the next holder of the lock clears what stays. */
	if (stage->store && il_remove_tree(stage->store->fd, stage->name) < 0)
		img_store_say(stage->store, "cannot remove '%s/%s'", stage->store->path,
			      stage->name);
	closep(&stage->lock_fd);
	*stage = IMG_STAGE_INIT;
}

/* ---- blobs -------------------------------------------------------------------------- */

static int copy_hashed(int src_fd, int dst_fd, const char *what, struct img_desc *ret,
		       struct il_err *err)
{
	_cleanup_(freep) char *buf = malloc(COPY_CHUNK);
	struct img_hash hash;
	uint64_t size = 0;

	if (!buf)
		return il_fail(err, ENOMEM, "copy %s", what);
	img_hash_init(&hash);
	for (;;) {
		ssize_t n = il_read_full(src_fd, buf, COPY_CHUNK);

		if (n < 0)
			return il_fail(err, (int)-n, "read %s", what);
		if (n == 0)
			break;
		size += (uint64_t)n;
		if (size > IMG_BLOB_MAX)
			return il_refuse(err, EFBIG, "%s is larger than %llu GiB", what,
					 IMG_BLOB_MAX >> 30);
		img_hash_add(&hash, buf, (size_t)n);
		int r = il_write_full(dst_fd, buf, (size_t)n);
		if (r < 0)
			return il_fail(err, -r, "store %s", what);
	}
	img_hash_end(&hash, &ret->digest);
	ret->size = size;
	return 0;
}

int img_desc_check(const char *what, const struct img_desc *expect, const struct img_desc *got,
		   struct il_err *err)
{
	if (got->size != expect->size)
		return il_refuse(err, EINVAL,
				 "%s is %" PRIu64 " bytes long, not the announced %" PRIu64, what,
				 got->size, expect->size);
	if (!img_digest_eq(&got->digest, &expect->digest))
		return il_refuse(err, EINVAL, "%s has a wrong digest: its content is %s", what,
				 got->digest.text);
	return 0;
}

int img_stage_copy(struct img_stage *stage, int src_fd, const char *what,
		   const struct img_desc *expect, struct img_desc *ret, struct il_err *err)
{
	struct img_desc got = {0};
	_cleanup_(closep) int fd =
	    il_open(stage->fd, "incoming", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return il_fail(err, -fd, "store %s", what);
	int r = copy_hashed(src_fd, fd, what, &got, err);
	if (r == 0 && expect)
		r = img_desc_check(what, expect, &got, err);
	if (r == 0)
		r = img_stage_adopt(stage, "incoming", &got.digest, err);
	if (r < 0)
		return r;
	ret->digest = got.digest;
	ret->size = got.size;
	return 0;
}

int img_stage_write(struct img_stage *stage, const void *data, size_t len, struct img_desc *ret,
		    struct il_err *err)
{
	struct img_digest digest;

	img_digest_of(data, len, &digest);
	int r = il_write_file_atomic(stage->fd, img_digest_hex(&digest), data, len, 0600);
	if (r < 0)
		return il_fail(err, -r, "store %.19s", digest.text);
	ret->digest = digest;
	ret->size = len;
	return 0;
}

int img_stage_adopt(struct img_stage *stage, const char *name, const struct img_digest *digest,
		    struct il_err *err)
{
	if (renameat(stage->fd, name, stage->fd, img_digest_hex(digest)) < 0)
		return il_fail(err, errno, "store %.19s", digest->text);
	return 0;
}

bool img_stage_has(const struct img_stage *stage, const struct img_desc *desc)
{
	char path[IMG_BLOB_PATH_MAX];
	struct stat st;

	img_blob_path(&desc->digest, path);
	if (fstatat(stage->fd, img_digest_hex(&desc->digest), &st, AT_SYMLINK_NOFOLLOW) < 0 &&
	    fstatat(stage->store->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size == desc->size;
}

int img_stage_open(const struct img_stage *stage, const struct img_digest *digest,
		   struct il_err *err)
{
	char path[IMG_BLOB_PATH_MAX];
	int fd = il_open(stage->fd, img_digest_hex(digest), O_RDONLY | O_NOFOLLOW, 0);

	if (fd == -ENOENT) {
		img_blob_path(digest, path);
		fd = il_open(stage->store->fd, path, O_RDONLY | O_NOFOLLOW, 0);
	}
	if (fd == -ENOENT)
		return il_refuse(err, ENOENT,
				 "the image store lost blob %.19s: import the image again",
				 digest->text);
	return fd < 0 ? il_fail(err, -fd, "open blob %.19s", digest->text) : fd;
}

int img_stage_read(const struct img_stage *stage, const struct img_digest *digest, char **ret,
		   size_t *ret_len, struct il_err *err)
{
	int r = il_read_file(stage->fd, img_digest_hex(digest), IMG_JSON_MAX, ret, ret_len);

	if (r == -ENOENT)
		return img_blob_read(stage->store, digest, ret, ret_len, err);
	return r < 0 ? il_fail(err, -r, "read blob %.19s", digest->text) : 0;
}

int img_stage_commit(struct img_stage *stage, struct il_err *err)
{
	int copy = il_open(stage->fd, ".", O_RDONLY | O_DIRECTORY, 0);

	if (copy < 0)
		return il_fail(err, -copy, "open the staging directory");
	_cleanup_(closedirp) DIR *dir = il_fdopendir(copy);
	if (!dir)
		return il_fail(err, errno, "read the staging directory");
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		char path[IMG_BLOB_PATH_MAX + sizeof(e->d_name)];

		if (strlen(e->d_name) != IMG_HEX_LEN)
			continue;
		snprintf(path, sizeof(path), "blobs/sha256/%s", e->d_name);
		if (renameat(stage->fd, e->d_name, stage->store->fd, path) < 0)
			return il_fail(err, errno, "store blob %.12s", e->d_name);
	}
	return 0;
}
