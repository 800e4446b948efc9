// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/report_page.h"
#include "bench/report_text.h"

static const struct rep_unit plain = {"", 1};

/*
 * The unit of a metric's column, from the lowest and highest median. The null subject has
 * no say: it is far below what the table is about.
 */
static struct rep_unit metric_unit(const struct rep_doc *d, const char *name)
{
	double low = NAN;
	double high = NAN;

	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_metric *m = rep_metric_find(&d->subjects[i], name);

		if (!m || strcmp(d->subjects[i].name, "null") == 0)
			continue;
		low = fmin(low, m->median);
		high = fmax(high, m->median);
	}
	return rep_unit_pick(name, low, high);
}

/* The subject that ratios are to; NULL when no subject has a ratio. */
static const char *ratio_base(const struct rep_doc *d, const char *name)
{
	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_metric *m = rep_metric_find(&d->subjects[i], name);

		if (m && m->ratio_to)
			return m->ratio_to;
	}
	return NULL;
}

static void head_cells(struct rep_table *t, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rep_table_str(t, texts[i]);
}

static void failures_cell(struct rep_table *t, const struct rep_subject *s)
{
	rep_table_count(t, isfinite(s->failures) ? s->failures : 0);
}

static void metric_row(struct rep_table *t, const struct rep_subject *s, const char *name,
		       struct rep_unit unit, bool with_ratio)
{
	static const struct rep_metric none = {.median = NAN,
					       .p90 = NAN,
					       .p99 = NAN,
					       .ratio = NAN,
					       .ci = {NAN, NAN},
					       .ratio_ci = {NAN, NAN}};
	const struct rep_metric *m = rep_metric_find(s, name);

	if (!m)
		m = &none;
	rep_table_str(t, s->name);
	rep_table_num(t, m->median, unit);
	rep_table_range(t, m->ci[0], m->ci[1], unit);
	rep_table_num(t, m->p90, unit);
	rep_table_num(t, m->p99, unit);
	if (with_ratio) {
		rep_table_num(t, m->ratio, plain);
		rep_table_range(t, m->ratio_ci[0], m->ratio_ci[1], plain);
	}
	failures_cell(t, s);
}

static int finish_table(const struct rep_page *p, const struct rep_table *t, size_t heads)
{
	if (rep_table_print(t, heads, p->color, p->out) < 0)
		return il_fail(p->err, ENOMEM, "print the table");
	return 0;
}

/* Median, interval, percentiles, ratio and failures of one metric, a row per subject. */
static int print_metric(const struct rep_page *p, const char *name, const char *title)
{
	const char *base = ratio_base(p->doc, name);
	struct rep_unit unit = metric_unit(p->doc, name);
	_cleanup_(rep_table_done) struct rep_table t = {.columns = base ? 8 : 6};
	_cleanup_(il_buf_done) struct il_buf ratio = {0};

	rep_page_heading(p, title);
	const char *first[] = {"subject", "median", "95% CI", "p90", "p99"};
	head_cells(&t, first, ARRAY_SIZE(first));
	if (base) {
		il_buf_str(&ratio, "x ");
		rep_text_cut(&ratio, base, 9);
		rep_table_cell(&t, &ratio);
		rep_table_str(&t, "95% CI");
	}
	rep_table_str(&t, "fail");
	const char *units[] = {"", unit.name, unit.name, unit.name, unit.name};
	head_cells(&t, units, ARRAY_SIZE(units));
	for (size_t i = ARRAY_SIZE(units); i < t.columns; i++)
		rep_table_str(&t, "");
	for (size_t i = 0; i < p->doc->subject_count; i++)
		if (!p->doc->subjects[i].skipped)
			metric_row(&t, &p->doc->subjects[i], name, unit, base);
	return finish_table(p, &t, 2);
}

static bool has_metric(const struct rep_doc *d, const char *name)
{
	for (size_t i = 0; i < d->subject_count; i++)
		if (rep_metric_find(&d->subjects[i], name))
			return true;
	return false;
}

/* The times that are parts of a start, beside each other, where they were measured. */
static const struct {
	const char *metric, *head;
} parts[] = {{"ready_ns", "ready"}, {"teardown_ns", "teardown"}};

static void part_heads(struct rep_table *t, const struct rep_doc *d)
{
	rep_table_str(t, "subject");
	for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
		if (has_metric(d, parts[k].metric)) {
			rep_table_str(t, parts[k].head);
			rep_table_str(t, "p90");
			rep_table_str(t, "p99");
		}
	rep_table_str(t, "");
	for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
		for (int i = 0; i < 3 && has_metric(d, parts[k].metric); i++)
			rep_table_str(t, metric_unit(d, parts[k].metric).name);
}

