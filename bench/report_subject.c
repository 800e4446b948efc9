// SPDX-License-Identifier: Apache-2.0
/* What a result says of one subject. */
#include "bench/report_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/report_read.h"

static int read_ratio(const json_t *stat, const char *path, struct rep_metric *m,
		      struct il_err *err)
{
	const json_t *ratio = NULL;
	int r = rep_get_typed(stat, path, "ratio", JSON_OBJECT, &ratio, err);

	m->ratio = m->ratio_ci[0] = m->ratio_ci[1] = NAN;
	if (r < 0 || !ratio)
		return r;
	struct rep_where w = rep_below(path, "ratio");
	r = rep_get_str(ratio, w.path, "to", &m->ratio_to, err);
	if (r == 0)
		r = rep_get_num(ratio, w.path, "value", &m->ratio, err);
	if (r == 0)
		r = rep_get_interval(ratio, w.path, "ci95", m->ratio_ci, err);
	return r;
}

static int read_metric(const char *name, const json_t *stat, const char *path, struct rep_metric *m,
		       struct il_err *err)
{
	const struct rep_num_field fields[] = {
	    {"n", &m->n},     {"min", &m->min}, {"median", &m->median}, {"p90", &m->p90},
	    {"p99", &m->p99}, {"max", &m->max}, {"mean", &m->mean},     {"stddev", &m->stddev},
	};
	const json_t *outliers = NULL;

	m->name = name;
	int r = rep_check_object(stat, path, err);
	if (r == 0)
		r = rep_get_nums(stat, path, fields, ARRAY_SIZE(fields), err);
	if (r == 0)
		r = rep_get_interval(stat, path, "median_ci95", m->ci, err);
	if (r == 0)
		r = rep_get_typed(stat, path, "outliers", JSON_ARRAY, &outliers, err);
	if (r == 0)
		r = read_ratio(stat, path, m, err);
	m->outliers = json_array_size(outliers);
	return r;
}

static int read_metrics(const json_t *subject, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	const json_t *summary = NULL;
	int r = rep_get_typed(subject, path, "summary", JSON_OBJECT, &summary, err);

	if (r < 0 || !summary)
		return r;
	if (json_object_size(summary) > REP_METRICS_MAX)
		return il_refuse(err, EINVAL, "%s.summary: %zu metrics, at most %d are read", path,
				 json_object_size(summary), REP_METRICS_MAX);
	s->metrics = calloc(json_object_size(summary) + 1, sizeof(*s->metrics));
	if (!s->metrics)
		return il_fail(err, ENOMEM, "read the result");
	/* jansson iterates only mutable objects; nothing is changed. */
	json_t *mutable_summary = json_object_get(subject, "summary");
	const char *name = NULL;
	json_t *stat = NULL;
	json_object_foreach(mutable_summary, name, stat)
	{
		struct rep_where in = rep_below(path, "summary");
		struct rep_where w = rep_below(in.path, name);

		if (json_is_null(stat))
			continue;
		r = read_metric(name, stat, w.path, &s->metrics[s->metric_count], err);
		if (r < 0)
			return r;
		s->metric_count++;
	}
	return 0;
}

static int read_phase(const json_t *e, const char *path, void *item, struct il_err *err)
{
	struct rep_phase *p = item;
	const struct rep_str_field strs[] = {
	    {"name", &p->name}, {"from", &p->from}, {"to", &p->to}};
	int r = rep_get_strs(e, path, strs, ARRAY_SIZE(strs), err);

	if (r == 0)
		r = rep_get_num(e, path, "median_ns", &p->median_ns, err);
	if (r == 0 && !p->name)
		r = il_refuse(err, EINVAL, "%s.name is missing", path);
	return r;
}

static int read_phases(const json_t *subject, const char *path, struct rep_subject *s,
		       struct il_err *err)
{
	struct rep_list l = {.item_size = sizeof(*s->phases), .read = read_phase};
	int r = rep_get_list(subject, path, "phases", &l, err);

	s->phases = l.items;
	s->phase_count = l.count;
	return r;
}

/* All members of an optional object must be numbers or null. */
static int check_numbers(const json_t *obj, const char *path, const char *key, struct il_err *err)
{
	const json_t *v = NULL;
	int r = rep_get_typed(obj, path, key, JSON_OBJECT, &v, err);

	if (r < 0 || !v)
		return r;
	json_t *members = json_object_get(obj, key);
	const char *name = NULL;
	json_t *number = NULL;
	json_object_foreach(members, name, number)
	{
		struct rep_where w = rep_below(path, key);

		if (!json_is_number(number) && !json_is_null(number))
			return rep_wrong(err, w.path, name, "a number");
	}
	return 0;
}

