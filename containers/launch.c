// SPDX-License-Identifier: Apache-2.0
#include "containers/container.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/raw.h"
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

#define MEMORY_MIN (6u << 20)

/* An idle CPU has taken up a new task by then. */
#define CHILD_START_NS (15 * IL_NS_PER_US)

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

static int make_cgroup(struct ctr_plan *plan, struct il_err *err)
{
	const struct ctr_limits *limits = &plan->cfg->limits;
	struct cgroup *cg = &plan->cgroup;

	if (!cg->ops && (limits->memory_bytes || limits->cpu_milli || limits->pids_max))
		return il_refuse(
		    err, ENOTSUP,
		    "cannot limit resources: no cgroups at %s; mount them or leave the "
		    "limits out",
		    CGROUP_ROOT);
	/*
	 * Docker's minimum. For us it also keeps the child from being killed for lack of memory
	 * before execve, which would kill us too: both have the same memory.
	 */
	if (limits->memory_bytes && limits->memory_bytes < MEMORY_MIN)
		return il_refuse(err, EINVAL,
				 "a memory limit of %llu bytes is too small: give at least 6m",
				 (unsigned long long)limits->memory_bytes);
	return cg->ops ? cg->ops->make(cg, limits, err) : 0;
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
	plan->watch_fd = plan->parent_pidfd;
	cgroup_init(&plan->cgroup, cgroup_detect(CGROUP_ROOT), CGROUP_ROOT, cfg->id);
	plan->v1_cpu_shared = access(CGROUP_ROOT "/cpu,cpuacct", F_OK) == 0;
	/* The device rules are what makes CAP_MKNOD harmless. */
	plan->nodev = !cgroup_has_devices(&plan->cgroup);
	plan->caps = caps_available(cfg->caps);
	if (plan->nodev)
		plan->caps &= ~(1ull << CAP_MKNOD);
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

/* What only this thread can be moved out of again, the child in setns(2) can enter. */
static int make_netns(int *ret_old, struct il_err *err)
{
	int old = il_open(AT_FDCWD, "/proc/thread-self/ns/net", O_RDONLY, 0);
	int r;

	if (old < 0)
		return il_fail(err, -old, "open the network namespace");
	if (unshare(CLONE_NEWNET) < 0) {
		r = il_fail(err, errno, "make a network namespace");
		close(old);
		return r;
	}
	*ret_old = old;
	r = ctr_loopback_up();
	return r < 0 ? il_fail(err, -r, "bring the loopback interface up") : 0;
}

/* Sleep while the child is in @state. No libc: errno may be the child's. */
static void wait_child(struct ctr_plan *plan, enum ctr_child_state state)
{
	while (__atomic_load_n(&plan->child, __ATOMIC_ACQUIRE) == state)
		il_raw_futex_wait(&plan->child, state);
}

/* Runnable tasks on the host: the "2" of "0.00 0.01 0.05 2/345 6789"; 0 = unknown. */
static uint64_t count_runnable(void)
{
	char text[64] = "";
	uint64_t count = 0;
	int fd = il_open(AT_FDCWD, "/proc/loadavg", O_RDONLY, 0);
	char *slash;

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0 || !(slash = strchr(text, '/')))
		return 0;
	*slash = '\0';
	char *space = strrchr(text, ' ');
	if (!space || il_parse_u64(space + 1, 1, UINT32_MAX, &count, NULL) < 0)
		return 0;
	return count;
}

static bool has_cpu(const unsigned long *mask, unsigned int cpu)
{
	const unsigned int bits = 8 * sizeof(*mask);

	return mask[cpu / bits] >> cpu % bits & 1;
}

/*
 * Some schedulers keep a new task on its parent's CPU although others idle, to wake few
 * virtual CPUs; then nothing is gained by two halves. So if the child has not begun by now and
 * there are CPUs to spare, move it to the next one. (Not when all are busy: there it would
 * wait its turn.) It takes its mask back before it goes on alone.
 */
