// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#include <linux/close_range.h>
#include <linux/openat2.h>

int sys_find(uint64_t dirfd, uint64_t addr, unsigned int wflags, struct dentry **ret)
{
	FS_CLEANUP(upath_done) struct upath path;
	int r = upath_get(&path, addr);

	return r < 0 ? r : path_find((int)dirfd, path.s, wflags, ret);
}

int sys_at_flags(uint64_t flags, uint64_t allowed, unsigned int *ret)
{
	if ((uint32_t)flags & ~(uint32_t)allowed)
		return -EINVAL;
	*ret = flags & AT_EMPTY_PATH ? W_EMPTY : 0;
	if (!(flags & AT_SYMLINK_NOFOLLOW))
		*ret |= W_FOLLOW;
	return 0;
}

static long do_open(uint64_t dirfd, uint64_t addr, uint64_t flags, uint64_t mode,
		    unsigned int wflags)
{
	FS_CLEANUP(upath_done) struct upath path;
	struct file *f;
	int r = upath_get(&path, addr);

	if (r < 0)
		return r;
	r = file_open_path((int)dirfd, path.s, (uint32_t)flags, (uint32_t)mode, wflags, &f);
	if (r < 0)
		return r;
	return fd_install(f, 0, flags & O_CLOEXEC);
}

long sys_open(const uint64_t a[6])
{
	return do_open((uint64_t)AT_FDCWD, a[0], a[1] | O_LARGEFILE, a[2], 0);
}

long sys_openat(const uint64_t a[6])
{
	return do_open(a[0], a[1], a[2] | O_LARGEFILE, a[3], 0);
}

long sys_creat(const uint64_t a[6])
{
	return do_open((uint64_t)AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, a[1],
		       0);
}

static int resolve_flags(uint64_t resolve, unsigned int *ret)
{
	static const struct {
		uint64_t resolve;
		unsigned int walk;
	} map[] = {
	    {RESOLVE_BENEATH, W_BENEATH | W_NOMAGIC},
	    {RESOLVE_IN_ROOT, W_IN_ROOT | W_NOMAGIC},
	    {RESOLVE_NO_SYMLINKS, W_NOSYMLINKS},
	    {RESOLVE_NO_MAGICLINKS, W_NOMAGIC},
	    {RESOLVE_NO_XDEV, W_NOXDEV},
	    {RESOLVE_CACHED, 0},
	};

	*ret = 0;
	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (resolve & map[i].resolve)
			*ret |= map[i].walk;
		resolve &= ~map[i].resolve;
	}
	if (resolve || (*ret & (W_BENEATH | W_IN_ROOT)) == (W_BENEATH | W_IN_ROOT))
		return -EINVAL;
	return 0;
}

#define OPEN_KNOWN                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |     \
	 FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |      \
	 __O_SYNC | O_PATH | __O_TMPFILE)

long sys_openat2(const uint64_t a[6])
{
	struct open_how how;
	unsigned int wflags;
	int r;

	if (a[3] < sizeof(how))
		return -EINVAL;
	if (a[3] > sizeof(how))
		return -E2BIG;
	if (copy_from_user(&how, a[2], sizeof(how)) < 0)
		return -EFAULT;
	if (how.flags & ~(uint64_t)(uint32_t)OPEN_KNOWN)
		return -EINVAL;
	if (how.mode && !(how.flags & (O_CREAT | __O_TMPFILE)))
		return -EINVAL;
	r = resolve_flags(how.resolve, &wflags);
	return r < 0 ? r : do_open(a[0], a[1], how.flags | O_LARGEFILE, how.mode, wflags);
}

long sys_close(const uint64_t a[6])
{
	return fd_close((int)a[0]);
}

long sys_close_range(const uint64_t a[6])
{
	uint32_t first = (uint32_t)a[0];
	uint32_t last = (uint32_t)a[1];

	if (first > last || (a[2] & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)))
		return -EINVAL;
	if (first > INT32_MAX)
		return 0;
	for (int fd = fd_next((int)first); fd >= 0 && (uint32_t)fd <= last; fd = fd_next(fd + 1)) {
		if (a[2] & CLOSE_RANGE_CLOEXEC)
			fd_set_cloexec(fd, true);
		else
			fd_close(fd);
	}
	return 0;
}

long sys_dup(const uint64_t a[6])
{
	struct file *f = fd_file((int)a[0]);

	return f ? fd_install(f, 0, false) : -EBADF;
}

static long dup_to(uint64_t from, uint64_t to, bool cloexec)
{
	struct file *f = fd_file((int)from);

	return f ? fd_set_file((int)to, f, cloexec) : -EBADF;
}

