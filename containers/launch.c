// SPDX-License-Identifier: Apache-2.0
#include "containers/container.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/sys.h"
#include "containers/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_STACK_SIZE (64u << 10)

int ctr_probe(struct il_err *err)
{
	struct stat st;

	if (geteuid() != 0)
		return il_refuse(
		    err, EPERM,
		    "containers need root for namespaces and cgroups: run isolab as root");
	if (stat("/proc/self/ns/pid", &st) < 0 || stat("/proc/self/ns/net", &st) < 0 ||
	    stat("/proc/self/ns/cgroup", &st) < 0)
		return il_refuse(
		    err, ENOTSUP,
		    "this kernel lacks PID, network or cgroup namespaces: use one with "
		    "CONFIG_NAMESPACES and all kinds of them");
	int fd = il_fsopen("overlay");
	if (fd < 0)
		return il_refuse(
		    err, -fd, "this kernel has no overlay file system: load it (modprobe overlay)");
	close(fd);
	return 0;
}

/* Like CLONE_INTO_CGROUP, to which it belongs; and a network namespace unless host's. */
static uint64_t clone_flags(const struct ctr_config *cfg)
{
	uint64_t flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_PIDFD |
			 CLONE_CLEAR_SIGHAND;

	return cfg->net == CTR_NET_NONE ? flags | CLONE_NEWNET : flags;
}

static int plan_stdio(struct ctr_plan *plan, struct il_err *err)
{
	const struct ctr_config *cfg = plan->cfg;
	char link[32];

	if (cfg->stdio[0] < 0 || cfg->stdio[1] < 0 || cfg->stdio[2] < 0) {
		plan->null_fd = il_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
		if (plan->null_fd < 0)
			return il_fail(err, -plan->null_fd, "open '/dev/null'");
	}
	if (!(cfg->workload->flags & WORKLOAD_TTY))
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", cfg->stdio[0]);
	ssize_t n = readlink(link, plan->tty_path, sizeof(plan->tty_path) - 1);
	if (n < 0)
		return il_fail(err, errno, "find the terminal's name");
	plan->tty_path[n] = '\0';
	return 0;
}

static int plan_cgroup(struct ctr_plan *plan, struct il_err *err)
{
	const struct ctr_limits *limits = &plan->cfg->limits;

	cgroup_init(&plan->cgroup, cgroup_detect(CGROUP_ROOT), CGROUP_ROOT);
	if (plan->cgroup.ops)
		return plan->cgroup.ops->make(&plan->cgroup, plan->cfg->id, limits, err);
	if (limits->memory_bytes || limits->cpu_milli || limits->pids_max)
		return il_refuse(
		    err, ENOTSUP,
		    "cannot limit resources: no cgroups at %s; mount them or leave the "
		    "limits out",
		    CGROUP_ROOT);
	return 0;
}

static int plan_make(struct ctr_plan *plan, struct il_err *err)
{
	const struct ctr_config *cfg = plan->cfg;
	int r;

	plan->hostname = workload_str(cfg->workload, cfg->workload->hostname_off);
	if ((r = plan_stdio(plan, err)) < 0)
		return r;
	if (cfg->seccomp && (r = ctr_filter_get(cfg->caps, &plan->filter, err)) < 0)
		return r;
	plan->overlay_options = ctr_overlay_options(cfg->rootfs, cfg->keep_files);
	if (!plan->overlay_options || ctr_etc_make(&plan->etc, cfg->net, plan->hostname) < 0 ||
	    runner_host_init(&plan->runner, cfg->workload) < 0)
		return il_fail(err, ENOMEM, "plan the container");
	plan->parent_pidfd = il_pidfd_open(getpid());
	if (plan->parent_pidfd < 0)
		return il_fail(err, -plan->parent_pidfd, "open a pidfd of the supervisor");
	if ((r = plan_cgroup(plan, err)) < 0)
		return r;
	/* The device rules are what makes CAP_MKNOD harmless. */
	plan->nodev = !plan->cgroup.device_policy;
	plan->caps = plan->nodev ? cfg->caps & ~(1ull << CAP_MKNOD) : cfg->caps;
	return 0;
}

