/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurement harness: from options to a result document (docs/bench-json.md).
 *
 * What is measured is always a command, started the same way: isolab's kinds as
 * `isolab run --as KIND`, the peers as their own command lines. None has an advantage by
 * being called in-process.
 */
#ifndef IL_BENCH_BENCH_H
#define IL_BENCH_BENCH_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum bench_measure {
	BENCH_STARTUP,
	BENCH_MEMORY,
	BENCH_DENSITY,
	BENCH_MEASURE_MAX,
};

/* bench_measure_name: "startup", ... */
const char *bench_measure_name(enum bench_measure measure);
/* bench_measure_find: the measure called @name, or BENCH_MEASURE_MAX. */
enum bench_measure bench_measure_find(const char *name);

/* What the user asked for. Everything is borrowed and lives as long as the session. */
struct bench_options {
	const char *root;          /* isolab's state directory */
	const char *image;         /* reference of the image */
	char *const *workload;     /* NULL-ended; NULL or empty = the measure's own program */
	bool workload_is_idle;     /* memory and density use it too, not only startup */
	const char *as;            /* kinds: "process,container", "none" */
	const char *peers;         /* peers: "runc,crun", "all", "none" */
	const char *baseline;      /* subject that ratios refer to; NULL = choose */
	uint64_t n;                /* startup: starts of each subject */
	uint64_t warmup;           /* startup: rounds before, not counted */
	uint64_t concurrency;      /* startup: starts at once */
	bool cold;                 /* startup: drop the page cache before each start */
	uint64_t seed;             /* of order and resampling */
	uint64_t instances;        /* memory: how many */
	uint64_t max;              /* density: stop there */
	uint64_t floor_bytes;      /* density: stop when MemAvailable is below; 0 = 10 % of RAM */
	uint64_t max_start_ns;     /* density: stop when starts take longer; 0 = no ceiling */
	uint64_t timeout_ns;       /* of one start */
	uint64_t memory_bytes;     /* memory limit given to every subject that has one */
	char *const *command_line; /* the words behind `bench`, NULL-ended, for the record */
	bool progress;             /* report on stderr */
};

struct bench_session; /* private */

/*
 * bench_open: resolve the image, probe and prepare every subject, take over SIGINT,
 * SIGTERM and SIGHUP. What can't run here is skipped with its reason, which the results
 * name. One session per process at a time.
 * Returns 0 and an owned session in *ret; -EINVAL for an unknown kind or peer; -EINTR; or
 * -errno. On failure nothing is left.
 */
int bench_open(const struct bench_options *options, struct bench_session **ret,
	       struct il_err *err) IL_MUST_CHECK;

/*
 * bench_measure: run one measure.
 * Returns 0 and an owned document in *ret (failed starts are in it, never an error);
 * -EINTR when a signal stopped it: nothing of the measure runs any more; or -errno.
 */
int bench_measure(struct bench_session *session, enum bench_measure measure, json_t **ret,
		  struct il_err *err) IL_MUST_CHECK;

/*
 * bench_close: remove everything that was prepared (bundles, images in engines, daemons,
 * mounts, directories) and free the session. Accepts NULL, returns NULL.
 */
struct bench_session *bench_close(struct bench_session *session);
void bench_closep(struct bench_session **session); /* the same as a scope closer */

#endif
