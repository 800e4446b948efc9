// SPDX-License-Identifier: Apache-2.0
#include "bench/instances.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench/interrupt.h"
#include "bench/procs.h"
#include "bench/progress.h"

/* How long all together may take to end by themselves, then after SIGTERM. */
#define END_NS      (60 * IL_NS_PER_S)
#define END_TERM_NS (10 * IL_NS_PER_S)

int instances_init(struct instances *set, const struct bench_env *env,
		   const struct subject *subject, char *const *workload, struct il_err *err)
{
	*set = (struct instances){.env = env, .subject = subject, .workload = workload};
	set->err_fd = memfd_create("isolab-bench-stderr", MFD_CLOEXEC);
	return set->err_fd < 0 ? il_fail(err, errno, "memfd_create") : 0;
}

/* The last line that was written to stderr since @begin. */
static void last_words(const struct instances *set, off_t begin, char *line, size_t size)
{
	char text[2048];
	struct stat st;
	off_t from = begin;

	line[0] = '\0';
	if (fstat(set->err_fd, &st) < 0)
		return;
	if (st.st_size - from > (off_t)sizeof(text) - 1)
		from = st.st_size - ((off_t)sizeof(text) - 1);
	ssize_t n = pread(set->err_fd, text, sizeof(text) - 1, from);
	if (n <= 0)
		return;
	text[n] = '\0';
	command_last_line(text, line, size);
}

static int make_room(struct instances *set)
{
	if (set->n < set->cap)
		return 0;
	size_t cap = set->cap ? 2 * set->cap : 64;
	struct instance *v = realloc(set->v, cap * sizeof(*v));
	if (!v)
		return -ENOMEM;
	set->v = v;
	set->cap = cap;
	return 0;
}

/* Wait for the first line. 0 and the stamp of its first byte; -EPIPE: it ended first. */
static int await_ready(int fd, uint64_t deadline, uint64_t *ret_first_ns, struct il_err *err)
{
	char byte;

	*ret_first_ns = 0;
	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
				      {.fd = interrupt_fd(), .events = POLLIN}};
		uint64_t now = il_now_ns();
		int left_ms = deadline > now ? (int)((deadline - now) / IL_NS_PER_MS) + 1 : 0;

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(p, 2, left_ms) < 0 && errno != EINTR)
			return -errno;
		now = il_now_ns();
		if (interrupt_signal())
			return interrupt_check(err);
		if (!p[0].revents)
			continue;
		/* Byte by byte: what follows the line belongs to the next question. */
		ssize_t n = read(fd, &byte, 1);
		if (n == 0)
			return -EPIPE;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n == 1 && !*ret_first_ns)
			*ret_first_ns = now;
		if (n == 1 && byte == '\n')
			return 0;
	}
}

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * (long)IL_NS_PER_MS};

	nanosleep(&ts, NULL);
}

static bool reap(struct instance *i, int flags)
{
	if (i->pid > 0 && waitpid(i->pid, NULL, flags) != 0)
		i->pid = 0;
	return i->pid == 0;
}

/* One that is ill: end it now and remove what is left. */
static void discard(struct instances *set, struct instance *i)
{
	closep(&i->in_fd);
	for (int tries = 0; tries < 100 && !reap(i, WNOHANG); tries++) {
		if (tries == 20)
			kill(i->pid, SIGTERM);
		sleep_ms(10);
	}
	if (i->pid > 0) {
		kill(-i->pid, SIGKILL);
		kill(i->pid, SIGKILL);
		reap(i, 0);
	}
	closep(&i->out_fd);
	if (set->subject->driver->remove)
		set->subject->driver->remove(set->env, set->subject, i->id);
}

static int spawn(struct instances *set, struct instance *i, uint64_t *ret_launch_ns,
		 struct il_err *err)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	_cleanup_(closep) int in_rd = -1;
	_cleanup_(closep) int out_wr = -1;
	struct start start;
	int in[2], out[2];

	start_init(&start, set->workload);
	start.idle = true;
	memcpy(i->id, start.id, sizeof(i->id));
	int r = set->subject->driver->command(set->env, set->subject, &start, &c, err);
	if (r < 0)
		return r;
	if (pipe2(in, O_CLOEXEC) < 0)
		return il_fail(err, errno, "make a pipe (open files: see ulimit -n)");
	in_rd = in[0];
	i->in_fd = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return il_fail(err, errno, "make a pipe (open files: see ulimit -n)");
	i->out_fd = out[0];
	out_wr = out[1];
	fcntl(i->out_fd, F_SETFL, O_NONBLOCK);
	fcntl(i->in_fd, F_SETFL, O_NONBLOCK);
	lseek(set->err_fd, 0, SEEK_END);
	int stdio[3] = {in_rd, out_wr, set->err_fd};
	*ret_launch_ns = il_now_ns();
	i->pid = command_spawn(&c, stdio, NULL, err);
	return i->pid < 0 ? i->pid : 0;
}

