// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/magic.h>

#define BLOCK 4096u

static uint64_t blocks_of(const struct inode *inode)
{
	if (S_ISREG(inode->mode))
		return inode->mnt == FS_PROC ? 0 : data_blocks(inode);
	if (S_ISDIR(inode->mode) && inode->mnt == FS_ROOT)
		return inode->size / 512;
	return 0;
}

static void fill_stat(const struct inode *in, struct stat *st)
{
	*st = (struct stat){
	    .st_dev = mount_dev((enum fs_mount)in->mnt),
	    .st_ino = in->ino,
	    .st_nlink = in->nlink,
	    .st_mode = in->mode,
	    .st_uid = in->uid,
	    .st_gid = in->gid,
	    .st_rdev = in->rdev,
	    .st_size = (long)in->size,
	    .st_blksize = BLOCK,
	    .st_blocks = (long)blocks_of(in),
	    .st_atime = (unsigned long)in->atime.sec,
	    .st_atime_nsec = in->atime.nsec,
	    .st_mtime = (unsigned long)in->mtime.sec,
	    .st_mtime_nsec = in->mtime.nsec,
	    .st_ctime = (unsigned long)in->ctime.sec,
	    .st_ctime_nsec = in->ctime.nsec,
	};
}

static long put_stat(const struct inode *inode, uint64_t to)
{
	struct stat st;

	fill_stat(inode, &st);
	return copy_to_user(to, &st, sizeof(st));
}

static long stat_path(uint64_t dirfd, uint64_t path, unsigned int wflags, uint64_t to)
{
	struct dentry *d;
	long r = sys_find(dirfd, path, wflags, &d);

	if (r < 0)
		return r;
	r = put_stat(d->inode, to);
	dentry_put(d);
	return r;
}

long sys_stat(const uint64_t a[6])
{
	return stat_path((uint64_t)AT_FDCWD, a[0], W_FOLLOW, a[1]);
}

long sys_lstat(const uint64_t a[6])
{
	return stat_path((uint64_t)AT_FDCWD, a[0], 0, a[1]);
}

long sys_fstat(const uint64_t a[6])
{
	struct file *f = fd_file((int)a[0]);
	long r;

	if (!f)
		return -EBADF;
	r = put_stat(f->inode, a[1]);
	file_put(f);
	return r;
}

long sys_newfstatat(const uint64_t a[6])
{
	unsigned int wflags;
	int r = sys_at_flags(a[3], AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, &wflags);

	return r < 0 ? r : stat_path(a[0], a[1], wflags, a[2]);
}

static struct statx_timestamp stamp_x(struct stamp s)
{
	return (struct statx_timestamp){.tv_sec = s.sec, .tv_nsec = s.nsec};
}

static void fill_statx(const struct inode *in, struct statx *sx)
{
	uint64_t dev = mount_dev((enum fs_mount)in->mnt);

	*sx = (struct statx){
	    .stx_mask = STATX_BASIC_STATS,
	    .stx_blksize = BLOCK,
	    .stx_nlink = in->nlink,
	    .stx_uid = in->uid,
	    .stx_gid = in->gid,
	    .stx_mode = (uint16_t)in->mode,
	    .stx_ino = in->ino,
	    .stx_size = in->size,
	    .stx_blocks = blocks_of(in),
	    .stx_atime = stamp_x(in->atime),
	    .stx_ctime = stamp_x(in->ctime),
	    .stx_mtime = stamp_x(in->mtime),
	    /* MMMmmmmm with the minor's upper bits on top: new_decode_dev() */
	    .stx_rdev_major = (in->rdev >> 8) & 0xfff,
	    .stx_rdev_minor = (in->rdev & 0xff) | ((in->rdev >> 12) & 0xfff00),
	    .stx_dev_major = 0,
	    .stx_dev_minor = (uint32_t)dev,
	};
}

