/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ^C and SIGTERM during a measurement: they must end it in order, with everything that
 * was started removed. A signal makes a descriptor readable that every wait of the
 * harness polls; the functions then return -EINTR and unwind.
 */
#ifndef IL_BENCH_INTERRUPT_H
#define IL_BENCH_INTERRUPT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * interrupt_begin: take over SIGINT, SIGTERM and SIGHUP and ignore SIGPIPE, until
 * interrupt_end restores what was before. One at a time per process. 0 or -errno.
 */
int interrupt_begin(struct il_err *err) IL_MUST_CHECK;
void interrupt_end(void);

/* interrupt_fd: readable for good once a signal came; -1 outside begin/end. */
int interrupt_fd(void);

/* interrupt_signal: the first signal that came, or 0. */
int interrupt_signal(void);

/* interrupt_check: 0, or -EINTR with the sentence once a signal came. */
int interrupt_check(struct il_err *err) IL_MUST_CHECK;

/* interrupt_sleep: sleep @ns, less when a signal comes. 0 or -EINTR. */
int interrupt_sleep(uint64_t ns, struct il_err *err) IL_MUST_CHECK;

#endif
