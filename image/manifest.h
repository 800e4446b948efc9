/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON documents of an image: index, manifest, config. Parsers of foreign text: every
 * member is checked, every count and length bounded, nothing is opened.
 */
#ifndef IL_IMAGE_MANIFEST_H
#define IL_IMAGE_MANIFEST_H

#include "base/json.h"
#include "image/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define IMG_JSON_MAX    (8u << 20) /* bytes of one document */
#define IMG_LAYERS_MAX  256
#define IMG_INDEX_MAX   4096 /* manifests in one index */
#define IMG_STRINGS_MAX 8192 /* entries of Env, Cmd, Entrypoint */
#define IMG_MEDIA_MAX   127
#define IMG_BLOB_MAX    (64ull << 30) /* bytes of one layer, packed or unpacked */

#define IMG_MEDIA_INDEX    "application/vnd.oci.image.index.v1+json"
#define IMG_MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define IMG_MEDIA_CONFIG   "application/vnd.oci.image.config.v1+json"
#define IMG_MEDIA_LAYER    "application/vnd.oci.image.layer.v1.tar"
#define IMG_REF_ANNOTATION "org.opencontainers.image.ref.name"

enum img_media {
	IMG_KIND_UNKNOWN,
	IMG_KIND_INDEX,
	IMG_KIND_MANIFEST,
	IMG_KIND_CONFIG,
	IMG_KIND_LAYER,
};

/* A pointer to content. */
struct img_desc {
	char media_type[IMG_MEDIA_MAX + 1];
	enum img_media kind;
	struct img_digest digest;
	uint64_t size; /* bytes */
	bool has_platform;
	bool platform_ok;  /* linux/amd64, or no platform given */
	char platform[64]; /* "linux/arm64/v8", for messages */
	char *ref_name;    /* owned; NULL when not annotated */
	char *image_name;  /* owned; containerd's full name annotation, NULL when none */
};

struct img_index {
	struct img_desc *manifests; /* owned */
	size_t n;
};

struct img_manifest {
	struct img_desc config;
	struct img_desc *layers; /* owned, lowest first */
	size_t nlayers;
};

struct img_config {
	char *created; /* RFC 3339, "" when missing */
	char *user;
	char *workdir;
	char **entrypoint;
	char **cmd;
	char **env;
	struct img_digest *diff_ids; /* owned, lowest first */
	size_t ndiff_ids;
};

/* img_media_kind: what a media type is; OCI's and Docker's are known. */
enum img_media img_media_kind(const char *media_type);

/*
 * The parsers. @what names the document in messages. Return 0 and a filled *ret, to be
 * released with the matching _done; or -EINVAL (damaged, unknown, over a limit), -ENOMEM.
 * Source: OCI image-spec image-index.md, manifest.md, config.md; Docker image manifest v2.2.
 */
int img_index_parse(const char *text, size_t len, const char *what, struct img_index *ret,
		    struct il_err *err) IL_MUST_CHECK;
int img_manifest_parse(const char *text, size_t len, const char *what, struct img_manifest *ret,
		       struct il_err *err) IL_MUST_CHECK;
int img_config_parse(const char *text, size_t len, const char *what, struct img_config *ret,
		     struct il_err *err) IL_MUST_CHECK;

void img_index_done(struct img_index *index);
void img_manifest_done(struct img_manifest *manifest);
void img_config_done(struct img_config *config);
void img_strv_free(char ***strings); /* frees a NULL-ended array; a scope closer */

/* img_desc_json: a new descriptor object, or NULL when memory is out. */
json_t *img_desc_json(const char *media_type, const struct img_digest *digest,
		      uint64_t size) IL_MUST_CHECK;

#endif
