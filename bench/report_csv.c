// SPDX-License-Identifier: Apache-2.0
/*
 * Tidy data: a row is one observation (a started instance, a point of a memory or density
 * curve), a column one variable. What a row does not have is an empty field.
 */
#include "bench/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/report_model.h"
#include "bench/report_out.h"

/* More metrics or events than any result has: a hostile file would make rows of megabytes. */
#define COLUMNS_MAX 256

/*
 * Names met anywhere in the data, each once, in the order of their first appearance: the
 * keys of a JSON object.
 */
struct names {
	json_t *metrics;
	json_t *events;
};

static void names_done(struct names *n)
{
	json_decref(n->metrics);
	json_decref(n->events);
}

static int collect(json_t *names, const json_t *sample, const char *member, struct il_err *err)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach(json_object_get(sample, member), key, value)
	{
		if (json_object_get(names, key))
			continue;
		if (json_object_size(names) == COLUMNS_MAX)
			return il_refuse(err, EINVAL, "more than %d different %s in the samples",
					 COLUMNS_MAX, member);
		if (json_object_set_new(names, key, json_true()) < 0)
			return il_fail(err, ENOMEM, "write CSV");
	}
	return 0;
}

static int collect_names(const struct rep_set *set, struct names *names, struct il_err *err)
{
	int r = 0;

	for (size_t d = 0; d < set->count; d++)
		for (size_t i = 0; i < set->docs[d].subject_count; i++) {
			const json_t *samples = set->docs[d].subjects[i].samples;

			for (size_t k = 0; r == 0 && k < json_array_size(samples); k++) {
				r = collect(names->metrics, json_array_get(samples, k), "metrics",
					    err);
				if (r == 0)
					r = collect(names->events, json_array_get(samples, k),
						    "events_ns", err);
			}
		}
	return r;
}

/* A row being made: remembers whether a comma is due. */
struct row {
	struct il_buf *b;
	bool started;
};

static void next_field(struct row *row)
{
	il_buf_str(row->b, row->started ? "," : "");
	row->started = true;
}

static void text_field(struct row *row, const char *text)
{
	next_field(row);
	if (!text)
		return;
	if (!strpbrk(text, ",\"\r\n")) {
		il_buf_str(row->b, text);
		return;
	}
	il_buf_str(row->b, "\"");
	for (const char *p = text; *p; p++) {
		il_buf_add(row->b, p, 1);
		if (*p == '"')
			il_buf_str(row->b, "\"");
	}
	il_buf_str(row->b, "\"");
}

