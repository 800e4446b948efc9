// SPDX-License-Identifier: Apache-2.0
/*
 * The process kind: no isolation, the baseline of every comparison. fork (as vfork), chroot
 * into a writable copy of the image that all process instances share, exec. There is no
 * /proc in there: mounting one would need a mount namespace, which was measured to cost
 * more than the rest of the start together, and the baseline must not pay for isolation.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sys.h"
#include "runner/runner_host.h"
#include "sandbox/process_root.h"
#include "sandbox/supervise.h"

#define CHILD_STACK_SIZE 65536

/* Shared with the child, which runs in our memory until it execs. */
struct child {
	const struct workload *workload;
	const char *root;
	const int *stdio;
	int null_fd;
	bool tty;
	pid_t parent;
	struct runner_host runner;
	struct timeline *timeline;
	const char *step; /* the step that failed, with -errno in result */
	int result;
	_Alignas(16) char stack[CHILD_STACK_SIZE];
};

static int process_probe(struct il_err *err)
{
	if (geteuid() != 0)
		return il_refuse(err, EPERM,
				 "the process kind changes its root directory: run isolab as root");
	return 0;
}

static int process_check(const struct sandbox_options *o, struct il_err *err)
{
	const char *what = o->memory_bytes              ? "--memory"
			   : o->cpu_milli               ? "--cpus"
			   : o->pids_max                ? "--pids-limit"
			   : o->read_only               ? "--read-only"
			   : o->hostname_set            ? "--hostname"
			   : o->caps_changed            ? "--cap-add and --cap-drop"
			   : o->net == SANDBOX_NET_NONE ? "--network none"
							: NULL;

	if (what)
		return il_refuse(err, ENOTSUP,
				 "%s needs isolation, and a process has none: use --as container",
				 what);
	return 0;
}

static int child_confine(void *ctx)
{
	struct child *c = ctx;

	/* Last, since changing the user id clears it (prctl(2)). */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	if (getppid() != c->parent)
		_exit(127); /* our supervisor was killed before the line above */
	return 0;
}

static int child_stdio(const struct child *c)
{
	if (setsid() < 0)
		return -errno;
	for (int i = 0; i < 3; i++)
		if (dup2(c->stdio[i] >= 0 ? c->stdio[i] : c->null_fd, i) < 0)
			return -errno;
	if (c->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return -errno;
	/* What our caller let us inherit is not for the workload. */
	return il_close_from(3, CLOSE_RANGE_CLOEXEC);
}

static int child_main(void *arg)
{
	struct child *c = arg;

	c->timeline->ns[TL_ISOLATION_MADE] = il_now_ns();
	runner_host_reset_signals();
	c->step = "connect stdin, stdout and stderr";
	c->result = child_stdio(c);
	if (c->result < 0)
		return 1;
	c->step = "change the root directory";
	if (chroot(c->root) < 0 || chdir("/") < 0) {
		c->result = -errno;
		return 1;
	}
	c->timeline->ns[TL_ROOT_READY] = c->timeline->ns[TL_RUNNER_ENTERED] = il_now_ns();
	c->result = runner_run(c->workload, &runner_host_ops, &c->runner, &c->step);
	return 1;
}

/* dup2 of a number onto itself would keep CLOEXEC, and 0 to 2 are overwritten one by one. */
static int stdio_above(struct supervise *s, int stdio[3], struct il_err *err)
{
	for (int i = 0; i < 3; i++) {
		stdio[i] = s->io.child[i];
		if (stdio[i] < 0 || stdio[i] > 2)
			continue;
		stdio[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 3);
		if (stdio[i] < 0)
			return il_fail(err, errno, "duplicate a descriptor");
	}
	return 0;
}

static void close_above(const struct supervise *s, int stdio[3])
{
	for (int i = 0; i < 3; i++)
		if (stdio[i] >= 0 && stdio[i] != s->io.child[i])
			close(stdio[i]);
}

static int fork_child(struct child *c, int *ret_pidfd, struct il_err *err)
{
	struct clone_args args = {
	    .flags = CLONE_PIDFD,
	    .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	    .exit_signal = SIGCHLD,
	};

	c->timeline->ns[TL_ISOLATION_BEGIN] = il_now_ns();
	pid_t pid = il_clone3_vfork(&args, c->stack, sizeof(c->stack), child_main, c);
	if (pid < 0)
		return il_fail(err, -pid, "fork");
	return pid;
}

/* Only a failed exec may look like a missing or not executable command (kind.h). */
static int start_failure(const struct child *c, struct il_err *err)
{
	int code = -c->result;

	if (strcmp(c->step, RUNNER_STEP_EXEC) != 0)
		return il_refuse(err, EIO, "%s: %s", c->step, strerror(code));
	il_fail(err, code, "execute '%s'", workload_arg(c->workload, 0));
	return -runner_exec_failure(code);
}

/* Starts the child; on success it has exec'd. Returns its pid. */
static int start(struct sandbox_run *run, struct child *c, struct supervise *s, int *ret_pidfd,
		 struct il_err *err)
{
	int stdio[3] = {-1, -1, -1};
	_cleanup_(closep) int null_fd = il_open(AT_FDCWD, "/dev/null", O_RDWR, 0);

	if (null_fd < 0)
		return sandbox_other_failure(il_fail(err, -null_fd, "open '/dev/null'"));
	if (runner_host_init(&c->runner, run->workload) < 0)
		return il_fail(err, ENOMEM, "start the workload");
	c->runner.confine = child_confine;
	c->runner.confine_ctx = c;
	c->null_fd = null_fd;
	c->stdio = stdio;
	int r = stdio_above(s, stdio, err);
	int pid = r < 0 ? r : fork_child(c, ret_pidfd, err);
	close_above(s, stdio);
	runner_host_done(&c->runner);
	if (pid < 0 || c->result == 0) {
		run->timeline->ns[TL_EXECED] = il_now_ns();
		return pid;
	}
	siginfo_t si;
	waitid(P_PID, (id_t)pid, &si, WEXITED);
	closep(ret_pidfd);
	return start_failure(c, err);
}

static int process_run(struct sandbox_run *run, int *ret_status, struct il_err *err)
{
	/* Static: a child in our memory uses its stack, and it is too large for ours. */
	static struct child child;
	static struct supervise s;
	_cleanup_(freep) char *root = NULL;
	_cleanup_(closep) int pidfd = -1;
	int r = process_root(run, &root, err);

	if (r < 0)
		return sandbox_other_failure(r);
	run->timeline->ns[TL_PREPARED] = il_now_ns();
	child.workload = run->workload;
	child.root = root;
	child.tty = run->tty;
	child.parent = getpid();
	child.timeline = run->timeline;
	r = sandbox_other_failure(supervise_begin(&s, run, err));
	if (r == 0)
		r = start(run, &child, &s, &pidfd, err);
	if (r >= 0)
		r = supervise_wait(&s, r, pidfd, ret_status, err);
	supervise_end(&s);
	return r;
}

const struct sandbox_kind sandbox_kind_process = {
    .name = "process",
    .description = "a plain process in a copy of the image's root: no isolation, the baseline",
    .probe = process_probe,
    .check = process_check,
    .run = process_run,
    .shares_hostname = true,
};
