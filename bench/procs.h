/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host knows about memory: MemAvailable, the PSS of process trees, and what the
 * memory controller charges to the cgroups these processes are in.
 */
#ifndef IL_BENCH_PROCS_H
#define IL_BENCH_PROCS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* procs_mem_available: MemAvailable (or, @total, MemTotal) of /proc/meminfo. 0 or -errno. */
int procs_mem_available(uint64_t *ret_bytes, struct il_err *err) IL_MUST_CHECK;
int procs_mem_total(uint64_t *ret_bytes, struct il_err *err) IL_MUST_CHECK;

struct procs_memory {
	uint64_t processes;
	uint64_t pss_bytes;    /* sum over the processes */
	uint64_t cgroup_bytes; /* sum over their memory cgroups, each counted once */
	bool has_cgroup;       /* false: all of them are in the harness's own cgroup */
};

/*
 * procs_measure: sum over all descendants of @root, without @root itself.
 * Processes that end meanwhile are left out. A process whose smaps_rollup can't be read
 * (another user's) is an error: a sum that leaves it out would be wrong.
 *
 * With PR_SET_CHILD_SUBREAPER set by the harness, daemonised helpers (conmon, shims) are
 * its descendants too, so that nothing an instance needs escapes the sum.
 * Returns 0 or -errno.
 */
int procs_measure(pid_t root, struct procs_memory *ret, struct il_err *err) IL_MUST_CHECK;

/*
 * procs_descendants: the processes below @root.
 * Returns their number and an owned array in *ret_pids, or -errno.
 */
int procs_descendants(pid_t root, pid_t **ret_pids, struct il_err *err) IL_MUST_CHECK;

/*
 * procs_reap_orphans: wait for (without blocking) all ended children of the harness; for
 * moments when none of its own starts is running. Returns how many.
 */
int procs_reap_orphans(void);

#endif
