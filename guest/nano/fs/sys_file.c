// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#include <linux/falloc.h>
#include <linux/memfd.h>

#define RLIMIT_FSIZE 1
#define SIGXFSZ      25

static long do_truncate(struct inode *inode, int64_t size)
{
	int r;

	if ((uint64_t)size > inode->size && (uint64_t)size > current->rlimits[RLIMIT_FSIZE].cur) {
		signal_send(SIGXFSZ);
		return -EFBIG;
	}
	r = data_truncate(inode, (uint64_t)size);
	if (r == 0)
		inode_touch(inode);
	return r;
}

long sys_truncate(const uint64_t a[6])
{
	struct dentry *d;
	long r;

	if ((int64_t)a[1] < 0)
		return -EINVAL;
	r = sys_find((uint64_t)AT_FDCWD, a[0], W_FOLLOW, &d);
	if (r < 0)
		return r;
	if (is_dir(d->inode))
		r = -EISDIR;
	else if (!S_ISREG(d->inode->mode))
		r = -EINVAL;
	else
		r = inode_permission(d->inode, MAY_WRITE);
	if (r == 0)
		r = d->inode->mnt == FS_PROC ? -EPERM : do_truncate(d->inode, (int64_t)a[1]);
	dentry_put(d);
	return r;
}

static int sealed(const struct inode *inode, uint32_t seals)
{
	return inode->mnt == FS_ANON && (inode->reg.seals & seals) ? -EPERM : 0;
}

static long truncate_file(struct file *f, int64_t size)
{
	uint32_t seal = (uint64_t)size < f->inode->size ? F_SEAL_SHRINK : F_SEAL_GROW;

	if (f->ops != &regular_ops || !file_writable(f))
		return -EINVAL;
	if ((uint64_t)size != f->inode->size && sealed(f->inode, seal) < 0)
		return -EPERM;
	return do_truncate(f->inode, size);
}

long sys_ftruncate(const uint64_t a[6])
{
	struct file *f;
	long r;

	if ((int64_t)a[1] < 0)
		return -EINVAL;
	r = fd_get(a[0], &f);
	if (r < 0)
		return r;
	r = truncate_file(f, (int64_t)a[1]);
	file_put(f);
	return r;
}

static long allocate(struct inode *inode, uint64_t mode, uint64_t off, uint64_t end)
{
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	long r = 0;

	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		r = inode_dirty(inode);
	else if (!data_room((end - off) >> PAGE_SHIFT))
		r = -ENOSPC;
	if (r == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		r = data_zero(inode, off, end);
	if (r == 0 && !keep && end > inode->size)
		r = do_truncate(inode, (int64_t)end);
	if (r == 0)
		inode_touch(inode);
	return r;
}

static long do_fallocate(struct file *f, uint64_t mode, int64_t off, int64_t len)
{
	int64_t end;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(uint64_t)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    (!(mode & FALLOC_FL_KEEP_SIZE) || (mode & FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (!file_writable(f))
		return -EBADF;
	if (is_dir(f->inode))
		return -EISDIR;
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (f->ops != &regular_ops)
		return -ENODEV;
	if (__builtin_add_overflow(off, len, &end))
		return -EFBIG;
	return allocate(f->inode, mode, (uint64_t)off, (uint64_t)end);
}

long sys_fallocate(const uint64_t a[6])
{
	struct file *f;
	long r = fd_get(a[0], &f);

	if (r < 0)
		return r;
	r = do_fallocate(f, (uint32_t)a[1], (int64_t)a[2], (int64_t)a[3]);
	file_put(f);
	return r;
}

/* Nothing here outlives the VM, so there is nothing to write back. */
static long sync_file(uint64_t fd)
{
	struct file *f;
	long r = fd_get(fd, &f);

	if (r < 0)
		return r;
	if (!S_ISREG(f->inode->mode) && !is_dir(f->inode) && !S_ISBLK(f->inode->mode))
		r = -EINVAL;
	file_put(f);
	return r;
}

long sys_fsync(const uint64_t a[6])
{
	return sync_file(a[0]);
}

long sys_fdatasync(const uint64_t a[6])
{
	return sync_file(a[0]);
}

long sys_sync(const uint64_t a[6])
{
	(void)a;
	return 0;
}

static long valid_fd(uint64_t fd)
{
	struct file *f;
	long r = fd_get(fd, &f);

	if (r == 0)
		file_put(f);
	return r;
}

long sys_syncfs(const uint64_t a[6])
{
	return valid_fd(a[0]);
}

long sys_sync_file_range(const uint64_t a[6])
{
	if ((int64_t)a[1] < 0 || (int64_t)a[2] < 0 || (a[3] & ~7ull))
		return -EINVAL;
	return sync_file(a[0]) == -EINVAL ? -ESPIPE : sync_file(a[0]);
}

long sys_readahead(const uint64_t a[6])
{
	return sync_file(a[0]);
}

long sys_fadvise64(const uint64_t a[6])
{
	struct file *f;
	long r = fd_get(a[0], &f);

	if (r < 0)
		return r;
	if (S_ISFIFO(f->inode->mode))
		r = -ESPIPE;
	else if (a[3] > 5)
		r = -EINVAL;
	file_put(f);
	return r;
}

/* One process: a lock is always free. */
long sys_flock(const uint64_t a[6])
{
	uint64_t op = a[1] & ~(uint64_t)LOCK_NB;

	if (op != LOCK_SH && op != LOCK_EX && op != LOCK_UN)
		return -EINVAL;
	return valid_fd(a[0]);
}

#define MEMFD_NAME_MAX 249

long sys_memfd_create(const uint64_t a[6])
{
	FS_CLEANUP(upath_done) struct upath name;
	struct inode *inode;
	struct file *f;
	char full[FS_NAME_MAX + 1];
	int r = upath_get(&name, a[0]);

	if (r < 0)
		return r == -ENAMETOOLONG ? -EINVAL : r;
	if ((a[1] & ~(uint64_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING)) ||
	    strlen(name.s) > MEMFD_NAME_MAX)
		return -EINVAL;
	inode = inode_new(FS_ANON, S_IFREG | 0777);
	if (!inode)
		return -ENOMEM;
	inode->nlink = 0;
	inode->reg.seals = a[1] & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	ksnprintf(full, sizeof(full), "/memfd:%s (deleted)", name.s);
	f = file_anon(inode, full, O_RDWR | O_LARGEFILE, &regular_ops);
	return f ? fd_install(f, 0, a[1] & MFD_CLOEXEC) : -ENOMEM;
}
