/* SPDX-License-Identifier: Apache-2.0 */
/* The ways into the store. For the files of image/ only; the entry is img_import. */
#ifndef IL_IMAGE_IMPORT_H
#define IL_IMAGE_IMPORT_H

#include "image/bundle.h"

/* An image under way: its blobs are staged, the manifest is the last of them. */
struct img_incoming {
	struct img_desc manifest; /* media_type, digest, size */
};

/*
 * The formats. Each stages the blobs of one image and fills *ret.
 * @ref  which image of several: a reference annotation or RepoTag; NULL = the only one
 * Return 0; -EINVAL damaged, hostile, ambiguous or for another platform; or -errno.
 */

/* An OCI image layout. Source: OCI image-spec image-layout.md. */
int img_import_oci(struct img_stage *stage, struct img_bundle *bundle, const char *ref,
		   struct img_incoming *ret, struct il_err *err) IL_MUST_CHECK;

/* `docker save` without an OCI layout: manifest.json. Source: moby image/spec/v1.2.md. */
int img_import_docker(struct img_stage *stage, struct img_bundle *bundle, const char *ref,
		      struct img_incoming *ret, struct il_err *err) IL_MUST_CHECK;

/* A tarball of a root file system. @fd is at its start. */
int img_import_tarball(struct img_stage *stage, int fd, const char *what, struct img_incoming *ret,
		       struct il_err *err) IL_MUST_CHECK;

/* A root file system's directory. @dirfd is borrowed. */
int img_import_directory(struct img_stage *stage, int dirfd, struct img_incoming *ret,
			 struct il_err *err) IL_MUST_CHECK;

/*
 * img_compose: write a manifest (and, for img_compose_root, a config) for staged blobs.
 * @config, @layers  media_type, digest and size are read
 */
int img_compose(struct img_stage *stage, const struct img_desc *config,
		const struct img_desc *layers, size_t nlayers, struct img_incoming *ret,
		struct il_err *err) IL_MUST_CHECK;
int img_compose_root(struct img_stage *stage, const struct img_desc *layer,
		     const struct img_digest *diff_id, struct img_incoming *ret,
		     struct il_err *err) IL_MUST_CHECK;

/* img_layer_media_type: OCI's type for a packing of stream.h; NULL when there is none. */
const char *img_layer_media_type(const char *packing);

#endif
