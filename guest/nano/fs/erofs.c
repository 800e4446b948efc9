// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/erofs.h"

#include <asm-generic/errno.h>

#define EROFS_MAGIC        0xe0f5e1e2u
#define EROFS_SUPER_OFFSET 1024u
#define EROFS_BLOCK_BITS   12u

/* Incompatible features that this reader can ignore or serve. */
#define EROFS_FEATURE_LZ4_0PADDING 0x01u /* says nothing as long as no file is compressed */
#define EROFS_FEATURE_CHUNKED      0x04u

enum {
	EROFS_FLAT_PLAIN = 0,
	EROFS_FLAT_INLINE = 2,
	EROFS_CHUNK_BASED = 4,
};

#define EROFS_CHUNK_BITS_MASK 0x1fu
#define EROFS_CHUNK_INDEXES   0x20u
#define EROFS_NULL_BLOCK      0xffffffffu

#define EROFS_DIRENT_SIZE 12u
#define EROFS_S_IFMT      0170000u
#define EROFS_S_IFDIR     0040000u
#define EROFS_S_IFREG     0100000u
#define EROFS_S_IFLNK     0120000u

/* The image's integers are little-endian and so are we; alignment is not promised. */
static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return v;
}

/* The one way to a byte of the image: NULL unless all of [off, off + len) is inside. */
static const uint8_t *at(const struct erofs *fs, uint64_t off, uint64_t len)
{
	if (off > fs->size || len > fs->size - off)
		return NULL;
	return fs->base + off;
}

int erofs_open(const void *base, uint64_t size, struct erofs *ret, const char **ret_why)
{
	struct erofs fs = {.base = base, .size = size};
	const uint8_t *sb = at(&fs, EROFS_SUPER_OFFSET, 128);
	uint32_t incompat;

	*ret_why = "not an EROFS image";
	if (!sb || get32(sb) != EROFS_MAGIC)
		return -EINVAL;
	*ret_why = "its block size is not 4096";
	if (sb[12] != EROFS_BLOCK_BITS)
		return -EOPNOTSUPP;
	incompat = get32(sb + 80);
	*ret_why = "it uses features (compression, devices) that are not supported";
	if (incompat & ~(EROFS_FEATURE_LZ4_0PADDING | EROFS_FEATURE_CHUNKED))
		return -EOPNOTSUPP;
	*ret_why = "it needs extra devices";
	if (get16(sb + 86) != 0)
		return -EOPNOTSUPP;
	fs.root_nid = get16(sb + 14);
	fs.build_time = get64(sb + 24);
	fs.build_nsec = get32(sb + 32);
	fs.meta_off = (uint64_t)get32(sb + 40) * EROFS_BLOCK;
	fs.xattr_off = (uint64_t)get32(sb + 44) * EROFS_BLOCK;
	*ret = fs;
	return 0;
}

static void decode_compact(const struct erofs *fs, const uint8_t *p, struct erofs_inode *in)
{
	in->nlink = get16(p + 6);
	in->size = get32(p + 8);
	in->uid = get16(p + 24);
	in->gid = get16(p + 26);
	in->mtime = fs->build_time;
	in->mtime_nsec = fs->build_nsec;
}

static void decode_extended(const uint8_t *p, struct erofs_inode *in)
{
	in->size = get64(p + 8);
	in->uid = get32(p + 24);
	in->gid = get32(p + 28);
	in->mtime = get64(p + 32);
	in->mtime_nsec = get32(p + 40);
	in->nlink = get32(p + 44);
}

int erofs_iget(const struct erofs *fs, uint64_t nid, struct erofs_inode *ret)
{
	struct erofs_inode in = {.nid = nid};
	uint64_t off;
	const uint8_t *p;
	uint32_t format;
	uint32_t icount;
	bool extended;

	if (nid > fs->size / 32)
		return -EIO;
	off = fs->meta_off + nid * 32;
	p = at(fs, off, 32);
	if (!p)
		return -EIO;
	format = get16(p);
	extended = format & 1;
	if (extended && !at(fs, off, 64))
		return -EIO;
	in.layout = (format >> 1) & 7;
	if (in.layout != EROFS_FLAT_PLAIN && in.layout != EROFS_FLAT_INLINE &&
	    in.layout != EROFS_CHUNK_BASED)
		return -EOPNOTSUPP;
	in.mode = get16(p + 4);
	in.raw = get32(p + 16);
	if (extended)
		decode_extended(p, &in);
	else
		decode_compact(fs, p, &in);
	if (in.size > INT64_MAX || in.mtime_nsec >= 1000000000u)
		return -EIO;
	in.xattr_off = off + (extended ? 64 : 32);
	icount = get16(p + 2);
	in.xattr_len = icount ? 12 + (icount - 1) * 4 : 0;
	in.meta_end = in.xattr_off + in.xattr_len;
	if (!at(fs, in.xattr_off, in.xattr_len))
		return -EIO;
	/* Devices keep their number where files keep their first block. */
	if ((in.mode & EROFS_S_IFMT) != EROFS_S_IFREG &&
	    (in.mode & EROFS_S_IFMT) != EROFS_S_IFDIR &&
	    (in.mode & EROFS_S_IFMT) != EROFS_S_IFLNK) {
		in.rdev = in.raw;
		in.size = 0;
	}
	*ret = in;
	return 0;
}

