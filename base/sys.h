/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw system calls that Debian 12's libc does not wrap. One typed wrapper each; all
 * return a non-negative result or -errno; descriptors are CLOEXEC.
 */
#ifndef IL_BASE_SYS_H
#define IL_BASE_SYS_H

#include "base/macros.h"

#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/types.h>

/* clone3(2). Returns the pid in the parent and 0 in the child (fork-like: no new stack). */
pid_t il_clone3(struct clone_args *args) IL_MUST_CHECK;
/*
 * clone3(2) into the caller's memory (CLONE_VM is added): the child runs fn(arg) on @stack,
 * and its result is its exit status. Without CLONE_VFORK both run at the same time, with one
 * errno between them: the child then makes only the calls of base/raw.h. It must not
 * allocate, lock or return in either case.
 * @args   args->stack and stack_size are set here
 * @stack  lowest address of @stack_size bytes, 16-aligned; until the child has exec'd or died
 * Returns the pid, or -errno.
 */
pid_t il_clone3_vm(struct clone_args *args, void *stack, size_t stack_size, int (*fn)(void *),
		   void *arg) IL_MUST_CHECK;
/* il_clone3_vfork: the same with CLONE_VFORK: the caller sleeps until the child has exec'd. */
pid_t il_clone3_vfork(struct clone_args *args, void *stack, size_t stack_size, int (*fn)(void *),
		      void *arg) IL_MUST_CHECK;
/* pidfd_open(2); pidfd_send_signal(2) with no siginfo. */
int il_pidfd_open(pid_t pid) IL_MUST_CHECK;
int il_pidfd_send_signal(int pidfd, int sig) IL_MUST_CHECK;
/* openat2(2) with RESOLVE_IN_ROOT: @path can't leave @rootfd, whatever links it has. */
int il_open_in_root(int rootfd, const char *path, int flags, mode_t mode) IL_MUST_CHECK;
/* openat2(2) with RESOLVE_* flags of the caller's choice. */
int il_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve) IL_MUST_CHECK;
/* close_range(2) from @first on; with CLOSE_RANGE_CLOEXEC in @flags marks only. */
int il_close_from(unsigned int first, unsigned int flags) IL_MUST_CHECK;

/* The mount API of Linux 5.2 and 5.12: fsopen(2) to mount_setattr(2), pivot_root(2). */
int il_fsopen(const char *fs_name) IL_MUST_CHECK;
/* fsconfig(2): @value NULL sets a flag; fs_create makes the superblock. */
int il_fsconfig_set(int fs_fd, const char *key, const char *value) IL_MUST_CHECK;
int il_fsconfig_create(int fs_fd) IL_MUST_CHECK;
/* fsmount(2) with MOUNT_ATTR_* flags. Returns an owned, detached mount's fd. */
int il_fsmount(int fs_fd, unsigned int attrs) IL_MUST_CHECK;
/* open_tree(2): @flags are OPEN_TREE_CLONE, AT_RECURSIVE, AT_EMPTY_PATH... */
int il_open_tree(int dirfd, const char *path, unsigned int flags) IL_MUST_CHECK;
/* move_mount(2) of the whole mount @from_fd to @path below @dirfd. */
int il_move_mount(int from_fd, int dirfd, const char *path) IL_MUST_CHECK;
/* mount_setattr(2) on the mount @fd itself (AT_RECURSIVE in @at_flags for the tree). */
int il_mount_setattr(int fd, unsigned int at_flags, const struct mount_attr *attr) IL_MUST_CHECK;
int il_pivot_root(const char *new_root, const char *put_old) IL_MUST_CHECK;

#endif
