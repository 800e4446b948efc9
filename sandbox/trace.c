// SPDX-License-Identifier: Apache-2.0
#include "sandbox/trace.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/version.h"

/* The time that ends with an event, named for people. */
static const char *const phase_names[TL_EVENT_MAX] = {
    [TL_PREPARED] = "prepare",
    [TL_ISOLATION_BEGIN] = "plan",
    [TL_ISOLATION_MADE] = "make the isolation",
    [TL_ROOT_READY] = "set up the root",
    [TL_CONFINED] = "confine",
    [TL_RUNNER_ENTERED] = "enter the runner",
    [TL_EXECED] = "exec",
    [TL_READY] = "workload, to first output",
    [TL_EXITED] = "workload",
    [TL_REAPED] = "clean up",
};

/* The events that happened, in the order of time. Returns how many. */
static size_t sort_events(const struct timeline *t, enum timeline_event *order)
{
	size_t n = 0;

	for (int e = 0; e < TL_EVENT_MAX; e++) {
		size_t at = n;

		if (t->ns[e] == 0)
			continue;
		/* Insertion keeps the natural order of events with the same stamp. */
		for (; at > 0 && t->ns[order[at - 1]] > t->ns[e]; at--)
			order[at] = order[at - 1];
		order[at] = (enum timeline_event)e;
		n++;
	}
	return n;
}

void trace_table(struct il_buf *out, const struct timeline *t)
{
	enum timeline_event order[TL_EVENT_MAX];
	size_t n = sort_events(t, order);

	il_buf_printf(out, "%-16s %10s %10s\n", "event", "ms", "+ms");
	for (size_t i = 0; i < n; i++) {
		uint64_t start = t->ns[order[0]];
		uint64_t now = t->ns[order[i]];
		uint64_t before = i ? t->ns[order[i - 1]] : now;

		il_buf_printf(out, "%-16s %10.3f %10.3f\n", timeline_name(order[i]),
			      (double)(now - start) / IL_NS_PER_MS,
			      (double)(now - before) / IL_NS_PER_MS);
	}
}

/* Microseconds with the nanoseconds kept; a double would round an absolute time. */
static void print_us(struct il_buf *out, const char *key, uint64_t ns)
{
	il_buf_printf(out, "\"%s\":%llu.%03u", key, ns / IL_NS_PER_US,
		      (unsigned int)(ns % IL_NS_PER_US));
}

static void trace_events(struct il_buf *out, const struct timeline *t,
			 const struct trace_info *info)
{
	enum timeline_event order[TL_EVENT_MAX];
	size_t n = sort_events(t, order);

	il_buf_printf(out,
		      "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,"
		      "\"args\":{\"name\":\"isolab run --as %s\"}}",
		      info->kind);
	for (size_t i = 0; i < n; i++) {
		uint64_t now = t->ns[order[i]];

		if (i > 0 && phase_names[order[i]]) {
			uint64_t before = t->ns[order[i - 1]];

			il_buf_printf(out,
				      ",\n{\"name\":\"%s\",\"cat\":\"phase\",\"ph\":\"X\","
				      "\"pid\":1,\"tid\":1,",
				      phase_names[order[i]]);
			print_us(out, "ts", before);
			il_buf_str(out, ",");
			print_us(out, "dur", now - before);
			il_buf_str(out, "}");
		}
		il_buf_printf(out,
			      ",\n{\"name\":\"%s\",\"cat\":\"event\",\"ph\":\"i\",\"s\":\"t\","
			      "\"pid\":1,\"tid\":1,",
			      timeline_name(order[i]));
		print_us(out, "ts", now);
		il_buf_str(out, "}");
	}
}

void trace_json(struct il_buf *out, const struct timeline *t, const struct trace_info *info)
{
	bool first = true;

	il_buf_str(out, "{\"displayTimeUnit\":\"ms\",\n\"traceEvents\":[\n");
	trace_events(out, t, info);
	il_buf_printf(out,
		      "\n],\n\"otherData\":{\"isolab_version\":\"" IL_VERSION "\","
		      "\"kind\":\"%s\",\"id\":\"%s\",\"exit_status\":%d,\"events_ns\":{",
		      info->kind, info->id, info->exit_status);
	for (int e = 0; e < TL_EVENT_MAX; e++) {
		if (t->ns[e] == 0)
			continue;
		il_buf_printf(out, "%s\"%s\":%" PRIu64, first ? "" : ",",
			      timeline_name((enum timeline_event)e), t->ns[e]);
		first = false;
	}
	il_buf_str(out, "}}}\n");
}
