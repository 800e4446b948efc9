// SPDX-License-Identifier: Apache-2.0
/* From samples to figures: summaries, ratios, phases, and warnings about the figures. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "bench/startup.h"

/* Below this a single start is within reach of timer and scheduler noise. */
#define TOO_FAST_NS        (500 * IL_NS_PER_US)
#define HARNESS_SHARE      0.05
#define SLOW_FIRST_FACTOR  2.0
#define P99_SAMPLES        300
#define OUTLIER_SHARE_WARN 0.05

struct metric {
	const char *name;
	size_t offset;    /* of the uint64_t in struct sample; its 0 = not there */
	bool from_traces; /* known from the timeline only */
};

static const struct metric metrics[] = {
    {"total_ns", offsetof(struct sample, total_ns), false},
    {"ready_ns", offsetof(struct sample, ready_ns), false},
    {"after_output_ns", offsetof(struct sample, after_output_ns), false},
    {"teardown_ns", offsetof(struct sample, teardown_ns), true},
    {"workload_ns", offsetof(struct sample, workload_ns), false},
};

static uint64_t metric_of(const struct sample *s, const struct metric *m)
{
	uint64_t v;

	memcpy(&v, (const char *)s + m->offset, sizeof(v));
	return v;
}

/* The metric's values of the good samples that have it. */
struct values {
	double *v;       /* owned */
	uint64_t *order; /* owned; of the sample behind each value */
	size_t n;
};

static void values_done(struct values *v)
{
	free(v->v);
	free(v->order);
	*v = (struct values){0};
}

static int values_of(const struct startup_data *d, const struct metric *m, struct values *ret)
{
	const struct samples *s = m->from_traces ? &d->traces : &d->samples;

	*ret = (struct values){.v = calloc(s->n + 1, sizeof(*ret->v)),
			       .order = calloc(s->n + 1, sizeof(*ret->order))};
	if (!ret->v || !ret->order)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		uint64_t v = metric_of(&s->v[i], m);

		if (!s->v[i].ok || v == 0)
			continue;
		ret->order[ret->n] = s->v[i].order;
		ret->v[ret->n++] = (double)v;
	}
	return 0;
}

static json_t *ns(double v)
{
	return json_integer((json_int_t)llround(v));
}

static json_t *outlier_list(const struct values *v)
{
	_cleanup_(freep) bool *marks = calloc(v->n + 1, sizeof(*marks));
	json_t *a = json_array();

	if (marks && stats_outliers(v->v, v->n, marks) > 0)
		for (size_t i = 0; i < v->n; i++)
			if (marks[i])
				json_array_append_new(a, json_integer((json_int_t)v->order[i]));
	return a;
}

/* @base may be NULL: no ratio. */
static int summarize(const struct values *v, const struct values *base, const char *base_name,
		     uint64_t seed, json_t **ret)
{
	struct stats_summary s;
	struct stats_ratio ratio;
	int r = stats_summarize(v->v, v->n, seed, &s);

	if (r < 0)
		return r;
	json_t *o = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[o, o], s:o}", "n",
			      (json_int_t)s.n, "min", ns(s.min), "median", ns(s.median), "p90",
			      ns(s.p90), "p99", ns(s.p99), "max", ns(s.max), "mean", ns(s.mean),
			      "stddev", ns(s.stddev), "median_ci95", ns(s.ci_low), ns(s.ci_high),
			      "outliers", outlier_list(v));
	if (base && base->n && stats_ratio(v->v, v->n, base->v, base->n, seed + 1, &ratio) == 0)
		json_object_set_new(o, "ratio",
				    json_pack("{s:s, s:f, s:[f, f]}", "to", base_name, "value",
					      ratio.value, "ci95", ratio.ci_low, ratio.ci_high));
	*ret = o;
	return o ? 0 : -ENOMEM;
}

static json_t *events_json(const struct sample *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "launch", json_integer(0));
	for (int e = 0; e < TL_EVENT_MAX; e++)
		if (s->events_ns[e])
			json_object_set_new(o, timeline_name((enum timeline_event)e),
					    json_integer((json_int_t)s->events_ns[e]));
	return o;
}

static json_t *samples_json(const struct samples *list, bool traced)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->n; i++) {
		const struct sample *s = &list->v[i];
		json_t *m = json_object(), *o;

		for (size_t k = 0; k < ARRAY_SIZE(metrics); k++) {
			uint64_t v = metric_of(s, &metrics[k]);

			if (v && (traced || !metrics[k].from_traces))
				json_object_set_new(m, metrics[k].name,
						    json_integer((json_int_t)v));
		}
		o = json_pack("{s:I, s:b, s:s?, s:i, s:o}", "order", (json_int_t)s->order, "ok",
			      s->ok, "error",
			      s->ok      ? NULL
			      : s->error ? s->error
					 : "failed",
			      "exit_status", s->exit_status, "metrics", m);
		if (s->has_events)
			json_object_set_new(o, "events_ns", events_json(s));
		json_array_append_new(a, o);
	}
	return a;
}

