// SPDX-License-Identifier: Apache-2.0
#include "image/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static const struct {
	const char *media_type;
	enum img_media kind;
} media_types[] = {
    {IMG_MEDIA_INDEX, IMG_KIND_INDEX},
    {"application/vnd.docker.distribution.manifest.list.v2+json", IMG_KIND_INDEX},
    {IMG_MEDIA_MANIFEST, IMG_KIND_MANIFEST},
    {"application/vnd.docker.distribution.manifest.v2+json", IMG_KIND_MANIFEST},
    {IMG_MEDIA_CONFIG, IMG_KIND_CONFIG},
    {"application/vnd.docker.container.image.v1+json", IMG_KIND_CONFIG},
    {IMG_MEDIA_LAYER, IMG_KIND_LAYER},
    {IMG_MEDIA_LAYER "+gzip", IMG_KIND_LAYER},
    {IMG_MEDIA_LAYER "+zstd", IMG_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar", IMG_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", IMG_KIND_LAYER},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", IMG_KIND_LAYER},
    {"application/vnd.docker.container.image.rootfs.diff+x-gtar", IMG_KIND_LAYER},
};

enum img_media img_media_kind(const char *media_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(media_types); i++)
		if (strcmp(media_type, media_types[i].media_type) == 0)
			return media_types[i].kind;
	return IMG_KIND_UNKNOWN;
}

void img_strv_free(char ***strings)
{
	char **v = *strings;

	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
	*strings = NULL;
}

static void desc_done(struct img_desc *d)
{
	free(d->ref_name);
	free(d->image_name);
	*d = (struct img_desc){0};
}

void img_index_done(struct img_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		desc_done(&index->manifests[i]);
	free(index->manifests);
	*index = (struct img_index){0};
}

void img_manifest_done(struct img_manifest *manifest)
{
	desc_done(&manifest->config);
	for (size_t i = 0; i < manifest->nlayers; i++)
		desc_done(&manifest->layers[i]);
	free(manifest->layers);
	*manifest = (struct img_manifest){0};
}

void img_config_done(struct img_config *config)
{
	free(config->created);
	free(config->user);
	free(config->workdir);
	img_strv_free(&config->entrypoint);
	img_strv_free(&config->cmd);
	img_strv_free(&config->env);
	free(config->diff_ids);
	*config = (struct img_config){0};
}

/* ---- helpers ------------------------------------------------------------------------ */

/* Like il_json_str, but a missing member is the empty string. Still borrowed. */
static int optional_str(const json_t *obj, const char *path, const char *key, const char **ret,
			struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = "";
	if (!v || json_is_null(v))
		return 0;
	return il_json_str(obj, path, key, ret, err) < 0 ? -EINVAL : 0;
}

static int copy_optional_str(const json_t *obj, const char *path, const char *key, char **ret,
			     struct il_err *err)
{
	const char *text = NULL;
	int r = optional_str(obj, path, key, &text, err);

	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : il_fail(err, ENOMEM, "%s.%s", path, key);
}

/* A member that must be an array of at most @max items; a missing one is *ret = NULL. */
static int bounded_arr(const json_t *obj, const char *path, const char *key, size_t max,
		       json_t **ret, struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	int r = il_json_arr(obj, path, key, ret, err);
	if (r == 0 && json_array_size(*ret) > max)
		return il_refuse(err, EINVAL, "%s.%s has %zu entries, at most %zu are accepted",
				 path, key, json_array_size(*ret), max);
	return r;
}

/* Reads config.KEY, an array of strings, as an owned NULL-ended array (maybe empty). */
static int copy_strings(const json_t *obj, const char *key, char ***ret, struct il_err *err)
{
	_cleanup_(img_strv_free) char **v = NULL;
	json_t *arr = NULL;
	int r = bounded_arr(obj, "config", key, IMG_STRINGS_MAX, &arr, err);

	if (r < 0)
		return r;
	size_t n = json_array_size(arr);
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return il_fail(err, ENOMEM, "config.%s", key);
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(arr, i));

		if (!text)
			return il_refuse(err, EINVAL, "config.%s[%zu]: expected a string", key, i);
		v[i] = strdup(text);
		if (!v[i])
			return il_fail(err, ENOMEM, "config.%s", key);
	}
	*ret = steal_ptr(v);
	return 0;
}

/* ---- descriptors -------------------------------------------------------------------- */

static int parse_platform(const json_t *obj, struct img_desc *d, struct il_err *err)
{
	const json_t *p = json_object_get(obj, "platform");
	const char *os = "";
	const char *arch = "";
	const char *variant = "";

	d->platform_ok = true;
	if (!json_is_object(p))
		return 0;
	int r = optional_str(p, "platform", "os", &os, err);
	if (r == 0)
		r = optional_str(p, "platform", "architecture", &arch, err);
	if (r == 0)
		r = optional_str(p, "platform", "variant", &variant, err);
	if (r < 0)
		return r;
	d->has_platform = true;
	/* Variants v2, v3 of amd64 need CPU features that not every host has. */
	d->platform_ok = strcmp(os, "linux") == 0 && strcmp(arch, "amd64") == 0 &&
			 (*variant == '\0' || strcmp(variant, "v1") == 0);
	snprintf(d->platform, sizeof(d->platform), "%.20s/%.20s%s%.20s", os, arch,
		 *variant ? "/" : "", variant);
	return 0;
}

