/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Showing a timeline: as a table for people, as Chrome trace JSON for Perfetto and for the
 * bench harness.
 */
#ifndef IL_SANDBOX_TRACE_H
#define IL_SANDBOX_TRACE_H

#include "base/buf.h"
#include "runner/timeline.h"

/* What the trace is about; borrowed. */
struct trace_info {
	const char *kind;
	const char *id;
	int exit_status; /* as `isolab run` exits with */
};

/* trace_table: append "event, ms since the request, ms since the one before". */
void trace_table(struct il_buf *out, const struct timeline *timeline);

/*
 * trace_json: append a JSON object: traceEvents with a complete event ("X") per phase and
 * an instant event per event, microseconds; otherData with isolab_version, kind, id,
 * exit_status and events_ns {name: CLOCK_MONOTONIC ns}.
 * Source: Trace Event Format, "JSON Object Format".
 */
void trace_json(struct il_buf *out, const struct timeline *timeline, const struct trace_info *info);

#endif
