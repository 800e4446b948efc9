/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of bench startup: taking samples (startup.c) and judging them. */
#ifndef IL_BENCH_STARTUP_H
#define IL_BENCH_STARTUP_H

#include "bench/session.h"
#include "bench/stats.h"

struct samples {
	struct sample *v; /* owned */
	size_t n, cap;
	size_t failures;
};

void samples_done(struct samples *s); /* frees; also a scope closer */

/* Of one subject. */
struct startup_data {
	struct samples samples; /* what the summary is made from */
	struct samples traces;  /* starts with a timeline, which costs time of its own */
};

/*
 * startup_report: add every subject with its samples, summary, phases and warnings.
 * @data  one per subject of the session
 * Returns 0 or -ENOMEM.
 */
int startup_report(const struct bench_session *session, const struct startup_data *data,
		   struct result *result, struct il_err *err) IL_MUST_CHECK;

#endif