static int piece(const struct erofs *fs, uint64_t off, uint64_t len, const uint8_t **ret,
		 uint64_t *ret_len)
{
	const uint8_t *p = at(fs, off, len);

	if (!p || !len)
		return -EIO;
	*ret = p;
	*ret_len = len;
	return 0;
}

static int map_chunk(const struct erofs *fs, const struct erofs_inode *in, uint64_t off,
		     const uint8_t **ret, uint64_t *ret_len)
{
	uint32_t bits = EROFS_BLOCK_BITS + (in->raw & EROFS_CHUNK_BITS_MASK);
	uint32_t unit = in->raw & EROFS_CHUNK_INDEXES ? 8 : 4;
	uint64_t table = (in->meta_end + unit - 1) & ~(uint64_t)(unit - 1);
	uint64_t nr = off >> bits;
	uint64_t in_chunk = off & ((1ull << bits) - 1);
	uint64_t len = (1ull << bits) - in_chunk;
	const uint8_t *p;
	uint32_t block;

	if (nr > fs->size / unit)
		return -EIO;
	p = at(fs, table + nr * unit, unit);
	if (!p || (unit == 8 && get16(p + 2) != 0))
		return -EIO;
	block = get32(p + (unit == 8 ? 4 : 0));
	if (len > in->size - off)
		len = in->size - off;
	if (block == EROFS_NULL_BLOCK) {
		*ret = NULL;
		*ret_len = len;
		return 0;
	}
	return piece(fs, (uint64_t)block * EROFS_BLOCK + in_chunk, len, ret, ret_len);
}

int erofs_map(const struct erofs *fs, const struct erofs_inode *in, uint64_t off,
	      const uint8_t **ret, uint64_t *ret_len)
{
	uint64_t tail = in->size & ~(uint64_t)(EROFS_BLOCK - 1);

	if (off >= in->size)
		return -EIO;
	if (in->layout == EROFS_CHUNK_BASED)
		return map_chunk(fs, in, off, ret, ret_len);
	if (in->layout != EROFS_FLAT_INLINE)
		return piece(fs, (uint64_t)in->raw * EROFS_BLOCK + off, in->size - off, ret,
			     ret_len);
	/* All but the last part block lies in blocks, the rest behind the inode. */
	if (off < tail)
		return piece(fs, (uint64_t)in->raw * EROFS_BLOCK + off, tail - off, ret, ret_len);
	return piece(fs, in->meta_end + (off - tail), in->size - off, ret, ret_len);
}

/* One block of a directory: its bytes and how many entries its header claims. */
struct dir_block {
	const uint8_t *p;
	uint32_t len;
	uint32_t count;
};

static int dir_block(const struct erofs *fs, const struct erofs_inode *dir, uint64_t block,
		     struct dir_block *ret)
{
	uint64_t off = block * EROFS_BLOCK;
	uint64_t len;
	uint32_t name_off;

	if (erofs_map(fs, dir, off, &ret->p, &len) < 0 || !ret->p)
		return -EIO;
	ret->len = len > EROFS_BLOCK ? EROFS_BLOCK : (uint32_t)len;
	if (ret->len < EROFS_DIRENT_SIZE)
		return -EIO;
	name_off = get16(ret->p + 8);
	if (name_off < EROFS_DIRENT_SIZE || name_off > ret->len || name_off % EROFS_DIRENT_SIZE)
		return -EIO;
	ret->count = name_off / EROFS_DIRENT_SIZE;
	return 0;
}

static int dir_entry(const struct dir_block *b, uint32_t i, struct erofs_dirent *ret)
{
	const uint8_t *e = b->p + i * EROFS_DIRENT_SIZE;
	uint32_t start = get16(e + 8);
	uint32_t end = i + 1 < b->count ? get16(e + EROFS_DIRENT_SIZE + 8) : b->len;
	/* EROFS_FT_* are the DT_* numbers' order: reg, dir, chr, blk, fifo, sock, lnk. */
	static const uint8_t types[8] = {0, 8, 4, 2, 6, 1, 12, 10};
	uint32_t len = 0;

	if (start >= end || end > b->len || start < b->count * EROFS_DIRENT_SIZE)
		return -EIO;
	/* Only the block's last name may be padded; a NUL ends any. */
	while (start + len < end && b->p[start + len] != '\0')
		len++;
	if (len == 0 || len > EROFS_NAME_MAX)
		return -EIO;
	ret->nid = get64(e);
	ret->name = (const char *)b->p + start;
	ret->name_len = len;
	ret->type = types[e[10] & 7];
	return 0;
}

