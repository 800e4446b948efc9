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

int il_pidfd_open(pid_t pid)
{
	long r = syscall(SYS_pidfd_open, pid, 0);

	return r < 0 ? -errno : (int)r;
}

int il_pidfd_send_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int il_open_in_root(int rootfd, const char *path, int flags, mode_t mode)
{
	bool makes_file = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
	    .flags = (uint64_t)(flags | O_CLOEXEC),
	    .mode = makes_file ? mode : 0,
	    .resolve = RESOLVE_IN_ROOT,
	};
	long r = syscall(SYS_openat2, rootfd, path, &how, sizeof(how));

	return r < 0 ? -errno : (int)r;
}

int il_close_from(unsigned int first, unsigned int flags)
{
	return syscall(SYS_close_range, first, UINT_MAX, flags) < 0 ? -errno : 0;
}
