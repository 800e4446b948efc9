// SPDX-License-Identifier: Apache-2.0
#include "image/tar_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/fd.h"

#define BLOCK       512u
#define OCTAL12_MAX 077777777777ull /* what 11 octal digits hold */
#define OCTAL8_MAX  07777777ull

struct ustar {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char chksum[8];
	char typeflag;
	char linkname[100];
	char magic[8]; /* "ustar\0" "00" */
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a tar header is one block");

void tar_writer_init(struct tar_writer *w, int fd)
{
	*w = (struct tar_writer){.fd = fd};
	img_hash_init(&w->hash);
}

int tar_write_data(struct tar_writer *w, const void *data, size_t len)
{
	int r = il_write_full(w->fd, data, len);

	if (r < 0)
		return r;
	img_hash_add(&w->hash, data, len);
	w->size += len;
	return 0;
}

int tar_write_pad(struct tar_writer *w)
{
	static const char zeros[BLOCK];
	size_t over = w->size % BLOCK;

	return over ? tar_write_data(w, zeros, BLOCK - over) : 0;
}

int tar_writer_end(struct tar_writer *w, struct img_digest *ret)
{
	static const char zeros[2 * BLOCK];
	int r = tar_write_data(w, zeros, sizeof(zeros));

	if (r == 0)
		img_hash_end(&w->hash, ret);
	return r;
}

/* ---- headers ------------------------------------------------------------------------ */

/* Octal digits and a NUL; what is too large is 0 here and stands in a pax record. */
static void put_octal(char *field, size_t size, uint64_t value, uint64_t max)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*" PRIo64, (int)size - 1, value > max ? 0 : value);
	memcpy(field, text, size);
}

static void put_text(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	/* No NUL when it fills the field: ustar says so. */
	for (size_t i = 0; i < len && i < size; i++)
		field[i] = text[i];
}