/* ---- phases ------------------------------------------------------------------------ */

/* What happens until the event, in people's words. */
static const char *const phase_names[TL_EVENT_MAX + 1] = {
    [TL_REQUEST] = "exec isolab",    [TL_PREPARED] = "prepare",
    [TL_ISOLATION_BEGIN] = "set up", [TL_ISOLATION_MADE] = "isolate",
    [TL_ROOT_READY] = "root",        [TL_CONFINED] = "confine",
    [TL_RUNNER_ENTERED] = "enter",   [TL_EXECED] = "exec",
    [TL_READY] = "first output",     [TL_EXITED] = "run",
    [TL_REAPED] = "clean up",        [TL_EVENT_MAX] = "end",
};

struct mark {
	int event; /* TL_EVENT_MAX = the command reaped by the harness */
	double median_ns;
};

static int by_time(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->median_ns > y->median_ns) - (x->median_ns < y->median_ns);
}

static int median_of(double *values, size_t n, double *ret)
{
	struct stats_summary s;
	int r = stats_summarize(values, n, 1, &s);

	if (r == 0)
		*ret = s.median;
	return r;
}

/* When @event happened in the good traces: the values, and how many. */
static size_t event_times(const struct samples *traces, int event, double *values)
{
	size_t n = 0;

	for (size_t i = 0; i < traces->n; i++) {
		const struct sample *s = &traces->v[i];
		uint64_t at = event == TL_EVENT_MAX ? s->total_ns : s->events_ns[event];

		if (s->ok && at)
			values[n++] = (double)at;
	}
	return n;
}

static const char *event_name(int event)
{
	return event == TL_EVENT_MAX ? "ended" : timeline_name((enum timeline_event)event);
}

/* The median time from one event to the next, start by start. */
static int phase_add(json_t *phases, const struct samples *traces, int from, int to, double *values)
{
	size_t n = 0;
	double median = 0;

	for (size_t i = 0; i < traces->n; i++) {
		const struct sample *s = &traces->v[i];
		uint64_t a = from < 0 ? 0 : s->events_ns[from];
		uint64_t b = to == TL_EVENT_MAX ? s->total_ns : s->events_ns[to];

		if (s->ok && b && (a || from < 0))
			values[n++] = b > a ? (double)(b - a) : 0;
	}
	if (n == 0)
		return 0;
	int r = median_of(values, n, &median);
	if (r < 0)
		return r;
	return json_array_append_new(phases,
				     json_pack("{s:s, s:s, s:s, s:o}", "name", phase_names[to],
					       "from", from < 0 ? "launch" : event_name(from), "to",
					       event_name(to), "median_ns", ns(median))) < 0
		   ? -ENOMEM
		   : 0;
}

/*
 * Between the events that most traces have, in the order of their medians: the kinds
 * differ in what happens first.
 */
static int phases_json(const struct samples *traces, json_t **ret)
{
	_cleanup_(freep) double *values = calloc(traces->n + 1, sizeof(*values));
	struct mark marks[TL_EVENT_MAX + 1] = {0};
	size_t n = 0;
	json_t *phases = json_array();
	int r = values && phases ? 0 : -ENOMEM;

	for (int e = 0; e <= TL_EVENT_MAX && r == 0; e++) {
		size_t have = event_times(traces, e, values);

		if (have == 0 || have < traces->n / 2)
			continue;
		marks[n].event = e;
		r = median_of(values, have, &marks[n++].median_ns);
	}
	qsort(marks, n, sizeof(*marks), by_time);
	for (size_t i = 0; i < n && r == 0; i++)
		r = phase_add(phases, traces, i ? marks[i - 1].event : -1, marks[i].event, values);
	if (r < 0) {
		json_decref(phases);
		return r;
	}
	*ret = phases;
	return 0;
}

/* ---- warnings ---------------------------------------------------------------------- */

static void warn_samples(struct result *res, const struct subject *s, const struct startup_data *d)
{
	if (d->samples.failures)
		result_warn(res, s->name, "failures", "%zu of %zu starts failed",
			    d->samples.failures, d->samples.n);
}

