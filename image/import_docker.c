// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "image/import.h"
#include "image/reference.h"

static bool has_tag(const json_t *item, const char *ref)
{
	const json_t *tags = json_object_get(item, "RepoTags");
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		if (json_is_string(tag) && img_ref_same(json_string_value(tag), ref))
			return true;
	}
	return false;
}

static int choose(const json_t *doc, const char *ref, const json_t **ret, struct il_err *err)
{
	const json_t *item;
	size_t i;

	if (!json_is_array(doc) || json_array_size(doc) == 0)
		return il_refuse(err, EINVAL, "manifest.json is not a list of images");
	if (!ref && json_array_size(doc) > 1)
		return il_refuse(err, EINVAL, "it holds %zu images: choose one with --ref",
				 json_array_size(doc));
	json_array_foreach(doc, i, item)
	{
		if (!ref || has_tag(item, ref)) {
			*ret = item;
			return 0;
		}
	}
	return il_refuse(err, EINVAL, "it holds no image named '%.200s'", ref);
}

/* docker writes plain tar, some builders packed ones: told by the first bytes. */
static int layer_media_type(struct img_stage *stage, struct img_desc *layer, struct il_err *err)
{
	_cleanup_(closep) int fd = img_stage_open(stage, &layer->digest, err);
	unsigned char head[4] = {0};

	if (fd < 0)
		return fd;
	ssize_t n = il_read_full(fd, head, sizeof(head));
	if (n < 0)
		return il_fail(err, (int)-n, "read a layer");
	const char *packing = "";
	if (head[0] == 0x1f && head[1] == 0x8b)
		packing = "gzip";
	else if (memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0)
		packing = "zstd";
	const char *type = img_layer_media_type(packing);
	snprintf(layer->media_type, sizeof(layer->media_type), "%s", type);
	return 0;
}

static int take_layer(struct img_stage *stage, struct img_bundle *bundle, const json_t *path,
		      size_t number, struct img_desc *ret, struct il_err *err)
{
	char what[32];

	snprintf(what, sizeof(what), "layer %zu", number);
	if (!json_is_string(path))
		return il_refuse(err, EINVAL, "manifest.json: Layers[%zu] is not a name",
				 number - 1);
	int r = img_bundle_blob(bundle, json_string_value(path), what, NULL, ret, err);
	return r < 0 ? r : layer_media_type(stage, ret, err);
}

int img_import_docker(struct img_stage *stage, struct img_bundle *bundle, const char *ref,
		      struct img_incoming *ret, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) struct img_desc *layers = NULL;
	struct img_desc config = {.media_type = IMG_MEDIA_CONFIG};
	json_auto_t *doc = NULL;
	const json_t *item = NULL;
	const char *config_path = NULL;
	json_t *paths = NULL;
	size_t len = 0;
	int r = img_bundle_read(bundle, "manifest.json", &text, &len, err);

	if (r == 0)
		r = il_json_parse(text, len, "manifest.json", &doc, err);
	if (r == 0)
		r = choose(doc, ref, &item, err);
	if (r < 0)
		return r;
	if (il_json_str(item, "manifest.json", "Config", &config_path, err) < 0 ||
	    il_json_arr(item, "manifest.json", "Layers", &paths, err) < 0)
		return -EINVAL;
	size_t n = json_array_size(paths);
	if (n == 0 || n > IMG_LAYERS_MAX)
		return il_refuse(err, EINVAL, "manifest.json: %zu layers, need 1 to %d", n,
				 IMG_LAYERS_MAX);
	layers = calloc(n, sizeof(*layers));
	if (!layers)
		return il_fail(err, ENOMEM, "read manifest.json");
	r = img_bundle_blob(bundle, config_path, "the image config", NULL, &config, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = take_layer(stage, bundle, json_array_get(paths, i), i + 1, &layers[i], err);
	return r < 0 ? r : img_compose(stage, &config, layers, n, ret, err);
}
