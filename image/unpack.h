/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers -> one directory. A layer is hostile: nothing it says may reach outside the
 * directory. Every name is resolved by the kernel below a descriptor of that directory
 * (openat2, RESOLVE_IN_ROOT), the last component never through a symbolic link.
 */
#ifndef IL_IMAGE_UNPACK_H
#define IL_IMAGE_UNPACK_H

#include "image/stream.h"

struct img_unpack; /* private */

/* Called for things that cannot be done here but do not stop the work; once per kind. */
typedef void (*img_warn_fn)(void *ctx, const char *text);

/*
 * img_unpack_new: start unpacking into a directory, which must be empty.
 * @rootfd  borrowed until img_unpack_free
 * Returns 0 and an owned object in *ret, or -ENOMEM.
 */
int img_unpack_new(int rootfd, img_warn_fn warn, void *warn_ctx, struct img_unpack **ret,
		   struct il_err *err) IL_MUST_CHECK;
void img_unpack_freep(struct img_unpack **unpack);

/*
 * img_unpack_layer: apply one layer: its entries, whiteouts and opaque directories.
 * Returns 0; -EINVAL damaged, hostile or over a limit; -ENOSPC; or -errno.
 * Source: OCI image-spec layer.md.
 */
int img_unpack_layer(struct img_unpack *unpack, struct img_stream *layer,
		     struct il_err *err) IL_MUST_CHECK;

/* img_unpack_end: after the last layer, give directories their modes and times. */
int img_unpack_end(struct img_unpack *unpack, struct il_err *err) IL_MUST_CHECK;

#endif
