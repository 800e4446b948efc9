/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that touch nothing of libc, not even errno: for a child that runs in its
 * parent's memory at the same time as the parent. Each returns a result or -errno.
 */
#ifndef IL_BASE_RAW_H
#define IL_BASE_RAW_H

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* A pointer or number as a system call's argument. */
#define IL_RAW_ARG(x) ((long)(uintptr_t)(x))

static inline long il_raw6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

#define IL_RAW(nr, a, b, c, d, e)                                                                  \
	((int)il_raw6((nr), IL_RAW_ARG(a), IL_RAW_ARG(b), IL_RAW_ARG(c), IL_RAW_ARG(d),            \
		      IL_RAW_ARG(e), 0))

static inline int il_raw_mount(const char *source, const char *target, const char *type,
			       unsigned long flags, const char *options)
{
	return IL_RAW(SYS_mount, source, target, type, flags, options);
}

static inline int il_raw_umount(const char *target, int flags)
{
	return IL_RAW(SYS_umount2, target, flags, 0, 0, 0);
}

static inline int il_raw_pivot_root(const char *new_root, const char *put_old)
{
	return IL_RAW(SYS_pivot_root, new_root, put_old, 0, 0, 0);
}

static inline int il_raw_chdir(const char *path)
{
	return IL_RAW(SYS_chdir, path, 0, 0, 0, 0);
}

static inline int il_raw_mkdirat(int dir, const char *path, mode_t mode)
{
	return IL_RAW(SYS_mkdirat, dir, path, mode, 0, 0);
}

static inline int il_raw_mknodat(int dir, const char *path, mode_t mode, dev_t dev)
{
	return IL_RAW(SYS_mknodat, dir, path, mode, dev, 0);
}

static inline int il_raw_symlinkat(const char *target, int dir, const char *path)
{
	return IL_RAW(SYS_symlinkat, target, dir, path, 0, 0);
}

static inline int il_raw_unlinkat(int dir, const char *path, int flags)
{
	return IL_RAW(SYS_unlinkat, dir, path, flags, 0, 0);
}

/* Always with O_CLOEXEC. */
static inline int il_raw_openat(int dir, const char *path, int flags, mode_t mode)
{
	return IL_RAW(SYS_openat, dir, path, flags | O_CLOEXEC, mode, 0);
}

static inline int il_raw_close(int fd)
{
	return IL_RAW(SYS_close, fd, 0, 0, 0, 0);
}

static inline long il_raw_write(int fd, const void *data, size_t len)
{
	return il_raw6(SYS_write, fd, IL_RAW_ARG(data), (long)len, 0, 0, 0);
}

static inline int il_raw_fstatat(int dir, const char *path, struct stat *st, int flags)
{
	return IL_RAW(SYS_newfstatat, dir, path, st, flags, 0);
}

static inline int il_raw_fchownat(int dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	return IL_RAW(SYS_fchownat, dir, path, uid, gid, flags);
}

static inline int il_raw_open_tree(int dir, const char *path, unsigned int flags)
{
	return IL_RAW(SYS_open_tree, dir, path, flags | O_CLOEXEC, 0, 0);
}

static inline int il_raw_move_mount(int from_fd, int dir, const char *path)
{
	return IL_RAW(SYS_move_mount, from_fd, "", dir, path, 4 /* MOVE_MOUNT_F_EMPTY_PATH */);
}

/* Sleep while *word is @seen; wake all who sleep on *word. Shared: it may be a clear_child_tid. */
static inline void il_raw_futex_wait(uint32_t *word, uint32_t seen)
{
	(void)IL_RAW(SYS_futex, word, FUTEX_WAIT, seen, 0, 0);
}

static inline void il_raw_futex_wake(uint32_t *word)
{
	(void)IL_RAW(SYS_futex, word, FUTEX_WAKE, INT_MAX, 0, 0);
}

#endif
