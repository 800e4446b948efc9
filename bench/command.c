// SPDX-License-Identifier: Apache-2.0
#include "bench/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sys.h"

#define OUTPUT_MAX ((size_t)1 << 20)

void strv_done(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv){0};
}

/* Takes @owned. */
static void strv_take(struct strv *s, char *owned)
{
	if (owned && !s->failed && s->n + 2 > s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 32;
		char **v = realloc(s->v, cap * sizeof(*v));

		if (v) {
			s->v = v;
			s->cap = cap;
		} else {
			s->failed = true;
		}
	}
	if (!owned || s->failed) {
		s->failed = true;
		free(owned);
		return;
	}
	s->v[s->n++] = owned;
	s->v[s->n] = NULL;
}

void strv_add(struct strv *s, const char *text)
{
	strv_take(s, text ? strdup(text) : NULL);
}

void strv_addf(struct strv *s, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	strv_take(s, text);
}

void strv_add_all(struct strv *s, const char *const *items)
{
	for (size_t i = 0; items && items[i]; i++)
		strv_add(s, items[i]);
}

int strv_check(const struct strv *s)
{
	return s->failed || s->n == 0 ? -ENOMEM : 0;
}

void command_done(struct command *c)
{
	strv_done(&c->argv);
}

/* The child's orders, and how it fared: it runs in the caller's memory until it execs. */
struct child {
	const struct command *command;
	int fds[3];
	volatile int code; /* 0 or positive errno */
	const char *volatile step;
};

static int child_fail(struct child *child, const char *step)
{
	child->code = errno;
	child->step = step;
	return 127;
}

/*
 * In the child: only async-signal-safe calls, nothing written but @child. The descriptors
 * 0 to 2 are made last, from copies above them, so that no order of the originals can
 * clobber one. Returns the exit status.
 *
 * Not instrumented: the marks of its frame would stay in the memory that the parent goes on
 * using after the exec.
 */
__attribute__((no_sanitize_address)) static int child_main(void *arg)
{
	struct child *child = arg;
	const struct command *c = child->command;
	char *const *env = c->env ? (char *const *)(uintptr_t)c->env : environ;
	sigset_t none;

	if (c->nothing)
		return 0;
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 3; i++)
		if (dup2(child->fds[i], i) < 0)
			return child_fail(child, "dup2");
	if (c->keep_fd >= 0 && fcntl(c->keep_fd, F_SETFD, 0) < 0)
		return child_fail(child, "pass a descriptor");
	if (c->mount_ns >= 0 && setns(c->mount_ns, CLONE_NEWNS) < 0)
		return child_fail(child, "enter the prepared mount namespace");
	if (c->chroot_dir && (chroot(c->chroot_dir) < 0 || chdir("/") < 0))
		return child_fail(child, "chroot");
	execve(c->argv.v[0], c->argv.v, env);
	return child_fail(child, "execute");
}

/* Descriptors for the child, each at 3 or above and CLOEXEC. */
static int lift_stdio(const int stdio[3], int lifted[3], struct il_err *err)
{
	for (int i = 0; i < 3; i++) {
		if (stdio[i] >= 3) {
			lifted[i] = stdio[i];
			continue;
		}
		int fd = stdio[i] < 0 ? il_open(AT_FDCWD, "/dev/null", i ? O_WRONLY : O_RDONLY, 0)
				      : fcntl(stdio[i], F_DUPFD_CLOEXEC, 3);
		if (fd == -1)
			fd = -errno;
		if (fd >= 0 && fd < 3) {
			int up = fcntl(fd, F_DUPFD_CLOEXEC, 3);

			close(fd);
			fd = up < 0 ? -errno : up;
		}
		if (fd < 0)
			return il_fail(err, -fd, "stdio of a command");
		lifted[i] = fd;
	}
	return 0;
}

pid_t command_spawn(const struct command *c, const int stdio[3], int *ret_pidfd, struct il_err *err)
{
	_Alignas(16) char stack[32768]; /* the child's, until it execs */
	struct child child = {.command = c, .fds = {-1, -1, -1}};
	struct clone_args args = {.exit_signal = SIGCHLD};
	int pidfd = -1;
	pid_t pid = lift_stdio(stdio, child.fds, err);

	if (ret_pidfd) {
		args.flags = CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	}
	if (pid == 0)
		pid = il_clone3_vfork(&args, stack, sizeof(stack), child_main, &child);
	for (int i = 0; i < 3; i++)
		if (child.fds[i] != stdio[i])
			closep(&child.fds[i]);
	if (pid < 0)
		return il_fail(err, -pid, "start a process");
	if (child.code) {
		waitpid(pid, NULL, 0);
		closep(&pidfd);
		return il_fail(err, child.code, "%s '%s'", child.step, c->argv.v[0]);
	}
	if (ret_pidfd)
		*ret_pidfd = pidfd;
	return pid;
}

