// SPDX-License-Identifier: Apache-2.0
#include "bench/mountns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"

/* Bind every v1 hierarchy mounted at /sys/fs/cgroup/NAME to @cover/NAME. 0 or -errno. */
static int bind_hierarchies(const char *cover, const char *mounts)
{
	static const char base[] = "/sys/fs/cgroup/";

	for (const char *p = mounts; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		char from[256], type[64], to[512];

		if (sscanf(p, "%*s %255s %63s", from, type) != 2 || strcmp(type, "cgroup") != 0 ||
		    strncmp(from, base, sizeof(base) - 1) != 0)
			continue;
		snprintf(to, sizeof(to), "%s/%s", cover, from + sizeof(base) - 1);
		if (mkdir(to, 0755) < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* In the child: make the namespace and its mounts. 0 or -errno. */
static int build(const char *cover)
{
	_cleanup_(freep) char *mounts = NULL;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	int r = il_read_file(AT_FDCWD, "/proc/self/mounts", (size_t)1 << 20, &mounts, NULL);
	if (r < 0)
		return r;
	if (mount("tmpfs", cover, "tmpfs", 0, "mode=755") < 0)
		return -errno;
	r = bind_hierarchies(cover, mounts);
	if (r < 0)
		return r;
	return mount(cover, "/sys/fs/cgroup", NULL, MS_MOVE, NULL) < 0 ? -errno : 0;
}

int mountns_without_unified(const char *work, int *ret_fd, struct il_err *err)
{
	_cleanup_(freep) char *cover = il_strf("%s/cgroup", work);
	_cleanup_(closep) int ours = -1;
	_cleanup_(closep) int theirs = -1;
	char path[64];
	int ends[2], code = -EPIPE;

	if (!cover || (mkdir(cover, 0700) < 0 && errno != EEXIST))
		return il_fail(err, cover ? errno : ENOMEM, "make a mount point in '%s'", work);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return il_fail(err, errno, "socketpair");
	ours = ends[0];
	theirs = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return il_fail(err, errno, "fork");
	if (pid == 0) {
		char wait_for_end;

		closep(&ours); /* so that the parent's end is the only one left */
		code = build(cover);
		if (write(theirs, &code, sizeof(code)) != (ssize_t)sizeof(code))
			_exit(1);
		_exit(read(theirs, &wait_for_end, 1) == 0 ? 0 : 1);
	}
	closep(&theirs);
	if (il_read_full(ours, &code, sizeof(code)) != (ssize_t)sizeof(code))
		code = -EPIPE;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	int fd = code < 0 ? code : il_open(AT_FDCWD, path, O_RDONLY, 0);
	closep(&ours);
	waitpid(pid, NULL, 0);
	if (fd < 0)
		return il_fail(err, -fd, "make a mount namespace without the unified hierarchy");
	*ret_fd = fd;
	return 0;
}
