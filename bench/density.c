// SPDX-License-Identifier: Apache-2.0
/*
 * bench density: how many idle instances can live at once. They are started one after
 * another until a stop rule says enough; every one is asked whether it lives, on the way
 * and at the end, so that the count is of living instances, not of started ones.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "bench/instances.h"
#include "bench/interrupt.h"
#include "bench/procs.h"
#include "bench/progress.h"
#include "bench/stats.h"

#define CHECK_EVERY     100
#define ALIVE_NS        (30 * IL_NS_PER_S)
#define CEILING_STARTS  5 /* the ceiling applies to the median of the last so many */
#define FAILURES_IN_ROW 3
#define SLOPE_POINTS    50
#define RECOVER_NS      (1500 * IL_NS_PER_MS)

static char *const default_workload[] = {(char *)(uintptr_t) "/usr/bin/il-idle", NULL};

struct density {
	struct bench_session *session;
	struct instances set;
	json_t *curve;               /* owned */
	double last[CEILING_STARTS]; /* ns, a ring */
	size_t started, failed, failed_in_row, alive;
	uint64_t floor_bytes;
	char stop_reason[300];
};

static int check_alive(struct density *d, struct il_err *err)
{
	int alive = instances_alive(&d->set, ALIVE_NS, err);

	if (alive < 0)
		return alive;
	d->alive = (size_t)alive;
	if (d->alive < d->set.n) /* whatever rule stopped it: this is what matters */
		snprintf(d->stop_reason, sizeof(d->stop_reason),
			 "%zu of %zu instances no longer answered", d->set.n - d->alive, d->set.n);
	return 0;
}

static bool over_ceiling(const struct density *d)
{
	double sorted[CEILING_STARTS];
	struct stats_summary s;

	if (d->session->options.max_start_ns == 0 || d->started < CEILING_STARTS)
		return false;
	memcpy(sorted, d->last, sizeof(sorted));
	return stats_summarize(sorted, CEILING_STARTS, 1, &s) == 0 &&
	       s.median > (double)d->session->options.max_start_ns;
}

/* Sets stop_reason when a rule says enough. */
static void apply_rules(struct density *d, uint64_t available)
{
	const struct bench_options *o = &d->session->options;
	char *why = d->stop_reason;
	size_t size = sizeof(d->stop_reason);

	if (available < d->floor_bytes)
		snprintf(why, size, "available memory fell below the floor of %llu MiB",
			 (unsigned long long)(d->floor_bytes >> 20));
	else if (over_ceiling(d))
		snprintf(why, size, "the median of the last %d starts exceeded --max-start %.1f ms",
			 CEILING_STARTS, (double)o->max_start_ns / 1e6);
	else if (d->started >= o->max)
		snprintf(why, size, "reached --max %llu", (unsigned long long)o->max);
}

static int start_one(struct density *d, struct il_err *err)
{
	struct il_err why = {0};
	uint64_t start_ns = 0, available = 0;
	int r = instances_start(&d->set, &start_ns, &why);

	if (r == -EINTR) {
		*err = why;
		return r;
	}
	if (r < 0) {
		d->failed++;
		if (++d->failed_in_row >= FAILURES_IN_ROW)
			snprintf(d->stop_reason, sizeof(d->stop_reason),
				 "%d starts in a row failed, the last: %.200s", FAILURES_IN_ROW,
				 why.msg);
		return 0;
	}
	d->failed_in_row = 0;
	d->last[d->started++ % CEILING_STARTS] = (double)start_ns;
	r = procs_mem_available(&available, err);
	if (r < 0)
		return r;
	json_array_append_new(d->curve,
			      json_pack("{s:I, s:I, s:I}", "instances", (json_int_t)d->started,
					"start_ns", (json_int_t)start_ns, "mem_available_bytes",
					(json_int_t)available));
	apply_rules(d, available);
	return 0;
}