static void warn_total(struct result *res, const struct subject *s, const struct values *v,
		       const json_t *total, double null_median)
{
	double median = json_number_value(json_object_get(total, "median"));
	size_t outliers = json_array_size(json_object_get(total, "outliers"));

	if (median < TOO_FAST_NS)
		result_warn(res, s->name, "too-fast",
			    "the median start takes %.0f us: scheduler and timer noise weigh in",
			    median / 1e3);
	if (null_median > HARNESS_SHARE * median)
		result_warn(res, s->name, "harness-overhead",
			    "the harness itself takes %.0f us, %.0f %% of this subject's median",
			    null_median / 1e3, 100 * null_median / median);
	if (v->n >= 5 && v->v[0] > SLOW_FIRST_FACTOR * median)
		result_warn(res, s->name, "slow-first",
			    "the first counted start took %.1f times the median: a longer warm-up "
			    "(--warmup) may be needed",
			    v->v[0] / median);
	if ((double)outliers > OUTLIER_SHARE_WARN * (double)v->n)
		result_warn(res, s->name, "outliers",
			    "%zu of %zu starts are outliers (modified z-score over 3.5): was the "
			    "machine busy?",
			    outliers, v->n);
}

/* ---- one subject ------------------------------------------------------------------- */

static int add_summary(const struct bench_session *session, const struct startup_data *d,
		       const struct subject *s, size_t base, json_t *summary,
		       const struct startup_data *data)
{
	bool is_base = base < session->subjects.n && s == &session->subjects.list[base];
	bool is_null = strcmp(s->name, "null") == 0;
	int r = 0;

	for (size_t k = 0; k < ARRAY_SIZE(metrics) && r == 0; k++) {
		_cleanup_(values_done) struct values v = {0};
		_cleanup_(values_done) struct values b = {0};
		json_t *one = NULL;
		uint64_t seed = session->options.seed * 1000 + d->samples.n + 17 * k;

		r = values_of(d, &metrics[k], &v);
		if (r < 0 || v.n == 0)
			continue;
		if (base < session->subjects.n && !is_base && !is_null)
			r = values_of(&data[base], &metrics[k], &b);
		if (r == 0)
			r = summarize(&v, &b, b.n ? session->subjects.list[base].name : NULL, seed,
				      &one);
		if (r == 0)
			json_object_set_new(summary, metrics[k].name, one);
	}
	return r;
}

static int add_subject(const struct bench_session *session, const struct startup_data *data,
		       size_t index, size_t base, struct result *res)
{
	const struct subject *s = &session->subjects.list[index];
	const struct startup_data *d = &data[index];
	json_t *o = result_subject(res, s), *summary = json_object(), *phases = NULL;
	int r = add_summary(session, d, s, base, summary, data);

	if (r == 0)
		r = phases_json(&d->traces, &phases);
	if (r < 0) {
		json_decref(summary);
		return r;
	}
	json_object_set_new(o, "failures", json_integer((json_int_t)d->samples.failures));
	json_object_set_new(o, "samples", samples_json(&d->samples, false));
	json_object_set_new(o, "traces", samples_json(&d->traces, true));
	json_object_set_new(o, "summary", summary);
	json_object_set_new(o, "phases", phases);
	return 0;
}

static double total_median(const struct result *res, size_t index)
{
	const json_t *s = json_array_get(res->subjects, index);
	const json_t *total = json_object_get(json_object_get(s, "summary"), "total_ns");

	return json_number_value(json_object_get(total, "median"));
}

static int add_warnings(const struct bench_session *session, const struct startup_data *data,
			struct result *res)
{
	double null_median = 0;

	if (session->options.n < P99_SAMPLES)
		result_warn(res, "", "few-samples",
			    "%llu starts of each are few for a p99: it is hardly more than their "
			    "maximum (-n %d gives one)",
			    (unsigned long long)session->options.n, P99_SAMPLES);
	for (size_t i = 0; i < session->subjects.n; i++)
		if (strcmp(session->subjects.list[i].name, "null") == 0)
			null_median = total_median(res, i);
	for (size_t i = 0; i < session->subjects.n; i++) {
		const struct subject *s = &session->subjects.list[i];
		const json_t *o = json_array_get(res->subjects, i);
		const json_t *total = json_object_get(json_object_get(o, "summary"), "total_ns");
		_cleanup_(values_done) struct values v = {0};

		if (s->skipped || strcmp(s->name, "null") == 0)
			continue;
		warn_samples(res, s, &data[i]);
		if (!total)
			continue;
		int r = values_of(&data[i], &metrics[0], &v);
		if (r < 0)
			return r;
		warn_total(res, s, &v, total, null_median);
	}
	return 0;
}

int startup_report(const struct bench_session *session, const struct startup_data *data,
		   struct result *res, struct il_err *err)
{
	const struct subject *baseline = session_baseline(session);
	size_t n = session->subjects.n, base = n;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (&session->subjects.list[i] == baseline)
			base = i;
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_subject(session, data, i, base, res);
	if (r == 0)
		r = add_warnings(session, data, res);
	if (session->options.baseline && !baseline)
		result_warn(res, "", "baseline", "the baseline '%s' was not measured: no ratios",
			    session->options.baseline);
	return r < 0 ? il_fail(err, -r, "make the figures") : 0;
}
