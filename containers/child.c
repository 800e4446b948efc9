// SPDX-License-Identifier: Apache-2.0
/*
 * The child of a start, from its first instruction to execve. It runs in its parent's
 * memory (CLONE_VM) on a stack of its own: no allocation, no stdio, and
 * until its parent sleeps only the calls of base/raw.h.
 */
#include "containers/internal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/raw.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The death of the parent before the prctl would go unnoticed, and getppid() is 0 in a new
 * PID namespace: so look at the parent's pidfd afterwards. Raw.
 */
static int die_with_parent(const struct ctr_plan *plan)
{
	struct pollfd pfd = {.fd = plan->watch_fd, .events = POLLIN};
	int r = IL_RAW(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);

	if (r < 0)
		return r;
	return IL_RAW(SYS_poll, &pfd, 1, 0, 0, 0) > 0 ? -EOWNERDEAD : 0;
}

/* Until the parent has made the rest. Raw. */
static int wait_supply(struct ctr_plan *plan)
{
	uint32_t supply;

	while ((supply = __atomic_load_n(&plan->supply, __ATOMIC_ACQUIRE)) == SUPPLY_PENDING)
		il_raw_futex_wait(&plan->supply, SUPPLY_PENDING);
	if (plan->moved)
		(void)IL_RAW(SYS_sched_setaffinity, 0, plan->cpu_mask_len, plan->cpu_mask, 0, 0);
	return supply == SUPPLY_READY ? 0 : -ECANCELED;
}

/* Raw. */
static int enter_supply(struct ctr_plan *plan)
{
	const struct cgroup *cg = &plan->cgroup;
	int r = 0;

	plan->step = "enter the network namespace";
	if (plan->wait_netns)
		r = IL_RAW(SYS_setns, plan->parent_pidfd, CLONE_NEWNET, 0, 0, 0);
	else if (plan->cfg->net == CTR_NET_NONE)
		r = ctr_loopback_up();
	plan->step = "enter the cgroup";
	if (r == 0 && cg->ops && cg->ops->join)
		r = cg->ops->join(cg);
	/* Only now: the namespace's root is the cgroup one is in. */
	plan->step = "make a cgroup namespace";
	if (r == 0)
		r = IL_RAW(SYS_unshare, CLONE_NEWCGROUP, 0, 0, 0, 0);
	return r;
}

/*
 * All three are put above 2 first: they may be each other's targets. Then everything else is
 * closed now, not at execve: a working directory or command of /proc/self/fd/N would
 * lead out of the container through any directory of the host that is open here.
 */
static int install_stdio(struct ctr_plan *plan)
{
	int high[3];

	for (int i = 0; i < 3; i++) {
		int fd = plan->cfg->stdio[i] < 0 ? plan->null_fd : plan->cfg->stdio[i];

		high[i] = fd > 2 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (high[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			return -errno;
	/* A pidfd is no way out. */
	if (plan->watch_fd != 3 && dup3(plan->watch_fd, 3, O_CLOEXEC) < 0)
		return -errno;
	plan->watch_fd = 3;
	return il_close_from(4, 0);
}

static int take_terminal(const struct ctr_plan *plan)
{
	if (setsid() < 0)
		return -errno;
	if (!(plan->cfg->workload->flags & WORKLOAD_TTY))
		return 0;
	/* So that a workload that is not root can open its /dev/console. */
	if (fchown(0, plan->cfg->workload->uid, (gid_t)-1) < 0)
		return -errno;
	return ioctl(0, TIOCSCTTY, 0) < 0 ? -errno : 0;
}

/* While the host's files are in reach: a mount of the terminal, for /dev/console. */
static int clone_console(struct ctr_plan *plan)
{
	if (plan->tty_path[0] == '\0')
		return 0;
	plan->console_fd = il_raw_open_tree(AT_FDCWD, plan->tty_path, OPEN_TREE_CLONE);
	return plan->console_fd < 0 ? plan->console_fd : 0;
}

/* The host's session keyring is not for a container. Raw. */
static int leave_keyring(void)
{
	int r = IL_RAW(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);

	return r < 0 && r != -ENOSYS ? r : 0;
}

/* Runs as the workload's user, right before execve. */
int ctr_confine(void *ctx)
{
	struct ctr_plan *plan = ctx;
	bool root = plan->cfg->workload->uid == 0;
	int r;

	if (plan->cfg->no_new_privs) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		if ((r = ctr_filter_load(plan)) < 0)
			return r;
	}
	r = caps_apply(root ? plan->caps : 0);
	if (r < 0)
		return r;
	/* A change of ids takes the death signal back: arm it (again) now. */
	if ((r = die_with_parent(plan)) < 0)
		return r;
	plan->cfg->timeline->ns[TL_CONFINED] = il_now_ns();
	plan->at_exec = true;
	return 0;
}

/* The half beside the parent. Raw. */
static int isolate(struct ctr_plan *plan)
{
	const char *hostname = plan->hostname;
	int r;

	plan->step = "tie the container to its supervisor";
	if ((r = die_with_parent(plan)) < 0)
		return r;
	plan->step = "join a session keyring";
	if ((r = leave_keyring()) < 0)
		return r;
	plan->step = "set the host name";
	if ((r = IL_RAW(SYS_sethostname, hostname, strlen(hostname), 0, 0, 0)) < 0)
		return r;
	plan->step = "open the cgroup hierarchies";
	if (plan->cgroup.ops && plan->cgroup.ops->hold &&
	    (r = plan->cgroup.ops->hold(&plan->cgroup)) < 0)
		return r;
	plan->step = "prepare /dev/console";
	if ((r = clone_console(plan)) < 0 || (r = ctr_root_enter(plan)) < 0 ||
	    (r = ctr_mounts_make(plan)) < 0 || (r = wait_supply(plan)) < 0 ||
	    (r = enter_supply(plan)) < 0)
		return r;
	return ctr_mounts_sys(plan);
}

static int prepare_process(struct ctr_plan *plan)
{
	int r;

	plan->step = "set up stdin, stdout and stderr";
	if ((r = install_stdio(plan)) < 0)
		return r;
	plan->step = "take the terminal";
	if ((r = take_terminal(plan)) < 0)
		return r;
	runner_host_reset_signals();
	plan->step = "drop capabilities";
	if ((r = caps_drop_bounding(plan->caps)) < 0)
		return r;
	/* Without no_new_privs the filter needs CAP_SYS_ADMIN, which is going to be lost. */
	plan->step = "install the seccomp filter";
	return plan->cfg->no_new_privs ? 0 : ctr_filter_load(plan);
}

int ctr_child(void *arg)
{
	struct ctr_plan *plan = arg;
	struct timeline *timeline = plan->cfg->timeline;
	const char *step = NULL;

	__atomic_store_n(&plan->started, true, __ATOMIC_RELAXED);
	timeline->ns[TL_ISOLATION_MADE] = il_now_ns();
	(void)IL_RAW(SYS_umask, 0, 0, 0, 0, 0);
	plan->error = isolate(plan);
	if (plan->error == 0) {
		__atomic_store_n(&plan->child, CHILD_TOOK, __ATOMIC_RELEASE);
		il_raw_futex_wake(&plan->child);
		timeline->ns[TL_ROOT_READY] = il_now_ns();
		plan->error = prepare_process(plan);
	}
	if (plan->error == 0) {
		timeline->ns[TL_RUNNER_ENTERED] = il_now_ns();
		plan->step = "run the workload";
		plan->error =
		    runner_run(plan->cfg->workload, &runner_host_ops, &plan->runner, &step);
		plan->step = step;
	}
	return 1;
}
