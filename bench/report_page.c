// SPDX-License-Identifier: Apache-2.0
#include "bench/report_page.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/report_headline.h"
#include "bench/report_text.h"

/* Adds ", TEXT" to a line that is being made, or TEXT when it is the first. */
static void add_part(struct il_buf *b, const char *text)
{
	if (text && *text) {
		il_buf_str(b, b->len ? ", " : "");
		rep_text_safe(b, text);
	}
}

int rep_page_line(const struct rep_page *p, struct il_buf *b, size_t indent)
{
	_cleanup_(freep) char *text = il_buf_steal(b);

	if (!text)
		return il_fail(p->err, ENOMEM, "print the table");
	rep_text_wrap(p->out, text, indent);
	return 0;
}

void rep_page_heading(const struct rep_page *p, const char *text)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	rep_text_cut(&b, text, REP_WIDTH);
	fprintf(p->out, "\n%s%s%s\n", p->color ? "\033[1;4m" : "", b.data ? b.data : "",
		p->color ? "\033[0m" : "");
}

int rep_page_title(const struct rep_page *p)
{
	const struct rep_doc *d = p->doc;
	_cleanup_(il_buf_done) struct il_buf b = {0};

	add_part(&b, d->measure);
	add_part(&b, d->mode);
	il_buf_str(&b, ":");
	for (size_t i = 0; i < json_array_size(d->workload); i++) {
		il_buf_str(&b, " ");
		rep_text_safe(&b, json_string_value(json_array_get(d->workload, i)));
	}
	if (d->image_name) {
		il_buf_str(&b, " in ");
		rep_text_safe(&b, d->image_name);
	}
	fputs(p->color ? "\033[1m" : "", p->out);
	int r = rep_page_line(p, &b, 0);
	fputs(p->color ? "\033[0m" : "", p->out);
	return r;
}

int rep_page_settings(const struct rep_page *p)
{
	const struct rep_doc *d = p->doc;
	_cleanup_(il_buf_done) struct il_buf b = {0};
	bool samples = false;

	/* Memory and density count instances, not runs. */
	for (size_t i = 0; i < d->subject_count; i++)
		samples |= json_array_size(d->subjects[i].samples) > 0;
	if (isfinite(d->n) && samples)
		il_buf_printf(&b, "n = %.0f", d->n);
	if (isfinite(d->warmup) && samples)
		il_buf_printf(&b, "%s%.0f warm-up", b.len ? " after " : "", d->warmup);
	if (isfinite(d->concurrency) && samples)
		il_buf_printf(&b, "%s%.0f at a time", b.len ? ", " : "", d->concurrency);
	if (isfinite(d->duration_ns)) {
		il_buf_str(&b, b.len ? ", took " : "took ");
		rep_text_quantity(&b, "_ns", d->duration_ns);
	}
	add_part(&b, d->started_at);
	if (d->isolab_version) {
		add_part(&b, "isolab ");
		rep_text_safe(&b, d->isolab_version);
	}
	return rep_page_line(p, &b, 0);
}

int rep_page_host(const struct rep_page *p)
{
	const struct rep_doc *d = p->doc;
	_cleanup_(il_buf_done) struct il_buf b = {0};

	if (!d->host)
		return 0;
	il_buf_str(&b, "host: ");
	rep_text_safe(&b, d->cpu_model ? d->cpu_model : "unknown CPU");
	if (isfinite(d->cpus))
		il_buf_printf(&b, ", %.0f CPU%s", d->cpus, d->cpus == 1 ? "" : "s");
	if (isfinite(d->memory_bytes)) {
		il_buf_str(&b, ", ");
		rep_text_quantity(&b, "_bytes", d->memory_bytes);
	}
	if (d->kernel) {
		add_part(&b, "Linux ");
		rep_text_safe(&b, d->kernel);
	}
	add_part(&b, d->distribution);
	if (d->cgroup_mode) {
		add_part(&b, "cgroup ");
		rep_text_safe(&b, d->cgroup_mode);
	}
	if (d->kvm_known && d->kvm_available) {
		add_part(&b, d->kvm_flavour ? d->kvm_flavour : "KVM");
		il_buf_str(&b, d->ring0_emulated ? " (ring 0 emulated)" : "");
	} else if (d->kvm_known) {
		add_part(&b, "no KVM");
	}
	return rep_page_line(p, &b, 0);
}

int rep_page_found(const struct rep_page *p)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	rep_headline(&b, p->doc, "x");
	if (!b.len && !b.failed)
		return 0;
	fputs("\n", p->out);
	return rep_page_line(p, &b, 0);
}

/* "LABEL NAME: TEXT", coloured. */
static int print_note(const struct rep_page *p, const char *label, const char *name,
		      const char *text)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	il_buf_str(&b, label);
	if (name && *name) {
		il_buf_str(&b, " ");
		rep_text_safe(&b, name);
	}
	il_buf_str(&b, ": ");
	rep_text_safe(&b, text);
	fputs(p->color ? "\033[33m" : "", p->out);
	int r = rep_page_line(p, &b, 0);
	fputs(p->color ? "\033[0m" : "", p->out);
	return r;
}

static const char *first_error(const struct rep_subject *s)
{
	for (size_t i = 0; i < json_array_size(s->samples); i++) {
		const json_t *sample = json_array_get(s->samples, i);
		const char *text = json_string_value(json_object_get(sample, "error"));

		if (!json_is_true(json_object_get(sample, "ok")) && text)
			return text;
	}
	return NULL;
}

int rep_page_notes(const struct rep_page *p)
{
	int r = 0;

	fputs("\n", p->out);
	for (size_t i = 0; r == 0 && i < p->doc->subject_count; i++) {
		const struct rep_subject *s = &p->doc->subjects[i];
		const char *error = first_error(s);

		if (s->skipped)
			r = print_note(p, "skipped", s->name, s->skipped);
		else if (error)
			r = print_note(p, "first failure of", s->name, error);
	}
	for (size_t i = 0; r == 0 && i < p->doc->warning_count; i++) {
		const struct rep_warning *w = &p->doc->warnings[i];

		r = print_note(p, "warning", w->subject, w->text ? w->text : w->kind);
	}
	return r;
}
