/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the workload block (runner/workload.h) on the host.
 */
#ifndef IL_RUNNER_WORKLOAD_BUILD_H
#define IL_RUNNER_WORKLOAD_BUILD_H

#include "base/err.h"
#include "runner/workload.h"

/* What to put into the block. Everything is borrowed for the call. */
struct workload_spec {
	const char *const *argv; /* ends in NULL; at least one */
	const char *const *env;  /* ends in NULL; NULL = none */
	const char *cwd;         /* absolute; NULL = "/" */
	const char *hostname;    /* NULL = "" */
	uint32_t uid;
	uint32_t gid;
	const uint32_t *groups;
	uint32_t ngroups;
	const struct workload_rlimit *rlimits;
	uint32_t nrlimits;
	uint32_t umask;
	uint32_t flags; /* WORKLOAD_TTY, WORKLOAD_RO_ROOT */
	uint16_t tty_rows;
	uint16_t tty_cols;
};

/*
 * workload_build: lay @spec out as one block.
 *
 * Returns 0 and an owned block in *ret (free it) that passes workload_check; -EINVAL
 * without argv; -E2BIG when it would exceed WORKLOAD_SIZE_MAX; -ENOMEM.
 */
int workload_build(const struct workload_spec *spec, struct workload **ret,
		   struct il_err *err) IL_MUST_CHECK;

#endif
