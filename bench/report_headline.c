// SPDX-License-Identifier: Apache-2.0
#include "bench/report_headline.h"

#include <math.h>
#include <string.h>

#include "bench/report_text.h"

/* How a sentence calls a subject; others go by their own name. */
static const struct {
	const char *name, *start, *plural;
} nouns[] = {
    {"process", "a plain process", "processes"},
    {"container", "a container", "containers"},
    {"nano", "a nano VM", "nano VMs"},
    {"linux", "a Linux VM", "Linux VMs"},
};

static bool is_isolated(const struct rep_subject *s)
{
	return s->type && strcmp(s->type, "kind") == 0 && strcmp(s->name, "process") != 0 &&
	       strcmp(s->name, "null") != 0 && !s->skipped;
}

static void add_noun(struct il_buf *b, const struct rep_subject *s, bool plural)
{
	for (size_t i = 0; i < ARRAY_SIZE(nouns); i++)
		if (strcmp(nouns[i].name, s->name) == 0) {
			il_buf_str(b, plural ? nouns[i].plural : nouns[i].start);
			return;
		}
	rep_text_safe(b, s->name);
}

/*
 * The peer that everybody knows, to say a start-up time in its terms: the first of these
 * that was measured.
 */
static const struct rep_subject *yardstick(const struct rep_doc *d)
{
	static const char *const names[] = {"crun", "runc", "docker", "podman", "bwrap"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct rep_subject *s = rep_subject_find(d, names[i]);
		const struct rep_metric *m = s ? rep_metric_find(s, "total_ns") : NULL;

		if (m && m->median > 0)
			return s;
	}
	return NULL;
}

static void add_ratio(struct il_buf *b, double ratio, const char *times, const char *to)
{
	if (ratio < 0.9995 && ratio >= 0.0995)
		il_buf_printf(b, "%.2f", ratio);
	else
		rep_text_number(b, ratio);
	il_buf_str(b, times);
	il_buf_str(b, strcmp(to, "process") == 0 ? " the " : " ");
	rep_text_safe(b, to);
}

static void add_start(struct il_buf *b, const struct rep_doc *d, const struct rep_subject *s,
		      const char *times)
{
	const struct rep_metric *m = rep_metric_find(s, "total_ns");
	const struct rep_subject *peer = yardstick(d);
	const struct rep_metric *theirs = peer ? rep_metric_find(peer, "total_ns") : NULL;

	rep_text_quantity(b, "_ns", m->median);
	il_buf_str(b, " in ");
	add_noun(b, s, false);
	if (!m->ratio_to || !isfinite(m->ratio) || strcmp(m->ratio_to, s->name) == 0)
		return;
	il_buf_str(b, " (");
	add_ratio(b, m->ratio, times, m->ratio_to);
	if (theirs && strcmp(peer->name, m->ratio_to) != 0) {
		il_buf_str(b, ", ");
		add_ratio(b, m->median / theirs->median, times, peer->name);
	}
	il_buf_str(b, ")");
}

/* Has the subject something to say in a sentence of this kind? */
static bool has_start(const struct rep_subject *s)
{
	const struct rep_metric *m = rep_metric_find(s, "total_ns");

	return is_isolated(s) && m && isfinite(m->median);
}

static bool has_slope(const struct rep_subject *s)
{
	return is_isolated(s) && s->has_memory && isfinite(s->slope);
}

static bool has_density(const struct rep_subject *s)
{
	return is_isolated(s) && s->has_density && isfinite(s->max_alive);
}

static size_t count_subjects(const struct rep_doc *d, bool (*has)(const struct rep_subject *))
{
	size_t n = 0;

	for (size_t i = 0; i < d->subject_count; i++)
		n += has(&d->subjects[i]);
	return n;
}

/* What stands before the item number @said of @n: "", ", " or " and ". */
static void join(struct il_buf *b, size_t said, size_t n)
{
	if (said > 0)
		il_buf_str(b, said + 1 == n ? " and " : ", ");
}

static void startup_headline(struct il_buf *b, const struct rep_doc *d, const char *times)
{
	const char *program = json_string_value(json_array_get(d->workload, 0));
	size_t n = count_subjects(d, has_start);
	size_t said = 0;

	if (n == 0)
		return;
	il_buf_str(b, "From launch to end, ");
	rep_text_safe(b, program ? program : "the workload");
	il_buf_str(b, " takes ");
	for (size_t i = 0; i < d->subject_count; i++)
		if (has_start(&d->subjects[i])) {
			join(b, said++, n);
			add_start(b, d, &d->subjects[i], times);
		}
	il_buf_str(b, ".");
}

/* The slope, or that it was not told from zero. */
static void add_slope(struct il_buf *b, const struct rep_subject *s)
{
	if (!(s->slope_ci[0] <= 0) || !isfinite(s->slope_ci[1])) {
		rep_text_quantity(b, "_bytes", s->slope);
		return;
	}
	il_buf_str(b, "no more than noise (95 % CI ");
	rep_text_quantity(b, "_bytes", s->slope_ci[0]);
	il_buf_str(b, " to ");
	rep_text_quantity(b, "_bytes", s->slope_ci[1]);
	il_buf_str(b, ")");
}

static void memory_headline(struct il_buf *b, const struct rep_doc *d)
{
	size_t n = count_subjects(d, has_slope);
	size_t said = 0;

	if (n == 0)
		return;
	il_buf_str(b, "One more idle instance takes ");
	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_subject *s = &d->subjects[i];

		if (!has_slope(s))
			continue;
		join(b, said, n);
		add_slope(b, s);
		il_buf_str(b, said++ == 0 ? " of available memory as " : " as ");
		add_noun(b, s, false);
		if (isfinite(s->pss)) {
			il_buf_str(b, " (");
			rep_text_quantity(b, "_bytes", s->pss);
			il_buf_str(b, " by PSS)");
		}
	}
	il_buf_str(b, ".");
}

static void density_headline(struct il_buf *b, const struct rep_doc *d)
{
	size_t n = count_subjects(d, has_density);
	double failed = 0;
	size_t said = 0;

	if (n == 0)
		return;
	il_buf_str(b, n > 1 ? "Alive at once, each by itself: " : "Alive at once: ");
	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_subject *s = &d->subjects[i];

		if (!has_density(s))
			continue;
		join(b, said++, n);
		il_buf_printf(b, "%.0f ", fmin(fmax(s->max_alive, 0), 1e9));
		add_noun(b, s, true);
		if (isfinite(s->density_failed))
			failed += s->density_failed;
	}
	if (failed > 0)
		il_buf_printf(b, "; %.0f failed.", fmin(failed, 1e9));
	else
		il_buf_str(b, "; none failed.");
}

void rep_headline(struct il_buf *b, const struct rep_doc *d, const char *times)
{
	size_t before = b->len;

	density_headline(b, d);
	if (b->len == before)
		memory_headline(b, d);
	if (b->len == before)
		startup_headline(b, d, times);
}
