/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container launcher: one workload in namespaces, a cgroup, a capability set and a
 * seccomp filter of its own.
 */
#ifndef IL_CONTAINERS_CONTAINER_H
#define IL_CONTAINERS_CONTAINER_H

#include "base/err.h"
#include "containers/caps.h"
#include "runner/timeline.h"
#include "runner/workload.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Resource limits; 0 = none. */
struct ctr_limits {
	uint64_t memory_bytes; /* memory.max / memory.limit_in_bytes */
	uint64_t cpu_milli;    /* thousandths of a CPU: 1500 = 1.5 CPUs (docker --cpus) */
	uint64_t pids_max;
};

enum ctr_net {
	CTR_NET_NONE, /* a network namespace of its own with loopback up */
	CTR_NET_HOST, /* the host's network */
};

/* What to start. Everything is borrowed for the call. */
struct ctr_config {
	const char *id;        /* 64 hex digits: the cgroup's and the directories' name */
	const char *rootfs;    /* absolute path of the unpacked image, shared, never written */
	const char *state_dir; /* absolute path of the instance's own directory, exists; holds
				  its upper layer and etc files; the caller removes it */
	const struct workload *workload; /* has passed workload_check */
	struct ctr_limits limits;
	uint64_t caps; /* capability mask, bit n = CAP_n; ctr_caps_default = docker's */
	bool seccomp;  /* docker's default filter; false = unconfined */
	bool no_new_privs;
	enum ctr_net net;
	/*
	 * false: files written go to a tmpfs (memory of the container's cgroup) that is gone
	 * with it; true: to state_dir/upper, and a later start with it finds them again.
	 */
	bool keep_files;
	/*
	 * Given to the workload as 0, 1, 2; -1 = /dev/null. With WORKLOAD_TTY all three are the
	 * slave of a terminal that nobody's session has; it becomes /dev/console.
	 */
	int stdio[3];
	struct timeline *timeline; /* receives the events; not NULL */
};

/* A started container. */
struct ctr {
	pid_t pid; /* of its init, as the caller sees it */
	int pidfd; /* owned */
};

/* ctr_probe: can this host run containers for this user? 0, or -errno with the remedy. */
int ctr_probe(struct il_err *err) IL_MUST_CHECK;

/*
 * ctr_start: make the container and exec the workload in it. Returns when execve has
 * succeeded: until then the calling thread sleeps, as in vfork(2). Stamps the timeline from
 * TL_ISOLATION_BEGIN to TL_EXECED. The container dies with the calling thread
 * (PR_SET_PDEATHSIG). Its init is a child of the caller, who reaps it.
 *
 * Returns 0 and the container in *ret; on failure everything made is undone:
 * -ENOENT command not found in the image (exit status 127), -EACCES not executable
 * (126), else -errno of the failing step, which the message names.
 */
int ctr_start(const struct ctr_config *cfg, struct ctr *ret, struct il_err *err) IL_MUST_CHECK;

/*
 * ctr_destroy: after the init has been reaped, or to clean up after a supervisor that was
 * killed: kill what is left in the cgroup, remove the cgroup. Idempotent; leaves
 * state_dir to the caller. Returns 0 or -errno.
 */
int ctr_destroy(const char *id, struct il_err *err) IL_MUST_CHECK;

/* ctr_memory_charged: bytes charged to the cgroup now; for `bench memory`. 0 or -errno. */
int ctr_memory_charged(const char *id, uint64_t *ret_bytes) IL_MUST_CHECK;

#endif
