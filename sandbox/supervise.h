/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervising a workload that is a child process: its terminal, signals passed on as
 * docker's --sig-proxy does, and its end. The process and the container kind share it.
 */
#ifndef IL_SANDBOX_SUPERVISE_H
#define IL_SANDBOX_SUPERVISE_H

#include "sandbox/stdio.h"

struct supervise {
	struct stdio io;
	int signal_fd;
	struct timeline *timeline;
};

/*
 * supervise_begin: before the workload is started: signals are blocked and collected, its
 * stdio is in s->io.child. The workload itself must start with no signal blocked and all
 * dispositions default (runner_host_reset_signals).
 * Returns 0 or -errno; call supervise_end either way.
 */
int supervise_begin(struct supervise *s, const struct sandbox_run *run,
		    struct il_err *err) IL_MUST_CHECK;

/*
 * supervise_wait: pass signals on and copy stdio until the child ends, and reap it.
 * @ret_status  wait(2)'s
 */
int supervise_wait(struct supervise *s, pid_t pid, int pidfd, int *ret_status,
		   struct il_err *err) IL_MUST_CHECK;

void supervise_end(struct supervise *s);

/* supervise_forwards: is @sig one that is passed on to the workload? */
bool supervise_forwards(int sig);

#endif
