/* SPDX-License-Identifier: Apache-2.0 */
/* What the measures share; for the files of bench/ only. */
#ifndef IL_BENCH_SESSION_H
#define IL_BENCH_SESSION_H

#include "bench/subject.h"

struct bench_session {
	struct bench_options options; /* pointers borrowed from the caller */
	struct bench_env env;
	struct subjects subjects;
};

/* The document under construction: the parts that every measure has. */
struct result {
	json_t *doc;      /* owned */
	json_t *subjects; /* borrowed from doc */
	json_t *warnings; /* borrowed from doc */
	uint64_t begin_ns;
};

/* The measures: see bench_measure. */
int startup_run(struct bench_session *s, json_t **ret, struct il_err *err) IL_MUST_CHECK;
int memory_run(struct bench_session *s, json_t **ret, struct il_err *err) IL_MUST_CHECK;
int density_run(struct bench_session *s, json_t **ret, struct il_err *err) IL_MUST_CHECK;

/*
 * session_workload: what @measure starts: the user's command, or the measure's own
 * program (@fallback, a NULL-ended list).
 */
char *const *session_workload(const struct bench_session *s, enum bench_measure measure,
			      char *const *fallback);

/* session_baseline: the subject that ratios refer to, or NULL when none can run. */
const struct subject *session_baseline(const struct bench_session *s);

/*
 * result_begin: the members that all documents have. @mode is "warm", "cold", "idle".
 * 0 or -errno.
 */
int result_begin(struct result *r, const struct bench_session *s, enum bench_measure measure,
		 const char *mode, char *const *workload, struct il_err *err) IL_MUST_CHECK;

/*
 * result_subject: append the object of @subject (name, type, version, description,
 * skipped). Borrowed; never NULL but when memory is out, which result_end reports.
 */
json_t *result_subject(struct result *r, const struct subject *subject);

/* result_warn: add a warning about @subject ("" = all). */
void result_warn(struct result *r, const char *subject, const char *kind, const char *fmt, ...)
    IL_PRINTF(4, 5);

/* result_end: set the duration, check the document against the contract, hand it over. */
int result_end(struct result *r, json_t **ret, struct il_err *err) IL_MUST_CHECK;
void result_done(struct result *r); /* frees; also a scope closer */

#endif
