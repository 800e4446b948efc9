// SPDX-License-Identifier: Apache-2.0
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t il_clone3(struct clone_args *args)
{
	long r = syscall(SYS_clone3, args, sizeof(*args));

	return r < 0 ? -errno : (pid_t)r;
}

/*
 * The child starts with the caller's registers but @stack, so it must not return through
 * frames that the caller will use again: it calls @fn, and exits with its result.
 */
pid_t il_clone3_vm(struct clone_args *args, void *stack, size_t stack_size, int (*fn)(void *),
		   void *arg)
{
	long r = SYS_clone3;

	args->flags |= CLONE_VM;
	args->stack = (uint64_t)(uintptr_t)stack;
	args->stack_size = stack_size;
	__asm__ volatile(
	    "syscall\n\t"
	    "test %%rax, %%rax\n\t"
	    "jnz 1f\n\t"
	    "xor %%ebp, %%ebp\n\t"
	    "mov %[arg], %%rdi\n\t"
	    "call *%[fn]\n\t"
	    "mov %%eax, %%edi\n\t"
	    "mov %[exit], %%eax\n\t"
	    "syscall\n\t"
	    "hlt\n"
	    "1:"
	    : "+a"(r)
	    : "D"(args),
	      "S"(sizeof(*args)), [fn] "r"(fn), [arg] "r"(arg), [exit] "i"(SYS_exit_group)
	    : "rcx", "r11", "memory", "cc");
	return (pid_t)r;
}

pid_t il_clone3_vfork(struct clone_args *args, void *stack, size_t stack_size, int (*fn)(void *),
		      void *arg)
{
	args->flags |= CLONE_VFORK;
	return il_clone3_vm(args, stack, stack_size, fn, arg);
}

int il_pidfd_open(pid_t pid)
{
	long r = syscall(SYS_pidfd_open, pid, 0);

	return r < 0 ? -errno : (int)r;
}

int il_pidfd_send_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int il_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	bool makes_file = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_CLOEXEC),
	    .mode = makes_file ? mode : 0,
	    .resolve = resolve,
	};
	long r = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return r < 0 ? -errno : (int)r;
}

int il_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	return il_openat2(rootfd, path, flags, mode, RESOLVE_IN_ROOT);
}

int il_close_from(unsigned int first, unsigned int flags)
{
	return syscall(SYS_close_range, first, UINT_MAX, flags) < 0 ? -errno : 0;
}

int il_fsopen(const char *fs_name)
{
	long r = syscall(SYS_fsopen, fs_name, FSOPEN_CLOEXEC);

	return r < 0 ? -errno : (int)r;
}

int il_fsconfig_set(int fs_fd, const char *key, const char *value)
{
	unsigned int cmd = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	return syscall(SYS_fsconfig, fs_fd, cmd, key, value, 0) < 0 ? -errno : 0;
}

int il_fsconfig_create(int fs_fd)
{
	return syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ? -errno : 0;
}

int il_fsmount(int fs_fd, unsigned int attrs)
{
	long r = syscall(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attrs);

	return r < 0 ? -errno : (int)r;
}

int il_open_tree(int dirfd, const char *path, unsigned int flags)
{
	long r = syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC);

	return r < 0 ? -errno : (int)r;
}

int il_move_mount(int from_fd, int dirfd, const char *path)
{
	long r = syscall(SYS_move_mount, from_fd, "", dirfd, path, MOVE_MOUNT_F_EMPTY_PATH);

	return r < 0 ? -errno : 0;
}

int il_mount_setattr(int fd, unsigned int at_flags, const struct mount_attr *attr)
{
	long r = syscall(SYS_mount_setattr, fd, "", at_flags | AT_EMPTY_PATH, attr, sizeof(*attr));

	return r < 0 ? -errno : 0;
}

int il_pivot_root(const char *new_root, const char *put_old)
{
	return syscall(SYS_pivot_root, new_root, put_old) < 0 ? -errno : 0;
}
