// SPDX-License-Identifier: Apache-2.0
/*
 * bench memory: what one idle instance takes, three ways, side by side. PSS sums the
 * memory of every process that the instances need, shared pages split among those who map
 * them; the cgroup charge adds kernel memory and page cache charged to the instance; the
 * slope of MemAvailable over the number of instances sees all there is, slab, page tables
 * and KVM's own structures included, and is the honest one.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/instances.h"
#include "bench/interrupt.h"
#include "bench/procs.h"
#include "bench/progress.h"
#include "bench/stats.h"

#define POINTS_MAX    12
#define SETTLE_NS     (400 * IL_NS_PER_MS)
#define READS         5
#define READ_PAUSE_NS (50 * IL_NS_PER_MS)
#define ALIVE_NS      (20 * IL_NS_PER_S)
#define RECOVER_NS    (1500 * IL_NS_PER_MS)
/* Still = this many reads in a row, each within so many bytes of the one before. */
#define CALM_READS     4
#define CALM_READS_MAX 40
#define CALM_PAUSE_NS  (500 * IL_NS_PER_MS)
#define CALM_BYTES     (256u << 10)

static char *const default_workload[] = {(char *)(uintptr_t) "/usr/bin/il-idle", NULL};

struct point {
	double instances, available, pss, cgroup;
	bool has_cgroup;
	uint64_t processes;
};

struct points {
	struct point v[POINTS_MAX];
	size_t n;
};

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* MemAvailable after it has settled: the median of a few reads. */
static int settled_available(uint64_t *ret, struct il_err *err)
{
	uint64_t reads[READS];
	int r = interrupt_sleep(SETTLE_NS, err);

	for (size_t i = 0; i < READS && r == 0; i++) {
		r = procs_mem_available(&reads[i], err);
		if (r == 0)
			r = interrupt_sleep(READ_PAUSE_NS, err);
	}
	if (r < 0)
		return r;
	qsort(reads, READS, sizeof(*reads), by_value);
	*ret = reads[READS / 2];
	return 0;
}

static int take_point(struct points *points, size_t instances, struct il_err *err)
{
	struct procs_memory m = {0};
	uint64_t available = 0;
	int r = settled_available(&available, err);

	if (r == 0)
		r = procs_measure(getpid(), &m, err);
	if (r < 0)
		return r;
	points->v[points->n++] = (struct point){
	    .instances = (double)instances,
	    .available = (double)available,
	    .pss = (double)m.pss_bytes,
	    .cgroup = (double)m.cgroup_bytes,
	    .has_cgroup = m.has_cgroup,
	    .processes = m.processes,
	};
	return 0;
}

/* Start @count, with points on the way; the first point is that of none. */
static int grow(struct instances *set, size_t count, struct points *points, struct il_err *err)
{
	size_t step = (count + POINTS_MAX - 3) / (POINTS_MAX - 2);
	int r = take_point(points, 0, err);

	for (size_t i = 1; i <= count && r == 0; i++) {
		uint64_t start_ns;

		r = instances_start(set, &start_ns, err);
		if (r == 0 && (i % step == 0 || i == count))
			r = take_point(points, i, err);
		progress_update("memory: %s: %zu of %zu", set->subject->name, i, count);
	}
	if (r < 0)
		return r;
	r = instances_alive(set, ALIVE_NS, err);
	if (r < 0)
		return r;
	if ((size_t)r != count)
		return il_refuse(err, EIO, "only %d of %zu instances were alive at the end", r,
				 count);
	return 0;
}

/* Bring caches and lazily made structures to their working state before the first point. */
static int warm_up(const struct bench_session *s, const struct subject *subject,
		   char *const *workload, struct il_err *err)
{
	_cleanup_(instances_stop) struct instances set = {.err_fd = -1};
	uint64_t ns;
	int r = instances_init(&set, &s->env, subject, workload, err);

	for (int i = 0; i < 2 && r == 0; i++)
		r = instances_start(&set, &ns, err);
	return r;
}

static json_t *bytes(double v)
{
	return json_integer((json_int_t)llround(v));
}

static json_t *points_json(const struct points *p)
{
	json_t *a = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(
		    a, json_pack("{s:o, s:o, s:o, s:o, s:I}", "instances", bytes(p->v[i].instances),
				 "mem_available_bytes", bytes(p->v[i].available), "pss_bytes",
				 bytes(p->v[i].pss), "cgroup_bytes",
				 p->v[i].has_cgroup ? bytes(p->v[i].cgroup) : json_null(),
				 "processes", (json_int_t)p->v[i].processes));
	return a;
}

/* The growth of one quantity per instance, over the points. */
static int slope_of(const struct points *p, size_t offset, double sign, uint64_t seed,
		    struct stats_ratio *ret)
{
	double x[POINTS_MAX] = {0}, y[POINTS_MAX] = {0};

	for (size_t i = 0; i < p->n; i++) {
		x[i] = p->v[i].instances;
		y[i] = sign * *(const double *)(const void *)((const char *)&p->v[i] + offset);
	}
	return stats_slope(x, y, p->n, seed, ret);
}

