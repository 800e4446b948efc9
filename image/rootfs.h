/* SPDX-License-Identifier: Apache-2.0 */
/* Building of what the store caches by chain ID. For the files of image/ only. */
#ifndef IL_IMAGE_ROOTFS_H
#define IL_IMAGE_ROOTFS_H

#include "image/store.h"

#define IMG_STAGED_ROOT "root" /* the directory's name in the stage */

/* img_root_path: "roots/HEX" of a chain ID into @ret (IMG_ROOT_PATH_MAX bytes). */
#define IMG_ROOT_PATH_MAX (sizeof("roots/") + IMG_HEX_LEN)
void img_root_path(const char *chain_id, char *ret);

/* img_erofs_path: the same for "erofs/HEX.erofs". */
#define IMG_EROFS_PATH_MAX (sizeof("erofs/.erofs") + IMG_HEX_LEN)
void img_erofs_path(const char *chain_id, char *ret);

/*
 * img_root_build: unpack the layers into the stage's IMG_STAGED_ROOT, checking each layer
 * against its diff ID. The blobs are staged or stored; counts of layers and diff IDs agree.
 */
int img_root_build(struct img_stage *stage, const struct img_manifest *manifest,
		   const struct img_config *config, struct il_err *err) IL_MUST_CHECK;

/* img_root_publish: move the built directory to its place; somebody else's may be there. */
int img_root_publish(struct img_stage *stage, const char *chain_id,
		     struct il_err *err) IL_MUST_CHECK;

/* img_mkfs_erofs: run mkfs.erofs on directory @root_path; @image_path is made. */
int img_mkfs_erofs(const char *root_path, const char *image_path, struct il_err *err) IL_MUST_CHECK;

#endif
