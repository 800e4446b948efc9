/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar writer, just as much as one layer needs: ustar headers, pax records for what does
 * not fit. (libarchive's writer cannot be linked statically: it pulls libxml2 in.)
 * Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".
 */
#ifndef IL_IMAGE_TAR_WRITE_H
#define IL_IMAGE_TAR_WRITE_H

#include "image/digest.h"

#include <stdint.h>
#include <sys/stat.h>

struct tar_writer {
	int fd; /* borrowed */
	struct img_hash hash;
	uint64_t size; /* bytes written */
};

/* An extended attribute; the arrays end where @n says. */
struct tar_xattr {
	const char *name;
	const void *value;
	size_t len;
};

struct tar_entry {
	const char *path;     /* directories without their slash; "." = the top */
	const char *linkname; /* target of a symbolic or hard link; NULL = neither */
	bool hardlink;
	const struct stat *st;
	const struct tar_xattr *xattrs;
	size_t nxattrs;
};

void tar_writer_init(struct tar_writer *w, int fd);

/* tar_write_header: begin an entry. 0, -EINVAL (a type that tar has not), -ENOMEM, -errno. */
int tar_write_header(struct tar_writer *w, const struct tar_entry *e) IL_MUST_CHECK;

/* tar_write_data: a piece of a regular file's st_size bytes. 0 or -errno. */
int tar_write_data(struct tar_writer *w, const void *data, size_t len) IL_MUST_CHECK;

/* tar_write_pad: end a regular file's data. */
int tar_write_pad(struct tar_writer *w) IL_MUST_CHECK;

/* tar_writer_end: write the end mark and give the digest of it all. */
int tar_writer_end(struct tar_writer *w, struct img_digest *ret) IL_MUST_CHECK;

#endif