static int memory_json(const struct points *p, size_t count, uint64_t seed, json_t **ret)
{
	struct stats_ratio available = {0}, pss = {0}, cgroup = {0};
	const struct point *last = &p->v[p->n - 1];
	int r = slope_of(p, offsetof(struct point, available), -1, seed, &available);

	if (r == 0)
		r = slope_of(p, offsetof(struct point, pss), 1, seed, &pss);
	if (r == 0)
		r = slope_of(p, offsetof(struct point, cgroup), 1, seed, &cgroup);
	if (r < 0)
		return r;
	double processes = (double)(last->processes - p->v[0].processes) / (double)count;
	*ret = json_pack("{s:I, s:o, s:o, s:[o, o], s:o, s:o, s:f}", "instances", (json_int_t)count,
			 "points", points_json(p), "slope_bytes", bytes(available.value),
			 "slope_ci95", bytes(available.ci_low), bytes(available.ci_high),
			 "pss_per_instance_bytes", bytes(pss.value), "cgroup_per_instance_bytes",
			 last->has_cgroup ? bytes(cgroup.value) : json_null(),
			 "processes_per_instance", processes);
	return *ret ? 0 : -ENOMEM;
}

/*
 * Wait until MemAvailable stands still, before the first instance: what was freed before (network
 * namespaces, cgroups, an engine's files) comes back over seconds, and would be counted as the
 * instances' own. Gives up after a while: then the machine is simply busy.
 */
static int wait_for_calm(struct il_err *err)
{
	uint64_t before = 0, now = 0;
	unsigned int calm = 0;
	int r = procs_mem_available(&before, err);

	for (unsigned int i = 0; i < CALM_READS_MAX && calm < CALM_READS && r == 0; i++) {
		r = interrupt_sleep(CALM_PAUSE_NS, err);
		if (r == 0)
			r = procs_mem_available(&now, err);
		uint64_t change = now > before ? now - before : before - now;
		calm = change <= CALM_BYTES ? calm + 1 : 0;
		before = now;
	}
	return r;
}

static int measure_subject(struct bench_session *s, const struct subject *subject,
			   char *const *workload, json_t **ret, struct il_err *err)
{
	_cleanup_(instances_stop) struct instances set = {.err_fd = -1};
	struct points points = {.n = 0};
	size_t count = (size_t)s->options.instances;
	int r = warm_up(s, subject, workload, err);

	if (r == 0)
		r = wait_for_calm(err);
	if (r == 0)
		r = instances_init(&set, &s->env, subject, workload, err);
	if (r == 0)
		r = grow(&set, count, &points, err);
	if (r < 0)
		return r;
	progress_step("memory: %s: ending %zu instances", subject->name, count);
	r = memory_json(&points, count, s->options.seed, ret);
	return r < 0 ? il_fail(err, -r, "make the figures") : 0;
}

/*
 * The slope of MemAvailable sees the whole machine. It can't be less than what PSS sees of the
 * instances alone: then others freed memory meanwhile, whatever the interval says.
 */
static void warn_of_disturbance(struct result *result, const struct subject *subject,
				const json_t *memory)
{
	json_int_t slope = json_integer_value(json_object_get(memory, "slope_bytes"));
	json_int_t pss = json_integer_value(json_object_get(memory, "pss_per_instance_bytes"));

	if (slope < pss / 2)
		result_warn(result, subject->name, "disturbed",
			    "MemAvailable fell by less than the instances' own pages: others freed "
			    "memory meanwhile; use PSS, or more --instances on a quieter machine");
}

static int one_subject(struct bench_session *s, const struct subject *subject,
		       char *const *workload, struct result *result, struct il_err *err)
{
	struct il_err why = {0};
	json_t *memory = NULL, *o = result_subject(result, subject);
	int r;

	if (!json_is_null(json_object_get(o, "skipped")))
		return 0;
	progress_step("memory: %s", subject->name);
	r = measure_subject(s, subject, workload, &memory, &why);
	if (r == -EINTR || r == -ENOMEM) {
		*err = why;
		return r;
	}
	if (r == 0) {
		warn_of_disturbance(result, subject, memory);
		json_object_set_new(o, "memory", memory);
	} else {
		result_warn(result, subject->name, "failures", "not measured: %s", why.msg);
	}
	return interrupt_sleep(RECOVER_NS, err);
}

int memory_run(struct bench_session *s, json_t **ret, struct il_err *err)
{
	_cleanup_(result_done) struct result result = {0};
	char *const *workload = session_workload(s, BENCH_MEMORY, default_workload);
	int r = result_begin(&result, s, BENCH_MEMORY, "idle", workload, err);

	for (size_t i = 0; i < s->subjects.n && r == 0; i++)
		r = one_subject(s, &s->subjects.list[i], workload, &result, err);
	if (r == 0 && s->options.instances < 10)
		result_warn(&result, "", "few-samples",
			    "%llu instances are few for a slope: it wants 10 or more",
			    (unsigned long long)s->options.instances);
	return r == 0 ? result_end(&result, ret, err) : r;
}
