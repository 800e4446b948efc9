// SPDX-License-Identifier: Apache-2.0
#include "bench/contract.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "bench/bench.h"

struct member {
	const char *key;
	char type; /* s string, S string or null, i integer, o object, a array, b boolean */
};

static bool type_fits(const json_t *v, char type)
{
	switch (type) {
	case 's':
		return json_is_string(v);
	case 'S':
		return json_is_string(v) || json_is_null(v);
	case 'i':
		return json_is_integer(v) && json_integer_value(v) >= 0;
	case 'o':
		return json_is_object(v);
	case 'a':
		return json_is_array(v);
	default:
		return json_is_boolean(v);
	}
}

static int check_members(const json_t *obj, const char *path, const struct member *m, size_t n,
			 struct il_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (!type_fits(json_object_get(obj, m[i].key), m[i].type))
			return il_refuse(err, EINVAL, "%s.%s: missing or of the wrong type", path,
					 m[i].key);
	return 0;
}

static double num(const json_t *obj, const char *key)
{
	return json_number_value(json_object_get(obj, key));
}

static int check_sample(const json_t *s, const char *path, size_t *ret_ok, struct il_err *err)
{
	static const struct member members[] = {
	    {"order", 'i'}, {"ok", 'b'}, {"error", 'S'}, {"exit_status", 'i'}, {"metrics", 'o'}};
	int r = check_members(s, path, members, ARRAY_SIZE(members), err);
	bool ok = json_is_true(json_object_get(s, "ok"));
	const json_t *metrics = json_object_get(s, "metrics");

	if (r < 0)
		return r;
	if (ok != json_is_null(json_object_get(s, "error")))
		return il_refuse(err, EINVAL, "%s: a sample is ok or has an error", path);
	if (ok && num(s, "exit_status") != 0)
		return il_refuse(err, EINVAL, "%s: ok with an exit status", path);
	if (ok && num(metrics, "total_ns") <= 0)
		return il_refuse(err, EINVAL, "%s.metrics.total_ns: not there", path);
	if (num(metrics, "ready_ns") > num(metrics, "total_ns"))
		return il_refuse(err, EINVAL, "%s: ready after the end", path);
	*ret_ok += ok;
	return 0;
}

static int check_samples(const json_t *subject, const char *path, size_t *ret_ok,
			 struct il_err *err)
{
	const json_t *samples = json_object_get(subject, "samples");
	char where[200];
	const json_t *s;
	size_t i, ok = 0;
	int r;

	json_array_foreach((json_t *)(uintptr_t)samples, i, s)
	{
		snprintf(where, sizeof(where), "%s.samples[%zu]", path, i);
		r = check_sample(s, where, &ok, err);
		if (r < 0)
			return r;
	}
	if ((size_t)num(subject, "failures") != json_array_size(samples) - ok)
		return il_refuse(err, EINVAL, "%s.failures: not the number of failed samples",
				 path);
	*ret_ok = ok;
	return 0;
}

static int check_summary(const json_t *m, const char *path, size_t ok, struct il_err *err)
{
	static const char *const order[] = {"min", "median", "p90", "p99", "max"};
	const json_t *ci = json_object_get(m, "median_ci95");

	if (num(m, "n") < 1 || num(m, "n") > (double)ok)
		return il_refuse(err, EINVAL, "%s.n: not among the good samples", path);
	for (size_t i = 1; i < ARRAY_SIZE(order); i++)
		if (num(m, order[i]) < num(m, order[i - 1]))
			return il_refuse(err, EINVAL, "%s: %s is below %s", path, order[i],
					 order[i - 1]);
	if (json_array_size(ci) != 2 ||
	    json_number_value(json_array_get(ci, 0)) > num(m, "median") ||
	    json_number_value(json_array_get(ci, 1)) < num(m, "median"))
		return il_refuse(err, EINVAL, "%s.median_ci95: does not hold the median", path);
	return 0;
}

