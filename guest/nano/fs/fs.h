/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside guest/nano/fs: the structures and functions its files share.
 *
 * One tree in RAM lies over immutable lower trees (the EROFS image, the tables of /dev and
 * /proc). Objects of a lower tree get an inode and a dentry when somebody looks at them and
 * lose them when nobody does any more; what the program changes stays:
 *
 *   struct file --> struct dentry --> struct inode --> RAM pages by index (copied up or new)
 *                     | name            | attributes      | else: bytes of the lower file
 *                     | parent          | low: its number in the lower tree
 *                     v
 *                   struct dentry (directory) -- inode->dir: pinned children in order
 *
 * A dentry is pinned while the RAM layer differs from the lower tree at its name: a new or
 * moved object, a whiteout (no inode: the lower name is gone) or a changed directory. A
 * changed lower file is pinned by the inode table instead, as hard links reach it under
 * several names. Names, numbers and links thus survive every change, unlike on an overlay
 * of two file systems.
 */
#ifndef IL_NANO_FS_FS_H
#define IL_NANO_FS_FS_H

#include "guest/nano/fs/erofs.h"
#include "guest/nano/kern.h"

#include <asm-generic/fcntl.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/stat.h>

#define FS_CLEANUP(fn) __attribute__((cleanup(fn)))
#define FS_MUST_CHECK  __attribute__((warn_unused_result))

#define FS_PATH_MAX 4096u
#define FS_NAME_MAX 255u
#define FS_LINKS    40 /* symbolic links followed in one walk, as Linux */
#define FS_FILE_MAX INT64_MAX

/* Accesses to check, as in access(2). */
#define MAY_EXEC  1u
#define MAY_WRITE 2u
#define MAY_READ  4u

struct inode;
struct dentry;
struct uio;

struct stamp {
	int64_t sec;
	uint32_t nsec;
};

/* Which file system an inode is on: decides st_dev, EXDEV and read-only. */
enum fs_mount {
	FS_ROOT,
	FS_DEV,
	FS_SHM,
	FS_PROC,
	FS_SYS,
	FS_ANON, /* pipes, memfds and the like: no name anywhere */
	FS_MOUNT_MAX,
};

/* One entry of a lower directory. */
struct low_entry {
	uint64_t next; /* position behind it */
	uint64_t ino;
	const char *name; /* not NUL-ended; may point into store */
	uint32_t name_len;
	uint8_t type; /* DT_* */
	char store[24];
};

/* What differs between the file systems. Any op may be NULL. */
struct inode_ops {
	/* A lower directory's object @name: 0 and a counted inode, or -ENOENT, ... */
	int (*lookup)(struct inode *dir, const char *name, size_t len, struct inode **ret);
	/* The lower directory's entry at @pos (0 first): 1, 0 at the end, -errno. */
	int (*readdir)(struct inode *dir, uint64_t pos, struct low_entry *ret);
	/* Writes the link's target, not NUL-ended. Its length or -errno. */
	long (*readlink)(struct inode *inode, char *buf, size_t size);
	/* A link of /proc that leads to an object, not to a name: 0 and a counted dentry. */
	int (*follow)(struct inode *inode, struct dentry **ret);
	/* Last step of open(2): may choose f->ops. */
	int (*open)(struct file *f);
	/* The inode goes away: free what hangs on priv. */
	void (*free)(struct inode *inode);
};

/* Pages by index; see pagemap.c. */
struct pagemap {
	void *root;
	uint32_t height;
	uint32_t count; /* pages in it */
};

/* struct inode.flags */
#define I_HASHED  (1u << 0) /* in the table of live lower inodes */
#define I_DIRTY   (1u << 1) /* differs from the lower object: pinned */
#define I_EROFS   (1u << 2) /* low is a number of the EROFS image */
#define I_NOLOW   (1u << 3) /* directory without lower entries */
#define I_TMPFILE (1u << 4) /* made by O_TMPFILE, may still get a name */
#define I_MAPPED  (1u << 5) /* pages of it were handed to mmap */

