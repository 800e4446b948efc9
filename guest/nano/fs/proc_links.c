// SPDX-License-Identifier: Apache-2.0
/* /proc/self: links that lead to open objects, and the directory of descriptors. */
#include "guest/nano/fs/tabfs.h"

#define INO_FD     8192u
#define INO_FDINFO 65536u

static long path_of(struct dentry *d, char *buf, size_t size)
{
	char *path = kmalloc(FS_PATH_MAX);
	long n;

	if (!path)
		return -ENOMEM;
	n = dentry_path(d, current->fs->root, path, FS_PATH_MAX);
	if (n > (long)size)
		n = (long)size;
	if (n > 0)
		memcpy(buf, path, (size_t)n);
	kfree(path);
	return n == -ERANGE ? -ENAMETOOLONG : n;
}

static void nothing_to_free(struct inode *inode)
{
	(void)inode;
}

static int exe_follow(struct inode *inode, struct dentry **ret)
{
	(void)inode;
	if (!current->exe)
		return -ENOENT;
	*ret = dentry_get(current->exe->dentry);
	return 0;
}

static long exe_readlink(struct inode *inode, char *buf, size_t size)
{
	(void)inode;
	return current->exe ? path_of(current->exe->dentry, buf, size) : -ENOENT;
}

static int cwd_follow(struct inode *inode, struct dentry **ret)
{
	(void)inode;
	*ret = dentry_get(current->fs->cwd);
	return 0;
}

static long cwd_readlink(struct inode *inode, char *buf, size_t size)
{
	(void)inode;
	return path_of(current->fs->cwd, buf, size);
}

static int root_follow(struct inode *inode, struct dentry **ret)
{
	(void)inode;
	*ret = dentry_get(current->fs->root);
	return 0;
}

static long root_readlink(struct inode *inode, char *buf, size_t size)
{
	(void)inode;
	return path_of(current->fs->root, buf, size);
}

const struct inode_ops proc_exe_ops = {
    .follow = exe_follow, .readlink = exe_readlink, .free = nothing_to_free};
const struct inode_ops proc_cwd_ops = {
    .follow = cwd_follow, .readlink = cwd_readlink, .free = nothing_to_free};
const struct inode_ops proc_root_ops = {
    .follow = root_follow, .readlink = root_readlink, .free = nothing_to_free};

/* ---- fd/ and fdinfo/ ------------------------------------------------------------------ */

/* The number that @name is; -1 when it is none. */
static int fd_number(const char *name, size_t len)
{
	int fd = 0;

	if (len == 0 || len > 7 || (name[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		fd = fd * 10 + (name[i] - '0');
	}
	return fd;
}

static int fd_follow(struct inode *inode, struct dentry **ret)
{
	struct file *f = fd_file((int)inode->low);

	if (!f)
		return -ENOENT;
	*ret = dentry_get(f->dentry);
	file_put(f);
	return 0;
}

static long fd_readlink(struct inode *inode, char *buf, size_t size)
{
	struct file *f = fd_file((int)inode->low);
	long n;

	if (!f)
		return -ENOENT;
	n = path_of(f->dentry, buf, size);
	file_put(f);
	return n;
}

static const struct inode_ops fd_link_ops = {
    .follow = fd_follow, .readlink = fd_readlink, .free = nothing_to_free};

/* An inode of one descriptor; @mode's permissions are for links those of the file. */
static struct inode *fd_inode(int fd, uint32_t mode, uint64_t ino, const struct inode_ops *ops)
{
	struct inode *inode = inode_new(FS_PROC, mode);

	if (!inode)
		return NULL;
	fs_state.next_ino--;
	inode->ops = ops;
	inode->low = (uint64_t)fd;
	inode->ino = ino + (uint64_t)fd;
	inode->size = S_ISLNK(mode) ? 64 : 0;
	return inode;
}

static int fd_lookup(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	int fd = fd_number(name, len);
	struct file *f = fd < 0 ? NULL : fd_file(fd);
	uint32_t mode = S_IFLNK | 0100;

	(void)dir;
	if (!f)
		return -ENOENT;
	mode |= file_readable(f) ? 0400 : 0;
	mode |= file_writable(f) ? 0200 : 0;
	file_put(f);
	*ret = fd_inode(fd, mode, INO_FD, &fd_link_ops);
	return *ret ? 0 : -ENOMEM;
}

static int fd_readdir_as(uint64_t pos, struct low_entry *ret, uint64_t ino, uint8_t type)
{
	int fd = pos > INT32_MAX ? -1 : fd_next((int)pos);

	if (fd < 0)
		return 0;
	ret->next = (uint64_t)fd + 1;
	ret->ino = ino + (uint64_t)fd;
	ret->name_len = (uint32_t)ksnprintf(ret->store, sizeof(ret->store), "%d", fd);
	ret->name = ret->store;
	ret->type = type;
	return 1;
}

static int fd_readdir(struct inode *dir, uint64_t pos, struct low_entry *ret)
{
	(void)dir;
	return fd_readdir_as(pos, ret, INO_FD, S_IFLNK >> 12);
}

const struct inode_ops proc_fd_ops = {
    .lookup = fd_lookup, .readdir = fd_readdir, .free = nothing_to_free};

static long fdinfo_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct file *of = fd_file((int)f->inode->low);
	char text[96];
	int n;

	if (!of)
		return -ENOENT;
	n = ksnprintf(text, sizeof(text), "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
		      (unsigned long)of->pos, of->flags, 20u + of->inode->mnt,
		      (unsigned long)of->inode->ino);
	file_put(of);
	if (*pos >= (uint64_t)n || u->left == 0)
		return 0;
	n = (int)uio_put(u, text + *pos, (size_t)n - *pos);
	*pos += (uint64_t)n;
	return n ? n : -EFAULT;
}

static const struct file_ops fdinfo_file_ops = {.read = fdinfo_read, .seekable = true};

static int fdinfo_open(struct file *f)
{
	f->ops = &fdinfo_file_ops;
	return 0;
}

static const struct inode_ops fdinfo_inode_ops = {.open = fdinfo_open, .free = nothing_to_free};

static int fdinfo_lookup(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	int fd = fd_number(name, len);
	struct file *f = fd < 0 ? NULL : fd_file(fd);

	(void)dir;
	if (!f)
		return -ENOENT;
	file_put(f);
	*ret = fd_inode(fd, S_IFREG | 0444, INO_FDINFO, &fdinfo_inode_ops);
	return *ret ? 0 : -ENOMEM;
}

static int fdinfo_readdir(struct inode *dir, uint64_t pos, struct low_entry *ret)
{
	(void)dir;
	return fd_readdir_as(pos, ret, INO_FDINFO, S_IFREG >> 12);
}

const struct inode_ops proc_fdinfo_ops = {
    .lookup = fdinfo_lookup, .readdir = fdinfo_readdir, .free = nothing_to_free};
