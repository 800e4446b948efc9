// SPDX-License-Identifier: Apache-2.0
/* Images made here: of a root tarball or directory, with a manifest and config of our own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/import.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *img_layer_media_type(const char *packing)
{
	if (*packing == '\0')
		return IMG_MEDIA_LAYER;
	if (strcmp(packing, "gzip") == 0)
		return IMG_MEDIA_LAYER "+gzip";
	return strcmp(packing, "zstd") == 0 ? IMG_MEDIA_LAYER "+zstd" : NULL;
}

static int stage_json(struct img_stage *stage, json_t *doc, struct img_desc *ret,
		      struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;

	text = doc ? json_dumps(doc, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	if (!text)
		return il_fail(err, ENOMEM, "write the manifest");
	return img_stage_write(stage, text, strlen(text), ret, err);
}

int img_compose(struct img_stage *stage, const struct img_desc *config,
		const struct img_desc *layers, size_t nlayers, struct img_incoming *ret,
		struct il_err *err)
{
	json_t *list = json_array();
	json_auto_t *doc = NULL;

	for (size_t i = 0; i < nlayers; i++)
		if (json_array_append_new(list, img_desc_json(layers[i].media_type,
							      &layers[i].digest, layers[i].size)) <
		    0) {
			json_decref(list);
			return il_fail(err, ENOMEM, "write the manifest");
		}
	/* "o" takes the references over, also when packing fails. */
	doc = json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType", IMG_MEDIA_MANIFEST,
			"config", img_desc_json(config->media_type, &config->digest, config->size),
			"layers", list);
	ret->manifest = (struct img_desc){.media_type = IMG_MEDIA_MANIFEST};
	return stage_json(stage, doc, &ret->manifest, err);
}

int img_compose_root(struct img_stage *stage, const struct img_desc *layer,
		     const struct img_digest *diff_id, struct img_incoming *ret, struct il_err *err)
{
	struct img_desc config = {.media_type = IMG_MEDIA_CONFIG};
	/* No date: the same tarball gives the same image. */
	json_auto_t *doc =
	    json_pack("{s:s, s:s, s:{s:[s], s:[s], s:s}, s:{s:s, s:[s]}, s:[{s:s}]}",
		      "architecture", "amd64", "os", "linux", "config", "Env", DEFAULT_PATH, "Cmd",
		      "/bin/sh", "WorkingDir", "/", "rootfs", "type", "layers", "diff_ids",
		      diff_id->text, "history", "created_by", "isolab import");
	int r = stage_json(stage, doc, &config, err);

	return r < 0 ? r : img_compose(stage, &config, layer, 1, ret, err);
}

/* Reads the whole archive: is it sound, how is it packed, what is its diff ID? */
static int examine(int fd, const char *what, char *packing, size_t cap, struct img_digest *diff_id,
		   struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	struct archive_entry *e = NULL;
	size_t n = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return il_fail(err, errno, "read %s", what);
	int r = img_stream_open(fd, what, &stream, err);
	if (r < 0)
		return r;
	while ((r = img_stream_next(stream, &e, err)) > 0)
		n++;
	if (r == 0)
		r = img_stream_finish(stream, /* need_end= */ true, diff_id, err);
	if (r < 0)
		return r;
	if (n == 0)
		return il_refuse(err, EINVAL, "%s is an archive without files", what);
	snprintf(packing, cap, "%s", img_stream_packing(stream));
	return 0;
}

/* OCI knows no xz or bzip2 layers: such a tarball is stored unpacked. */
static int stage_unpacked(struct img_stage *stage, int fd, const char *what, struct img_desc *ret,
			  struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	_cleanup_(closep) int plain =
	    il_open(stage->fd, "plain.tar", O_RDWR | O_CREAT | O_EXCL, 0600);

	if (plain < 0)
		return il_fail(err, -plain, "unpack %s", what);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return il_fail(err, errno, "read %s", what);
	int r = img_stream_open(fd, what, &stream, err);
	if (r == 0)
		r = img_stream_save(stream, plain, err);
	if (r == 0)
		r = img_stream_finish(stream, false, &ret->digest, err);
	if (r < 0)
		return r;
	off_t size = lseek(plain, 0, SEEK_END);
	if (size < 0)
		return il_fail(err, errno, "unpack %s", what);
	ret->size = (uint64_t)size;
	return img_stage_adopt(stage, "plain.tar", &ret->digest, err);
}

int img_import_tarball(struct img_stage *stage, int fd, const char *what, struct img_incoming *ret,
		       struct il_err *err)
{
	struct img_desc layer = {.media_type = IMG_MEDIA_LAYER};
	struct img_digest diff_id;
	char packing[32];
	int r = examine(fd, what, packing, sizeof(packing), &diff_id, err);

	if (r < 0)
		return r;
	const char *type = img_layer_media_type(packing);
	if (type) {
		snprintf(layer.media_type, sizeof(layer.media_type), "%s", type);
		if (lseek(fd, 0, SEEK_SET) < 0)
			return il_fail(err, errno, "read %s", what);
		r = img_stage_copy(stage, fd, what, NULL, &layer, err);
	} else {
		r = stage_unpacked(stage, fd, what, &layer, err);
	}
	return r < 0 ? r : img_compose_root(stage, &layer, &diff_id, ret, err);
}
