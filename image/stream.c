// SPDX-License-Identifier: Apache-2.0
/*
 * Two libarchive readers in a row: the first one only decompresses (format "raw"), so that
 * the bytes of the tar stream can be hashed and counted; the second one parses the tar.
 */
#include "image/stream.h"

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/manifest.h"

#define READ_CHUNK (128u << 10)
#define TAR_BLOCK  512u

struct img_stream {
	const char *what;
	int fd;
	struct archive *raw;
	struct archive *tar;
	bool tar_open;
	struct img_hash hash;
	uint64_t size;           /* uncompressed bytes so far */
	uint64_t trailing_zeros; /* at the end of these */
	int failure;             /* -errno of the callbacks below; their message is in err */
	struct il_err err;
	locale_t locale; /* a UTF-8 one: libarchive converts pax names to the thread's */
	char chunk[READ_CHUNK];
};

/* ---- compressed file -> bytes ------------------------------------------------------- */

static la_ssize_t read_file(struct archive *a, void *ctx, const void **ret)
{
	struct img_stream *s = ctx;
	ssize_t n = il_read_full(s->fd, s->chunk, sizeof(s->chunk));

	if (n < 0) {
		s->failure = il_fail(&s->err, (int)-n, "read %s", s->what);
		archive_set_error(a, (int)-n, "read");
		return -1;
	}
	*ret = s->chunk;
	return n;
}

static la_int64_t skip_nothing(struct archive *a IL_UNUSED, void *ctx IL_UNUSED,
			       la_int64_t request IL_UNUSED)
{
	return 0;
}

static void note_bytes(struct img_stream *s, const char *data, size_t len)
{
	size_t zeros = 0;

	img_hash_add(&s->hash, data, len);
	s->size += len;
	while (zeros < len && data[len - 1 - zeros] == '\0')
		zeros++;
	s->trailing_zeros = zeros == len ? s->trailing_zeros + len : zeros;
}

static int raw_failure(struct img_stream *s)
{
	const char *why = archive_error_string(s->raw);

	if (s->failure == 0)
		s->failure = il_refuse(&s->err, EINVAL, "%s is damaged or truncated: %s", s->what,
				       why ? why : "cannot decompress");
	return s->failure;
}

/* The next uncompressed bytes. Returns their number, 0 at the end, -errno. */
static la_ssize_t next_bytes(struct img_stream *s, const void **ret)
{
	size_t len = 0;
	la_int64_t offset = 0;

	do {
		int r = archive_read_data_block(s->raw, ret, &len, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r < ARCHIVE_WARN)
			return raw_failure(s);
	} while (len == 0);
	note_bytes(s, *ret, len);
	if (s->size > IMG_BLOB_MAX)
		return s->failure = il_refuse(&s->err, EFBIG, "%s unpacks to more than %llu GiB",
					      s->what, IMG_BLOB_MAX >> 30);
	return (la_ssize_t)len;
}

/* ---- bytes -> tar entries ----------------------------------------------------------- */

static la_ssize_t read_raw(struct archive *a, void *ctx, const void **ret)
{
	la_ssize_t n = next_bytes(ctx, ret);

	if (n < 0)
		archive_set_error(a, (int)-n, "decompress");
	return n < 0 ? -1 : n;
}

static int tar_failure(struct img_stream *s, struct il_err *err)
{
	const char *why = archive_error_string(s->tar);

	if (s->failure < 0)
		return il_refuse(err, -s->failure, "%s", s->err.msg);
	return il_refuse(err, EINVAL, "%s is damaged or truncated: %s", s->what,
			 why ? why : "not a tar archive");
}

