// SPDX-License-Identifier: Apache-2.0
#include "sandbox/supervise.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sys.h"
#include "sandbox/instance.h"

bool supervise_forwards(int sig)
{
	switch (sig) {
	case SIGKILL: /* cannot be caught */
	case SIGSTOP:
	case SIGSEGV: /* our own faults */
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
	case SIGABRT:
	case SIGCHLD: /* about our own children and pipes */
	case SIGPIPE:
	case SIGURG:
	case SIGWINCH: /* handled through the terminal */
		return false;
	default:
		/* 32 and 33 are libc's own. */
		return sig > 0 && sig < SIGRTMAX && sig != 32 && sig != 33;
	}
}

static void make_mask(sigset_t *set)
{
	sigemptyset(set);
	for (int sig = 1; sig < SIGRTMAX; sig++)
		if (supervise_forwards(sig))
			sigaddset(set, sig);
	/* A reader of our output that went away is an error code, not our death. */
	sigaddset(set, SIGPIPE);
	sigaddset(set, SIGWINCH);
	sigaddset(set, SANDBOX_ASK_SIGNAL);
}

int supervise_begin(struct supervise *s, const struct sandbox_run *run, struct il_err *err)
{
	sigset_t set;

	s->signal_fd = -1;
	s->timeline = run->timeline;
	int r = stdio_open(&s->io, run, err);
	if (r < 0)
		return r;
	make_mask(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return il_fail(err, errno, "block signals");
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? il_fail(err, errno, "make a signalfd") : 0;
}

/* The signal that @si means for the workload; 0 = none. */
static int wanted_signal(const struct signalfd_siginfo *si)
{
	if ((int)si->ssi_signo != SANDBOX_ASK_SIGNAL)
		return supervise_forwards((int)si->ssi_signo) ? (int)si->ssi_signo : 0;
	int sig = si->ssi_int - SANDBOX_ASK_MAGIC;
	return si->ssi_code == SI_QUEUE && sig > 0 && sig <= SIGRTMAX ? sig : SANDBOX_ASK_SIGNAL;
}

static void take_signals(struct supervise *s, int pidfd)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			stdio_resize(&s->io);
			continue;
		}
		int sig = wanted_signal(&si);
		int r = sig ? il_pidfd_send_signal(pidfd, sig) : 0;
		(void)r; /* -ESRCH: it is ending anyway */
	}
}

int supervise_wait(struct supervise *s, pid_t pid, int pidfd, int *ret_status, struct il_err *err)
{
	struct pollfd fds[2 + 2 * STDIO_FLOWS];

	stdio_started(&s->io);
	do {
		fds[0] = (struct pollfd){.fd = pidfd, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = s->signal_fd, .events = POLLIN};
		size_t n = 2 + stdio_poll_fds(&s->io, fds + 2);

		if (poll(fds, n, -1) < 0 && errno != EINTR)
			return il_fail(err, errno, "wait for the workload");
		if (fds[1].revents)
			take_signals(s, pidfd);
		if (n > 2)
			stdio_pump(&s->io);
	} while (!fds[0].revents);
	s->timeline->ns[TL_EXITED] = il_now_ns();
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return il_fail(err, errno, "reap the workload");
	stdio_drain(&s->io);
	return 0;
}

void supervise_end(struct supervise *s)
{
	stdio_close(&s->io);
	closep(&s->signal_fd);
}