struct inode {
	uint32_t refs;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint32_t rdev; /* Linux's 32-bit "new" encoding */
	uint8_t mnt;   /* enum fs_mount */
	uint8_t flags;
	uint64_t ino;
	uint64_t size;
	struct stamp atime, mtime, ctime;
	const struct inode_ops *ops; /* never NULL */
	uint64_t low;                /* EROFS nid, or the row of a table */
	struct inode *hash_next;
	union {
		struct {
			struct pagemap pages;
			uint64_t low_size; /* bytes of the lower file that still show */
			uint32_t seals;    /* memfd */
		} reg;
		struct {
			struct dentry *dentry; /* the one name; not counted */
			struct dentry *first;  /* pinned children, by cookie */
			struct dentry *last;
			uint64_t next_cookie;
		} dir;
		char *link; /* symbolic link of the RAM layer */
		void *priv;
	};
};

/* struct dentry.flags */
#define D_PINNED (1u << 0) /* in the parent's list, one reference for that */
#define D_LOWER  (1u << 1) /* is the lower tree's object of this name */
#define D_OVER   (1u << 2) /* hides an object of the lower tree */
#define D_DEAD   (1u << 3) /* removed; only open files know it */

struct dentry {
	uint32_t refs;
	uint32_t hash;
	uint8_t flags;
	uint16_t name_len;
	struct dentry *parent; /* counted; NULL for roots and nameless files */
	struct inode *inode;   /* counted; NULL = whiteout */
	struct dentry *hash_next;
	struct dentry *prev, *next; /* in the parent's list of pinned children */
	uint64_t cookie;            /* place in that list, for getdents */
	char *name;                 /* NUL-ended; own block when not name_store */
	char name_store[];
};

struct file_ops {
	/* Read or write at *pos and move it. Bytes, or -errno. */
	long (*read)(struct file *f, struct uio *u, uint64_t *pos);
	long (*write)(struct file *f, struct uio *u, uint64_t *pos);
	/*
	 * POLL* bits that hold now. @ready: the console streams known to be ready; *want gets
	 * those that the answer depends on. NULL = always ready for all.
	 */
	unsigned int (*poll)(struct file *f, unsigned int ready, unsigned int *want);
	/* -ENOTTY when the command is not the file's. */
	long (*ioctl)(struct file *f, uint32_t cmd, uint64_t arg);
	void (*release)(struct file *f);
	bool seekable;
	bool zero; /* mmap gives anonymous memory */
};

/* An open file description. */
struct file {
	uint32_t refs;
	uint32_t flags; /* O_* without the creation flags */
	uint64_t pos;
	struct dentry *dentry; /* counted */
	struct inode *inode;   /* dentry's, borrowed */
	const struct file_ops *ops;
	void *priv;
};

/* Root directory and cwd of the process. */
struct fs_root {
	struct dentry *root;
	struct dentry *cwd;
};

/* The mounted tree. */
struct fs_state {
	struct erofs image;
	struct dentry *root; /* of everything, whatever chroot says */
	bool ro_root;        /* WORKLOAD_RO_ROOT */
	uint64_t next_ino;
};
extern struct fs_state fs_state;

/* ---- inode.c ----------------------------------------------------------------------- */

struct stamp stamp_now(void);
/* inode_new: a new object of the RAM layer with one reference, or NULL. */
struct inode *inode_new(enum fs_mount mnt, uint32_t mode);
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* accepts NULL */
/* inode_find: the live inode of a lower object, counted, or NULL. */
struct inode *inode_find(enum fs_mount mnt, uint64_t low);
/* inode_hash: make a lower non-directory findable. False when RAM is out. */
bool inode_hash(struct inode *inode);
/* inode_dirty: the inode differs from its lower object from now on. 0 or -ENOMEM. */
int inode_dirty(struct inode *inode) FS_MUST_CHECK;
/* inode_unlinked: one name less; unpins the inode with the last. */
void inode_unlinked(struct inode *inode);
void inode_touch(struct inode *inode); /* mtime and ctime are now */
bool inode_readonly(const struct inode *inode);
/* inode_permission: may the process access it so? 0, -EACCES, -EROFS. */
int inode_permission(const struct inode *inode, unsigned int mask) FS_MUST_CHECK;
bool inode_owner(const struct inode *inode); /* owner or root */
uint64_t mount_dev(enum fs_mount mnt);       /* st_dev, in stat's encoding */