static int open_readers(struct img_stream *s, struct il_err *err)
{
	struct archive_entry *entry = NULL;

	s->raw = archive_read_new();
	s->tar = archive_read_new();
	if (!s->raw || !s->tar)
		return il_fail(err, ENOMEM, "read %s", s->what);
	archive_read_support_filter_gzip(s->raw);
	archive_read_support_filter_zstd(s->raw);
	archive_read_support_filter_xz(s->raw);
	archive_read_support_filter_bzip2(s->raw);
	archive_read_support_format_raw(s->raw);
	archive_read_support_format_empty(s->raw);
	archive_read_support_format_tar(s->tar);
	if (archive_read_open2(s->raw, s, NULL, read_file, skip_nothing, NULL) != ARCHIVE_OK)
		return il_refuse(err, EINVAL, "%s", (raw_failure(s), s->err.msg));
	int r = archive_read_next_header(s->raw, &entry);
	if (r == ARCHIVE_EOF)
		return il_refuse(err, EINVAL, "%s is empty", s->what);
	if (r < ARCHIVE_WARN)
		return il_refuse(err, EINVAL, "%s", (raw_failure(s), s->err.msg));
	return 0;
}

void img_stream_closep(struct img_stream **stream)
{
	struct img_stream *s = *stream;

	if (s) {
		archive_read_free(s->tar); /* accepts NULL; first, as it reads from the other */
		archive_read_free(s->raw);
		if (s->locale)
			freelocale(s->locale);
		free(s);
	}
	*stream = NULL;
}

int img_stream_open(int fd, const char *what, struct img_stream **ret, struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return il_fail(err, ENOMEM, "read %s", what);
	s->fd = fd;
	s->what = what;
	s->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	img_hash_init(&s->hash);
	int r = open_readers(s, err);
	if (r == 0)
		*ret = steal_ptr(s);
	return r;
}

int img_stream_next(struct img_stream *s, struct archive_entry **ret, struct il_err *err)
{
	/* Opened late: opening reads ahead, which would cut the start off img_stream_save. */
	if (!s->tar_open &&
	    archive_read_open2(s->tar, s, NULL, read_raw, skip_nothing, NULL) != ARCHIVE_OK)
		return tar_failure(s, err);
	s->tar_open = true;
	locale_t before = s->locale ? uselocale(s->locale) : (locale_t)0;
	int r = archive_read_next_header(s->tar, ret);

	if (before)
		uselocale(before);
	if (r == ARCHIVE_EOF)
		return 0;
	/* A warning is a name that is no UTF-8: its bytes are there as they are. */
	return r < ARCHIVE_WARN ? tar_failure(s, err) : 1;
}

int img_stream_data(struct img_stream *s, const void **ret, size_t *ret_len, uint64_t *ret_offset,
		    struct il_err *err)
{
	la_int64_t offset = 0;
	int r = archive_read_data_block(s->tar, ret, ret_len, &offset);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN || offset < 0)
		return tar_failure(s, err);
	*ret_offset = (uint64_t)offset;
	return 1;
}

int img_stream_finish(struct img_stream *s, bool need_end, struct img_digest *ret,
		      struct il_err *err)
{
	const void *data = NULL;
	la_ssize_t n = 0;

	do {
		n = next_bytes(s, &data);
	} while (n > 0);
	if (n < 0)
		return tar_failure(s, err);
	if (need_end && s->trailing_zeros < TAR_BLOCK)
		return il_refuse(err, EINVAL, "%s is truncated: the end mark is missing", s->what);
	img_hash_end(&s->hash, ret);
	return 0;
}

int img_stream_save(struct img_stream *s, int fd, struct il_err *err)
{
	const void *data = NULL;
	la_ssize_t n;

	while ((n = next_bytes(s, &data)) > 0) {
		int r = il_write_full(fd, data, (size_t)n);
		if (r < 0)
			return il_fail(err, -r, "unpack %s", s->what);
	}
	return n < 0 ? tar_failure(s, err) : 0;
}

const char *img_stream_packing(const struct img_stream *s)
{
	const char *name = archive_filter_name(s->raw, 0);

	return !name || strcmp(name, "none") == 0 ? "" : name;
}