static int parse_annotations(const json_t *obj, struct img_desc *d, struct il_err *err)
{
	const json_t *a = json_object_get(obj, "annotations");

	if (!json_is_object(a))
		return 0;
	if (json_object_get(a, IMG_REF_ANNOTATION)) {
		int r = copy_optional_str(a, "annotations", IMG_REF_ANNOTATION, &d->ref_name, err);
		if (r < 0)
			return r;
	}
	if (json_object_get(a, "io.containerd.image.name"))
		return copy_optional_str(a, "annotations", "io.containerd.image.name",
					 &d->image_name, err);
	return 0;
}

/* Fills *ret, to be released with desc_done even on failure. */
static int parse_desc(const json_t *obj, const char *path, struct img_desc *ret, struct il_err *err)
{
	const char *media = NULL;
	const char *digest = NULL;

	if (!json_is_object(obj))
		return il_refuse(err, EINVAL, "%s: expected a descriptor object", path);
	int r = il_json_str(obj, path, "mediaType", &media, err);
	if (r == 0)
		r = il_json_str(obj, path, "digest", &digest, err);
	if (r == 0)
		r = il_json_u64(obj, path, "size", &ret->size, err);
	if (r < 0)
		return -EINVAL;
	if (strlen(media) > IMG_MEDIA_MAX)
		return il_refuse(err, EINVAL, "%s.mediaType is longer than %d characters", path,
				 IMG_MEDIA_MAX);
	memcpy(ret->media_type, media, strlen(media) + 1);
	ret->kind = img_media_kind(media);
	r = img_digest_parse(digest, &ret->digest, err);
	if (r < 0)
		return il_wrap(err, r, "%s", path);
	if (ret->size > IMG_BLOB_MAX)
		return il_refuse(err, EINVAL, "%s.size is %" PRIu64 ", at most %llu are accepted",
				 path, ret->size, IMG_BLOB_MAX);
	r = parse_platform(obj, ret, err);
	return r < 0 ? r : parse_annotations(obj, ret, err);
}

static int parse_descs(const json_t *arr, const char *key, struct img_desc **ret, size_t *ret_n,
		       struct il_err *err)
{
	size_t n = json_array_size(arr);