int instances_start(struct instances *set, uint64_t *ret_start_ns, struct il_err *err)
{
	struct instance i = {.in_fd = -1, .out_fd = -1};
	uint64_t launch = 0, first = 0;
	char line[200];
	struct stat st = {0};
	int r = make_room(set);

	if (r < 0)
		return il_fail(err, -r, "start an instance");
	fstat(set->err_fd, &st);
	r = spawn(set, &i, &launch, err);
	if (r == 0)
		r = await_ready(i.out_fd, launch + set->env->options->timeout_ns, &first, err);
	if (r == 0) {
		*ret_start_ns = first - launch;
		set->v[set->n++] = i;
		return 0;
	}
	if (i.pid > 0)
		discard(set, &i);
	closep(&i.in_fd);
	closep(&i.out_fd);
	if (r == -EINTR)
		return r;
	last_words(set, st.st_size, line, sizeof(line));
	return il_refuse(err, -r, "%s: %s",
			 r == -ETIMEDOUT ? "was not ready in time"
					 : "ended before it said that it was ready",
			 line[0] ? line : "(nothing on stderr)");
}

/* Read all that is there; true when a whole line has come. */
static bool read_answer(struct instance *i)
{
	char buf[256];
	bool line = false;
	ssize_t n;

	while ((n = read(i->out_fd, buf, sizeof(buf))) > 0)
		line |= memchr(buf, '\n', (size_t)n) != NULL;
	return line;
}

int instances_alive(struct instances *set, uint64_t timeout_ns, struct il_err *err)
{
	_cleanup_(freep) struct pollfd *p = calloc(set->n + 1, sizeof(*p));
	uint64_t deadline = il_now_ns() + timeout_ns;
	size_t waiting = set->n;
	int alive = 0;

	if (!p)
		return il_fail(err, ENOMEM, "ask the instances");
	for (size_t k = 0; k < set->n; k++) {
		struct instance *i = &set->v[k];
		bool asked = write(i->in_fd, "alive?\n", 7) == 7;

		i->answered = false;
		p[k] = (struct pollfd){.fd = asked ? i->out_fd : -1, .events = POLLIN};
		waiting -= !asked;
	}
	p[set->n] = (struct pollfd){.fd = interrupt_fd(), .events = POLLIN};
	while (waiting && il_now_ns() < deadline) {
		if (poll(p, set->n + 1, 200) < 0 && errno != EINTR)
			return il_fail(err, errno, "ask the instances");
		if (interrupt_signal())
			return interrupt_check(err);
		for (size_t k = 0; k < set->n; k++) {
			if (p[k].fd < 0 || !p[k].revents)
				continue;
			set->v[k].answered = read_answer(&set->v[k]);
			alive += set->v[k].answered;
			if (set->v[k].answered || (p[k].revents & (POLLHUP | POLLERR))) {
				p[k].fd = -1;
				waiting--;
			}
		}
	}
	return alive;
}

static size_t reap_all(struct instances *set, uint64_t for_ns)
{
	uint64_t deadline = il_now_ns() + for_ns;
	size_t left;

	for (;;) {
		left = 0;
		for (size_t k = 0; k < set->n; k++)
			left += !reap(&set->v[k], WNOHANG);
		if (!left || il_now_ns() >= deadline)
			return left;
		progress_update("%s: ending %zu instances", set->subject->name, left);
		sleep_ms(5);
	}
}

void instances_stop(struct instances *set)
{
	for (size_t k = 0; k < set->n; k++)
		closep(&set->v[k].in_fd);
	size_t left = set->n ? reap_all(set, END_NS) : 0;
	for (size_t k = 0; k < set->n && left; k++)
		if (set->v[k].pid > 0)
			kill(set->v[k].pid, SIGTERM);
	if (left)
		reap_all(set, END_TERM_NS);
	for (size_t k = 0; k < set->n; k++) {
		struct instance *i = &set->v[k];

		if (i->pid > 0)
			discard(set, i);
		closep(&i->out_fd);
	}
	free(set->v);
	set->v = NULL;
	set->n = set->cap = 0;
	closep(&set->err_fd);
	procs_reap_orphans();
}
