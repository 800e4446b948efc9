/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner: turns a workload block into a running program, the same way in every
 * kind. The core (runner.c) needs no libc and is compiled into the nano guest kernel
 * too; what differs between worlds is the ops table.
 */
#ifndef IL_RUNNER_RUNNER_H
#define IL_RUNNER_RUNNER_H

#include "runner/workload.h"

/* Every op returns 0 or -errno. A NULL op is skipped; exec must be there. */
struct runner_ops {
	/* Change to the working directory; makes it when missing, as docker does. */
	int (*set_cwd)(void *ctx, const char *path);
	int (*set_umask)(void *ctx, uint32_t mask);
	int (*set_rlimit)(void *ctx, const struct workload_rlimit *limit);
	int (*set_ids)(void *ctx, uint32_t uid, uint32_t gid, const uint32_t *groups,
		       uint32_t ngroups);
	/* Last step before exec: give up what is left to give up. */
	int (*confine)(void *ctx);
	/* Execute @path with the block's argv and env. Returns only on failure. */
	int (*exec)(void *ctx, const char *path, const struct workload *w);
};

/*
 * runner_run: do the steps above in their order, then exec argv[0], looked up in the
 * block's PATH as execvp(3) does.
 * @w         has passed workload_check
 * @ret_step  on failure, the name of the failed step (static string); never NULL
 *
 * Returns only on failure (or when the exec op, as in the guest kernel, returns 0 for
 * success): -ENOENT command not found, -EACCES found but not executable, else -errno.
 */
int runner_run(const struct workload *w, const struct runner_ops *ops, void *ctx,
	       const char **ret_step);

/* The name of runner_run's last step. */
#define RUNNER_STEP_EXEC "execute"

/*
 * runner_exec_failure: what a failed exec means for whoever asked for the command.
 * @code  its errno, positive
 *
 * Returns ENOENT: the command is not there (exit status 127); EACCES: it is there but can't
 * be executed (126); else @code.
 */
int runner_exec_failure(int code);

#endif
