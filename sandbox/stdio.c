// SPDX-License-Identifier: Apache-2.0
#include "sandbox/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

enum { FLOW_IN, FLOW_OUT, FLOW_ERR };

int stdio_raw(int fd, struct termios *ret_saved)
{
	struct termios raw;

	if (tcgetattr(fd, ret_saved) < 0)
		return -errno;
	raw = *ret_saved;
	cfmakeraw(&raw);
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}

void stdio_restore(int fd, const struct termios *saved)
{
	int code = errno;

	/* Drains: the workload's last words must not be printed in the restored mode. */
	tcsetattr(fd, TCSADRAIN, saved);
	errno = code;
}

static void end_flow(struct stdio_flow *f)
{
	if (f->owns_from)
		closep(&f->from);
	if (f->owns_to)
		closep(&f->to);
	f->from = -1;
	f->to = -1;
	f->start = f->end = 0;
}

/* ---- opening ---- */

static int open_pty(struct stdio *s, const struct sandbox_run *run, struct il_err *err)
{
	char path[64];
	int number = 0;
	int unlock = 0;

	s->master = il_open(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
	if (s->master < 0)
		return il_fail(err, -s->master, "open '/dev/ptmx' for -t");
	if (ioctl(s->master, TIOCSPTLCK, &unlock) < 0 || ioctl(s->master, TIOCGPTN, &number) < 0)
		return il_fail(err, errno, "make a pseudo-terminal");
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	int slave = il_open(AT_FDCWD, path, O_RDWR | O_NOCTTY, 0);
	if (slave < 0)
		return il_fail(err, -slave, "open '%s'", path);
	/* The workload may run as another user, who must be able to open /dev/tty's target. */
	if (fchown(slave, run->workload->uid, (gid_t)-1) < 0 && errno != EPERM)
		return il_fail(err, errno, "change the owner of '%s'", path);
	for (int i = 0; i < 3; i++)
		s->child[i] = slave;
	s->owns_child[0] = true;
	s->flows[FLOW_OUT].from = s->master;
	s->flows[FLOW_OUT].to = run->stdio[1];
	s->flows[FLOW_OUT].stamp = &run->timeline->ns[TL_READY];
	if (run->stdio[0] < 0)
		return 0;
	s->flows[FLOW_IN].from = run->stdio[0];
	s->flows[FLOW_IN].to = s->master;
	if (isatty(run->stdio[0]) && stdio_raw(run->stdio[0], &s->saved) == 0)
		s->host_tty = run->stdio[0];
	return 0;
}

/* Puts a pipe between the host's descriptor @i and the workload. */
static int open_pipe(struct stdio *s, const struct sandbox_run *run, int i, struct il_err *err)
{
	struct stdio_flow *f = &s->flows[i];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return il_fail(err, errno, "make a pipe");
	bool in = i == FLOW_IN;
	f->from = in ? run->stdio[0] : ends[0];
	f->to = in ? ends[1] : run->stdio[i];
	f->owns_from = !in;
	f->owns_to = in;
	s->child[i] = in ? ends[0] : ends[1];
	s->owns_child[i] = true;
	return 0;
}

int stdio_open(struct stdio *s, const struct sandbox_run *run, struct il_err *err)
{
	s->master = -1;
	s->host_tty = -1;
	for (int i = 0; i < STDIO_FLOWS; i++) {
		struct stdio_flow *f = &s->flows[i];

		/* Not the buffer: clearing it would touch pages that most runs never use. */
		f->from = f->to = -1;
		f->owns_from = f->owns_to = false;
		f->stamp = NULL;
		f->start = f->end = 0;
		s->child[i] = run->stdio[i];
		s->owns_child[i] = false;
	}
	if (run->tty) {
		int r = open_pty(s, run, err);

		if (r == 0)
			stdio_resize(s);
		return r;
	}
	for (int i = 0; i < 3; i++) {
		bool relay =
		    run->stdio[i] >= 0 && ((i == 1 && run->relay) || isatty(run->stdio[i]));
		int r = relay ? open_pipe(s, run, i, err) : 0;

		if (r < 0)
			return r;
	}
	s->flows[FLOW_OUT].stamp = &run->timeline->ns[TL_READY];
	return 0;
}

void stdio_started(struct stdio *s)
{
	for (int i = 0; i < 3; i++) {
		if (s->owns_child[i])
			closep(&s->child[i]);
		s->owns_child[i] = false;
		s->child[i] = -1;
	}
}

void stdio_resize(struct stdio *s)
{
	struct winsize size;

	if (s->master < 0)
		return;
	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
			ioctl(s->master, TIOCSWINSZ, &size);
			return;
		}
	}
}

/* ---- copying ---- */

size_t stdio_poll_fds(const struct stdio *s, struct pollfd *fds)
{
	size_t n = 0;

	for (int i = 0; i < STDIO_FLOWS; i++) {
		const struct stdio_flow *f = &s->flows[i];

		if (f->from < 0)
			continue;
		if (f->start < f->end)
			fds[n++] = (struct pollfd){.fd = f->to, .events = POLLOUT};
		else
			fds[n++] = (struct pollfd){.fd = f->from, .events = POLLIN};
	}
	return n;
}

static bool is_ready(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, 0) > 0;
}

/* One read and one write at most. Returns whether anything moved. */
static bool pump_flow(struct stdio_flow *f)
{
	bool moved = false;

	if (f->from < 0)
		return false;
	if (f->start == f->end && is_ready(f->from, POLLIN)) {
		ssize_t n = read(f->from, f->buf, sizeof(f->buf));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return false;
		/* A pseudo-terminal whose last user is gone gives EIO (pty(7)): its end. */
		if (n <= 0) {
			end_flow(f);
			return false;
		}
		if (f->stamp && *f->stamp == 0)
			*f->stamp = il_now_ns();
		f->start = 0;
		f->end = (size_t)n;
		moved = true;
	}
	if (f->start < f->end && is_ready(f->to, POLLOUT)) {
		ssize_t n = write(f->to, f->buf + f->start, f->end - f->start);

		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			end_flow(f);
			return false;
		}
		f->start += n > 0 ? (size_t)n : 0;
		moved = true;
	}
	return moved;
}

void stdio_pump(struct stdio *s)
{
	for (int i = 0; i < STDIO_FLOWS; i++)
		pump_flow(&s->flows[i]);
}

/* Writes what waits, however long the reader takes, as a program's own write would. */
static void flush_flow(struct stdio_flow *f)
{
	struct pollfd p = {.fd = f->to, .events = POLLOUT};

	while (f->from >= 0 && f->start < f->end) {
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return;
		pump_flow(f);
	}
}

void stdio_drain(struct stdio *s)
{
	end_flow(&s->flows[FLOW_IN]);
	for (int i = FLOW_OUT; i <= FLOW_ERR; i++) {
		struct stdio_flow *f = &s->flows[i];

		do {
			flush_flow(f);
		} while (pump_flow(f));
	}
}

void stdio_close(struct stdio *s)
{
	stdio_started(s);
	for (int i = 0; i < STDIO_FLOWS; i++)
		end_flow(&s->flows[i]);
	closep(&s->master);
	if (s->host_tty >= 0)
		stdio_restore(s->host_tty, &s->saved);
	s->host_tty = -1;
}
