// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

#include "guest/nano/fs/namei.h"

/* Flags of open(2) that only matter while opening. */
#define OPEN_ONLY (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)
#define ALL_PATH  (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

struct file *file_get(struct file *f)
{
	f->refs++;
	return f;
}

void file_put(struct file *f)
{
	if (!f || --f->refs > 0)
		return;
	if (f->ops->release)
		f->ops->release(f);
	dentry_put(f->dentry);
	kfree(f);
}

void file_putp(struct file **f)
{
	file_put(*f);
}

struct file *file_new(struct dentry *dentry, uint32_t flags, const struct file_ops *ops)
{
	struct file *f = kmalloc(sizeof(*f));

	if (!f) {
		dentry_put(dentry);
		return NULL;
	}
	*f = (struct file){.refs = 1, .flags = flags, .ops = ops, .dentry = dentry};
	f->inode = dentry->inode;
	return f;
}

struct file *file_anon(struct inode *inode, const char *name, uint32_t flags,
		       const struct file_ops *ops)
{
	struct dentry *d = dentry_anon(inode, name);

	return d ? file_new(d, flags, ops) : NULL;
}

/* What reading or writing needs, by how the file is opened. */
static unsigned int access_mask(uint32_t flags)
{
	static const uint8_t by_mode[4] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
					   MAY_READ | MAY_WRITE};
	unsigned int mask = by_mode[flags & O_ACCMODE];

	return flags & O_TRUNC ? mask | MAY_WRITE : mask;
}

static int may_open(const struct inode *inode, uint32_t flags)
{
	int r;

	if ((flags & O_DIRECTORY) && !is_dir(inode))
		return -ENOTDIR;
	if (S_ISLNK(inode->mode))
		return -ELOOP;
	if (is_dir(inode) && (access_mask(flags) & MAY_WRITE))
		return -EISDIR;
	r = inode_permission(inode, access_mask(flags));
	if (r < 0)
		return r;
	return (flags & O_NOATIME) && !inode_owner(inode) ? -EPERM : 0;
}

static const struct file_ops no_ops = {0};

static const struct file_ops *ops_of(const struct inode *inode, uint32_t flags)
{
	if (flags & O_PATH)
		return &no_ops;
	if (S_ISREG(inode->mode))
		return &regular_ops;
	return is_dir(inode) ? &directory_ops : &no_ops;
}

int file_open(struct dentry *dentry, uint32_t flags, bool created, struct file **ret)
{
	struct inode *inode = dentry->inode;
	struct file *f;
	int r;

	if (flags & O_PATH) {
		if ((flags & O_DIRECTORY) && !is_dir(inode))
			return -ENOTDIR;
		flags &= ALL_PATH & ~O_CLOEXEC;
	} else if (!created) {
		r = may_open(inode, flags);
		if (r < 0)
			return r;
	}
	f = file_new(dentry_get(dentry), flags & ~(uint32_t)OPEN_ONLY, ops_of(inode, flags));
	if (!f)
		return -ENOMEM;
	r = !(flags & O_PATH) && inode->ops->open ? inode->ops->open(f) : 0;
	if (r == 0 && (flags & O_TRUNC) && f->ops == &regular_ops && !created) {
		r = data_truncate(inode, 0);
		inode_touch(inode);
	}
	if (r < 0) {
		f->ops = &no_ops; /* what did not open must not be released */
		file_put(f);
		return r;
	}
	*ret = f;
	return 0;
}

static int open_tmpfile(struct walk *w, uint32_t flags, uint32_t mode, struct file **ret)
{
	const struct new_node node = {.mode = S_IFREG | (mode & 07777)};
	struct dentry *dir;
	struct dentry *d;
	struct inode *inode;
	char name[24];
	int r = walk_last(w, &dir);

	if (r < 0)
		return r;
	if (!is_dir(dir->inode))
		r = -ENOTDIR;
	else
		r = inode_permission(dir->inode, MAY_WRITE | MAY_EXEC);
	if (r < 0) {
		dentry_put(dir);
		return r;
	}
	inode = name_new_inode(dir->inode, &node);
	if (inode) {
		inode->nlink = 0;
		inode->flags |= flags & O_EXCL ? 0 : I_TMPFILE;
		ksnprintf(name, sizeof(name), "#%lu", (unsigned long)inode->ino);
	}
	d = inode ? dentry_anon(inode, name) : NULL;
	if (!d) {
		dentry_put(dir);
		return -ENOSPC;
	}
	d->flags = D_DEAD;
	d->parent = dir;
	r = file_open(d, flags, true, ret);
	dentry_put(d);
	return r;
}