static int name_compare(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t n = alen < blen ? alen : blen;

	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return (unsigned char)a[i] < (unsigned char)b[i] ? -1 : 1;
	return alen == blen ? 0 : alen < blen ? -1 : 1;
}

/* The last block whose first name is not behind @name, as the names are sorted. */
static int find_block(const struct erofs *fs, const struct erofs_inode *dir, const char *name,
		      size_t len, struct dir_block *ret)
{
	uint64_t lo = 0;
	uint64_t hi = (dir->size - 1) / EROFS_BLOCK;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo + 1) / 2;
		struct erofs_dirent e;
		struct dir_block b;

		if (dir_block(fs, dir, mid, &b) < 0 || dir_entry(&b, 0, &e) < 0)
			return -EIO;
		if (name_compare(e.name, e.name_len, name, len) <= 0)
			lo = mid;
		else
			hi = mid - 1;
	}
	return dir_block(fs, dir, lo, ret);
}

int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir, const char *name,
		 size_t len, struct erofs_dirent *ret)
{
	struct dir_block b;
	uint32_t lo = 0;
	uint32_t hi;

	if (dir->size == 0)
		return -ENOENT;
	if (find_block(fs, dir, name, len, &b) < 0)
		return -EIO;
	hi = b.count;
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		struct erofs_dirent e;
		int c;

		if (dir_entry(&b, mid, &e) < 0)
			return -EIO;
		c = name_compare(e.name, e.name_len, name, len);
		if (c == 0) {
			e.next = 0;
			*ret = e;
			return 0;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -ENOENT;
}

int erofs_readdir(const struct erofs *fs, const struct erofs_inode *dir, uint64_t pos,
		  struct erofs_dirent *ret)
{
	uint64_t block = pos / EROFS_BLOCK;
	uint32_t i = (uint32_t)(pos % EROFS_BLOCK);
	struct dir_block b;

	for (; block < dir->size / EROFS_BLOCK + (dir->size % EROFS_BLOCK != 0); block++, i = 0) {
		if (dir_block(fs, dir, block, &b) < 0)
			return -EIO;
		if (i >= b.count)
			continue;
		if (dir_entry(&b, i, ret) < 0)
			return -EIO;
		ret->next = block * EROFS_BLOCK + i + 1;
		return 1;
	}
	return 0;
}

/* Name prefixes by e_name_index. */
static const char *const xattr_prefixes[] = {
    [1] = "user.",
    [2] = "system.posix_acl_access",
    [3] = "system.posix_acl_default",
    [4] = "trusted.",
    [6] = "security.",
};

/* Decodes the attribute entry at byte offset @off; its whole length goes to *ret_size. */
static int xattr_entry(const struct erofs *fs, uint64_t off, struct erofs_xattr *ret,
		       uint32_t *ret_size)
{
	const uint8_t *p = at(fs, off, 4);
	uint32_t index;

	if (!p)
		return -EIO;
	index = p[1];
	ret->name_len = p[0];
	ret->value_len = get16(p + 2);
	*ret_size = (4 + ret->name_len + ret->value_len + 3) & ~3u;
	p = at(fs, off + 4, (uint64_t)ret->name_len + ret->value_len);
	if (!p || index >= sizeof(xattr_prefixes) / sizeof(xattr_prefixes[0]) ||
	    !xattr_prefixes[index])
		return -EIO;
	ret->prefix = xattr_prefixes[index];
	ret->name = (const char *)p;
	ret->value = p + ret->name_len;
	return 0;
}

int erofs_xattr(const struct erofs *fs, const struct erofs_inode *in, uint32_t index,
		struct erofs_xattr *ret)
{
	const uint8_t *head;
	uint32_t shared;
	uint32_t off;
	uint32_t size;

	if (in->xattr_len < 12)
		return 0;
	head = at(fs, in->xattr_off, in->xattr_len);
	if (!head)
		return -EIO;
	shared = head[4];
	off = 12 + shared * 4;
	if (off > in->xattr_len)
		return -EIO;
	if (index < shared) {
		uint64_t where = fs->xattr_off + (uint64_t)get32(head + 12 + index * 4) * 4;

		return xattr_entry(fs, where, ret, &size) < 0 ? -EIO : 1;
	}
	for (index -= shared; off + 4 <= in->xattr_len; index--, off += size) {
		if (xattr_entry(fs, in->xattr_off + off, ret, &size) < 0)
			return -EIO;
		if (off + size > in->xattr_len)
			return -EIO;
		if (index == 0)
			return 1;
	}
	return 0;
}