static void put_checksum(struct ustar *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned int sum = 0;

	memset(h->chksum, ' ', sizeof(h->chksum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += bytes[i];
	put_octal(h->chksum, sizeof(h->chksum) - 1, sum, OCTAL8_MAX);
}

static char type_flag(const struct tar_entry *e)
{
	if (e->hardlink)
		return '1';
	switch (e->st->st_mode & S_IFMT) {
	case S_IFREG:
		return '0';
	case S_IFLNK:
		return '2';
	case S_IFCHR:
		return '3';
	case S_IFBLK:
		return '4';
	case S_IFDIR:
		return '5';
	case S_IFIFO:
		return '6';
	default:
		return '\0';
	}
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself, too. */
static void add_record(struct il_buf *b, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(key) + len + 3; /* space, '=', newline */
	size_t total = rest + 1;

	while (total != rest + (size_t)snprintf(NULL, 0, "%zu", total))
		total = rest + (size_t)snprintf(NULL, 0, "%zu", total);
	il_buf_printf(b, "%zu %s=", total, key);
	il_buf_add(b, value, len);
	il_buf_add(b, "\n", 1);
}

static void add_number(struct il_buf *b, const char *key, uint64_t value, uint64_t max)
{
	char text[32];

	if (value > max)
		add_record(b, key, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
}

static void add_xattr(struct il_buf *b, const struct tar_xattr *x)
{
	_cleanup_(freep) char *key = il_strf("SCHILY.xattr.%s", x->name);

	if (key)
		add_record(b, key, x->value, x->len);
	else
		b->failed = true;
}

static void pax_records(struct il_buf *b, const struct tar_entry *e, const char *name,
			uint64_t size)
{
	const struct stat *st = e->st;
	char mtime[64];

	if (strlen(name) > sizeof(((struct ustar *)0)->name))
		add_record(b, "path", name, strlen(name));
	if (e->linkname && strlen(e->linkname) > sizeof(((struct ustar *)0)->linkname))
		add_record(b, "linkpath", e->linkname, strlen(e->linkname));
	add_number(b, "size", size, OCTAL12_MAX);
	add_number(b, "uid", st->st_uid, OCTAL8_MAX);
	add_number(b, "gid", st->st_gid, OCTAL8_MAX);
	if (st->st_mtim.tv_nsec != 0 || st->st_mtim.tv_sec < 0 ||
	    (uint64_t)st->st_mtim.tv_sec > OCTAL12_MAX)
		add_record(b, "mtime", mtime,
			   (size_t)snprintf(mtime, sizeof(mtime), "%jd.%09ld",
					    (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec));
	for (size_t i = 0; i < e->nxattrs; i++)
		add_xattr(b, &e->xattrs[i]);
}

static int write_records(struct tar_writer *w, const struct il_buf *records)
{
	struct ustar h = {.typeflag = 'x', .magic = "ustar"};

	memcpy(h.magic + 6, "00", 2);
	put_text(h.name, sizeof(h.name), "PaxHeader");
	put_octal(h.mode, sizeof(h.mode), 0644, OCTAL8_MAX);
	put_octal(h.uid, sizeof(h.uid), 0, OCTAL8_MAX);
	put_octal(h.gid, sizeof(h.gid), 0, OCTAL8_MAX);
	put_octal(h.size, sizeof(h.size), records->len, OCTAL12_MAX);
	put_octal(h.mtime, sizeof(h.mtime), 0, OCTAL12_MAX);
	put_checksum(&h);
	int r = tar_write_data(w, &h, sizeof(h));
	if (r == 0)
		r = tar_write_data(w, records->data, records->len);
	return r < 0 ? r : tar_write_pad(w);
}

static int write_ustar(struct tar_writer *w, const struct tar_entry *e, const char *name,
		       uint64_t size)
{
	const struct stat *st = e->st;
	struct ustar h = {.typeflag = type_flag(e), .magic = "ustar"};
	bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
	uint64_t mtime = st->st_mtim.tv_sec < 0 ? 0 : (uint64_t)st->st_mtim.tv_sec;

	if (h.typeflag == '\0')
		return -EINVAL;
	memcpy(h.magic + 6, "00", 2);
	put_text(h.name, sizeof(h.name), name);
	put_octal(h.mode, sizeof(h.mode), st->st_mode & 07777, OCTAL8_MAX);
	put_octal(h.uid, sizeof(h.uid), st->st_uid, OCTAL8_MAX);
	put_octal(h.gid, sizeof(h.gid), st->st_gid, OCTAL8_MAX);
	put_octal(h.size, sizeof(h.size), size, OCTAL12_MAX);
	put_octal(h.mtime, sizeof(h.mtime), mtime, OCTAL12_MAX);
	if (e->linkname)
		put_text(h.linkname, sizeof(h.linkname), e->linkname);
	put_octal(h.devmajor, sizeof(h.devmajor), device ? major(st->st_rdev) : 0, OCTAL8_MAX);
	put_octal(h.devminor, sizeof(h.devminor), device ? minor(st->st_rdev) : 0, OCTAL8_MAX);
	put_checksum(&h);
	return tar_write_data(w, &h, sizeof(h));
}

int tar_write_header(struct tar_writer *w, const struct tar_entry *e)
{
	bool dir = S_ISDIR(e->st->st_mode);
	bool data = S_ISREG(e->st->st_mode) && !e->hardlink;
	uint64_t size = data ? (uint64_t)e->st->st_size : 0;
	_cleanup_(il_buf_done) struct il_buf records = {0};
	_cleanup_(freep) char *name = il_strf("%s%s", e->path, dir ? "/" : "");
	int r = 0;

	if (!name)
		return -ENOMEM;
	pax_records(&records, e, name, size);
	if (il_buf_check(&records) < 0)
		return -ENOMEM;
	if (records.len > 0)
		r = write_records(w, &records);
	return r < 0 ? r : write_ustar(w, e, name, size);
}