static void part_row(struct rep_table *t, const struct rep_doc *d, const struct rep_subject *s)
{
	rep_table_str(t, s->name);
	for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
		const struct rep_metric *m = rep_metric_find(s, parts[k].metric);
		struct rep_unit unit = metric_unit(d, parts[k].metric);

		if (!has_metric(d, parts[k].metric))
			continue;
		rep_table_num(t, m ? m->median : NAN, unit);
		rep_table_num(t, m ? m->p90 : NAN, unit);
		rep_table_num(t, m ? m->p99 : NAN, unit);
	}
}

static int print_ready_teardown(const struct rep_page *p)
{
	const struct rep_doc *d = p->doc;
	_cleanup_(rep_table_done) struct rep_table t = {.columns = 1};

	for (size_t k = 0; k < ARRAY_SIZE(parts); k++)
		t.columns += has_metric(d, parts[k].metric) ? 3 : 0;
	if (t.columns == 1)
		return 0;
	rep_page_heading(p, has_metric(d, "ready_ns") ? "First output and tear-down (medians)"
						      : "Tear-down (medians)");
	part_heads(&t, d);
	for (size_t i = 0; i < d->subject_count; i++)
		if (rep_metric_find(&d->subjects[i], "ready_ns") ||
		    rep_metric_find(&d->subjects[i], "teardown_ns"))
			part_row(&t, d, &d->subjects[i]);
	return finish_table(p, &t, 2);
}

static double phase_ns(const struct rep_subject *s, const char *name)
{
	for (size_t i = 0; i < s->phase_count; i++)
		if (strcmp(s->phases[i].name, name) == 0)
			return s->phases[i].median_ns;
	return NAN;
}

/* Phase names of several kinds in one order. */
struct phase_order {
	const char *names[48];
	size_t n;
};

/*
 * Puts a kind's phases among those already there: a new one goes behind the one that it
 * follows in its own kind, so that what comes last anywhere stays last.
 */
static void merge_phases(struct phase_order *o, const struct rep_subject *s)
{
	size_t at = 0; /* where the next new phase goes */

	for (size_t k = 0; k < s->phase_count; k++) {
		size_t i = 0;

		while (i < o->n && strcmp(o->names[i], s->phases[k].name) != 0)
			i++;
		if (i == o->n && o->n == ARRAY_SIZE(o->names))
			return;
		if (i == o->n) {
			i = at;
			memmove(&o->names[i + 1], &o->names[i], (o->n - i) * sizeof(*o->names));
			o->names[i] = s->phases[k].name;
			o->n++;
		}
		at = i + 1;
	}
}

/* What a kind does between launch and end: phases down, kinds across. */
static int print_phases(const struct rep_page *p)
{
	enum { SHOWN_MAX = 5 }; /* as many as fit the width */
	size_t shown[SHOWN_MAX];
	size_t n = 0;
	struct phase_order order = {.n = 0};
	struct rep_unit us = {"us", 1e3};

	for (size_t i = 0; i < p->doc->subject_count && n < SHOWN_MAX; i++)
		if (p->doc->subjects[i].phase_count > 0) {
			merge_phases(&order, &p->doc->subjects[i]);
			shown[n++] = i;
		}
	if (n == 0)
		return 0;
	_cleanup_(rep_table_done) struct rep_table t = {.columns = n + 1};
	rep_page_heading(p, "Phases (medians, us)");
	rep_table_str(&t, "phase");
	for (size_t c = 0; c < n; c++) {
		struct il_buf head = {0};

		rep_text_cut(&head, p->doc->subjects[shown[c]].name, 12);
		rep_table_cell(&t, &head);
	}
	for (size_t i = 0; i < order.n; i++) {
		rep_table_str(&t, order.names[i]);
		for (size_t c = 0; c < n; c++)
			rep_table_num(&t, phase_ns(&p->doc->subjects[shown[c]], order.names[i]),
				      us);
	}
	return finish_table(p, &t, 1);
}

static int print_memory(const struct rep_page *p)
{
	static const char *const heads[] = {"subject", "instances", "MemAvailable", "95% CI",
					    "PSS",     "cgroup",    "fail"};
	_cleanup_(rep_table_done) struct rep_table t = {.columns = ARRAY_SIZE(heads)};
	double low = NAN;
	double high = NAN;

	for (size_t i = 0; i < p->doc->subject_count; i++) {
		const struct rep_subject *s = &p->doc->subjects[i];

		if (!s->has_memory)
			continue;
		low = fmin(low, fmin(fmin(fabs(s->slope), s->pss), s->cgroup));
		high = fmax(high, fmax(fmax(fabs(s->slope), s->pss), s->cgroup));
	}
	if (isnan(high))
		return 0;
	struct rep_unit unit = rep_unit_pick("_bytes", low, high);
	const char *units[] = {"", "", unit.name, unit.name, unit.name, unit.name, ""};
	rep_page_heading(p, "Memory per idle instance, by three methods");
	head_cells(&t, heads, ARRAY_SIZE(heads));
	head_cells(&t, units, ARRAY_SIZE(units));
	for (size_t i = 0; i < p->doc->subject_count; i++) {
		const struct rep_subject *s = &p->doc->subjects[i];

		if (!s->has_memory)
			continue;
		rep_table_str(&t, s->name);
		rep_table_count(&t, s->mem_instances);
		rep_table_num(&t, s->slope, unit);
		rep_table_range(&t, s->slope_ci[0], s->slope_ci[1], unit);
		rep_table_num(&t, s->pss, unit);
		rep_table_num(&t, s->cgroup, unit);
		failures_cell(&t, s);
	}
	return finish_table(p, &t, 2);
}

