// SPDX-License-Identifier: Apache-2.0
/*
 * bench startup: how long from the launch call until the command has ended.
 *
 * A round starts every subject once (or `concurrency` times at once), in an order drawn
 * anew for each round, so that drift of the machine hits all alike. Isolab's kinds get
 * further starts in some rounds with a timeline: writing one costs time, and these starts
 * are kept apart ("traces").
 */
#include "bench/startup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench/interrupt.h"
#include "bench/procs.h"
#include "bench/progress.h"
#include "bench/session.h"

/* After so many failures and not one success a subject is given up. */
#define HOPELESS_FAILURES 5
#define TRACES_WANTED     40

static char *const default_workload[] = {(char *)(uintptr_t) "/usr/bin/il-true", NULL};

void samples_done(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++)
		sample_done(&s->v[i]);
	free(s->v);
	*s = (struct samples){0};
}

/* Takes what @sample owns, also on failure. */
static int samples_add(struct samples *s, struct sample *sample)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct sample *v = realloc(s->v, cap * sizeof(*v));

		if (!v) {
			sample_done(sample);
			return -ENOMEM;
		}
		s->v = v;
		s->cap = cap;
	}
	s->failures += !sample->ok;
	s->v[s->n++] = *sample;
	return 0;
}

struct startup {
	struct bench_session *session;
	char *const *workload;
	const struct output_rule *rule;
	struct startup_data data[SUBJECTS_MAX];
	uint64_t order;
	int timeline_fd; /* memfd; borrowed */
};

/* Holds the launchers back until all of them are there. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum { GATE_SHUT, GATE_OPEN, GATE_GIVEN_UP } state;
};

/* One start of a batch; several run in threads. */
struct job {
	struct launch launch;
	struct command command;
	struct start start;
	struct sample sample;
	int result;
	struct gate *gate;
};

static void *job_main(void *arg)
{
	struct job *job = arg;
	struct gate *gate = job->gate;

	pthread_mutex_lock(&gate->lock);
	while (gate->state == GATE_SHUT)
		pthread_cond_wait(&gate->changed, &gate->lock);
	bool go = gate->state == GATE_OPEN;
	pthread_mutex_unlock(&gate->lock);
	if (go)
		job->result = launch_measure(&job->launch, &job->sample);
	return NULL;
}

static int run_concurrently(struct job *jobs, size_t n, struct il_err *err)
{
	_cleanup_(freep) pthread_t *threads = calloc(n, sizeof(*threads));
	struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, GATE_SHUT};
	size_t started = 0;
	int r = threads ? 0 : ENOMEM;

	while (started < n && r == 0) {
		jobs[started].gate = &gate;
		r = pthread_create(&threads[started], NULL, job_main, &jobs[started]);
		started += r == 0;
	}
	pthread_mutex_lock(&gate.lock);
	gate.state = r == 0 ? GATE_OPEN : GATE_GIVEN_UP;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return r != 0 ? il_fail(err, r, "start %zu launchers", n) : 0;
}

static int drop_caches(struct il_err *err)
{
	sync(); /* only clean pages can be dropped */
	int r = il_write_str(AT_FDCWD, "/proc/sys/vm/drop_caches", "3");
	return r < 0 ? il_fail(err, -r, "drop the page cache for --cold") : 0;
}

static int make_job(struct startup *st, struct subject *s, bool traced, struct job *job,
		    struct il_err *err)
{
	*job = (struct job){.command = COMMAND_INIT};
	start_init(&job->start, st->workload);
	job->start.timeline_fd = traced ? st->timeline_fd : -1;
	job->launch = (struct launch){
	    .command = &job->command,
	    .rule = strcmp(s->name, "null") == 0 || strcmp(s->name, "isolab-null") == 0 ? NULL
											: st->rule,
	    .timeout_ns = st->session->options.timeout_ns,
	    .null_fd = st->session->env.null_fd,
	    .timeline_fd = job->start.timeline_fd,
	};
	return s->driver->command(&st->session->env, s, &job->start, &job->command, err);
}

/* Keep the samples of a finished batch; clean up after starts that went wrong. */
static int keep_batch(struct startup *st, struct subject *s, struct job *jobs, size_t n,
		      struct samples *to, struct il_err *err)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		struct job *job = &jobs[i];

		if ((job->result < 0 || !job->sample.ok) && s->driver->remove)
			s->driver->remove(&st->session->env, s, job->start.id);
		if (job->result < 0 && r == 0)
			r = interrupt_check(err);
		job->sample.order = st->order++;
		if (to && r == 0 && samples_add(to, &job->sample) < 0)
			r = il_fail(err, ENOMEM, "keep a sample");
		else if (!to || r < 0)
			sample_done(&job->sample);
		command_done(&job->command);
	}
	procs_reap_orphans();
	return r < 0 ? r : interrupt_check(err);
}

