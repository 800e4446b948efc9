/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress on stderr: on a terminal one line that is rewritten, elsewhere (a log) a line
 * every few seconds. Never inside a timed start.
 */
#ifndef IL_BENCH_PROGRESS_H
#define IL_BENCH_PROGRESS_H

#include "base/macros.h"

#include <stdbool.h>

void progress_enable(bool on);
/* progress_step: a new step begins; always shown. */
void progress_step(const char *fmt, ...) IL_PRINTF(1, 2);
/* progress_update: the step goes on; shown when enough time has passed. */
void progress_update(const char *fmt, ...) IL_PRINTF(1, 2);
/* progress_end: clear the line, before anything else is printed. */
void progress_end(void);

#endif