static int check_startup(const json_t *subject, const char *path, struct il_err *err)
{
	static const struct member members[] = {
	    {"failures", 'i'}, {"samples", 'a'}, {"summary", 'o'}, {"phases", 'a'}};
	int r = check_members(subject, path, members, ARRAY_SIZE(members), err);
	char where[200];
	const char *key;
	const json_t *m;
	size_t ok = 0;

	if (r == 0)
		r = check_samples(subject, path, &ok, err);
	if (r < 0)
		return r;
	json_t *summary = json_object_get(subject, "summary");
	json_object_foreach(summary, key, m)
	{
		bool traced = strcmp(key, "teardown_ns") == 0;

		snprintf(where, sizeof(where), "%s.summary.%s", path, key);
		/* The timeline has starts of its own: `traces`. */
		size_t from = traced ? json_array_size(json_object_get(subject, "traces")) : ok;
		r = check_summary(m, where, from, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_memory(const json_t *subject, const char *path, struct il_err *err)
{
	const json_t *m = json_object_get(subject, "memory");
	static const struct member members[] = {{"instances", 'i'}, {"points", 'a'}};
	const json_t *p;
	size_t i;
	double last = -1;

	if (!m || json_is_null(m)) /* it failed: the warnings say why */
		return 0;
	int r = check_members(m, path, members, ARRAY_SIZE(members), err);
	if (r < 0)
		return r;
	json_array_foreach(json_object_get(m, "points"), i, p)
	{
		if (num(p, "instances") <= last || num(p, "mem_available_bytes") <= 0)
			return il_refuse(err, EINVAL, "%s.memory.points[%zu]: not a point", path,
					 i);
		last = num(p, "instances");
	}
	return 0;
}

static int check_density(const json_t *subject, const char *path, struct il_err *err)
{
	const json_t *d = json_object_get(subject, "density");
	static const struct member members[] = {
	    {"curve", 'a'}, {"max_alive", 'i'}, {"failed", 'i'}, {"stop_reason", 's'}};

	if (!json_is_object(d))
		return il_refuse(err, EINVAL, "%s.density: missing", path);
	int r = check_members(d, path, members, ARRAY_SIZE(members), err);
	if (r == 0 && num(d, "max_alive") > (double)json_array_size(json_object_get(d, "curve")))
		return il_refuse(err, EINVAL, "%s.density: more alive than started", path);
	return r;
}

static int check_subject(const json_t *s, const char *path, enum bench_measure measure,
			 struct il_err *err)
{
	static const struct member members[] = {
	    {"name", 's'}, {"type", 's'}, {"description", 's'}, {"version", 'S'}, {"skipped", 'S'}};
	static int (*const checks[BENCH_MEASURE_MAX])(const json_t *, const char *,
						      struct il_err *) = {
	    [BENCH_STARTUP] = check_startup,
	    [BENCH_MEMORY] = check_memory,
	    [BENCH_DENSITY] = check_density,
	};
	int r = check_members(s, path, members, ARRAY_SIZE(members), err);

	if (r < 0)
		return r;
	if (json_is_null(json_object_get(s, "skipped")))
		return checks[measure](s, path, err);
	if (json_array_size(json_object_get(s, "samples")) || json_object_get(s, "memory") ||
	    json_object_get(s, "density"))
		return il_refuse(err, EINVAL, "%s: skipped, but measured", path);
	return 0;
}

int contract_check(const json_t *doc, struct il_err *err)
{
	static const struct member members[] = {
	    {"schema", 's'},   {"schema_version", 'i'}, {"isolab_version", 's'}, {"measure", 's'},
	    {"mode", 's'},     {"started_at", 's'},     {"duration_ns", 'i'},    {"command", 'a'},
	    {"host", 'o'},     {"image", 'o'},          {"workload", 'a'},       {"settings", 'o'},
	    {"baseline", 'S'}, {"subjects", 'a'},       {"warnings", 'a'}};
	int r = check_members(doc, "document", members, ARRAY_SIZE(members), err);
	char path[64];
	const json_t *s;
	size_t i;

	if (r < 0)
		return r;
	enum bench_measure measure =
	    bench_measure_find(json_string_value(json_object_get(doc, "measure")));
	if (measure == BENCH_MEASURE_MAX)
		return il_refuse(err, EINVAL, "document.measure: unknown");
	json_array_foreach(json_object_get(doc, "subjects"), i, s)
	{
		snprintf(path, sizeof(path), "document.subjects[%zu]", i);
		r = check_subject(s, path, measure, err);
		if (r < 0)
			return r;
	}
	return 0;
}
