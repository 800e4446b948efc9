/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner's world on a Linux host: plain system calls. The process and the container
 * kind share it.
 */
#ifndef IL_RUNNER_RUNNER_HOST_H
#define IL_RUNNER_RUNNER_HOST_H

#include "base/macros.h"
#include "runner/runner.h"

/* The ops' ctx. Built before the fork, so that the child needs no memory. */
struct runner_host {
	char **argv; /* owned array of strings borrowed from the block, ended by NULL */
	char **envp;
	/* Called with confine_ctx when ids are set, before exec; may be NULL. */
	int (*confine)(void *confine_ctx);
	void *confine_ctx;
};

/*
 * runner_host_init: make the argv and envp vectors of @w, which must outlive @rh.
 * Returns 0 or -ENOMEM; undo with runner_host_done.
 */
int runner_host_init(struct runner_host *rh, const struct workload *w) IL_MUST_CHECK;
void runner_host_done(struct runner_host *rh);

/*
 * The ops for runner_run; ctx is a struct runner_host. Async-signal-safe and raw: no
 * allocation and none of libc's process-wide set*id machinery, so they may run in a
 * child that shares its parent's memory.
 */
extern const struct runner_ops runner_host_ops;

/*
 * runner_host_reset_signals: in the child: nothing blocked, and what a supervisor or the
 * shell that started it may have ignored (nohup, a background job) default again, as a
 * container's first process finds it. Raw and async-signal-safe; the dispositions of a
 * child that shares only memory (no CLONE_SIGHAND) are its own.
 */
void runner_host_reset_signals(void);

#endif
