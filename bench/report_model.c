// SPDX-License-Identifier: Apache-2.0
#include "bench/report_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

/*
 * Paths in messages are "document.subjects[2].summary.total_ns"; a hostile key can be
 * long, so they are cut, never overrun.
 */
struct where {
	char path[200];
};

/* Append to a path, cutting what does not fit. */
static void append_path(struct where *w, const char *text)
{
	size_t len = strlen(w->path);
	size_t add = strnlen(text, sizeof(w->path) - 1 - len);

	memcpy(w->path + len, text, add);
	w->path[len + add] = '\0';
}

static struct where below(const char *path, const char *key)
{
	struct where w = {.path = ""};

	append_path(&w, path);
	append_path(&w, ".");
	append_path(&w, key);
	return w;
}

static struct where at_index(const char *path, const char *key, size_t index)
{
	struct where w = below(path, key);
	char number[24];

	snprintf(number, sizeof(number), "[%zu]", index);
	append_path(&w, number);
	return w;
}

static int wrong(struct il_err *err, const char *path, const char *key, const char *want)
{
	return il_refuse(err, EINVAL, "%s.%.64s: expected %s", path, key, want);
}

/* An optional number: missing or null is NAN. */
static int get_num(const json_t *obj, const char *path, const char *key, double *ret,
		   struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NAN;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return wrong(err, path, key, "a number");
	*ret = json_number_value(v);
	return 0;
}

/* An optional string: missing or null is NULL. */
static int get_str(const json_t *obj, const char *path, const char *key, const char **ret,
		   struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return wrong(err, path, key, "a string");
	*ret = json_string_value(v);
	return 0;
}

static int get_typed(const json_t *obj, const char *path, const char *key, json_type type,
		     const json_t **ret, struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (json_typeof(v) != type)
		return wrong(err, path, key, type == JSON_ARRAY ? "an array" : "an object");
	*ret = v;
	return 0;
}

static int get_bool(const json_t *obj, const char *path, const char *key, bool *ret,
		    struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = false;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_boolean(v))
		return wrong(err, path, key, "true or false");
	*ret = json_is_true(v);
	return 0;
}

/* An optional [low, high]; the ends may be null. */
static int get_interval(const json_t *obj, const char *path, const char *key, double ret[2],
			struct il_err *err)
{
	const json_t *v = NULL;
	int r = get_typed(obj, path, key, JSON_ARRAY, &v, err);

	ret[0] = ret[1] = NAN;
	if (r < 0 || !v)
		return r;
	if (json_array_size(v) != 2)
		return wrong(err, path, key, "two numbers, [low, high]");
	for (size_t i = 0; i < 2; i++) {
		const json_t *end = json_array_get(v, i);

		if (!json_is_number(end) && !json_is_null(end))
			return wrong(err, path, key, "two numbers, [low, high]");
		ret[i] = json_is_number(end) ? json_number_value(end) : NAN;
	}
	return 0;
}

/* A table of number members, read in one go. */
struct num_field {
	const char *key;
	double *to;
};

static int get_nums(const json_t *obj, const char *path, const struct num_field *fields, size_t n,
		    struct il_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = get_num(obj, path, fields[i].key, fields[i].to, err);

		if (r < 0)
			return r;
	}
	return 0;
}

struct str_field {
	const char *key;
	const char **to;
};

