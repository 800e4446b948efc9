/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the file side: one list from which prototypes and the table
 * fs_syscalls (sys_table.c) are made. A call's function is sys_NAME.
 */
#ifndef IL_NANO_FS_SYS_H
#define IL_NANO_FS_SYS_H

#include "guest/nano/fs/fs.h"

#include <asm/unistd.h>

/* clang-format off */
#define FS_SYSCALLS(X) \
	FS_SYSCALLS_RW(X) FS_SYSCALLS_FILE(X) FS_SYSCALLS_OPEN(X) FS_SYSCALLS_STAT(X) \
	FS_SYSCALLS_NAME(X) FS_SYSCALLS_ATTR(X) FS_SYSCALLS_XATTR(X) FS_SYSCALLS_POLL(X) \
	FS_SYSCALLS_REFUSED(X)

#define FS_SYSCALLS_RW(X) \
	X(read) X(write) X(readv) X(writev) X(pread64) X(pwrite64) X(preadv) X(pwritev) \
	X(preadv2) X(pwritev2) X(lseek) X(sendfile) X(copy_file_range) X(splice) X(tee) \
	X(vmsplice)
#define FS_SYSCALLS_FILE(X) \
	X(truncate) X(ftruncate) X(fallocate) X(fsync) X(fdatasync) X(sync) X(syncfs) \
	X(sync_file_range) X(readahead) X(fadvise64) X(flock) X(memfd_create) X(pipe) X(pipe2)
#define FS_SYSCALLS_OPEN(X) \
	X(open) X(openat) X(openat2) X(creat) X(close) X(close_range) X(dup) X(dup2) X(dup3) \
	X(fcntl) X(ioctl)
#define FS_SYSCALLS_STAT(X) \
	X(stat) X(fstat) X(lstat) X(newfstatat) X(statx) X(access) X(faccessat) X(faccessat2) \
	X(readlink) X(readlinkat) X(statfs) X(fstatfs) X(getdents) X(getdents64)
#define FS_SYSCALLS_NAME(X) \
	X(symlink) X(symlinkat) X(link) X(linkat) X(unlink) X(unlinkat) X(rename) X(renameat) \
	X(renameat2) X(mkdir) X(mkdirat) X(rmdir) X(mknod) X(mknodat) X(getcwd) X(chdir) \
	X(fchdir) X(chroot) X(umask)
#define FS_SYSCALLS_ATTR(X) \
	X(chmod) X(fchmod) X(fchmodat) X(chown) X(fchown) X(lchown) X(fchownat) X(utime) \
	X(utimes) X(utimensat) X(futimesat)
#define FS_SYSCALLS_XATTR(X) \
	X(getxattr) X(lgetxattr) X(fgetxattr) X(listxattr) X(llistxattr) X(flistxattr) \
	X(setxattr) X(lsetxattr) X(fsetxattr) X(removexattr) X(lremovexattr) X(fremovexattr)
#define FS_SYSCALLS_POLL(X) \
	X(poll) X(ppoll) X(select) X(pselect6) X(epoll_create) X(epoll_create1) X(epoll_ctl) \
	X(epoll_wait) X(epoll_pwait) X(epoll_pwait2) X(eventfd) X(eventfd2)
#define FS_SYSCALLS_REFUSED(X) \
	X(mount) X(umount2) X(pivot_root) X(swapon) X(swapoff) X(quotactl) X(name_to_handle_at) \
	X(open_by_handle_at) X(inotify_init) X(inotify_init1) X(inotify_add_watch) \
	X(inotify_rm_watch) X(fanotify_init) X(signalfd) X(signalfd4) X(timerfd_create) \
	X(open_tree) X(move_mount) X(fsopen) X(fsmount) X(mount_setattr) X(acct)
/* clang-format on */

#define FS_DECLARE(name) long sys_##name(const uint64_t a[6]);
FS_SYSCALLS(FS_DECLARE)
#undef FS_DECLARE

/* sys_at_flags: the walk flags of AT_* @flags; -EINVAL when one is not @allowed. */
int sys_at_flags(uint64_t flags, uint64_t allowed, unsigned int *ret);
/*
 * sys_find: the object that a path argument names.
 * @addr   the path in the program's memory
 * @wflags W_*
 * 0 and a counted dentry.
 */
int sys_find(uint64_t dirfd, uint64_t addr, unsigned int wflags, struct dentry **ret) FS_MUST_CHECK;

#endif
