// SPDX-License-Identifier: Apache-2.0
/*
 * The EROFS image of a root directory. The nano guest parses it in place and maps file
 * data as pages, so it is made without compression, without chunk sharing, and with the
 * data of regular files at block boundaries (-Enoinline_data).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/rootfs.h"

#define EROFS_MAGIC      0xe0f5e1e2u
#define EROFS_SUPER_OFF  1024 /* the super block's offset in the file */
#define EROFS_BLOCK_SIZE 4096u

extern char **environ;

/* Starts the program with stdout and stderr into a pipe. Returns 0 or -errno. */
static int spawn_captured(char *const argv[], pid_t *ret_pid, int *ret_out)
{
	_cleanup_(closep) int out = -1;
	_cleanup_(closep) int in = -1;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	out = fds[0];
	in = fds[1];
	int r = posix_spawn_file_actions_init(&actions);
	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		sigemptyset(&none);
		posix_spawnattr_setsigmask(&attr, &none);
		posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
		r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&actions, in, 1);
		if (r == 0)
			r = posix_spawn_file_actions_adddup2(&actions, in, 2);
		if (r == 0)
			r = posix_spawnp(ret_pid, argv[0], &actions, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (r == 0)
		*ret_out = steal_fd(&out);
	return -r;
}

/* The program's last line of text, for the message; it also empties the pipe. */
static void last_line(int fd, char *line, size_t cap)
{
	char buf[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buf + len, sizeof(buf) - 1 - len)) > 0) {
		len += (size_t)n;
		if (len == sizeof(buf) - 1) { /* keep the second half */
			memmove(buf, buf + len / 2, len - len / 2);
			len -= len / 2;
		}
	}
	while (len > 0 && strchr("\n\r\t ", buf[len - 1]))
		len--;
	buf[len] = '\0';
	const char *start = strrchr(buf, '\n');
	start = start ? start + 1 : buf;
	snprintf(line, cap, "%s", start + strspn(start, " \t\r"));
}

static int check_image(const char *path, struct il_err *err)
{
	_cleanup_(closep) int fd = il_open(AT_FDCWD, path, O_RDONLY, 0);
	struct stat st;
	uint32_t magic = 0;
	uint32_t blocks = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return il_fail(err, fd < 0 ? -fd : errno, "open the new EROFS image");
	if (pread(fd, &magic, sizeof(magic), EROFS_SUPER_OFF) != sizeof(magic) ||
	    pread(fd, &blocks, sizeof(blocks), EROFS_SUPER_OFF + 36) != sizeof(blocks) ||
	    magic != EROFS_MAGIC)
		return il_refuse(err, EIO, "mkfs.erofs made no EROFS image");
	if ((uint64_t)st.st_size < (uint64_t)blocks * EROFS_BLOCK_SIZE)
		return il_refuse(err, EIO, "mkfs.erofs made a cut EROFS image");
	return 0;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status;
}

int img_mkfs_erofs(const char *root_path, const char *image_path, struct il_err *err)
{
	_cleanup_(closep) int out = -1;
	char line[256] = "";
	char prog[] = "mkfs.erofs";
	char no_inline[] = "-Enoinline_data";
	/* One fixed id: equal roots give equal images, and nothing mounts by it. */
	char uuid[] = "-U69736f6c-6162-4000-8000-65726f667321";
	char all_root[] = "--all-root";
	_cleanup_(freep) char *image = strdup(image_path);
	_cleanup_(freep) char *root = strdup(root_path);
	/* Unpacked without privilege, every file has the caller's owner. */
	char *argv[] = {prog, no_inline, uuid, image, root, geteuid() == 0 ? NULL : all_root, NULL};
	pid_t pid = 0;

	if (!image || !root)
		return il_fail(err, ENOMEM, "make the EROFS image");
	int r = spawn_captured(argv, &pid, &out);
	if (r == -ENOENT)
		return il_refuse(
		    err, ENOENT,
		    "the program mkfs.erofs is missing: install the package erofs-utils");
	if (r < 0)
		return il_fail(err, -r, "run mkfs.erofs");
	last_line(out, line, sizeof(line));
	r = wait_for(pid);
	if (r != 0)
		return il_refuse(err, EIO, "mkfs.erofs failed: %s", *line ? line : "no message");
	return check_image(image_path, err);
}
