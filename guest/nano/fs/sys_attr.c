// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#define CWD         ((uint64_t)AT_FDCWD)
#define UTIME_NOW_  ((1l << 30) - 1l)
#define UTIME_OMIT_ ((1l << 30) - 2l)
#define KEEP_ID     UINT32_MAX

/* May this object's attributes be changed at all? */
static int changeable(const struct inode *inode)
{
	if (inode_readonly(inode))
		return inode->mnt == FS_PROC ? -EPERM : -EROFS;
	return 0;
}

static long set_mode(struct inode *inode, uint64_t mode)
{
	uint32_t bits = (uint32_t)mode & 07777;
	int r = changeable(inode);

	if (r < 0)
		return r;
	if (!inode_owner(inode))
		return -EPERM;
	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	if (!capable_root() && !in_group(inode->gid))
		bits &= ~(uint32_t)S_ISGID;
	r = inode_dirty(inode);
	if (r < 0)
		return r;
	inode->mode = (inode->mode & S_IFMT) | bits;
	inode->ctime = stamp_now();
	return 0;
}

/* A call on a descriptor; O_PATH files too when @path_too. */
static int file_inode(uint64_t fd, bool path_too, struct file **ret)
{
	struct file *f = fd_file((int)fd);

	if (f && is_path_only(f) && !path_too) {
		file_put(f);
		f = NULL;
	}
	*ret = f;
	return f ? 0 : -EBADF;
}

static long chmod_path(uint64_t dirfd, uint64_t path, uint64_t mode)
{
	struct dentry *d;
	long r = sys_find(dirfd, path, W_FOLLOW, &d);

	if (r < 0)
		return r;
	r = set_mode(d->inode, mode);
	dentry_put(d);
	return r;
}

long sys_chmod(const uint64_t a[6])
{
	return chmod_path(CWD, a[0], a[1]);
}

long sys_fchmodat(const uint64_t a[6])
{
	return chmod_path(a[0], a[1], a[2]);
}

long sys_fchmod(const uint64_t a[6])
{
	struct file *f;
	long r = file_inode(a[0], false, &f);

	if (r < 0)
		return r;
	r = set_mode(f->inode, a[1]);
	file_put(f);
	return r;
}

/* Changing the owner takes root, except to a group of the owner's own. */
static bool may_chown(const struct inode *inode, uint32_t uid, uint32_t gid)
{
	if (capable_root())
		return true;
	if (current->fsuid != inode->uid)
		return uid == KEEP_ID && gid == KEEP_ID;
	return (uid == KEEP_ID || uid == inode->uid) &&
	       (gid == KEEP_ID || gid == inode->gid || in_group(gid));
}

static long set_owner(struct inode *inode, uint32_t uid, uint32_t gid)
{
	int r = changeable(inode);

	if (r < 0)
		return r;
	if (!may_chown(inode, uid, gid))
		return -EPERM;
	r = inode_dirty(inode);
	if (r < 0)
		return r;
	if (uid != KEEP_ID)
		inode->uid = uid;
	if (gid != KEEP_ID)
		inode->gid = gid;
	if (!is_dir(inode)) {
		inode->mode &= ~(uint32_t)S_ISUID;
		if (inode->mode & S_IXGRP)
			inode->mode &= ~(uint32_t)S_ISGID;
	}
	inode->ctime = stamp_now();
	return 0;
}

static long chown_path(uint64_t dirfd, uint64_t path, unsigned int wflags, const uint64_t *ids)
{
	struct dentry *d;
	long r = sys_find(dirfd, path, wflags, &d);

	if (r < 0)
		return r;
	r = set_owner(d->inode, (uint32_t)ids[0], (uint32_t)ids[1]);
	dentry_put(d);
	return r;
}

long sys_chown(const uint64_t a[6])
{
	return chown_path(CWD, a[0], W_FOLLOW, a + 1);
}

long sys_lchown(const uint64_t a[6])
{
	return chown_path(CWD, a[0], 0, a + 1);
}

long sys_fchownat(const uint64_t a[6])
{
	unsigned int wflags;
	int r = sys_at_flags(a[4], AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &wflags);

	return r < 0 ? r : chown_path(a[0], a[1], wflags, a + 2);
}

long sys_fchown(const uint64_t a[6])
{
	struct file *f;
	long r = file_inode(a[0], false, &f);

	if (r < 0)
		return r;
	r = set_owner(f->inode, (uint32_t)a[1], (uint32_t)a[2]);
	file_put(f);
	return r;
}

/* ---- times: [0] access, [1] modification ---------------------------------------------- */

