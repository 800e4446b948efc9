/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar stream out of a file that may be compressed, hashed while it is read.
 */
#ifndef IL_IMAGE_STREAM_H
#define IL_IMAGE_STREAM_H

#include "image/digest.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>

struct img_stream; /* private */

/*
 * img_stream_open: read @fd from its position on: tar, plain or compressed with gzip,
 * zstd, xz or bzip2 (told by content, not by name).
 * @fd    borrowed until img_stream_close
 * @what  names it in messages; borrowed as long
 * Returns 0 and an owned stream in *ret, or -EINVAL (no tar archive), -ENOMEM.
 */
int img_stream_open(int fd, const char *what, struct img_stream **ret,
		    struct il_err *err) IL_MUST_CHECK;
void img_stream_closep(struct img_stream **stream);

/*
 * img_stream_next: the next entry of the archive, borrowed until the next call.
 * Returns 1 and the entry; 0 at the end; -EINVAL damaged or truncated; -errno.
 */
int img_stream_next(struct img_stream *stream, struct archive_entry **ret,
		    struct il_err *err) IL_MUST_CHECK;

/*
 * img_stream_data: the next piece of the entry's data, borrowed until the next call.
 * @ret_offset  where it belongs: sparse files have holes
 * Returns 1; 0 at the entry's end; or -EINVAL, -errno.
 */
int img_stream_data(struct img_stream *stream, const void **ret, size_t *ret_len,
		    uint64_t *ret_offset, struct il_err *err) IL_MUST_CHECK;

/*
 * img_stream_finish: read what follows the archive's end and give the digest of the whole
 * uncompressed stream (a layer's diff ID).
 * @need_end  insist on the zero block that ends a tar archive: without it the file was cut
 */
int img_stream_finish(struct img_stream *stream, bool need_end, struct img_digest *ret,
		      struct il_err *err) IL_MUST_CHECK;

/*
 * img_stream_save: instead of entries, write the uncompressed stream to @fd. To be called on
 * a fresh stream, before img_stream_finish.
 */
int img_stream_save(struct img_stream *stream, int fd, struct il_err *err) IL_MUST_CHECK;

/* img_stream_packing: "" (plain tar), "gzip", "zstd", or another filter's name; borrowed. */
const char *img_stream_packing(const struct img_stream *stream);

#endif