static int fill(struct density *d, struct il_err *err)
{
	int r = 0;

	while (r == 0 && !d->stop_reason[0]) {
		r = start_one(d, err);
		progress_update("density: %s: %zu started", d->set.subject->name, d->started);
		bool due = d->started == 1 || d->started % CHECK_EVERY == 0;
		if (r == 0 && d->started && due && !d->failed_in_row)
			r = check_alive(d, err);
	}
	return r < 0 ? r : check_alive(d, err);
}

/* What one more instance takes, from the curve; left out when there are too few points. */
static void add_slope(const struct density *d, json_t *to)
{
	double x[SLOPE_POINTS], y[SLOPE_POINTS];
	size_t have = json_array_size(d->curve);
	size_t n = IL_MIN(have, (size_t)SLOPE_POINTS);
	struct stats_ratio slope;

	if (n < 10)
		return;
	for (size_t i = 0; i < n; i++) {
		const json_t *p = json_array_get(d->curve, i * (have - 1) / (n - 1));

		x[i] = json_number_value(json_object_get(p, "instances"));
		y[i] = -json_number_value(json_object_get(p, "mem_available_bytes"));
	}
	if (stats_slope(x, y, n, d->session->options.seed, &slope) < 0)
		return;
	json_object_set_new(to, "slope_bytes", json_integer((json_int_t)slope.value));
	json_object_set_new(
	    to, "slope_ci95",
	    json_pack("[I, I]", (json_int_t)slope.ci_low, (json_int_t)slope.ci_high));
}

static int measure_subject(struct density *d, const struct subject *subject, char *const *workload,
			   json_t **ret, struct il_err *err)
{
	int r = instances_init(&d->set, &d->session->env, subject, workload, err);

	d->curve = json_array();
	if (r == 0)
		r = fill(d, err);
	if (r == 0) {
		size_t failed = d->failed + (d->set.n - d->alive);

		*ret = json_pack("{s:O, s:I, s:I, s:I, s:s}", "curve", d->curve, "max_alive",
				 (json_int_t)d->alive, "failed", (json_int_t)failed, "floor_bytes",
				 (json_int_t)d->floor_bytes, "stop_reason", d->stop_reason);
		r = *ret ? 0 : il_fail(err, ENOMEM, "make the figures");
		if (r == 0)
			add_slope(d, *ret);
	}
	progress_step("density: %s: ending %zu instances", subject->name, d->set.n);
	instances_stop(&d->set);
	json_decref(d->curve);
	return r;
}

static int one_subject(struct bench_session *s, const struct subject *subject,
		       char *const *workload, struct result *result, struct il_err *err)
{
	struct density d = {.session = s, .floor_bytes = s->options.floor_bytes};
	json_t *density = NULL, *o = result_subject(result, subject);
	uint64_t total = 0;
	int r;

	if (!json_is_null(json_object_get(o, "skipped")))
		return 0;
	r = procs_mem_total(&total, err);
	if (r < 0)
		return r;
	if (d.floor_bytes == 0)
		d.floor_bytes = total / 10;
	progress_step("density: %s", subject->name);
	r = measure_subject(&d, subject, workload, &density, err);
	if (r < 0)
		return r;
	json_object_set_new(o, "density", density);
	if (d.failed || d.alive < d.started)
		result_warn(result, subject->name, "failures",
			    "%zu starts failed, %zu instances died", d.failed, d.started - d.alive);
	return interrupt_sleep(RECOVER_NS, err);
}

int density_run(struct bench_session *s, json_t **ret, struct il_err *err)
{
	_cleanup_(result_done) struct result result = {0};
	char *const *workload = session_workload(s, BENCH_DENSITY, default_workload);
	int r = result_begin(&result, s, BENCH_DENSITY, "idle", workload, err);

	for (size_t i = 0; i < s->subjects.n && r == 0; i++)
		r = one_subject(s, &s->subjects.list[i], workload, &result, err);
	return r == 0 ? result_end(&result, ret, err) : r;
}