static int get_strs(const json_t *obj, const char *path, const struct str_field *fields, size_t n,
		    struct il_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = get_str(obj, path, fields[i].key, fields[i].to, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int element_object(const json_t *e, const char *path, struct il_err *err)
{
	if (!json_is_object(e))
		return il_refuse(err, EINVAL, "%s: expected an object", path);
	return 0;
}

/*
 * Allocate @count zeroed elements for an array member (and one more, so that an empty
 * array is not NULL). Returns -ENOMEM without memory.
 */
static int make_array(size_t count, size_t size, void *ret_pointer, struct il_err *err)
{
	void *p = calloc(count + 1, size);

	if (!p)
		return il_fail(err, ENOMEM, "read the result");
	memcpy(ret_pointer, &p, sizeof(p));
	return 0;
}

static int read_ratio(const json_t *stat, const char *path, struct rep_metric *m,
		      struct il_err *err)
{
	const json_t *ratio = NULL;
	int r = get_typed(stat, path, "ratio", JSON_OBJECT, &ratio, err);

	m->ratio = m->ratio_ci[0] = m->ratio_ci[1] = NAN;
	if (r < 0 || !ratio)
		return r;
	struct where w = below(path, "ratio");
	r = get_str(ratio, w.path, "to", &m->ratio_to, err);
	if (r == 0)
		r = get_num(ratio, w.path, "value", &m->ratio, err);
	if (r == 0)
		r = get_interval(ratio, w.path, "ci95", m->ratio_ci, err);
	return r;
}

static int read_metric(const char *name, const json_t *stat, const char *path, struct rep_metric *m,
		       struct il_err *err)
{
	const struct num_field fields[] = {
	    {"n", &m->n},     {"min", &m->min}, {"median", &m->median}, {"p90", &m->p90},
	    {"p99", &m->p99}, {"max", &m->max}, {"mean", &m->mean},     {"stddev", &m->stddev},
	};
	const json_t *outliers = NULL;

	m->name = name;
	int r = element_object(stat, path, err);
	if (r == 0)
		r = get_nums(stat, path, fields, ARRAY_SIZE(fields), err);
	if (r == 0)
		r = get_interval(stat, path, "median_ci95", m->ci, err);
	if (r == 0)
		r = get_typed(stat, path, "outliers", JSON_ARRAY, &outliers, err);
	if (r == 0)
		r = read_ratio(stat, path, m, err);
	m->outliers = json_array_size(outliers);
	return r;
}

static int read_metrics(const json_t *subject, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	const json_t *summary = NULL;
	int r = get_typed(subject, path, "summary", JSON_OBJECT, &summary, err);

	if (r < 0 || !summary)
		return r;
	r = make_array(json_object_size(summary), sizeof(*s->metrics), &s->metrics, err);
	if (r < 0)
		return r;
	/* jansson iterates only mutable objects; nothing is changed. */
	json_t *mutable_summary = json_object_get(subject, "summary");
	const char *name = NULL;
	json_t *stat = NULL;
	json_object_foreach(mutable_summary, name, stat)
	{
		struct where in = below(path, "summary");
		struct where w = below(in.path, name);

		if (json_is_null(stat))
			continue;
		r = read_metric(name, stat, w.path, &s->metrics[s->metric_count], err);
		if (r < 0)
			return r;
		s->metric_count++;
	}
	return 0;
}

static int read_phases(const json_t *subject, const char *path, struct rep_subject *s,
		       struct il_err *err)
{
	const json_t *phases = NULL;
	int r = get_typed(subject, path, "phases", JSON_ARRAY, &phases, err);

	if (r < 0 || !phases)
		return r;
	r = make_array(json_array_size(phases), sizeof(*s->phases), &s->phases, err);
	for (size_t i = 0; r == 0 && i < json_array_size(phases); i++) {
		const json_t *e = json_array_get(phases, i);
		struct where w = at_index(path, "phases", i);
		struct rep_phase *p = &s->phases[i];
		const struct str_field strs[] = {
		    {"name", &p->name}, {"from", &p->from}, {"to", &p->to}};

		r = element_object(e, w.path, err);
		if (r == 0)
			r = get_strs(e, w.path, strs, ARRAY_SIZE(strs), err);
		if (r == 0)
			r = get_num(e, w.path, "median_ns", &p->median_ns, err);
		if (r == 0 && !p->name)
			r = il_refuse(err, EINVAL, "%s.name is missing", w.path);
		s->phase_count = i + 1;
	}
	return r;
}

/* All members of an optional object must be numbers or null. */
static int check_numbers(const json_t *obj, const char *path, const char *key, struct il_err *err)
{
	const json_t *v = NULL;
	int r = get_typed(obj, path, key, JSON_OBJECT, &v, err);

	if (r < 0 || !v)
		return r;
	json_t *members = json_object_get(obj, key);
	const char *name = NULL;
	json_t *number = NULL;
	json_object_foreach(members, name, number)
	{
		struct where w = below(path, key);

		if (!json_is_number(number) && !json_is_null(number))
			return wrong(err, w.path, name, "a number");
	}
	return 0;
}

static int check_sample(const json_t *sample, const char *path, struct il_err *err)
{
	const char *text = NULL;
	double number = 0;
	bool ok = false;
	int r = element_object(sample, path, err);

	if (r == 0)
		r = get_num(sample, path, "order", &number, err);
	if (r == 0)
		r = get_bool(sample, path, "ok", &ok, err);
	if (r == 0)
		r = get_str(sample, path, "error", &text, err);
	if (r == 0)
		r = get_num(sample, path, "exit_status", &number, err);
	if (r == 0)
		r = check_numbers(sample, path, "metrics", err);
	if (r == 0)
		r = check_numbers(sample, path, "events_ns", err);
	return r;
}

static int read_samples(const json_t *subject, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	int r = get_typed(subject, path, "samples", JSON_ARRAY, &s->samples, err);

	for (size_t i = 0; r == 0 && i < json_array_size(s->samples); i++) {
		struct where w = at_index(path, "samples", i);

		r = check_sample(json_array_get(s->samples, i), w.path, err);
	}
	return r;
}

static int read_memory(const json_t *subject, const char *path, struct rep_subject *s,
		       struct il_err *err)
{
	const json_t *memory = NULL;
	const json_t *points = NULL;
	const struct num_field fields[] = {
	    {"instances", &s->mem_instances},
	    {"slope_bytes", &s->slope},
	    {"pss_per_instance_bytes", &s->pss},
	    {"cgroup_per_instance_bytes", &s->cgroup},
	};
	struct where w = below(path, "memory");
	int r = get_typed(subject, path, "memory", JSON_OBJECT, &memory, err);

	if (r < 0 || !memory)
		return r;
	s->has_memory = true;
	r = get_nums(memory, w.path, fields, ARRAY_SIZE(fields), err);
	if (r == 0)
		r = get_interval(memory, w.path, "slope_ci95", s->slope_ci, err);
	if (r == 0)
		r = get_typed(memory, w.path, "points", JSON_ARRAY, &points, err);
	if (r == 0)
		r = make_array(json_array_size(points), sizeof(*s->mem_points), &s->mem_points,
			       err);
	for (size_t i = 0; r == 0 && i < json_array_size(points); i++) {
		const json_t *e = json_array_get(points, i);
		struct where at = at_index(w.path, "points", i);
		struct rep_memory_point *p = &s->mem_points[i];
		const struct num_field nums[] = {
		    {"instances", &p->instances},
		    {"mem_available_bytes", &p->mem_available_bytes},
		    {"pss_bytes", &p->pss_bytes},
		    {"cgroup_bytes", &p->cgroup_bytes},
		};

		r = element_object(e, at.path, err);
		if (r == 0)
			r = get_nums(e, at.path, nums, ARRAY_SIZE(nums), err);
		s->mem_point_count = i + 1;
	}
	return r;
}

static int read_density(const json_t *subject, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	const json_t *density = NULL;
	const json_t *curve = NULL;
	struct where w = below(path, "density");
	int r = get_typed(subject, path, "density", JSON_OBJECT, &density, err);

	if (r < 0 || !density)
		return r;
	s->has_density = true;
	r = get_num(density, w.path, "max_alive", &s->max_alive, err);
	if (r == 0)
		r = get_num(density, w.path, "failed", &s->density_failed, err);
	if (r == 0)
		r = get_str(density, w.path, "stop_reason", &s->stop_reason, err);
	if (r == 0)
		r = get_typed(density, w.path, "curve", JSON_ARRAY, &curve, err);
	if (r == 0)
		r = make_array(json_array_size(curve), sizeof(*s->curve), &s->curve, err);
	for (size_t i = 0; r == 0 && i < json_array_size(curve); i++) {
		const json_t *e = json_array_get(curve, i);
		struct where at = at_index(w.path, "curve", i);
		struct rep_density_point *p = &s->curve[i];
		const struct num_field nums[] = {
		    {"instances", &p->instances},
		    {"start_ns", &p->start_ns},
		    {"mem_available_bytes", &p->mem_available_bytes},
		};

		r = element_object(e, at.path, err);
		if (r == 0)
			r = get_nums(e, at.path, nums, ARRAY_SIZE(nums), err);
		s->curve_count = i + 1;
	}
	return r;
}

static int read_subject(const json_t *e, const char *path, struct rep_subject *s,
			struct il_err *err)
{
	const struct str_field strs[] = {
	    {"name", &s->name},       {"type", &s->type},
	    {"version", &s->version}, {"description", &s->description},
	    {"skipped", &s->skipped},
	};
	int r = element_object(e, path, err);

	if (r == 0)
		r = get_strs(e, path, strs, ARRAY_SIZE(strs), err);
	if (r == 0 && !s->name)
		r = il_refuse(err, EINVAL, "%s.name is missing", path);
	if (r == 0)
		r = get_num(e, path, "failures", &s->failures, err);
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

static int read_subjects(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	const json_t *subjects = NULL;
	int r = get_typed(json, path, "subjects", JSON_ARRAY, &subjects, err);

	if (r < 0)
		return r;
	if (!subjects)
		return il_refuse(err, EINVAL, "%s.subjects is missing", path);
	if (json_array_size(subjects) > REP_SUBJECTS_MAX)
		return il_refuse(err, EINVAL, "%s.subjects: %zu subjects, at most %d are read",
				 path, json_array_size(subjects), REP_SUBJECTS_MAX);
	r = make_array(json_array_size(subjects), sizeof(*d->subjects), &d->subjects, err);
	for (size_t i = 0; r == 0 && i < json_array_size(subjects); i++) {
		struct where w = at_index(path, "subjects", i);

		d->subject_count = i + 1; /* even half read: rep_set_done frees it */
		r = read_subject(json_array_get(subjects, i), w.path, &d->subjects[i], err);
	}
	return r;
}

static int read_warnings(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	const json_t *warnings = NULL;
	int r = get_typed(json, path, "warnings", JSON_ARRAY, &warnings, err);

	if (r == 0)
		r = make_array(json_array_size(warnings), sizeof(*d->warnings), &d->warnings, err);
	for (size_t i = 0; r == 0 && i < json_array_size(warnings); i++) {
		const json_t *e = json_array_get(warnings, i);
		struct where w = at_index(path, "warnings", i);
		struct rep_warning *to = &d->warnings[i];
		const struct str_field strs[] = {
		    {"subject", &to->subject}, {"kind", &to->kind}, {"text", &to->text}};

		r = element_object(e, w.path, err);
		if (r == 0)
			r = get_strs(e, w.path, strs, ARRAY_SIZE(strs), err);
		d->warning_count = i + 1;
	}
	return r;
}

static int read_host(const json_t *json, const char *path, struct rep_doc *d, struct il_err *err)
{
	const struct str_field strs[] = {
	    {"cpu_model", &d->cpu_model},       {"kernel", &d->kernel},
	    {"distribution", &d->distribution}, {"hypervisor", &d->hypervisor},
	    {"cgroup_mode", &d->cgroup_mode},
	};
	const json_t *kvm = NULL;
	struct where w = below(path, "host");
	int r = get_typed(json, path, "host", JSON_OBJECT, &d->host, err);

	d->cpus = d->memory_bytes = NAN;
	if (r < 0 || !d->host)
		return r;
	r = get_strs(d->host, w.path, strs, ARRAY_SIZE(strs), err);
	if (r == 0)
		r = get_num(d->host, w.path, "cpus", &d->cpus, err);
	if (r == 0)
		r = get_num(d->host, w.path, "memory_bytes", &d->memory_bytes, err);
	if (r == 0)
		r = get_typed(d->host, w.path, "kvm", JSON_OBJECT, &kvm, err);
	if (r < 0 || !kvm)
		return r;
	d->kvm_known = true;
	w = below(w.path, "kvm");
	r = get_bool(kvm, w.path, "available", &d->kvm_available, err);
	if (r == 0)
		r = get_bool(kvm, w.path, "ring0_emulated", &d->ring0_emulated, err);
	if (r == 0)
		r = get_str(kvm, w.path, "reason", &d->kvm_reason, err);
	if (r == 0)
		r = get_str(kvm, w.path, "flavour", &d->kvm_flavour, err);
	return r;
}

static int read_image(const json_t *json, const char *path, struct rep_doc *d, struct il_err *err)
{
	const json_t *image = NULL;
	struct where w = below(path, "image");
	int r = get_typed(json, path, "image", JSON_OBJECT, &image, err);

	d->image_bytes = NAN;
	if (r < 0 || !image)
		return r;
	r = get_str(image, w.path, "name", &d->image_name, err);
	if (r == 0)
		r = get_str(image, w.path, "digest", &d->image_digest, err);
	if (r == 0)
		r = get_num(image, w.path, "size_bytes", &d->image_bytes, err);
	return r;
}

static int read_settings(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	const struct num_field fields[] = {
	    {"n", &d->n}, {"warmup", &d->warmup}, {"concurrency", &d->concurrency}};
	const json_t *settings = NULL;
	struct where w = below(path, "settings");
	int r = get_typed(json, path, "workload", JSON_ARRAY, &d->workload, err);

	d->n = d->warmup = d->concurrency = NAN;
	for (size_t i = 0; r == 0 && i < json_array_size(d->workload); i++) {
		struct where at = at_index(path, "workload", i);

		if (!json_is_string(json_array_get(d->workload, i)))
			r = il_refuse(err, EINVAL, "%s: expected a string", at.path);
	}
	if (r == 0)
		r = get_typed(json, path, "settings", JSON_OBJECT, &settings, err);
	if (r == 0 && settings)
		r = get_nums(settings, w.path, fields, ARRAY_SIZE(fields), err);
	return r;
}

static int check_schema(const json_t *json, const char *path, const char *want, struct il_err *err)
{
	const char *schema = NULL;
	double version = NAN;
	int r = get_str(json, path, "schema", &schema, err);

	if (r == 0)
		r = get_num(json, path, "schema_version", &version, err);
	if (r < 0)
		return r;
	if (!schema || strcmp(schema, want) != 0)
		return il_refuse(err, EINVAL,
				 "%s.schema: expected '%s': not a result of isolab "
				 "bench",
				 path, want);
	if (isnan(version) || version < 1)
		return il_refuse(err, EINVAL, "%s.schema_version is missing", path);
	if (version > REP_SCHEMA_VERSION)
		return il_refuse(err, EINVAL,
				 "%s.schema_version is %.0f, this isolab reads %d: use a newer "
				 "isolab",
				 path, version, REP_SCHEMA_VERSION);
	return 0;
}

static int read_document(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	const struct str_field strs[] = {
	    {"measure", &d->measure},       {"mode", &d->mode},
	    {"started_at", &d->started_at}, {"isolab_version", &d->isolab_version},
	    {"baseline", &d->baseline},
	};
	int r = element_object(json, path, err);

	d->json = json;
	if (r == 0)
		r = check_schema(json, path, "isolab-bench", err);
	if (r == 0)
		r = get_strs(json, path, strs, ARRAY_SIZE(strs), err);
	if (r == 0 && !d->measure)
		r = il_refuse(err, EINVAL, "%s.measure is missing", path);
	if (r == 0)
		r = get_num(json, path, "duration_ns", &d->duration_ns, err);
	if (r == 0)
		r = read_host(json, path, d, err);
	if (r == 0)
		r = read_image(json, path, d, err);
	if (r == 0)
		r = read_settings(json, path, d, err);
	if (r == 0)
		r = read_subjects(json, path, d, err);
	if (r == 0)
		r = read_warnings(json, path, d, err);
	return r;
}

static int append_document(struct rep_set *set, const json_t *json, const char *path,
			   struct il_err *err)
{
	struct rep_doc *bigger = reallocarray(set->docs, set->count + 1, sizeof(*bigger));

	if (!bigger)
		return il_fail(err, ENOMEM, "read the result");
	set->docs = bigger;
	set->docs[set->count] = (struct rep_doc){0};
	set->count++;
	return read_document(json, path, &set->docs[set->count - 1], err);
}

int rep_set_add(struct rep_set *set, const json_t *json, struct il_err *err)
{
	const char *schema = NULL;
	const json_t *results = NULL;
	int r = element_object(json, "document", err);

	if (r == 0)
		r = get_str(json, "document", "schema", &schema, err);
	if (r < 0)
		return r;
	if (!schema || strcmp(schema, "isolab-bench-suite") != 0)
		return append_document(set, json, "document", err);
	r = check_schema(json, "suite", "isolab-bench-suite", err);
	if (r == 0)
		r = get_typed(json, "suite", "results", JSON_ARRAY, &results, err);
	if (r == 0 && !results)
		r = il_refuse(err, EINVAL, "suite.results is missing");
	for (size_t i = 0; r == 0 && i < json_array_size(results); i++) {
		struct where w = at_index("suite", "results", i);

		r = append_document(set, json_array_get(results, i), w.path, err);
	}
	return r;
}

void rep_set_done(struct rep_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct rep_doc *d = &set->docs[i];

		for (size_t k = 0; k < d->subject_count; k++) {
			struct rep_subject *s = &d->subjects[k];

			free(s->metrics);
			free(s->phases);
			free(s->mem_points);
			free(s->curve);
		}
		free(d->subjects);
		free(d->warnings);
	}
	free(set->docs);
	*set = (struct rep_set){0};
}

const struct rep_metric *rep_metric_find(const struct rep_subject *subject, const char *name)
{
	for (size_t i = 0; i < subject->metric_count; i++)
		if (strcmp(subject->metrics[i].name, name) == 0)
			return &subject->metrics[i];
	return NULL;
}

const struct rep_subject *rep_subject_find(const struct rep_doc *doc, const char *name)
{
	for (size_t i = 0; name && i < doc->subject_count; i++)
		if (strcmp(doc->subjects[i].name, name) == 0)
			return &doc->subjects[i];
	return NULL;
}
