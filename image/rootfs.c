// SPDX-License-Identifier: Apache-2.0
#include "image/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "image/unpack.h"

static const char *chain_hex(const char *chain_id)
{
	return chain_id + sizeof(IMG_DIGEST_PREFIX) - 1;
}

void img_root_path(const char *chain_id, char *ret)
{
	snprintf(ret, IMG_ROOT_PATH_MAX, "roots/%s", chain_hex(chain_id));
}

void img_erofs_path(const char *chain_id, char *ret)
{
	snprintf(ret, IMG_EROFS_PATH_MAX, "erofs/%s.erofs", chain_hex(chain_id));
}

static void pass_warning(void *ctx, const char *text)
{
	img_store_say(ctx, "warning: %s", text);
}

static int unpack_blob(struct img_stage *stage, struct img_unpack *unpack,
		       const struct img_desc *layer, const struct img_digest *diff_id,
		       struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	_cleanup_(closep) int fd = img_stage_open(stage, &layer->digest, err);
	struct img_digest got;

	if (fd < 0)
		return fd;
	int r = img_stream_open(fd, "the layer", &stream, err);
	if (r == 0)
		r = img_unpack_layer(unpack, stream, err);
	if (r == 0)
		r = img_stream_finish(stream, /* need_end= */ false, &got, err);
	if (r < 0)
		return r;
	if (!img_digest_eq(&got, diff_id))
		return il_refuse(err, EINVAL,
				 "its content %.19s... is not the %.19s... that the config names",
				 got.text, diff_id->text);
	return 0;
}

int img_root_build(struct img_stage *stage, const struct img_manifest *manifest,
		   const struct img_config *config, struct il_err *err)
{
	_cleanup_(img_unpack_freep) struct img_unpack *unpack = NULL;

	if (mkdirat(stage->fd, IMG_STAGED_ROOT, 0755) < 0)
		return il_fail(err, errno, "make a directory for the layers");
	_cleanup_(closep) int root = il_open(stage->fd, IMG_STAGED_ROOT, O_RDONLY | O_DIRECTORY, 0);
	if (root < 0)
		return il_fail(err, -root, "open the directory for the layers");
	int r = img_unpack_new(root, pass_warning, stage->store, &unpack, err);
	for (size_t i = 0; r == 0 && i < manifest->nlayers; i++) {
		img_store_say(stage->store, "unpacking layer %zu of %zu (%.1f MB)", i + 1,
			      manifest->nlayers, (double)manifest->layers[i].size / 1e6);
		r = unpack_blob(stage, unpack, &manifest->layers[i], &config->diff_ids[i], err);
		if (r < 0)
			il_wrap(err, r, "layer %zu", i + 1);
	}
	return r < 0 ? r : img_unpack_end(unpack, err);
}

int img_root_publish(struct img_stage *stage, const char *chain_id, struct il_err *err)
{
	char path[IMG_ROOT_PATH_MAX];

	img_root_path(chain_id, path);
	if (renameat(stage->fd, IMG_STAGED_ROOT, stage->store->fd, path) == 0 ||
	    errno == ENOTEMPTY || errno == EEXIST)
		return 0;
	return il_fail(err, errno, "move the unpacked layers to '%s/%s'", stage->store->path, path);
}

/* Unpack from the stored blobs: the cache was removed, or is of an older version. */
static int rebuild_root(struct img_stage *stage, const struct img_image *image, struct il_err *err)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	_cleanup_(img_config_done) struct img_config config = {0};
	_cleanup_(freep) char *manifest_text = NULL;
	_cleanup_(freep) char *config_text = NULL;
	struct img_digest digest;
	size_t len = 0;
	int r = img_digest_parse(image->digest, &digest, err);

	if (r == 0)
		r = img_stage_read(stage, &digest, &manifest_text, &len, err);
	if (r == 0)
		r = img_manifest_parse(manifest_text, len, "the manifest", &manifest, err);
	if (r == 0)
		r = img_stage_read(stage, &manifest.config.digest, &config_text, &len, err);
	if (r == 0)
		r = img_config_parse(config_text, len, "the image config", &config, err);
	if (r == 0 && config.ndiff_ids != manifest.nlayers)
		r = il_refuse(err, EINVAL, "the stored config does not fit the manifest");
	if (r == 0)
		r = img_root_build(stage, &manifest, &config, err);
	return r < 0 ? r : img_root_publish(stage, image->chain_id, err);
}

int img_rootfs(struct img_store *store, const struct img_image *image, char **ret_path,
	       struct il_err *err)
{
	_cleanup_(img_stage_done) struct img_stage stage = IMG_STAGE_INIT;
	char path[IMG_ROOT_PATH_MAX];
	int r = 0;

	img_root_path(image->chain_id, path);
	if (faccessat(store->fd, path, F_OK, 0) < 0) {
		r = img_stage_begin(store, &stage, err);
		/* Look again: somebody may have made it while we waited for the lock. */
		if (r == 0 && faccessat(store->fd, path, F_OK, 0) < 0)
			r = rebuild_root(&stage, image, err);
		if (r < 0)
			return il_wrap(err, r, "unpack '%s'", image->name);
	}
	*ret_path = il_strf("%s/%s", store->path, path);
	return *ret_path ? 0 : il_fail(err, ENOMEM, "unpack '%s'", image->name);
}

static int build_erofs(struct img_stage *stage, const struct img_image *image, const char *root,
		       const char *path, struct il_err *err)
{
	struct img_store *store = stage->store;
	_cleanup_(freep) char *tmp = il_strf("%s/%s/erofs", store->path, stage->name);

	if (!tmp)
		return il_fail(err, ENOMEM, "make the EROFS image");
	img_store_say(store, "making the EROFS image of '%s'", image->name);
	int r = img_mkfs_erofs(root, tmp, err);
	if (r < 0)
		return r;
	if (renameat(stage->fd, "erofs", store->fd, path) < 0)
		return il_fail(err, errno, "move the EROFS image to '%s/%s'", store->path, path);
	return 0;
}

int img_erofs(struct img_store *store, const struct img_image *image, char **ret_path,
	      struct il_err *err)
{
	_cleanup_(img_stage_done) struct img_stage stage = IMG_STAGE_INIT;
	_cleanup_(freep) char *root = NULL;
	char path[IMG_EROFS_PATH_MAX];
	int r = 0;

	img_erofs_path(image->chain_id, path);
	if (faccessat(store->fd, path, F_OK, 0) < 0) {
		r = img_rootfs(store, image, &root, err);
		if (r == 0)
			r = img_stage_begin(store, &stage, err);
		if (r == 0 && faccessat(store->fd, path, F_OK, 0) < 0)
			r = build_erofs(&stage, image, root, path, err);
		if (r < 0)
			return r;
	}
	*ret_path = il_strf("%s/%s", store->path, path);
	return *ret_path ? 0 : il_fail(err, ENOMEM, "find the EROFS image");
}