struct time_pair {
	int64_t sec;
	int64_t nsec; /* or UTIME_NOW_, UTIME_OMIT_ */
};

static bool is_now(const struct time_pair t[2])
{
	return t[0].nsec == UTIME_NOW_ && t[1].nsec == UTIME_NOW_;
}

static void set_stamp(struct stamp *s, const struct time_pair *t)
{
	if (t->nsec == UTIME_NOW_)
		*s = stamp_now();
	else if (t->nsec != UTIME_OMIT_)
		*s = (struct stamp){.sec = t->sec, .nsec = (uint32_t)t->nsec};
}

static long set_times(struct inode *inode, const struct time_pair t[2])
{
	int r = changeable(inode);

	if (r < 0)
		return r;
	/* "Now" may be set by whoever may write, anything else by the owner. */
	if (!inode_owner(inode)) {
		if (!is_now(t))
			return -EPERM;
		r = inode_permission(inode, MAY_WRITE);
		if (r < 0)
			return r;
	}
	r = inode_dirty(inode);
	if (r < 0)
		return r;
	set_stamp(&inode->atime, &t[0]);
	set_stamp(&inode->mtime, &t[1]);
	inode->ctime = stamp_now();
	return 0;
}

static bool valid_nsec(int64_t nsec)
{
	return (nsec >= 0 && nsec < 1000000000) || nsec == UTIME_NOW_ || nsec == UTIME_OMIT_;
}

static long times_path(uint64_t dirfd, uint64_t path, unsigned int wflags,
		       const struct time_pair t[2])
{
	struct dentry *d;
	long r;

	if (!valid_nsec(t[0].nsec) || !valid_nsec(t[1].nsec))
		return -EINVAL;
	if (t[0].nsec == UTIME_OMIT_ && t[1].nsec == UTIME_OMIT_)
		return 0;
	r = sys_find(dirfd, path, wflags, &d);
	if (r < 0)
		return r;
	r = set_times(d->inode, t);
	dentry_put(d);
	return r;
}

static long times_fd(uint64_t fd, const struct time_pair t[2])
{
	struct file *f;
	long r;

	if (!valid_nsec(t[0].nsec) || !valid_nsec(t[1].nsec))
		return -EINVAL;
	r = file_inode(fd, false, &f);
	if (r < 0)
		return r;
	r = t[0].nsec == UTIME_OMIT_ && t[1].nsec == UTIME_OMIT_ ? 0 : set_times(f->inode, t);
	file_put(f);
	return r;
}

/* Two pairs from the program, their second halves being @unit nanoseconds. NULL = now. */
static int times_in(uint64_t addr, int64_t unit, struct time_pair ret[2])
{
	ret[0] = ret[1] = (struct time_pair){.nsec = UTIME_NOW_};
	if (!addr)
		return 0;
	if (copy_from_user(ret, addr, 2 * sizeof(*ret)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2 && unit != 1; i++) {
		if (ret[i].nsec < 0 || ret[i].nsec >= 1000000)
			return -EINVAL;
		ret[i].nsec *= unit;
	}
	return 0;
}

long sys_utimensat(const uint64_t a[6])
{
	struct time_pair t[2];
	unsigned int wflags;
	int r = sys_at_flags(a[3], AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &wflags);

	if (r < 0 || (r = times_in(a[2], 1, t)) < 0)
		return r;
	if (a[1])
		return times_path(a[0], a[1], wflags, t);
	return a[3] || (int)a[0] == AT_FDCWD ? -EINVAL : times_fd(a[0], t);
}

static long micro_times(uint64_t dirfd, uint64_t path, uint64_t addr)
{
	struct time_pair t[2];
	int r = times_in(addr, 1000, t);

	return r < 0 ? r : times_path(dirfd, path, W_FOLLOW, t);
}

long sys_utimes(const uint64_t a[6])
{
	return micro_times(CWD, a[0], a[1]);
}

long sys_futimesat(const uint64_t a[6])
{
	return micro_times(a[0], a[1], a[2]);
}

long sys_utime(const uint64_t a[6])
{
	struct time_pair t[2] = {{.nsec = UTIME_NOW_}, {.nsec = UTIME_NOW_}};
	int64_t sec[2];

	if (a[1]) {
		if (copy_from_user(sec, a[1], sizeof(sec)) < 0)
			return -EFAULT;
		t[0] = (struct time_pair){.sec = sec[0]};
		t[1] = (struct time_pair){.sec = sec[1]};
	}
	return times_path(CWD, a[0], W_FOLLOW, t);
}