/* @to == NULL: a warm-up, whose samples are not kept. */
static int run_batch(struct startup *st, struct subject *s, size_t n, bool traced,
		     struct samples *to, struct il_err *err)
{
	_cleanup_(freep) struct job *jobs = calloc(n, sizeof(*jobs));
	int r = jobs ? 0 : il_fail(err, ENOMEM, "start %s", s->name);

	for (size_t i = 0; i < n && r == 0; i++)
		r = make_job(st, s, traced, &jobs[i], err);
	if (r == 0 && st->session->options.cold)
		r = drop_caches(err);
	if (r == 0 && n == 1 && jobs)
		jobs[0].result = launch_measure(&jobs[0].launch, &jobs[0].sample);
	else if (r == 0)
		r = run_concurrently(jobs, n, err);
	if (r < 0) {
		for (size_t i = 0; jobs && i < n; i++)
			command_done(&jobs[i].command);
		return r;
	}
	return keep_batch(st, s, jobs, n, to, err);
}

static bool hopeless(const struct samples *s)
{
	return s->failures >= HOPELESS_FAILURES && s->failures == s->n;
}

/* One subject's part of a round. */
static int run_turn(struct startup *st, size_t index, bool warmup, bool trace, struct il_err *err)
{
	struct subject *s = &st->session->subjects.list[index];
	struct startup_data *d = &st->data[index];
	const struct bench_options *o = &st->session->options;

	if (s->skipped || hopeless(&d->samples))
		return 0;
	size_t n = (size_t)o->concurrency;
	if (!warmup)
		n = IL_MIN(n, (size_t)o->n - d->samples.n);
	if (n == 0)
		return 0;
	struct il_err why = {0};
	int r = run_batch(st, s, n, false, warmup ? NULL : &d->samples, &why);
	if (r == 0 && trace && s->driver == &kind_driver && !hopeless(&d->samples))
		r = run_batch(st, s, 1, true, &d->traces, &why);
	if (r == -EINTR || r == -ENOMEM || (r < 0 && o->cold)) {
		*err = why;
		return r;
	}
	if (r < 0) { /* its command can't be made: no reason to stop the others */
		samples_done(&d->samples);
		samples_done(&d->traces);
		subject_skip(s, &why);
	}
	return 0;
}

static int run_round(struct startup *st, uint64_t round, uint64_t rounds, struct stats_rng *rng,
		     struct il_err *err)
{
	const struct bench_options *o = &st->session->options;
	bool warmup = round < o->warmup;
	uint64_t every = IL_MAX((rounds - o->warmup) / TRACES_WANTED, (uint64_t)1);
	size_t order[SUBJECTS_MAX], n = st->session->subjects.n;

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	stats_shuffle(rng, order, n);
	for (size_t i = 0; i < n; i++) {
		bool trace = !warmup && (round - o->warmup) % every == 0;
		int r = run_turn(st, order[i], warmup, trace, err);

		if (r < 0)
			return r;
	}
	progress_update("startup%s: round %llu of %llu%s", o->cold ? ", cold" : "",
			(unsigned long long)round + 1, (unsigned long long)rounds,
			warmup ? " (warming up)" : "");
	return 0;
}

static int run_rounds(struct startup *st, struct il_err *err)
{
	const struct bench_options *o = &st->session->options;
	uint64_t rounds = o->warmup + (o->n + o->concurrency - 1) / o->concurrency;
	struct stats_rng rng = {o->seed};

	progress_step("startup: %llu rounds", (unsigned long long)rounds);
	for (uint64_t round = 0; round < rounds; round++) {
		int r = run_round(st, round, rounds, &rng, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int startup_run(struct bench_session *session, json_t **ret, struct il_err *err)
{
	_cleanup_(result_done) struct result result = {0};
	const struct bench_options *o = &session->options;
	_cleanup_(closep) int timeline_fd = memfd_create("isolab-timeline", MFD_CLOEXEC);
	int r;

	if (timeline_fd < 0)
		return il_fail(err, errno, "memfd_create");
	_cleanup_(freep) struct startup *st = calloc(1, sizeof(*st));
	if (!st)
		return il_fail(err, ENOMEM, "startup");
	st->session = session;
	st->workload = session_workload(session, BENCH_STARTUP, default_workload);
	st->rule = output_rule_find(st->workload[0]);
	st->timeline_fd = timeline_fd;
	r = result_begin(&result, session, BENCH_STARTUP, o->cold ? "cold" : "warm", st->workload,
			 err);
	if (r == 0)
		r = run_rounds(st, err);
	progress_step("startup: statistics");
	if (r == 0)
		r = startup_report(session, st->data, &result, err);
	if (r == 0)
		r = result_end(&result, ret, err);
	for (size_t i = 0; i < SUBJECTS_MAX; i++) {
		samples_done(&st->data[i].samples);
		samples_done(&st->data[i].traces);
	}
	return r;
}
