// SPDX-License-Identifier: Apache-2.0
#include "bench/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

/* Signal handlers have no argument to carry state in: these must be file-scope. */
static struct sigaction before[ARRAY_SIZE(caught)];
static struct sigaction pipe_before;
static volatile int event_fd = -1;
static volatile sig_atomic_t first_signal;

static void on_signal(int sig)
{
	int saved = errno;
	uint64_t one = 1;

	if (!first_signal)
		first_signal = sig;
	ssize_t n IL_UNUSED = write(event_fd, &one, sizeof(one));
	errno = saved;
}

int interrupt_begin(struct il_err *err)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return il_fail(err, errno, "eventfd");
	event_fd = fd;
	first_signal = 0;
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++) {
		sigaction(caught[i], NULL, &before[i]);
		/* A signal that was ignored (nohup) stays ignored. */
		if (before[i].sa_handler != SIG_IGN)
			sigaction(caught[i], &sa, NULL);
	}
	sigaction(SIGPIPE, &ignore, &pipe_before);
	return 0;
}

void interrupt_end(void)
{
	int fd = event_fd;

	if (fd < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		sigaction(caught[i], &before[i], NULL);
	sigaction(SIGPIPE, &pipe_before, NULL);
	event_fd = -1;
	closep(&fd);
}

int interrupt_fd(void)
{
	return event_fd;
}

int interrupt_signal(void)
{
	return first_signal;
}

int interrupt_check(struct il_err *err)
{
	if (!first_signal)
		return 0;
	return il_refuse(err, EINTR, "stopped by signal %d (%s); everything started was removed",
			 (int)first_signal, strsignal(first_signal));
}

int interrupt_sleep(uint64_t ns, struct il_err *err)
{
	uint64_t end = il_now_ns() + ns;

	for (;;) {
		uint64_t now = il_now_ns();

		if (first_signal || now >= end)
			return interrupt_check(err);
		struct pollfd p = {.fd = event_fd, .events = POLLIN};
		uint64_t left = end - now;
		struct timespec ts = {(time_t)(left / IL_NS_PER_S), (long)(left % IL_NS_PER_S)};
		ppoll(&p, 1, &ts, NULL);
	}
}
