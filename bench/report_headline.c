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

static void add_start(struct il_buf *b, const struct rep_doc *d, const struct rep_subject *s,
		      const struct rep_metric *m)
{
	const struct rep_subject *peer = yardstick(d);
	const struct rep_metric *theirs = peer ? rep_metric_find(peer, "total_ns") : NULL;

	rep_text_quantity(b, "_ns", m->median);
	il_buf_str(b, " in ");
	add_noun(b, s, false);
	if (m->ratio_to && isfinite(m->ratio) && strcmp(m->ratio_to, s->name) != 0) {
		il_buf_str(b, " (");
		rep_text_number(b, m->ratio);
		il_buf_str(b, "x ");
		rep_text_safe(b, m->ratio_to);
		if (theirs && strcmp(peer->name, m->ratio_to) != 0) {
			il_buf_str(b, ", ");
			rep_text_number(b, m->median / theirs->median);
			il_buf_str(b, "x ");
			rep_text_safe(b, peer->name);
		}
		il_buf_str(b, ")");
	}
}

static void join(struct il_buf *b, size_t said)
{
	if (said > 0)
		il_buf_str(b, "; ");
}

static void startup_headline(struct il_buf *b, const struct rep_doc *d)
{
	const char *program = json_string_value(json_array_get(d->workload, 0));
	size_t said = 0;

	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_subject *s = &d->subjects[i];
		const struct rep_metric *m = rep_metric_find(s, "total_ns");

		if (!is_isolated(s) || !m || !isfinite(m->median))
			continue;
		join(b, said);
		if (said++ == 0) {
			il_buf_str(b, "From launch to end, ");
			rep_text_safe(b, program ? program : "the workload");
			il_buf_str(b, " takes ");
		}
		add_start(b, d, s, m);
	}
	il_buf_str(b, said ? "." : "");
}

static void memory_headline(struct il_buf *b, const struct rep_doc *d)
{
	size_t said = 0;

	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_subject *s = &d->subjects[i];

		if (!is_isolated(s) || !s->has_memory || !isfinite(s->slope))
			continue;
		join(b, said);
		il_buf_str(b, said++ == 0 ? "One more idle instance takes " : "");
		rep_text_quantity(b, "_bytes", s->slope);
		il_buf_str(b, said == 1 ? " of available memory as " : " as ");
		add_noun(b, s, false);
		if (isfinite(s->pss)) {
			il_buf_str(b, " (");
			rep_text_quantity(b, "_bytes", s->pss);
			il_buf_str(b, " by PSS)");
		}
	}
	il_buf_str(b, said ? "." : "");
}

static void density_headline(struct il_buf *b, const struct rep_doc *d)
{
	double failed = 0;
	size_t said = 0;

	for (size_t i = 0; i < d->subject_count; i++) {
		const struct rep_subject *s = &d->subjects[i];

		if (!is_isolated(s) || !s->has_density || !isfinite(s->max_alive))
			continue;
		join(b, said);
		il_buf_str(b, said++ == 0 ? "Alive at once: " : "");
		il_buf_printf(b, "%.0f ", fmin(s->max_alive, 1e9));
		add_noun(b, s, s->max_alive != 1);
		if (isfinite(s->density_failed))
			failed += s->density_failed;
	}
	if (said && failed > 0)
		il_buf_printf(b, "; %.0f failed.", fmin(failed, 1e9));
	else if (said)
		il_buf_str(b, "; none failed.");
}

void rep_headline(struct il_buf *b, const struct rep_doc *d)
{
	size_t before = b->len;

	density_headline(b, d);
	if (b->len == before)
		memory_headline(b, d);
	if (b->len == before)
		startup_headline(b, d);
}