long sys_dup2(const uint64_t a[6])
{
	if ((int)a[0] == (int)a[1]) {
		struct file *f = fd_file((int)a[0]);

		file_put(f);
		return f ? (int)a[0] : -EBADF;
	}
	return dup_to(a[0], a[1], false);
}

long sys_dup3(const uint64_t a[6])
{
	if ((int)a[0] == (int)a[1] || (a[2] & ~(uint64_t)O_CLOEXEC))
		return -EINVAL;
	return dup_to(a[0], a[1], a[2] & O_CLOEXEC);
}

#define SETTABLE      (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)
#define RLIMIT_NOFILE 7

static long fcntl_dup(struct file *f, uint64_t min, bool cloexec)
{
	if (min >= current->rlimits[RLIMIT_NOFILE].cur)
		return -EINVAL;
	return fd_install(file_get(f), (int)min, cloexec);
}

/* A lock is never contended: there is one process. */
static long fcntl_getlk(uint64_t addr)
{
	int16_t unlocked = F_UNLCK;

	return copy_to_user(addr, &unlocked, sizeof(unlocked));
}

static long fcntl_seals(struct file *f, uint64_t cmd, uint64_t arg)
{
	if (f->ops != &regular_ops || f->inode->mnt != FS_ANON)
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return f->inode->reg.seals;
	if (!file_writable(f) || (f->inode->reg.seals & F_SEAL_SEAL))
		return -EPERM;
	f->inode->reg.seals |= (uint32_t)arg;
	return 0;
}

static long fcntl_setfl(struct file *f, uint64_t arg)
{
	if ((arg & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner(f->inode))
		return -EPERM;
	f->flags = (f->flags & ~(uint32_t)SETTABLE) | ((uint32_t)arg & SETTABLE);
	return 0;
}

static long do_fcntl(int fd, struct file *f, uint32_t cmd, uint64_t arg)
{
	if (is_path_only(f) && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD &&
	    cmd != F_SETFD && cmd != F_GETFL)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fcntl_dup(f, (uint32_t)arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return (long)f->flags;
	case F_SETFL:
		return fcntl_setfl(f, arg);
	case F_GETLK:
	case F_OFD_GETLK:
		return fcntl_getlk(arg);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
	case F_SETOWN:
	case F_SETSIG:
	case F_SETLEASE:
		return 0;
	case F_GETOWN:
	case F_GETSIG:
		return 0;
	case F_GETLEASE:
		return F_UNLCK;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return f->ops == &pipe_ops ? 65536 : -EBADF;
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return fcntl_seals(f, cmd, arg);
	default:
		return -EINVAL;
	}
}

long sys_fcntl(const uint64_t a[6])
{
	struct file *f = fd_file((int)a[0]);
	long r;

	if (!f)
		return -EBADF;
	r = do_fcntl((int)a[0], f, (uint32_t)a[1], a[2]);
	file_put(f);
	return r;
}

/* From <asm-generic/ioctls.h>, which needs the termios types. */
#define FIONREAD_ 0x541b
#define FIONBIO_  0x5421
#define FIONCLEX_ 0x5450
#define FIOCLEX_  0x5451
#define FIOASYNC_ 0x5452

static long ioctl_nonblock(struct file *f, uint64_t arg)
{
	int32_t on;

	if (copy_from_user(&on, arg, sizeof(on)) < 0)
		return -EFAULT;
	f->flags = (f->flags & ~(uint32_t)O_NONBLOCK) | (on ? O_NONBLOCK : 0);
	return 0;
}

/* What is left to read of a regular file. */
static long ioctl_file_left(const struct file *f, uint64_t arg)
{
	int32_t left = (int32_t)(f->inode->size - f->pos);

	return copy_to_user(arg, &left, sizeof(left));
}

static long do_ioctl(int fd, struct file *f, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case FIOCLEX_:
	case FIONCLEX_:
		fd_set_cloexec(fd, cmd == FIOCLEX_);
		return 0;
	case FIONBIO_:
		return ioctl_nonblock(f, arg);
	case FIOASYNC_:
		return 0;
	case FIONREAD_:
		if (f->ops == &regular_ops)
			return ioctl_file_left(f, arg);
		break;
	default:
		break;
	}
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(const uint64_t a[6])
{
	struct file *f;
	long r = fd_get(a[0], &f);

	if (r < 0)
		return r;
	r = do_ioctl((int)a[0], f, (uint32_t)a[1], a[2]);
	file_put(f);
	return r;
}