static void spread_child(struct ctr_plan *plan, pid_t pid)
{
	const uint64_t until = il_now_ns() + CHILD_START_NS;
	unsigned long other[CTR_CPU_MASK_WORDS] = {0};
	const unsigned int bits = 8 * sizeof(other[0]);
	int here = sched_getcpu();
	unsigned int count, usable = 0;

	while (il_now_ns() < until)
		if (__atomic_load_n(&plan->started, __ATOMIC_RELAXED))
			return;
	plan->cpu_mask_len = il_raw6(SYS_sched_getaffinity, 0, sizeof(plan->cpu_mask),
				     IL_RAW_ARG(plan->cpu_mask), 0, 0, 0);
	if (here < 0 || plan->cpu_mask_len <= 0)
		return;
	count = 8 * (unsigned int)plan->cpu_mask_len;
	for (unsigned int cpu = 0; cpu < count; cpu++)
		usable += has_cpu(plan->cpu_mask, cpu);
	uint64_t runnable = count_runnable();
	if (usable < 2 || runnable == 0 || runnable > usable)
		return;
	unsigned int cpu = ((unsigned int)here + 1) % count;
	while (!has_cpu(plan->cpu_mask, cpu))
		cpu = (cpu + 1) % count;
	other[cpu / bits] = 1ul << cpu % bits;
	plan->moved = IL_RAW(SYS_sched_setaffinity, pid, plan->cpu_mask_len, other, 0, 0) == 0;
}

/* The half of the work that is the parent's, while the child does its own. */
static int supply(struct ctr_plan *plan, pid_t pid, bool with_cgroup, struct il_err *err)
{
	int old_netns = -1;

	spread_child(plan, pid);
	int r = plan->wait_netns ? make_netns(&old_netns, err) : 0;

	if (r == 0 && with_cgroup)
		r = make_cgroup(plan, err);
	__atomic_store_n(&plan->supply, r == 0 ? SUPPLY_READY : SUPPLY_ABORT, __ATOMIC_RELEASE);
	il_raw_futex_wake(&plan->supply);
	wait_child(plan, CHILD_WORKS);
	if (old_netns >= 0) {
		int back = IL_RAW(SYS_setns, old_netns, CLONE_NEWNET, 0, 0, 0);

		il_raw_close(old_netns);
		/* Its own network is gone for this thread: better no process than that one. */
		if (back < 0)
			abort();
	}
	wait_child(plan, CHILD_TOOK);
	return r;
}

/*
 * Returns the child's pid in *ret_pid (0 = none made) and 0 or -errno of the parent's own
 * half. The child has exec'd or is dead when this returns.
 */
static int clone_child(struct ctr_plan *plan, pid_t *ret_pid, int *ret_pidfd, struct il_err *err)
{
	char stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));
	struct clone_args args = {
	    .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_PIDFD |
		     CLONE_CLEAR_SIGHAND | CLONE_CHILD_CLEARTID,
	    .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
	    .child_tid = (uint64_t)(uintptr_t)&plan->child,
	    .exit_signal = SIGCHLD,
	};
	bool into_cgroup = plan->cgroup.ops && !plan->cgroup.ops->join;
	sigset_t all, old;
	int r;

	/* setns by pidfd means the thread group's leader. */
	plan->wait_netns = plan->cfg->net == CTR_NET_NONE && gettid() == getpid();
	if (plan->cfg->net == CTR_NET_NONE && !plan->wait_netns)
		args.flags |= CLONE_NEWNET;
	if (into_cgroup || !plan->cgroup.ops) {
		if ((r = make_cgroup(plan, err)) < 0)
			return r;
	}
	if (into_cgroup) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)plan->cgroup.dir_fd;
	}
	plan->child = CHILD_WORKS;
	/* A handler that ran in the child would run in our memory. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	*ret_pid = il_clone3_vm(&args, stack, sizeof(stack), ctr_child, plan);
	if (*ret_pid < 0) {
		r = il_fail(err, -*ret_pid, "create the container's namespaces");
		*ret_pid = 0;
	} else {
		r = supply(plan, *ret_pid, !into_cgroup && plan->cgroup.ops, err);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
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
	return -runner_exec_failure(code);
}

static int start(struct ctr_plan *plan, struct ctr *ret, struct il_err *err)
{
	struct timeline *timeline = plan->cfg->timeline;
	int pidfd = -1;
	int status = 0;
	pid_t pid = 0;
	int r = clone_child(plan, &pid, &pidfd, err);

	/* Killed between its last report and execve: that looks like a workload killed at once. */
	if (r == 0 && plan->error == 0 && plan->at_exec) {
		timeline->ns[TL_EXECED] = il_now_ns();
		*ret = (struct ctr){.pid = pid, .pidfd = pidfd};
		return 0;
	}
	if (pid > 0) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		close(pidfd);
	}
	return r < 0 ? r : report_failure(plan, status, err);
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