static int check_sample(const json_t *sample, const char *path, struct il_err *err)
{
	const char *text = NULL;
	double number = 0;
	bool ok = false;
	int r = rep_check_object(sample, path, err);

	if (r == 0)
		r = rep_get_num(sample, path, "order", &number, err);
	if (r == 0)
		r = rep_get_bool(sample, path, "ok", &ok, err);
	if (r == 0)
		r = rep_get_str(sample, path, "error", &text, err);
	if (r == 0)
		r = rep_get_num(sample, path, "exit_status", &number, err);
	if (r == 0)
		r = check_numbers(sample, path, "metrics", err);
	if (r == 0)
		r = check_numbers(sample, path, "events_ns", err);
	return r;
}

static int read_samples(const json_t *subject, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	int r = rep_get_typed(subject, path, "samples", JSON_ARRAY, &s->samples, err);

	for (size_t i = 0; r == 0 && i < json_array_size(s->samples); i++) {
		struct rep_where w = rep_at(path, "samples", i);

		r = check_sample(json_array_get(s->samples, i), w.path, err);
	}
	return r;
}

static int read_memory_point(const json_t *e, const char *path, void *item, struct il_err *err)
{
	struct rep_memory_point *p = item;
	const struct rep_num_field nums[] = {
	    {"instances", &p->instances},
	    {"mem_available_bytes", &p->mem_available_bytes},
	    {"pss_bytes", &p->pss_bytes},
	    {"cgroup_bytes", &p->cgroup_bytes},
	};

	return rep_get_nums(e, path, nums, ARRAY_SIZE(nums), err);
}

static int read_memory(const json_t *subject, const char *path, struct rep_subject *s,
		       struct il_err *err)
{
	const json_t *memory = NULL;
	const struct rep_num_field fields[] = {
	    {"instances", &s->mem_instances},
	    {"slope_bytes", &s->slope},
	    {"pss_per_instance_bytes", &s->pss},
	    {"cgroup_per_instance_bytes", &s->cgroup},
	};
	struct rep_where w = rep_below(path, "memory");
	struct rep_list l = {.item_size = sizeof(*s->mem_points), .read = read_memory_point};
	int r = rep_get_typed(subject, path, "memory", JSON_OBJECT, &memory, err);

	if (r < 0 || !memory)
		return r;
	s->has_memory = true;
	r = rep_get_nums(memory, w.path, fields, ARRAY_SIZE(fields), err);
	if (r == 0)
		r = rep_get_interval(memory, w.path, "slope_ci95", s->slope_ci, err);
	if (r == 0)
		r = rep_get_list(memory, w.path, "points", &l, err);
	s->mem_points = l.items;
	s->mem_point_count = l.count;
	return r;
}

static int read_density_point(const json_t *e, const char *path, void *item, struct il_err *err)
{
	struct rep_density_point *p = item;
	const struct rep_num_field nums[] = {
	    {"instances", &p->instances},
	    {"start_ns", &p->start_ns},
	    {"mem_available_bytes", &p->mem_available_bytes},
	};

	return rep_get_nums(e, path, nums, ARRAY_SIZE(nums), err);
}

static int read_density(const json_t *subject, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	const json_t *density = NULL;
	struct rep_where w = rep_below(path, "density");
	struct rep_list l = {.item_size = sizeof(*s->curve), .read = read_density_point};
	int r = rep_get_typed(subject, path, "density", JSON_OBJECT, &density, err);

	if (r < 0 || !density)
		return r;
	s->has_density = true;
	r = rep_get_num(density, w.path, "max_alive", &s->max_alive, err);
	if (r == 0)
		r = rep_get_num(density, w.path, "failed", &s->density_failed, err);
	if (r == 0)
		r = rep_get_str(density, w.path, "stop_reason", &s->stop_reason, err);
	if (r == 0)
		r = rep_get_list(density, w.path, "curve", &l, err);
	s->curve = l.items;
	s->curve_count = l.count;
	return r;
}

int rep_read_subject(const json_t *e, const char *path, struct rep_subject *s, struct il_err *err)
{
	const struct rep_str_field strs[] = {
	    {"name", &s->name},       {"type", &s->type},
	    {"version", &s->version}, {"description", &s->description},
	    {"skipped", &s->skipped},
	};
	int r = rep_get_strs(e, path, strs, ARRAY_SIZE(strs), err);

	if (r == 0 && !s->name)
		r = il_refuse(err, EINVAL, "%s.name is missing", path);
	if (r == 0)
		r = rep_get_num(e, path, "failures", &s->failures, err);
	if (r == 0)
		r = read_samples(e, path, s, err);
	if (r == 0)
		r = read_metrics(e, path, s, err);
	if (r == 0)
		r = read_phases(e, path, s, err);
	if (r == 0)
		r = read_memory(e, path, s, err);
	if (r == 0)
		r = read_density(e, path, s, err);
	return r;
}
