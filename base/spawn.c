// SPDX-License-Identifier: Apache-2.0
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define COMPLAINT_MAX 300

/* Starts the program with stderr on @err_fd. Returns 0 or a positive errno, as posix_spawn. */
static int start(const char *const *argv, int err_fd, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int r = posix_spawn_file_actions_init(&files);

	if (r != 0)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&files);
		return r;
	}
	sigemptyset(&none);
	if ((r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
	    (r = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0)) == 0 &&
	    (r = posix_spawn_file_actions_adddup2(&files, err_fd, 2)) == 0 &&
	    (r = posix_spawnattr_setsigmask(&attr, &none)) == 0 &&
	    (r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK)) == 0)
		r = posix_spawnp(ret_pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv,
				 environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

/* Reads all of @fd, so that the program never waits for us; keeps the first line. */
static void first_line(int fd, char *line, size_t size)
{
	char rest[512];
	ssize_t n = il_read_full(fd, line, size - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	do {
		n = il_read_full(fd, rest, sizeof(rest));
	} while (n > 0);
}

int il_spawn_wait(const char *const *argv, struct il_err *err)
{
	_cleanup_(closep) int read_fd = -1;
	_cleanup_(closep) int write_fd = -1;
	char line[COMPLAINT_MAX];
	int ends[2];
	pid_t pid = 0;
	int status = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return il_fail(err, errno, "make a pipe");
	read_fd = ends[0];
	write_fd = ends[1];
	int r = start(argv, write_fd, &pid);
	if (r != 0)
		return il_fail(err, r, "run '%s'", argv[0]);
	closep(&write_fd);
	first_line(read_fd, line, sizeof(line));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return il_fail(err, errno, "wait for '%s'", argv[0]);
	if (WIFSIGNALED(status))
		return il_refuse(err, EIO, "'%s' was killed by signal %d", argv[0],
				 WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return il_refuse(err, EIO, "'%s' failed with status %d%s%s", argv[0],
				 WEXITSTATUS(status), line[0] ? ": " : "", line);
	return 0;
}
