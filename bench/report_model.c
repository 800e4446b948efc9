// SPDX-License-Identifier: Apache-2.0
#include "bench/report_model.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/report_read.h"

static int read_one_subject(const json_t *e, const char *path, void *item, struct il_err *err)
{
	return rep_read_subject(e, path, item, err);
}

static int read_subjects(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	size_t n = json_array_size(json_object_get(json, "subjects"));
	struct rep_list l = {.item_size = sizeof(*d->subjects), .read = read_one_subject};

	if (n > REP_SUBJECTS_MAX)
		return il_refuse(err, EINVAL, "%s.subjects: %zu subjects, at most %d are read",
				 path, n, REP_SUBJECTS_MAX);
	int r = rep_get_list(json, path, "subjects", &l, err);
	d->subjects = l.items;
	d->subject_count = l.count;
	if (r == 0 && !l.items)
		r = il_refuse(err, EINVAL, "%s.subjects is missing", path);
	return r;
}

static int read_warning(const json_t *e, const char *path, void *item, struct il_err *err)
{
	struct rep_warning *w = item;
	const struct rep_str_field strs[] = {
	    {"subject", &w->subject}, {"kind", &w->kind}, {"text", &w->text}};

	return rep_get_strs(e, path, strs, ARRAY_SIZE(strs), err);
}

static int read_warnings(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	struct rep_list l = {.item_size = sizeof(*d->warnings), .read = read_warning};
	int r = rep_get_list(json, path, "warnings", &l, err);

	d->warnings = l.items;
	d->warning_count = l.count;
	return r;
}

static int read_host(const json_t *json, const char *path, struct rep_doc *d, struct il_err *err)
{
	const struct rep_str_field strs[] = {
	    {"cpu_model", &d->cpu_model},       {"kernel", &d->kernel},
	    {"distribution", &d->distribution}, {"hypervisor", &d->hypervisor},
	    {"cgroup_mode", &d->cgroup_mode},
	};
	const json_t *kvm = NULL;
	struct rep_where w = rep_below(path, "host");
	int r = rep_get_typed(json, path, "host", JSON_OBJECT, &d->host, err);

	d->cpus = d->memory_bytes = NAN;
	if (r < 0 || !d->host)
		return r;
	r = rep_get_strs(d->host, w.path, strs, ARRAY_SIZE(strs), err);
	if (r == 0)
		r = rep_get_num(d->host, w.path, "cpus", &d->cpus, err);
	if (r == 0)
		r = rep_get_num(d->host, w.path, "memory_bytes", &d->memory_bytes, err);
	if (r == 0)
		r = rep_get_typed(d->host, w.path, "kvm", JSON_OBJECT, &kvm, err);
	if (r < 0 || !kvm)
		return r;
	d->kvm_known = true;
	w = rep_below(w.path, "kvm");
	r = rep_get_bool(kvm, w.path, "available", &d->kvm_available, err);
	if (r == 0)
		r = rep_get_bool(kvm, w.path, "ring0_emulated", &d->ring0_emulated, err);
	if (r == 0)
		r = rep_get_str(kvm, w.path, "reason", &d->kvm_reason, err);
	if (r == 0)
		r = rep_get_str(kvm, w.path, "flavour", &d->kvm_flavour, err);
	return r;
}

static int read_image(const json_t *json, const char *path, struct rep_doc *d, struct il_err *err)
{
	const json_t *image = NULL;
	struct rep_where w = rep_below(path, "image");
	int r = rep_get_typed(json, path, "image", JSON_OBJECT, &image, err);

	d->image_bytes = NAN;
	if (r < 0 || !image)
		return r;
	r = rep_get_str(image, w.path, "name", &d->image_name, err);
	if (r == 0)
		r = rep_get_str(image, w.path, "digest", &d->image_digest, err);
	if (r == 0)
		r = rep_get_num(image, w.path, "size_bytes", &d->image_bytes, err);
	return r;
}

static int read_settings(const json_t *json, const char *path, struct rep_doc *d,
			 struct il_err *err)
{
	const struct rep_num_field fields[] = {
	    {"n", &d->n}, {"warmup", &d->warmup}, {"concurrency", &d->concurrency}};
	const json_t *settings = NULL;
	struct rep_where w = rep_below(path, "settings");
	int r = rep_get_typed(json, path, "workload", JSON_ARRAY, &d->workload, err);

	d->n = d->warmup = d->concurrency = NAN;
	for (size_t i = 0; r == 0 && i < json_array_size(d->workload); i++) {
		struct rep_where at = rep_at(path, "workload", i);

		if (!json_is_string(json_array_get(d->workload, i)))
			r = il_refuse(err, EINVAL, "%s: expected a string", at.path);
	}
	if (r == 0)
		r = rep_get_typed(json, path, "settings", JSON_OBJECT, &settings, err);
	if (r == 0 && settings)
		r = rep_get_nums(settings, w.path, fields, ARRAY_SIZE(fields), err);
	return r;
}

static int check_schema(const json_t *json, const char *path, const char *want, struct il_err *err)
{
	const char *schema = NULL;
	double version = NAN;
	int r = rep_get_str(json, path, "schema", &schema, err);

	if (r == 0)
		r = rep_get_num(json, path, "schema_version", &version, err);
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
	const struct rep_str_field strs[] = {
	    {"measure", &d->measure},       {"mode", &d->mode},
	    {"started_at", &d->started_at}, {"isolab_version", &d->isolab_version},
	    {"baseline", &d->baseline},
	};
	int r = rep_check_object(json, path, err);

	d->json = json;
	if (r == 0)
		r = check_schema(json, path, "isolab-bench", err);
	if (r == 0)
		r = rep_get_strs(json, path, strs, ARRAY_SIZE(strs), err);
	if (r == 0 && !d->measure)
		r = il_refuse(err, EINVAL, "%s.measure is missing", path);
	if (r == 0)
		r = rep_get_num(json, path, "duration_ns", &d->duration_ns, err);
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
	int r = rep_check_object(json, "document", err);

	if (r == 0)
		r = rep_get_str(json, "document", "schema", &schema, err);
	if (r < 0)
		return r;
	if (!schema || strcmp(schema, "isolab-bench-suite") != 0)
		return append_document(set, json, "document", err);
	r = check_schema(json, "suite", "isolab-bench-suite", err);
	if (r == 0)
		r = rep_get_typed(json, "suite", "results", JSON_ARRAY, &results, err);
	if (r == 0 && !results)
		r = il_refuse(err, EINVAL, "suite.results is missing");
	for (size_t i = 0; r == 0 && i < json_array_size(results); i++) {
		struct rep_where w = rep_at("suite", "results", i);

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
