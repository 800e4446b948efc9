/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reader of EROFS images that lie in memory, parsed in place. The image is hostile: every
 * offset and length in it is checked against the image's size before it is followed, and
 * nothing in it makes a loop longer than the image itself.
 *
 * Freestanding; shared by the guest kernel, its unit tests and its fuzzer.
 * Source: Linux Documentation/filesystems/erofs.rst (on-disk layout).
 */
#ifndef IL_NANO_FS_EROFS_H
#define IL_NANO_FS_EROFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EROFS_BLOCK    4096u
#define EROFS_NAME_MAX 255u

/* An opened image. Plain data: nothing to close. */
struct erofs {
	const uint8_t *base;
	uint64_t size; /* bytes readable at base */
	uint64_t root_nid;
	uint64_t meta_off;  /* byte offset of inode 0 */
	uint64_t xattr_off; /* byte offset of the shared attributes */
	uint64_t build_time;
	uint32_t build_nsec;
};

/* One inode, decoded. nid identifies it in its image. */
struct erofs_inode {
	uint64_t nid;
	uint64_t size;
	uint64_t mtime;
	uint32_t mtime_nsec;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint32_t rdev;      /* Linux's 32-bit "new" device encoding */
	uint32_t layout;    /* EROFS_FLAT_PLAIN, ... */
	uint32_t raw;       /* first block, or the chunk format */
	uint64_t meta_end;  /* byte offset behind inode and attributes */
	uint64_t xattr_off; /* byte offset of the inline attributes */
	uint32_t xattr_len; /* 0 = none */
};

/* One directory entry; the name is borrowed from the image and not NUL-ended. */
struct erofs_dirent {
	uint64_t nid;
	uint64_t next; /* position behind this entry */
	const char *name;
	uint32_t name_len; /* 1 to EROFS_NAME_MAX */
	uint8_t type;      /* DT_* of getdents */
};

/*
 * erofs_open: check the superblock of an image.
 * @base      first byte, 8-aligned; borrowed as long as *ret is used
 * @size      bytes readable there
 * @ret_why   on failure, one clause saying what is wrong (static string)
 *
 * Returns 0; -EINVAL not an EROFS image or damaged; -EOPNOTSUPP a feature that is not
 * supported (compression, other block sizes, several devices).
 */
int erofs_open(const void *base, uint64_t size, struct erofs *ret, const char **ret_why);

/* erofs_iget: decode inode @nid. 0, -EIO when damaged, -EOPNOTSUPP when compressed. */
int erofs_iget(const struct erofs *fs, uint64_t nid, struct erofs_inode *ret);

/*
 * erofs_map: where the bytes of a file lie.
 * @off      byte offset, below inode->size
 * @ret_len  bytes that follow in one piece, at least 1
 *
 * Returns 0 with *ret pointing into the image, or NULL for a hole; -EIO when damaged.
 */
int erofs_map(const struct erofs *fs, const struct erofs_inode *inode, uint64_t off,
	      const uint8_t **ret, uint64_t *ret_len);

/* erofs_lookup: find @name in directory @dir. 0, -ENOENT, or -EIO. */
int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir, const char *name,
		 size_t len, struct erofs_dirent *ret);

/*
 * erofs_readdir: the entry at position @pos (0, then each entry's next), "." and ".."
 * included. Returns 1, 0 at the end, or -EIO.
 */
int erofs_readdir(const struct erofs *fs, const struct erofs_inode *dir, uint64_t pos,
		  struct erofs_dirent *ret);

/* One extended attribute; pointers into the image. */
struct erofs_xattr {
	const char *prefix; /* "user.", "security.", ... NUL-ended */
	const char *name;
	const uint8_t *value;
	uint32_t name_len;
	uint32_t value_len;
};

/*
 * erofs_xattr: the @index-th attribute of an inode.
 * Returns 1, 0 when there are no more, or -EIO.
 */
int erofs_xattr(const struct erofs *fs, const struct erofs_inode *inode, uint32_t index,
		struct erofs_xattr *ret);

#endif