/* The JSON's own digits: an integer stays exact. */
static void json_field(struct row *row, const json_t *value)
{
	next_field(row);
	if (json_is_integer(value))
		il_buf_printf(row->b, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		il_buf_printf(row->b, "%.17g", json_real_value(value));
	else if (json_is_boolean(value))
		il_buf_str(row->b, json_is_true(value) ? "true" : "false");
}

static void number_field(struct row *row, double value)
{
	next_field(row);
	if (isfinite(value))
		il_buf_printf(row->b, "%.17g", value);
}

static void end_row(struct row *row)
{
	il_buf_str(row->b, "\r\n");
	row->started = false;
}

static void header_row(struct il_buf *b, const struct names *names)
{
	static const char *const fixed[] = {
	    "measure",
	    "mode",
	    "started_at",
	    "isolab_version",
	    "image_digest",
	    "workload",
	    "subject",
	    "type",
	    "version",
	    "record",
	    "order",
	    "ok",
	    "exit_status",
	    "error",
	    "instances",
	    "start_ns",
	    "mem_available_bytes",
	    "pss_bytes",
	    "cgroup_bytes",
	};
	struct row row = {.b = b};
	const char *key = NULL;
	json_t *value = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		text_field(&row, fixed[i]);
	json_object_foreach(names->metrics, key, value)
	{
		text_field(&row, key);
	}
	json_object_foreach(names->events, key, value)
	{
		_cleanup_(freep) char *name = il_strf("event_%s_ns", key);

		b->failed |= !name;
		text_field(&row, name);
	}
	end_row(&row);
}

/* What one row holds beside the members of its document and subject. */
struct observation {
	const char *record; /* "sample", "memory", "density", "skipped" */
	const json_t *sample;
	const char *error;
	double instances, start_ns, mem_available_bytes, pss_bytes, cgroup_bytes;
};

static void data_row(struct il_buf *b, const struct names *names, const struct rep_doc *d,
		     const struct rep_subject *s, const struct observation *o)
{
	struct row row = {.b = b};
	_cleanup_(il_buf_done) struct il_buf workload = {0};
	const double numbers[] = {o->instances, o->start_ns, o->mem_available_bytes, o->pss_bytes,
				  o->cgroup_bytes};
	const char *key = NULL;
	json_t *value = NULL;

	for (size_t i = 0; i < json_array_size(d->workload); i++)
		il_buf_printf(&workload, "%s%s", i ? " " : "",
			      json_string_value(json_array_get(d->workload, i)));
	b->failed |= workload.failed;
	const char *const texts[] = {
	    d->measure,    d->mode, d->started_at, d->isolab_version, d->image_digest,
	    workload.data, s->name, s->type,       s->version,        o->record};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		text_field(&row, texts[i]);
	json_field(&row, json_object_get(o->sample, "order"));
	json_field(&row, json_object_get(o->sample, "ok"));
	json_field(&row, json_object_get(o->sample, "exit_status"));
	text_field(&row, o->error);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		number_field(&row, numbers[i]);
	const json_t *metrics = json_object_get(o->sample, "metrics");
	json_object_foreach(names->metrics, key, value)
	{
		json_field(&row, json_object_get(metrics, key));
	}
	const json_t *events = json_object_get(o->sample, "events_ns");
	json_object_foreach(names->events, key, value)
	{
		json_field(&row, json_object_get(events, key));
	}
	end_row(&row);
}

static void subject_rows(struct il_buf *b, const struct names *names, const struct rep_doc *d,
			 const struct rep_subject *s)
{
	const struct observation none = {.instances = NAN,
					 .start_ns = NAN,
					 .mem_available_bytes = NAN,
					 .pss_bytes = NAN,
					 .cgroup_bytes = NAN};
	struct observation o = none;

	if (s->skipped) {
		o.record = "skipped";
		o.error = s->skipped;
		data_row(b, names, d, s, &o);
	}
	for (size_t i = 0; i < json_array_size(s->samples); i++) {
		o = none;
		o.record = "sample";
		o.sample = json_array_get(s->samples, i);
		o.error = json_string_value(json_object_get(o.sample, "error"));
		data_row(b, names, d, s, &o);
	}
	for (size_t i = 0; i < s->mem_point_count; i++) {
		o = none;
		o.record = "memory";
		o.instances = s->mem_points[i].instances;
		o.mem_available_bytes = s->mem_points[i].mem_available_bytes;
		o.pss_bytes = s->mem_points[i].pss_bytes;
		o.cgroup_bytes = s->mem_points[i].cgroup_bytes;
		data_row(b, names, d, s, &o);
	}
	for (size_t i = 0; i < s->curve_count; i++) {
		o = none;
		o.record = "density";
		o.instances = s->curve[i].instances;
		o.start_ns = s->curve[i].start_ns;
		o.mem_available_bytes = s->curve[i].mem_available_bytes;
		data_row(b, names, d, s, &o);
	}
}

int report_csv(const json_t *const *docs, size_t n, const char *path, struct il_err *err)
{
	_cleanup_(rep_set_done) struct rep_set set = {0};
	_cleanup_(names_done) struct names names = {json_object(), json_object()};
	_cleanup_(il_buf_done) struct il_buf b = {0};
	int r = names.metrics && names.events ? 0 : il_fail(err, ENOMEM, "write CSV");

	for (size_t i = 0; r == 0 && i < n; i++)
		r = rep_set_add(&set, docs[i], err);
	if (r == 0)
		r = collect_names(&set, &names, err);
	if (r < 0)
		return r;
	header_row(&b, &names);
	for (size_t d = 0; d < set.count; d++)
		for (size_t i = 0; i < set.docs[d].subject_count; i++)
			subject_rows(&b, &names, &set.docs[d], &set.docs[d].subjects[i]);
	return rep_write_out(&b, path, err);
}