static void plan_done(struct ctr_plan *plan)
{
	closep(&plan->null_fd);
	closep(&plan->parent_pidfd);
	cgroup_close(&plan->cgroup);
	ctr_etc_done(&plan->etc);
	runner_host_done(&plan->runner);
	freep(&plan->overlay_options);
}

/* Returns the child's pid, or -errno. When it returns, the child has exec'd or is gone. */
static pid_t clone_child(struct ctr_plan *plan, int *ret_pidfd)
{
	char stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));
	struct clone_args args = {
	    .flags = clone_flags(plan->cfg),
	    .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	    .exit_signal = SIGCHLD,
	};
	sigset_t all, old;

	if (plan->cgroup.ops && !plan->cgroup.ops->join) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)plan->cgroup.join_fds[0];
	}
	/* A handler that ran in the child would run in our memory. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t pid = il_clone3_vfork(&args, stack, sizeof(stack), ctr_child, plan);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

/* The child is gone; its report says why. */
static int report_failure(const struct ctr_plan *plan, int wait_status, struct il_err *err)
{
	const char *command = workload_arg(plan->cfg->workload, 0);
	int code = -plan->error;

	if (code == 0) {
		int sig = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;

		return il_refuse(err, EIO,
				 "the container was killed while it was made (%s): signal %d",
				 plan->step, sig);
	}
	if (!plan->at_exec) {
		il_fail(err, code, "cannot %s", plan->step);
		/* These two have a meaning of their own for the caller. */
		return code == ENOENT || code == EACCES ? -EIO : -code;
	}
	if (code == ENOENT)
		return il_refuse(err, ENOENT, "'%s': not found in the image", command);
	il_fail(err, code, "cannot execute '%s'", command);
	return code == ENOTDIR || code == ENOEXEC || code == EISDIR || code == ELOOP ||
		       code == EACCES || code == EPERM
		   ? -EACCES
		   : -code;
}

static int start(struct ctr_plan *plan, struct ctr *ret, struct il_err *err)
{
	struct timeline *timeline = plan->cfg->timeline;
	int pidfd = -1;
	int status = 0;
	pid_t pid = clone_child(plan, &pidfd);

	if (pid < 0)
		return il_fail(err, -pid, "create the container's namespaces");
	/* Killed between its last report and execve: that looks like a workload killed at once. */
	if (plan->error == 0 && plan->at_exec) {
		timeline->ns[TL_EXECED] = il_now_ns();
		*ret = (struct ctr){.pid = pid, .pidfd = pidfd};
		return 0;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(pidfd);
	return report_failure(plan, status, err);
}

int ctr_start(const struct ctr_config *cfg, struct ctr *ret, struct il_err *err)
{
	struct ctr_plan plan = {.cfg = cfg, .parent_pidfd = -1, .null_fd = -1, .console_fd = -1};
	int r;

	cfg->timeline->ns[TL_ISOLATION_BEGIN] = il_now_ns();
	plan.step = "start";
	plan.runner.confine = ctr_confine;
	plan.runner.confine_ctx = &plan;
	r = plan_make(&plan, err);
	if (r == 0)
		r = start(&plan, ret, err);
	bool undo = r < 0 && plan.cgroup.ops;
	plan_done(&plan);
	if (undo)
		(void)!ctr_destroy(cfg->id, NULL);
	return r;
}

int ctr_destroy(const char *id, struct il_err *err)
{
	const struct cgroup_ops *ops = cgroup_detect(CGROUP_ROOT);

	return ops ? ops->remove(CGROUP_ROOT, id, err) : 0;
}

int ctr_memory_charged(const char *id, uint64_t *ret_bytes)
{
	const struct cgroup_ops *ops = cgroup_detect(CGROUP_ROOT);

	return ops ? ops->memory(CGROUP_ROOT, id, ret_bytes) : -ENOTSUP;
}
