/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bench result as typed values: made from the JSON in one checking pass, so that the
 * writers of tables never meet a wrong type. Strings and `json` members are borrowed from
 * the JSON, which must outlive the model. A number that is not there is NAN.
 */
#ifndef IL_BENCH_REPORT_MODEL_H
#define IL_BENCH_REPORT_MODEL_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define REP_SCHEMA_VERSION 1
#define REP_SUBJECTS_MAX   256
#define REP_METRICS_MAX    64 /* of one subject */

/* One metric of one subject, over its successful samples. */
struct rep_metric {
	const char *name; /* "total_ns": the suffix is the unit */
	double n, min, median, p90, p99, max, mean, stddev;
	double ci[2];         /* 95 % of the median */
	const char *ratio_to; /* NULL: no ratio */
	double ratio, ratio_ci[2];
	size_t outliers;
};

struct rep_phase {
	const char *name, *from, *to;
	double median_ns;
};

struct rep_memory_point {
	double instances, mem_available_bytes, pss_bytes, cgroup_bytes;
};

struct rep_density_point {
	double instances, start_ns, mem_available_bytes;
};

struct rep_subject {
	const char *name;
	const char *type;    /* "kind", "peer", or NULL */
	const char *version; /* NULL: not known */
	const char *description;
	const char *skipped; /* why it has no samples; NULL: it ran */
	double failures;
	const json_t *samples; /* array of checked samples, or NULL */

	struct rep_metric *metrics;
	size_t metric_count;
	struct rep_phase *phases;
	size_t phase_count;

	bool has_memory;
	double mem_instances, slope, slope_ci[2], pss, cgroup; /* bytes per instance */
	struct rep_memory_point *mem_points;
	size_t mem_point_count;

	bool has_density;
	double max_alive, density_failed;
	const char *stop_reason;
	struct rep_density_point *curve;
	size_t curve_count;
};

struct rep_warning {
	const char *subject, *kind, *text;
};

struct rep_doc {
	const json_t *json;
	const char *measure, *mode, *started_at, *isolab_version, *baseline;
	double duration_ns;

	const json_t *host; /* object or NULL */
	const char *cpu_model, *kernel, *distribution, *hypervisor, *cgroup_mode;
	double cpus, memory_bytes;
	bool kvm_known, kvm_available, ring0_emulated;
	const char *kvm_reason, *kvm_flavour;

	const char *image_name, *image_digest;
	double image_bytes;
	const json_t *workload; /* array of strings or NULL */
	double n, warmup, concurrency;

	struct rep_subject *subjects;
	size_t subject_count;
	struct rep_warning *warnings;
	size_t warning_count;
};

struct rep_set {
	struct rep_doc *docs;
	size_t count;
};

/*
 * rep_set_add: check @json (a document or a suite) and append its documents to @set.
 * Returns 0, -EINVAL with the JSON path of the first thing wrong, or -ENOMEM; @set must be
 * released in every case.
 */
int rep_set_add(struct rep_set *set, const json_t *json, struct il_err *err) IL_MUST_CHECK;

/*
 * rep_read_subject: check the object @e of @path and read it into @s, zeroed memory, which
 * rep_set_done releases in every case. Returns 0, -EINVAL or -ENOMEM.
 */
int rep_read_subject(const json_t *e, const char *path, struct rep_subject *s,
		     struct il_err *err) IL_MUST_CHECK;

/* rep_set_done: free all; also a scope closer. */
void rep_set_done(struct rep_set *set);

/* rep_metric_find: the metric of @subject with that name, or NULL. */
const struct rep_metric *rep_metric_find(const struct rep_subject *subject, const char *name);

/* rep_subject_find: the subject with that name, or NULL. */
const struct rep_subject *rep_subject_find(const struct rep_doc *doc, const char *name);

#endif