static inline bool is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->mode);
}

/* ---- dentry.c ---------------------------------------------------------------------- */

struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d); /* accepts NULL */
void dentry_putp(struct dentry **d);
/*
 * dentry_anon: a dentry outside every directory (pipes, memfds, roots). Takes over
 * @inode's reference, also on failure (NULL).
 */
struct dentry *dentry_anon(struct inode *inode, const char *name);
/* dentry_lookup: @name in directory @dir, no "." or "..": 0 and a counted dentry, -errno. */
int dentry_lookup(struct dentry *dir, const char *name, size_t len,
		  struct dentry **ret) FS_MUST_CHECK;
/*
 * dentry_add: enter a new object; the name is not there (dentry_lookup said ENOENT). Takes
 * over @inode's reference, also on failure. 0 and, if asked for, a counted dentry.
 */
int dentry_add(struct dentry *dir, const char *name, size_t len, struct inode *inode,
	       struct dentry **ret) FS_MUST_CHECK;
/* dentry_pin: keep this changed lower directory's dentry. */
void dentry_pin(struct dentry *d);
/* dentry_remove: take the name away (leaving a whiteout if need be). 0 or -ENOMEM. */
int dentry_remove(struct dentry *d) FS_MUST_CHECK;
/* dentry_move: give @d the name @name in @dir, which is free now. 0 or -ENOMEM. */
int dentry_move(struct dentry *d, struct dentry *dir, const char *name, size_t len) FS_MUST_CHECK;
/* dentry_exchange: swap the places of two dentries. 0 or -ENOMEM. */
int dentry_exchange(struct dentry *a, struct dentry *b) FS_MUST_CHECK;
/* dentry_find: the dentry of @name in RAM, whiteouts too, not counted; or NULL. */
struct dentry *dentry_find(const struct dentry *dir, const char *name, size_t len);
/* dentry_drop_whiteouts: the directory is empty and goes away. */
void dentry_drop_whiteouts(struct dentry *dir);
bool dentry_is_under(const struct dentry *d, const struct dentry *dir);
/* dentry_path: absolute path below @root, NUL-ended. Its length or -ERANGE. */
long dentry_path(const struct dentry *d, const struct dentry *root, char *buf, size_t size);

/* ---- rootfs.c ---------------------------------------------------------------------- */

int rootfs_init(const void *image, uint64_t size);
/* rootfs_data: the lower bytes of a file at @off < reg.low_size, as erofs_map. */
int rootfs_data(const struct inode *inode, uint64_t off, const uint8_t **ret, uint64_t *ret_len);

/* ---- pagemap.c --------------------------------------------------------------------- */

void *pagemap_get(const struct pagemap *m, uint64_t index); /* NULL = none */
/* pagemap_set: @page is now at @index; owns the reference. 0 or -ENOMEM. */
int pagemap_set(struct pagemap *m, uint64_t index, void *page) FS_MUST_CHECK;
/* pagemap_cut: put every page in [first, end). */
void pagemap_cut(struct pagemap *m, uint64_t first, uint64_t end);
/* pagemap_next: the first page at or behind @index: true and its index. */
bool pagemap_next(const struct pagemap *m, uint64_t index, uint64_t *ret);

/* ---- uio.c: where read and write data go or come from ------------------------------- */

struct uio_vec {
	uint64_t base;
	uint64_t len;
};

struct uio {
	const struct uio_vec *vec;
	uint32_t count;
	uint64_t off;  /* done of vec[0] */
	uint64_t left; /* bytes still to go, all together */
	bool kernel;   /* addresses are the kernel's */
	struct uio_vec one;
	struct uio_vec *owned; /* freed by uio_done */
};