void command_last_line(const char *text, char *line, size_t size)
{
	size_t end = text ? strlen(text) : 0, begin, n;

	while (end && (text[end - 1] == '\n' || text[end - 1] == ' '))
		end--;
	begin = end;
	while (begin && text[begin - 1] != '\n')
		begin--;
	n = IL_MIN(end - begin, size - 1);
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)text[begin + i];

		if (ch < ' ' || ch == 0x7f)
			ch = ' ';
		line[i] = (char)ch;
	}
	line[n] = '\0';
}

/* Collect output until the command ends. @ret_status is wait(2)'s. */
static int collect(pid_t pid, int pidfd, int out, uint64_t deadline, struct il_buf *output)
{
	char chunk[4096];

	for (;;) {
		struct pollfd p[2] = {{.fd = pidfd, .events = POLLIN},
				      {.fd = out, .events = POLLIN}};
		uint64_t now = il_now_ns();

		if (now >= deadline) {
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
			return -ETIMEDOUT;
		}
		int left_ms = (int)IL_MIN((deadline - now) / IL_NS_PER_MS + 1, 60000ull);
		if (poll(p, 2, left_ms) < 0 && errno != EINTR)
			return -errno;
		ssize_t n = 0;
		while (out >= 0 && (n = read(out, chunk, sizeof(chunk))) > 0)
			if (output->len < OUTPUT_MAX)
				il_buf_add(output, chunk, (size_t)n);
		if (n == 0)
			out = -1; /* end of file: a closed pipe would make every poll return */
		if (p[0].revents)
			return 0;
	}
}

int command_run(const struct command *c, uint64_t timeout_ns, struct il_buf *output,
		struct il_err *err)
{
	_cleanup_(il_buf_done) struct il_buf own = {0};
	_cleanup_(closep) int rd = -1;
	_cleanup_(closep) int wr = -1;
	_cleanup_(closep) int pidfd = -1;
	struct il_buf *buf = output ? output : &own;
	char line[256];
	int fds[2], status = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return il_fail(err, errno, "pipe");
	rd = fds[0];
	wr = fds[1];
	fcntl(rd, F_SETFL, O_NONBLOCK);
	int stdio[3] = {-1, wr, wr};
	pid_t pid = command_spawn(c, stdio, &pidfd, err);
	if (pid < 0)
		return pid;
	closep(&wr);
	int r = collect(pid, pidfd, rd, il_now_ns() + timeout_ns, buf);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r < 0)
		return il_fail(err, -r, "run '%s'", c->argv.v[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	command_last_line(buf->data, line, sizeof(line));
	return il_refuse(err, EPROTO, "'%s' ended with %s %d: %s", c->argv.v[0],
			 WIFEXITED(status) ? "status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
			 line[0] ? line : "(it said nothing)");
}

int command_runv(uint64_t timeout_ns, struct il_buf *output, struct il_err *err, const char *file,
		 ...)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	_cleanup_(freep) char *path = NULL;
	const char *arg;
	va_list ap;
	int r = command_find(file, &path, err);

	if (r < 0)
		return r;
	strv_add(&c.argv, path);
	va_start(ap, file);
	while ((arg = va_arg(ap, const char *)))
		strv_add(&c.argv, arg);
	va_end(ap);
	if (strv_check(&c.argv) < 0)
		return il_fail(err, ENOMEM, "run '%s'", file);
	return command_run(&c, timeout_ns, output, err);
}

int command_find(const char *name, char **ret_path, struct il_err *err)
{
	const char *path = getenv("PATH");
	_cleanup_(freep) char *dirs =
	    il_strf("%s:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin");

	if (name[0] == '/') {
		*ret_path = strdup(name);
		return *ret_path ? 0 : il_fail(err, ENOMEM, "find '%s'", name);
	}
	for (char *d = dirs, *next; d; d = next) {
		next = strchr(d, ':');
		if (next)
			*next++ = '\0';
		if (d[0] != '/') /* a relative entry would depend on the directory */
			continue;
		_cleanup_(freep) char *full = il_strf("%s/%s", d, name);
		if (full && access(full, X_OK) == 0) {
			*ret_path = steal_ptr(full);
			return 0;
		}
	}
	return il_refuse(err, ENOENT, "'%s' is not installed", name);
}