static void density_row(struct rep_table *t, const struct rep_subject *s)
{
	const struct rep_density_point *first = s->curve_count ? &s->curve[0] : NULL;
	const struct rep_density_point *last =
	    s->curve_count ? &s->curve[s->curve_count - 1] : NULL;
	struct il_buf b = {0};

	rep_table_str(t, s->name);
	rep_table_count(t, s->max_alive);
	rep_table_count(t, s->density_failed);
	rep_text_quantity(&b, "_ns", first ? first->start_ns : NAN);
	rep_table_cell(t, &b);
	rep_text_quantity(&b, "_ns", last ? last->start_ns : NAN);
	rep_table_cell(t, &b);
	rep_text_quantity(&b, "_bytes", last ? last->mem_available_bytes : NAN);
	rep_table_cell(t, &b);
}

static int print_density(const struct rep_page *p)
{
	static const char *const heads[] = {"subject",     "alive",      "failed",
					    "first start", "last start", "MemAvailable left"};
	_cleanup_(rep_table_done) struct rep_table t = {.columns = ARRAY_SIZE(heads)};

	head_cells(&t, heads, ARRAY_SIZE(heads));
	for (size_t i = 0; i < p->doc->subject_count; i++)
		if (p->doc->subjects[i].has_density)
			density_row(&t, &p->doc->subjects[i]);
	if (t.count == ARRAY_SIZE(heads))
		return 0;
	rep_page_heading(p, "Density: instances alive at once");
	int r = finish_table(p, &t, 1);
	for (size_t i = 0; r == 0 && i < p->doc->subject_count; i++) {
		const struct rep_subject *s = &p->doc->subjects[i];
		_cleanup_(il_buf_done) struct il_buf b = {0};

		if (!s->has_density || !s->stop_reason)
			continue;
		rep_text_safe(&b, s->name);
		il_buf_str(&b, " stopped: ");
		rep_text_safe(&b, s->stop_reason);
		r = rep_page_line(p, &b, 0);
	}
	return r;
}

/* Metrics other than the three of a start, in a table each ("workload_ns"). */
static int print_other_metrics(const struct rep_page *p)
{
	static const char *const known[] = {"total_ns", "ready_ns", "teardown_ns"};
	const struct rep_doc *d = p->doc;
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->subject_count; i++)
		for (size_t k = 0; r == 0 && k < d->subjects[i].metric_count; k++) {
			const char *name = d->subjects[i].metrics[k].name;
			bool done = false;

			for (size_t j = 0; j < ARRAY_SIZE(known); j++)
				done |= strcmp(name, known[j]) == 0;
			for (size_t j = 0; j < i; j++)
				done |= rep_metric_find(&d->subjects[j], name) != NULL;
			if (!done)
				r = print_metric(p, name, name);
		}
	return r;
}

static int print_document(const struct rep_page *p, bool with_host)
{
	int r = rep_page_title(p);

	if (r == 0)
		r = rep_page_settings(p);
	if (r == 0 && with_host)
		r = rep_page_host(p);
	if (r == 0)
		r = rep_page_found(p);
	if (r == 0 && has_metric(p->doc, "total_ns"))
		r = print_metric(p, "total_ns", "Launch to end");
	if (r == 0)
		r = print_ready_teardown(p);
	if (r == 0)
		r = print_phases(p);
	if (r == 0)
		r = print_other_metrics(p);
	if (r == 0)
		r = print_memory(p);
	if (r == 0)
		r = print_density(p);
	if (r == 0)
		r = rep_page_notes(p);
	return r;
}

static bool same_host(const struct rep_doc *a, const struct rep_doc *b)
{
	return a->host && b->host && json_equal(a->host, b->host);
}

int report_table(const json_t *doc, FILE *out, bool color, struct il_err *err)
{
	_cleanup_(rep_set_done) struct rep_set set = {0};
	int r = rep_set_add(&set, doc, err);

	for (size_t i = 0; r == 0 && i < set.count; i++) {
		struct rep_page p = {.out = out, .color = color, .doc = &set.docs[i], .err = err};

		if (i > 0)
			fputs("\n", out);
		/* Results of one session share their host: say it once. */
		r = print_document(&p, i == 0 || !same_host(&set.docs[i - 1], p.doc));
	}
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		r = il_fail(err, EIO, "print the table");
	return r;
}