long sys_statx(const uint64_t a[6])
{
	struct statx sx;
	struct dentry *d;
	unsigned int wflags;
	long r = sys_at_flags(a[2] & ~(uint64_t)AT_STATX_SYNC_TYPE,
			      AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, &wflags);

	if (r < 0)
		return r;
	if ((a[3] & STATX__RESERVED) || (a[2] & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	r = sys_find(a[0], a[1], wflags, &d);
	if (r < 0)
		return r;
	fill_statx(d->inode, &sx);
	dentry_put(d);
	return copy_to_user(a[4], &sx, sizeof(sx));
}

/* access(2) asks for the real ids, open() for the effective ones. */
static int real_permission(const struct inode *inode, unsigned int mask)
{
	uint32_t uid = current->fsuid;
	uint32_t gid = current->fsgid;
	int r;

	current->fsuid = current->uid;
	current->fsgid = current->gid;
	r = inode_permission(inode, mask);
	current->fsuid = uid;
	current->fsgid = gid;
	return r;
}

static long do_access(uint64_t dirfd, uint64_t path, uint64_t mode, uint64_t flags)
{
	struct dentry *d;
	unsigned int wflags;
	long r = sys_at_flags(flags & ~(uint64_t)AT_EACCESS, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH,
			      &wflags);

	if (r < 0)
		return r;
	if (mode & ~7ull)
		return -EINVAL;
	r = sys_find(dirfd, path, wflags, &d);
	if (r < 0)
		return r;
	if (mode && flags & AT_EACCESS)
		r = inode_permission(d->inode, (unsigned int)mode);
	else if (mode)
		r = real_permission(d->inode, (unsigned int)mode);
	dentry_put(d);
	return r;
}

long sys_access(const uint64_t a[6])
{
	return do_access((uint64_t)AT_FDCWD, a[0], (uint32_t)a[1], 0);
}

long sys_faccessat(const uint64_t a[6])
{
	return do_access(a[0], a[1], (uint32_t)a[2], 0);
}

long sys_faccessat2(const uint64_t a[6])
{
	return do_access(a[0], a[1], (uint32_t)a[2], (uint32_t)a[3]);
}

static long link_target(const struct dentry *d, char *buf)
{
	struct inode *inode = d->inode;
	size_t len;

	if (inode->ops->readlink)
		return inode->ops->readlink(inode, buf, FS_PATH_MAX);
	len = strnlen(inode->link, FS_PATH_MAX);
	memcpy(buf, inode->link, len);
	return (long)len;
}

static long do_readlink(uint64_t dirfd, uint64_t path, uint64_t to, uint64_t size)
{
	FS_CLEANUP(upath_done) struct upath p;
	struct dentry *d;
	char *buf;
	long r = upath_get(&p, path);

	if ((int)size <= 0)
		return -EINVAL;
	if (r == 0)
		r = path_find((int)dirfd, p.s, W_EMPTY, &d);
	if (r < 0)
		return r;
	buf = kmalloc(FS_PATH_MAX);
	if (!buf)
		r = -ENOMEM;
	else if (!S_ISLNK(d->inode->mode))
		r = p.s[0] ? -EINVAL : -ENOENT;
	else
		r = link_target(d, buf);
	if (r > (long)(uint32_t)size)
		r = (long)(uint32_t)size;
	if (r > 0 && copy_to_user(to, buf, (size_t)r) < 0)
		r = -EFAULT;
	kfree(buf);
	dentry_put(d);
	return r;
}

long sys_readlink(const uint64_t a[6])
{
	return do_readlink((uint64_t)AT_FDCWD, a[0], a[1], a[2]);
}

long sys_readlinkat(const uint64_t a[6])
{
	return do_readlink(a[0], a[1], a[2], a[3]);
}

static long put_statfs(const struct inode *inode, uint64_t to)
{
	static const uint32_t types[FS_MOUNT_MAX] = {
	    [FS_ROOT] = OVERLAYFS_SUPER_MAGIC, [FS_DEV] = TMPFS_MAGIC, [FS_SHM] = TMPFS_MAGIC,
	    [FS_PROC] = PROC_SUPER_MAGIC,      [FS_SYS] = SYSFS_MAGIC, [FS_ANON] = TMPFS_MAGIC,
	};
	struct statfs st = {
	    .f_type = types[inode->mnt],
	    .f_bsize = BLOCK,
	    .f_namelen = FS_NAME_MAX,
	    .f_frsize = BLOCK,
	    .f_fsid = {{(int)mount_dev((enum fs_mount)inode->mnt), 0}},
	};

	if (inode->mnt != FS_PROC && inode->mnt != FS_SYS) {
		st.f_blocks = (long)ram_total_pages();
		st.f_bfree = st.f_bavail = (long)ram_free_pages();
		st.f_files = (long)ram_total_pages();
		st.f_ffree = (long)ram_free_pages();
	}
	if (inode_readonly(inode) && inode->mnt != FS_PROC)
		st.f_flags |= 1; /* ST_RDONLY */
	st.f_flags |= 0x20;      /* ST_VALID */
	return copy_to_user(to, &st, sizeof(st));
}

long sys_statfs(const uint64_t a[6])
{
	struct dentry *d;
	long r = sys_find((uint64_t)AT_FDCWD, a[0], W_FOLLOW, &d);

	if (r < 0)
		return r;
	r = put_statfs(d->inode, a[1]);
	dentry_put(d);
	return r;
}

long sys_fstatfs(const uint64_t a[6])
{
	struct file *f = fd_file((int)a[0]);
	long r;

	if (!f)
		return -EBADF;
	r = put_statfs(f->inode, a[1]);
	file_put(f);
	return r;
}