	*ret = calloc(IL_MAX(n, (size_t)1), sizeof(**ret));
	if (!*ret)
		return il_fail(err, ENOMEM, "%s", key);
	*ret_n = n;
	for (size_t i = 0; i < n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s[%zu]", key, i);
		int r = parse_desc(json_array_get(arr, i), path, &(*ret)[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* schemaVersion 2 and, when there is one, a mediaType of the right kind. */
static int check_document(const json_t *doc, enum img_media kind, struct il_err *err)
{
	uint64_t version = 0;
	const char *media = NULL;

	if (!json_is_object(doc))
		return il_refuse(err, EINVAL, "expected a JSON object");
	if (il_json_u64(doc, "document", "schemaVersion", &version, err) < 0)
		return -EINVAL;
	if (version != 2)
		return il_refuse(err, EINVAL,
				 "schema version %" PRIu64 " is not supported (only 2)", version);
	int r = optional_str(doc, "document", "mediaType", &media, err);
	if (r < 0)
		return r;
	if (*media && img_media_kind(media) != kind)
		return il_refuse(err, EINVAL, "media type '%.100s' is not supported here", media);
	return 0;
}

/* ---- documents ---------------------------------------------------------------------- */

static int index_from_json(const json_t *doc, struct img_index *ret, struct il_err *err)
{
	json_t *arr = NULL;
	int r = check_document(doc, IMG_KIND_INDEX, err);

	if (r == 0)
		r = bounded_arr(doc, "index", "manifests", IMG_INDEX_MAX, &arr, err);
	if (r == 0)
		r = parse_descs(arr, "manifests", &ret->manifests, &ret->n, err);
	return r;
}

int img_index_parse(const char *text, size_t len, const char *what, struct img_index *ret,
		    struct il_err *err)
{
	_cleanup_(img_index_done) struct img_index index = {0};
	json_auto_t *doc = NULL;
	int r = il_json_parse(text, len, what, &doc, err);

	if (r < 0)
		return r;
	r = index_from_json(doc, &index, err);
	if (r < 0)
		return il_wrap(err, r, "%s", what);
	*ret = index;
	index = (struct img_index){0};
	return 0;
}

static int check_kinds(const struct img_manifest *m, struct il_err *err)
{
	if (m->config.kind != IMG_KIND_CONFIG)
		return il_refuse(err, EINVAL,
				 "config media type '%s' is not that of a container image",
				 m->config.media_type);
	if (m->config.size > IMG_JSON_MAX)
		return il_refuse(err, EINVAL, "config.size is %" PRIu64 ", at most %u are accepted",
				 m->config.size, IMG_JSON_MAX);
	if (m->nlayers == 0)
		return il_refuse(err, EINVAL, "the image has no layers");
	for (size_t i = 0; i < m->nlayers; i++)
		if (m->layers[i].kind != IMG_KIND_LAYER)
			return il_refuse(
			    err, EINVAL,
			    "layer %zu: media type '%s' is not supported (tar, tar+gzip, "
			    "tar+zstd are)",
			    i + 1, m->layers[i].media_type);
	return 0;
}

static int manifest_from_json(const json_t *doc, struct img_manifest *ret, struct il_err *err)
{
	json_t *config = NULL;
	json_t *layers = NULL;
	int r = check_document(doc, IMG_KIND_MANIFEST, err);

	if (r < 0)
		return r;
	if (il_json_obj(doc, "manifest", "config", &config, err) < 0)
		return -EINVAL;
	r = parse_desc(config, "config", &ret->config, err);
	if (r == 0)
		r = bounded_arr(doc, "manifest", "layers", IMG_LAYERS_MAX, &layers, err);
	if (r == 0)
		r = parse_descs(layers, "layers", &ret->layers, &ret->nlayers, err);
	return r < 0 ? r : check_kinds(ret, err);
}

int img_manifest_parse(const char *text, size_t len, const char *what, struct img_manifest *ret,
		       struct il_err *err)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	json_auto_t *doc = NULL;
	int r = il_json_parse(text, len, what, &doc, err);

	if (r < 0)
		return r;
	r = manifest_from_json(doc, &manifest, err);
	if (r < 0)
		return il_wrap(err, r, "%s", what);
	*ret = manifest;
	manifest = (struct img_manifest){0};
	return 0;
}

static int check_config_platform(const json_t *doc, struct il_err *err)
{
	const char *os = "";
	const char *arch = "";
	int r = optional_str(doc, "image config", "os", &os, err);

	if (r == 0)
		r = optional_str(doc, "image config", "architecture", &arch, err);
	if (r < 0)
		return r;
	if ((*os && strcmp(os, "linux") != 0) || (*arch && strcmp(arch, "amd64") != 0))
		return il_refuse(err, EINVAL, "the image is for %.20s/%.20s, not for linux/amd64",
				 os, arch);
	return 0;
}

static int parse_diff_ids(const json_t *doc, struct img_config *ret, struct il_err *err)
{
	json_t *rootfs = NULL;
	json_t *arr = NULL;

	if (il_json_obj(doc, "image config", "rootfs", &rootfs, err) < 0)
		return -EINVAL;
	int r = bounded_arr(rootfs, "rootfs", "diff_ids", IMG_LAYERS_MAX, &arr, err);
	if (r < 0)
		return r;
	size_t n = json_array_size(arr);
	ret->diff_ids = calloc(IL_MAX(n, (size_t)1), sizeof(*ret->diff_ids));
	if (!ret->diff_ids)
		return il_fail(err, ENOMEM, "rootfs.diff_ids");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(arr, i));

		r = img_digest_parse(text ? text : "", &ret->diff_ids[i], err);
		if (r < 0)
			return il_wrap(err, r, "rootfs.diff_ids[%zu]", i);
	}
	ret->ndiff_ids = n;
	return 0;
}

static int config_from_json(const json_t *doc, struct img_config *ret, struct il_err *err)
{
	if (!json_is_object(doc))
		return il_refuse(err, EINVAL, "expected a JSON object");
	/* A missing "config" reads as an empty one: every look-up below takes NULL. */
	const json_t *config = json_object_get(doc, "config");
	int r = check_config_platform(doc, err);

	if (r == 0)
		r = parse_diff_ids(doc, ret, err);
	if (r == 0)
		r = copy_optional_str(doc, "image config", "created", &ret->created, err);
	if (r == 0)
		r = copy_optional_str(config, "config", "User", &ret->user, err);
	if (r == 0)
		r = copy_optional_str(config, "config", "WorkingDir", &ret->workdir, err);
	if (r == 0)
		r = copy_strings(config, "Entrypoint", &ret->entrypoint, err);
	if (r == 0)
		r = copy_strings(config, "Cmd", &ret->cmd, err);
	if (r == 0)
		r = copy_strings(config, "Env", &ret->env, err);
	return r;
}

int img_config_parse(const char *text, size_t len, const char *what, struct img_config *ret,
		     struct il_err *err)
{
	_cleanup_(img_config_done) struct img_config config = {0};
	json_auto_t *doc = NULL;
	int r = il_json_parse(text, len, what, &doc, err);

	if (r < 0)
		return r;
	r = config_from_json(doc, &config, err);
	if (r < 0)
		return il_wrap(err, r, "%s", what);
	*ret = config;
	config = (struct img_config){0};
	return 0;
}

json_t *img_desc_json(const char *media_type, const struct img_digest *digest, uint64_t size)
{
	return json_pack("{s:s, s:s, s:I}", "mediaType", media_type, "digest", digest->text, "size",
			 (json_int_t)size);
}
