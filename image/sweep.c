// SPDX-License-Identifier: Apache-2.0
/* Mark and sweep: what no name and no open image needs is removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "image/store.h"

/* A growing set of hex names. Some hundred at most: searched in order. */
struct marks {
	char (*hex)[IMG_HEX_LEN + 1]; /* owned */
	size_t n;
	size_t cap;
};

static bool marked(const struct marks *m, const char *hex)
{
	for (size_t i = 0; i < m->n; i++)
		if (strncmp(m->hex[i], hex, IMG_HEX_LEN) == 0)
			return true;
	return false;
}

static int mark(struct marks *m, const struct img_digest *digest)
{
	if (marked(m, img_digest_hex(digest)))
		return 0;
	if (m->n == m->cap) {
		size_t cap = IL_MAX(m->cap * 2, (size_t)64);
		void *bigger = realloc(m->hex, cap * sizeof(*m->hex));

		if (!bigger)
			return -ENOMEM;
		m->hex = bigger;
		m->cap = cap;
	}
	memcpy(m->hex[m->n++], img_digest_hex(digest), IMG_HEX_LEN + 1);
	return 0;
}

/* Marks an image's blobs, and its chain ID. A damaged image marks what it still can. */
static int mark_image(const struct img_store *store, const struct img_digest *digest,
		      struct marks *m)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	_cleanup_(img_config_done) struct img_config config = {0};
	_cleanup_(freep) char *manifest_text = NULL;
	_cleanup_(freep) char *config_text = NULL;
	struct img_digest chain;
	size_t len = 0;
	int r = mark(m, digest);

	if (r < 0)
		return r;
	if (img_blob_read(store, digest, &manifest_text, &len, NULL) < 0 ||
	    img_manifest_parse(manifest_text, len, "manifest", &manifest, NULL) < 0)
		return 0;
	r = mark(m, &manifest.config.digest);
	for (size_t i = 0; r == 0 && i < manifest.nlayers; i++)
		r = mark(m, &manifest.layers[i].digest);
	if (r < 0 || img_blob_read(store, &manifest.config.digest, &config_text, &len, NULL) < 0 ||
	    img_config_parse(config_text, len, "config", &config, NULL) < 0 ||
	    config.ndiff_ids == 0)
		return r;
	img_chain_id(config.diff_ids, config.ndiff_ids, &chain);
	return mark(m, &chain);
}

static int mark_named(const struct img_store *store, struct marks *m, struct il_err *err)
{
	json_auto_t *index = NULL;
	json_t *entry;
	size_t i;
	int r = img_index_load(store, &index, err);

	if (r < 0)
		return r;
	json_array_foreach(img_index_entries(index), i, entry)
	{
		struct img_digest digest;

		if (img_digest_parse(img_index_entry_digest(entry), &digest, NULL) < 0)
			continue;
		r = mark_image(store, &digest, m);
		if (r < 0)
			return il_fail(err, -r, "clean the image store");
	}
	return 0;
}

/* ---- directories of the store ------------------------------------------------------- */

typedef int (*visit_fn)(struct img_store *store, int dirfd, const char *name, struct marks *m,
			void *ctx);

static int visit(struct img_store *store, const char *dir_name, visit_fn fn, struct marks *m,
		 void *ctx)
{
	int fd = il_open(store->fd, dir_name, O_RDONLY | O_DIRECTORY, 0);
	int result = 0;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	_cleanup_(closedirp) DIR *dir = il_fdopendir(fd);
	if (!dir)
		return -errno;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		if (strspn(e->d_name, "0123456789abcdef") != IMG_HEX_LEN)
			continue;
		int r = fn(store, fd, e->d_name, m, ctx);
		if (r < 0 && result == 0)
			result = r;
	}
	return result;
}

/* An unnamed blob that is flock'ed is the manifest of an open image: that one stays whole. */
static int mark_if_locked(struct img_store *store, int dirfd, const char *name, struct marks *m,
			  void *ctx)
{
	struct img_digest digest;

	(void)ctx;
	if (marked(m, name) || strlen(name) != IMG_HEX_LEN)
		return 0;
	_cleanup_(closep) int fd = il_open(dirfd, name, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	snprintf(digest.text, sizeof(digest.text), "%s%.64s", IMG_DIGEST_PREFIX, name);
	return mark_image(store, &digest, m);
}

/*
 * A blob goes under its own exclusive lock: an image that is opened at this very moment
 * either holds its lock first, and stays, or finds its manifest without a name.
 */
static int sweep_blob(struct img_store *store, int dirfd, const char *name, struct marks *m,
		      void *ctx)
{
	uint64_t *freed = ctx;
	struct stat st;

	(void)store;
	if (marked(m, name))
		return 0;
	_cleanup_(closep) int fd = il_open(dirfd, name, O_RDONLY | O_NOFOLLOW, 0);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	if (fd >= 0 && fstat(fd, &st) == 0)
		*freed += (uint64_t)st.st_size;
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int sweep_tree(struct img_store *store, int dirfd, const char *name, struct marks *m,
		      void *ctx)
{
	(void)store;
	(void)ctx;
	return marked(m, name) ? 0 : il_remove_tree(dirfd, name);
}

int img_sweep(struct img_stage *stage, uint64_t *ret_freed, struct il_err *err)
{
	/* The last is the process kind's: writable copies, named by chain ID as well. */
	static const char *const caches[] = {"roots", "erofs", "../process-roots"};
	struct img_store *store = stage->store;
	struct marks m = {0};
	uint64_t freed = 0;
	int r = mark_named(store, &m, err);

	if (r == 0)
		r = visit(store, "blobs/sha256", mark_if_locked, &m, NULL);
	if (r == 0)
		r = visit(store, "blobs/sha256", sweep_blob, &m, &freed);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(caches); i++)
		r = visit(store, caches[i], sweep_tree, &m, NULL);
	free(m.hex);
	if (r < 0)
		return il_fail(err, -r, "clean the image store '%s'", store->path);
	if (ret_freed)
		*ret_freed = freed;
	return 0;
}