void uio_user(struct uio *u, uint64_t base, uint64_t len);
void uio_kernel(struct uio *u, void *base, uint64_t len);
/* uio_iov: from a program's iovec array. 0, -EINVAL, -EFAULT, -ENOMEM. */
int uio_iov(struct uio *u, uint64_t iov, uint64_t count) FS_MUST_CHECK;
void uio_done(struct uio *u);
/* Move @len (<= left) bytes; return the bytes moved, fewer after a fault. */
size_t uio_put(struct uio *u, const void *src, size_t len);
size_t uio_take(struct uio *u, void *dst, size_t len);
size_t uio_zero(struct uio *u, size_t len);
void uio_skip(struct uio *u, size_t len);

/* ---- data.c: contents of regular files ---------------------------------------------- */

extern const struct file_ops regular_ops;
int data_truncate(struct inode *inode, uint64_t size) FS_MUST_CHECK;
/* data_zero: make a range read as zeroes (punch hole). 0 or -errno. */
int data_zero(struct inode *inode, uint64_t off, uint64_t end) FS_MUST_CHECK;
/* data_seek: SEEK_DATA and SEEK_HOLE. New position or -ENXIO. */
int64_t data_seek(const struct inode *inode, uint64_t off, bool hole);
uint64_t data_blocks(const struct inode *inode); /* st_blocks */
void data_free(struct inode *inode);
/* data_room: may the files take @pages more pages of RAM? */
bool data_room(uint64_t pages);

/* ---- path.c ------------------------------------------------------------------------ */

/* How to walk; W_FOLLOW concerns the last component only. */
#define W_FOLLOW     (1u << 0)
#define W_EMPTY      (1u << 1) /* "" names the start itself */
#define W_BENEATH    (1u << 2) /* RESOLVE_*: */
#define W_IN_ROOT    (1u << 3)
#define W_NOSYMLINKS (1u << 4)
#define W_NOMAGIC    (1u << 5)
#define W_NOXDEV     (1u << 6)

struct walk {
	struct dentry *root;  /* ".." and "/" stop here; counted */
	struct dentry *start; /* W_BENEATH; borrowed from root or counted like it */
	struct dentry *at;    /* where we are; counted */
	const char *rest;     /* still to be walked */
	char *buf;            /* owns rest after a symbolic link */
	unsigned int flags;
	int links;
	const char *last; /* last component, set by walk_parent */
	size_t last_len;  /* 0: the path names w->at itself */
	bool slash;       /* a slash follows it: must be a directory */
	bool magic;       /* ended by jumping through a link of /proc */
};

/*
 * walk_init: start a walk of @path (borrowed until walk_done).
 * @dirfd  AT_FDCWD or a descriptor
 * Returns 0, -EBADF, -ENOTDIR, -ENOENT (empty path), -ENAMETOOLONG. walk_done always.
 */
int walk_init(struct walk *w, int dirfd, const char *path, unsigned int flags) FS_MUST_CHECK;
/* walk_parent: go to the directory of the last component. */
int walk_parent(struct walk *w) FS_MUST_CHECK;
/*
 * walk_last: look the last component up, following links as the flags say. 0 and a counted
 * dentry; on -ENOENT w->at, last and slash tell where it could be created.
 */
int walk_last(struct walk *w, struct dentry **ret) FS_MUST_CHECK;
void walk_done(struct walk *w);

/* path_find: walk_init, parent, last and done in one. */
int path_find(int dirfd, const char *path, unsigned int flags, struct dentry **ret) FS_MUST_CHECK;

/* A path copied from the program. */
struct upath {
	char *s;
	char small[128];
};
int upath_get(struct upath *p, uint64_t addr) FS_MUST_CHECK;
void upath_done(struct upath *p);

/* ---- namei.c: changing the tree ----------------------------------------------------- */

