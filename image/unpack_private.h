/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the unpack*.c files only. */
#ifndef IL_IMAGE_UNPACK_PRIVATE_H
#define IL_IMAGE_UNPACK_PRIVATE_H

#include "image/unpack.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define UNPACK_DEPTH_MAX   128 /* directories above each other; base/fs can remove 256 */
#define UNPACK_ENTRIES_MAX (4u << 20)

/* Inode numbers: an open hash table that only grows. 0 marks a free slot. */
struct inode_set {
	uint64_t *slots; /* owned */
	size_t cap;      /* a power of two, or 0 */
	size_t used;
};

/* A directory whose mode and times are set when nothing changes in it any more. */
struct pending_dir {
	char *path; /* owned; relative to the root, "." for the root itself */
	uint64_t ino;
	mode_t mode;
	struct timespec mtime;
};

enum unpack_warning {
	WARN_OWNER,
	WARN_DEVICE,
	WARN_XATTR,
	WARN_MAX,
};

struct img_unpack {
	int rootfd;            /* borrowed */
	bool privileged;       /* ownership and device nodes are possible */
	uint64_t root_dev;     /* of the root's file system */
	struct inode_set made; /* inodes that the current layer made or changed */
	struct pending_dir *dirs;
	size_t ndirs;
	size_t dirs_cap;
	uint64_t entries;
	uint64_t bytes;
	char parent[PATH_MAX]; /* the directory behind parent_fd; valid when that is >= 0 */
	int parent_fd;
	img_warn_fn warn;
	void *warn_ctx;
	bool warned[WARN_MAX];
};

/* An entry's name, checked and split. */
struct unpack_name {
	char path[PATH_MAX]; /* relative, without ".", ".." and double slashes; "" = the root */
	const char *base;    /* last component, points into path */
	size_t dir_len;      /* length of what is before it, without the slash */
	unsigned int depth;  /* number of components */
};

int inode_set_add(struct inode_set *set, uint64_t ino) IL_MUST_CHECK;
bool inode_set_has(const struct inode_set *set, uint64_t ino);
void inode_set_clear(struct inode_set *set);
void inode_set_done(struct inode_set *set);

/*
 * unpack_name_parse: check and normalise an entry's (or hard link's) name.
 * Returns 0, or -EINVAL when it is absolute, has "..", or is too long or too deep.
 */
int unpack_name_parse(const char *text, struct unpack_name *ret, struct il_err *err) IL_MUST_CHECK;

/*
 * unpack_open_parent: descriptor of the directory that holds @name.
 * @create  make it and its missing parents; false: -ENOENT without a message
 * Returns a borrowed fd (valid until the next call or unpack_forget_parent), or -errno.
 */
int unpack_open_parent(struct img_unpack *u, const struct unpack_name *name, bool create,
		       struct il_err *err) IL_MUST_CHECK;

/* unpack_forget_parent: something was removed, the remembered directory may be gone. */
void unpack_forget_parent(struct img_unpack *u);

/*
 * unpack_hide: remove @base in @dirfd as a whiteout does: what this very layer made stays.
 * unpack_hide_children: the same for everything below the directory (opaque whiteout).
 */
int unpack_hide(struct img_unpack *u, int dirfd, const char *base,
		unsigned int depth) IL_MUST_CHECK;
int unpack_hide_children(struct img_unpack *u, int dirfd, unsigned int depth) IL_MUST_CHECK;

/* unpack_warn: report a kind of difficulty once. */
void unpack_warn(struct img_unpack *u, enum unpack_warning which);

/*
 * unpack_set_file_meta: owner, mode, xattrs and time of the regular file behind @fd.
 * unpack_set_node_meta: the same (no xattrs) of a link, device or fifo by its name.
 */
int unpack_set_file_meta(struct img_unpack *u, int fd, struct archive_entry *e,
			 struct il_err *err) IL_MUST_CHECK;
int unpack_set_node_meta(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
			 struct il_err *err) IL_MUST_CHECK;

/* unpack_set_dir_meta: owner and xattrs of a directory now; the rest by img_unpack_end. */
int unpack_set_dir_meta(struct img_unpack *u, int fd, const char *path, struct archive_entry *e,
			struct il_err *err) IL_MUST_CHECK;

#endif
