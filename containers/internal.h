/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the launcher share: the plan that ctr_start makes and its child
 * carries out.
 */
#ifndef IL_CONTAINERS_INTERNAL_H
#define IL_CONTAINERS_INTERNAL_H

#include "base/buf.h"
#include "containers/cgroup.h"
#include "containers/container.h"
#include "runner/runner_host.h"

#include <linux/filter.h>

/* Contents of the files that a container gets in /etc. */
struct ctr_etc {
	struct il_buf hosts;
	struct il_buf resolv;
	struct il_buf hostname;
};

/*
 * One start. The child runs in the parent's memory: it reads the plan and writes its
 * report right here. In its first half it runs beside the parent, on another CPU if there
 * is one, and only makes calls of base/raw.h (errno is shared):
 *
 *   parent                                 child (namespaces but the network's)
 *   make a network namespace, lo up        death signal, host name
 *   make the cgroup, set its limits        root file system, /dev, /proc, masks
 *   supply = SUPPLY_READY, wake      --->  wait for the supply
 *   sleep                                  enter cgroup and network namespace, /sys
 *   leave the network namespace      <---  child = CHILD_TOOK
 *   sleep                                  stdio, capabilities, ids, seccomp, execve
 *   awake                            <---  the kernel: child = CHILD_GONE (clear_child_tid)
 */
/* 1024 CPUs. */
#define CTR_CPU_MASK_WORDS 16

enum ctr_supply {
	SUPPLY_PENDING,
	SUPPLY_READY,
	SUPPLY_ABORT, /* the parent failed: just exit */
};

enum ctr_child_state {
	CHILD_GONE, /* exec'd or dead: the kernel writes this 0 */
	CHILD_WORKS,
	CHILD_TOOK, /* does not need the parent's namespaces any more */
};

struct ctr_plan {
	const struct ctr_config *cfg;
	const char *hostname;
	struct cgroup cgroup;
	struct runner_host runner;
	struct ctr_etc etc;
	struct sock_fprog filter; /* len 0 = unconfined */
	char *overlay_options;    /* owned */
	char tty_path[64];        /* "" = the workload has no terminal */
	uint64_t caps;
	bool nodev;         /* no device rules in force: no device node of the root may work */
	bool v1_cpu_shared; /* v1: cpu and cpuacct are one hierarchy, as systemd mounts them */
	bool wait_netns;    /* the parent makes the network namespace; else it came with clone3 */
	uint32_t supply;    /* enum ctr_supply; futex */
	uint32_t child;     /* enum ctr_child_state; futex */
	bool started;       /* the child has run its first instruction */
	bool moved;         /* the child has been put on another CPU; its mask was: */
	long cpu_mask_len;
	unsigned long cpu_mask[CTR_CPU_MASK_WORDS];
	int parent_pidfd; /* owned */
	int watch_fd;     /* the child's descriptor of the same */
	int null_fd;      /* owned; /dev/null, for closed stdio; -1 = not needed */
	/* The child's: detached mounts, made while the host's files are in reach; -1 = none. */
	int console_fd;         /* the terminal */
	int empty_fd;           /* an empty directory, read-only, to cover others with */
	const char *empty_path; /* where empty_fd has been mounted; NULL = nowhere yet */

	/* The child's report. */
	const char *step; /* what it is about to do; static string */
	int error;        /* 0, or -errno of that step */
	bool at_exec;     /* everything but execve is done */
};

/* ctr_etc_make: fill *etc for @net and @hostname. 0 or -ENOMEM; undo with ctr_etc_done. */
int ctr_etc_make(struct ctr_etc *etc, enum ctr_net net, const char *hostname) IL_MUST_CHECK;
void ctr_etc_done(struct ctr_etc *etc);
/* ctr_etc_filter_resolv: add @text to @out without name servers on the loopback. */
void ctr_etc_filter_resolv(const char *text, struct il_buf *out);

/*
 * ctr_overlay_options: the options of the overlay mount, with relative upper and work
 * directories. Returns an owned string, or NULL when memory is out.
 */
char *ctr_overlay_options(const char *rootfs, bool keep_files) IL_MUST_CHECK;

/*
 * ctr_child: the plan's child, in its new namespaces: everything up to execve. Returns
 * only on failure, with the report filled in, an exit status.
 */
int ctr_child(void *plan);

/* ctr_confine: the runner's confine step; its context is the plan. */
int ctr_confine(void *plan);

/*
 * ctr_root_enter: make the root file system, and make it the root; the host's files are
 * out of reach then. In the child. 0 or -errno, plan->step tells which step.
 */
int ctr_root_enter(struct ctr_plan *plan) IL_MUST_CHECK;

/*
 * ctr_mounts_make: /proc, /dev and their masked paths in the new root.
 * ctr_mounts_sys: /sys, once the network namespace and the cgroup are entered.
 * In the child, raw. 0 or -errno, plan->step tells which step.
 */
int ctr_mounts_make(struct ctr_plan *plan) IL_MUST_CHECK;
int ctr_mounts_sys(struct ctr_plan *plan) IL_MUST_CHECK;

/* ctr_loopback_up: in the calling thread's network namespace. Raw. 0 or -errno. */
int ctr_loopback_up(void) IL_MUST_CHECK;

/* ctr_filter_load: install the seccomp filter of the plan. In the child. 0 or -errno. */
int ctr_filter_load(const struct ctr_plan *plan) IL_MUST_CHECK;

/*
 * ctr_filter_default: the filter compiled at build time, for ctr_caps_default.
 * ctr_filter_get: the filter for @caps; a compiled one is kept for the life of the
 * process. 0 or -errno.
 */
struct sock_fprog ctr_filter_default(void);
int ctr_filter_get(uint64_t caps, struct sock_fprog *ret, struct il_err *err) IL_MUST_CHECK;

#endif