/* What to create. */
struct new_node {
	uint32_t mode; /* type and permissions, umask not yet applied */
	uint32_t rdev;
	const char *link; /* symbolic link's target */
};
/* name_create: make @node at w's last component, which does not exist. */
int name_create(struct walk *w, const struct new_node *node, struct dentry **ret) FS_MUST_CHECK;
/* name_new_inode: owner, group and mode of a new object in @dir. */
struct inode *name_new_inode(const struct inode *dir, const struct new_node *node);
/* name_is_last_special: last component is "." or ".." or nothing. */
bool name_is_special(const struct walk *w);

/* ---- file.c, fdtable.c --------------------------------------------------------------- */

void file_putp(struct file **f);
/* file_new: takes over @dentry's reference, also on failure (NULL). */
struct file *file_new(struct dentry *dentry, uint32_t flags, const struct file_ops *ops);
/* file_open: an open file of @dentry (borrowed) after the permission checks. */
int file_open(struct dentry *dentry, uint32_t flags, bool created, struct file **ret) FS_MUST_CHECK;
/* file_anon: an open file without a name in the tree; takes over @inode. */
struct file *file_anon(struct inode *inode, const char *name, uint32_t flags,
		       const struct file_ops *ops);
/* file_open_path: open(2)'s work. 0 and a file, or -errno. */
int file_open_path(int dirfd, const char *path, uint32_t flags, uint32_t mode, unsigned int wflags,
		   struct file **ret) FS_MUST_CHECK;

/* fd_alloc: lowest free descriptor from @min on, for @f (takes its reference). fd or -errno. */
int fd_install(struct file *f, int min, bool cloexec) FS_MUST_CHECK;
/* fd_set: put @f at exactly @fd, closing what is there. */
int fd_set_file(int fd, struct file *f, bool cloexec) FS_MUST_CHECK;
int fd_close(int fd);
/* fd_next: the first open descriptor at or behind @fd; -1 when there is none. */
int fd_next(int fd);
bool fd_cloexec(int fd);
void fd_set_cloexec(int fd, bool on);
int fdtable_init(void);
/* fd_get: as fd_file, but no O_PATH files: 0 and a counted file, or -EBADF. */
int fd_get(uint64_t fd, struct file **ret) FS_MUST_CHECK;

static inline bool file_readable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}

static inline bool file_writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

static inline bool is_path_only(const struct file *f)
{
	return f->flags & O_PATH;
}

/* ---- devices and generated files ----------------------------------------------------- */

/* devfs_root, procfs_root, sysfs_root: the counted root inodes, or NULL when RAM is out. */
struct inode *devfs_root(void);
struct inode *procfs_root(void);
struct inode *sysfs_root(void);
/* dev_open: an opened character device's ops by number. 0, -ENXIO. */
int dev_open(struct file *f);
int fifo_open(struct file *f);
void fifo_free(struct inode *inode); /* any special file's inode_ops.free */

/* A growing text, for generated files. */
struct text {
	char *buf;
	size_t len;
	size_t cap;
	bool failed; /* RAM is out */
};
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *t, const void *data, size_t len);

/* console_open_std: open 0, 1 and 2: a terminal, or three streams. */
int console_open_std(void);
bool console_is_tty(void);
/* tty_open: dev_open of the terminal; -ENXIO when there is none. */
int tty_open(struct file *f);

extern const struct file_ops pipe_ops;
extern const struct file_ops directory_ops; /* dents.c */

/*
 * block_forever: what a lone process does that waits for itself: sleep until a signal.
 * Returns -ERESTARTSYS.
 */
long block_forever(void);
/* file_poll: the POLL* bits of any open file; see file_ops.poll. */
unsigned int file_poll(struct file *f, unsigned int ready, unsigned int *want);
/*
 * poll_wait: call @check until it counts something, the time is up, or a signal comes.
 * @check  number of ready things, given the ready streams; adds to *want
 * Returns the count, 0 after @timeout_ns, -EINTR, or a negative @check result.
 */
long poll_wait(long (*check)(void *ctx, unsigned int ready, unsigned int *want), void *ctx,
	       uint64_t timeout_ns);

#endif
