/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an import reads from: named files, either of a directory or of an archive that was
 * taken apart into the stage. Names inside are hostile: in a directory they are resolved
 * in its root, those of an archive are only keys.
 */
#ifndef IL_IMAGE_BUNDLE_H
#define IL_IMAGE_BUNDLE_H

#include "image/store.h"
#include "image/stream.h"

struct img_bundle; /* private */

/* img_bundle_dir: the files of a directory. @dirfd is borrowed until the close. */
int img_bundle_dir(struct img_stage *stage, int dirfd, struct img_bundle **ret,
		   struct il_err *err) IL_MUST_CHECK;

/* img_bundle_archive: take the archive @stream apart; its regular files become staged. */
int img_bundle_archive(struct img_stage *stage, struct img_stream *stream, struct img_bundle **ret,
		       struct il_err *err) IL_MUST_CHECK;

void img_bundle_closep(struct img_bundle **bundle);

/* img_bundle_read: a small file; owned text of at most IMG_JSON_MAX bytes. -ENOENT: missing. */
int img_bundle_read(struct img_bundle *bundle, const char *path, char **ret, size_t *ret_len,
		    struct il_err *err) IL_MUST_CHECK;

/*
 * img_bundle_blob: make the file @path a staged blob.
 * @what    names it in messages
 * @expect  the digest and size it must have, or NULL
 * @ret     receives digest and size
 */
int img_bundle_blob(struct img_bundle *bundle, const char *path, const char *what,
		    const struct img_desc *expect, struct img_desc *ret,
		    struct il_err *err) IL_MUST_CHECK;

#endif