/* The last component is not there: make it. */
static int open_create(struct walk *w, uint32_t flags, uint32_t mode, struct file **ret)
{
	const struct new_node node = {.mode = S_IFREG | (mode & 07777)};
	struct dentry *d;
	int r;

	if (w->slash)
		return -EISDIR;
	r = name_create(w, &node, &d);
	if (r < 0)
		return r;
	r = file_open(d, flags, true, ret);
	dentry_put(d);
	return r;
}

static int open_last(struct walk *w, uint32_t flags, uint32_t mode, struct file **ret)
{
	struct dentry *d;
	int r;

	if ((flags & O_CREAT) && w->slash && !name_is_special(w))
		return -EISDIR;
	r = walk_last(w, &d);
	if (r == -ENOENT && (flags & O_CREAT) && !name_is_special(w))
		return open_create(w, flags, mode, ret);
	if (r < 0)
		return r;
	if ((flags & O_CREAT) && (flags & O_EXCL))
		r = -EEXIST;
	else if ((flags & O_CREAT) && is_dir(d->inode))
		r = -EISDIR;
	else
		r = file_open(d, flags, false, ret);
	dentry_put(d);
	return r;
}

int file_open_path(int dirfd, const char *path, uint32_t flags, uint32_t mode, unsigned int wflags,
		   struct file **ret)
{
	struct walk w;
	int r;

	if (flags & O_PATH)
		flags &= ALL_PATH;
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	if ((flags & __O_TMPFILE) && (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		wflags |= W_FOLLOW;
	r = walk_init(&w, dirfd, path, wflags);
	if (r == 0)
		r = walk_parent(&w);
	if (r == 0 && (flags & __O_TMPFILE))
		r = open_tmpfile(&w, flags, mode, ret);
	else if (r == 0)
		r = open_last(&w, flags, mode, ret);
	walk_done(&w);
	return r;
}

void vfs_file_info(struct file *f, struct vfs_info *ret)
{
	const struct inode *inode = f->inode;

	*ret = (struct vfs_info){
	    .size = inode->size,
	    .ino = inode->ino,
	    .dev = mount_dev((enum fs_mount)inode->mnt),
	    .mode = inode->mode,
	    .readable = file_readable(f),
	    .writable = file_writable(f),
	    .path_only = is_path_only(f),
	};
	if (f->ops == &regular_ops)
		ret->map = VFS_MAP_FILE;
	else if (f->ops->zero)
		ret->map = VFS_MAP_ZERO;
}

static int check_exec(struct dentry *d, struct file **ret)
{
	if (!S_ISREG(d->inode->mode) || d->inode->mnt == FS_PROC)
		return -EACCES;
	int r = inode_permission(d->inode, MAY_EXEC);

	return r < 0 ? r : file_open(d, O_RDONLY, true, ret);
}

int vfs_open_exec_at(int fd, const char *path, int flags, struct file **ret)
{
	unsigned int wflags = flags & AT_EMPTY_PATH ? W_EMPTY : 0;
	struct dentry *d;
	int r;

	if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (!(flags & AT_SYMLINK_NOFOLLOW))
		wflags |= W_FOLLOW;
	r = path_find(fd, path, wflags, &d);
	if (r < 0)
		return r;
	r = S_ISLNK(d->inode->mode) ? -ELOOP : check_exec(d, ret);
	dentry_put(d);
	return r;
}

int vfs_open_exec(const char *path, struct file **ret)
{
	return vfs_open_exec_at(AT_FDCWD, path, 0, ret);
}

long vfs_file_path(struct file *f, char *buf, size_t size)
{
	return dentry_path(f->dentry, current->fs->root, buf, size);
}
