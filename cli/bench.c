// SPDX-License-Identifier: Apache-2.0
/* isolab bench: measure what each kind of isolation costs, beside the peers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "bench/bench.h"
#include "bench/interrupt.h"
#include "bench/report.h"
#include "cli/verb.h"

#include <fcntl.h>

struct bench_args {
	const char *as, *peers, *baseline;
	uint64_t n, warmup, concurrency, seed, instances, max, floor_bytes, max_start_ns;
	uint64_t timeout_ns, memory_bytes;
	const char *json, *csv, *html;
	bool cold, quiet;
};

static const struct opt_row bench_options[] = {
    {.name = "as",
     OPT_STRING_AT(struct bench_args, as),
     .def = "process,container,nano",
     .unit = "LIST",
     .help = "Kinds to measure, separated by commas, or 'none'"},
    {.name = "peers",
     OPT_STRING_AT(struct bench_args, peers),
     .def = "null",
     .unit = "LIST",
     .help = "Peers to measure beside them: null (the harness itself), exec (the program alone), "
	     "bwrap, crun, runc, podman, docker, systemd-nspawn; 'all' or 'none'"},
    {.name = "count",
     .short_name = 'n',
     OPT_U64_AT(struct bench_args, n),
     .def = "100",
     .min = 1,
     .max = 1000000,
     .unit = "N",
     .help = "startup: measured starts of each"},
    {.name = "warmup",
     OPT_U64_AT(struct bench_args, warmup),
     .def = "3",
     .max = 10000,
     .unit = "N",
     .help = "startup: rounds before, not counted"},
    {.name = "concurrency",
     OPT_U64_AT(struct bench_args, concurrency),
     .def = "1",
     .min = 1,
     .max = 256,
     .unit = "N",
     .help = "startup: starts at the same moment"},
    {.name = "cold",
     OPT_FLAG_AT(struct bench_args, cold),
     .help = "startup: drop the page cache before each start (root only)"},
    {.name = "instances",
     OPT_U64_AT(struct bench_args, instances),
     .def = "20",
     .min = 2,
     .max = 100000,
     .unit = "N",
     .help = "memory: idle instances to start of each"},
    {.name = "max",
     OPT_U64_AT(struct bench_args, max),
     .def = "1000",
     .min = 1,
     .max = 100000,
     .unit = "N",
     .help = "density: stop at N instances"},
    {.name = "floor",
     OPT_SIZE_AT(struct bench_args, floor_bytes),
     .unit = "SIZE",
     .help = "density: stop when less memory is available (default: a tenth of all)"},
    {.name = "max-start",
     OPT_DURATION_AT(struct bench_args, max_start_ns),
     .unit = "TIME",
     .help = "density: stop when starts take longer (median of the last 5; default: no ceiling)"},
    {.name = "baseline",
     OPT_STRING_AT(struct bench_args, baseline),
     .unit = "NAME",
     .help = "The kind or peer that ratios refer to (default: process, else exec)"},
    {.name = "memory",
     .short_name = 'm',
     OPT_SIZE_AT(struct bench_args, memory_bytes),
     .def = "256m",
     .min = 16 << 20,
     .unit = "SIZE",
     .help = "Memory limit (a VM: its memory) of everything that can have one"},
    {.name = "timeout",
     OPT_DURATION_AT(struct bench_args, timeout_ns),
     .def = "60s",
     .min = 100 * IL_NS_PER_MS,
     .unit = "TIME",
     .help = "A start that takes longer has failed"},
    {.name = "seed",
     OPT_U64_AT(struct bench_args, seed),
     .def = "1",
     .unit = "N",
     .help = "Of the random order of starts and of the resampling"},
    {.name = "json",
     OPT_STRING_AT(struct bench_args, json),
     .unit = "FILE",
     .help = "Write the result, every sample included, to FILE"},
    {.name = "csv",
     OPT_STRING_AT(struct bench_args, csv),
     .unit = "FILE",
     .help = "Write all samples as CSV to FILE"},
    {.name = "html",
     OPT_STRING_AT(struct bench_args, html),
     .unit = "FILE",
     .help = "Write a self-contained page with charts to FILE"},
    {.name = "quiet",
     .short_name = 'q',
     OPT_FLAG_AT(struct bench_args, quiet),
     .help = "No progress on stderr"},
    OPT_END,
};

static void fill_options(const struct bench_args *a, struct bench_options *o)
{
	o->as = a->as;
	o->peers = a->peers;
	o->baseline = a->baseline;
	o->n = a->n;
	o->warmup = a->warmup;
	o->concurrency = a->concurrency;
	o->cold = a->cold;
	o->seed = a->seed;
	o->instances = a->instances;
	o->max = a->max;
	o->floor_bytes = a->floor_bytes;
	o->max_start_ns = a->max_start_ns;
	o->timeout_ns = a->timeout_ns;
	o->memory_bytes = a->memory_bytes;
	o->progress = !a->quiet;
}

/* Run one measure, or all of them into a suite. */
static int measure(struct bench_session *session, const char *what, json_t **ret,
		   struct il_err *err)
{
	json_auto_t *results = json_array();

	if (strcmp(what, "all") != 0)
		return bench_measure(session, bench_measure_find(what), ret, err);
	for (int m = 0; m < BENCH_MEASURE_MAX; m++) {
		json_t *doc = NULL;
		int r = bench_measure(session, (enum bench_measure)m, &doc, err);

		if (r < 0)
			return r;
		json_array_append_new(results, doc);
	}
	*ret = json_pack("{s:s, s:i, s:O}", "schema", "isolab-bench-suite", "schema_version", 1,
			 "results", results);
	return *ret ? 0 : il_fail(err, ENOMEM, "make a suite");
}

/* The terminal table, and the files that were asked for. */
static int output(const json_t *doc, const struct bench_args *a, struct il_err *err)
{
	const json_t *docs[] = {doc};
	int r = 0;

	if (a->json)
		r = il_json_save(AT_FDCWD, a->json, doc, err);
	if (r == 0 && a->csv)
		r = report_csv(docs, 1, a->csv, err);
	if (r == 0 && a->html)
		r = report_html(docs, 1, a->html, err);
	return r < 0 ? r : report_table(doc, stdout, isatty(STDOUT_FILENO), err);
}

/* Did anything at all succeed? A table of failures is not a success. */
static bool anything_measured(const json_t *doc)
{
	const json_t *results = json_object_get(doc, "results"), *s, *one;
	size_t i;

	if (results) {
		json_array_foreach((json_t *)(uintptr_t)results, i,
				   one) if (anything_measured(one)) return true;
		return false;
	}
	json_array_foreach(json_object_get(doc, "subjects"), i, s)
	{
		const json_t *density = json_object_get(s, "density");
		const char *name = json_string_value(json_object_get(s, "name"));

		if (name && strcmp(name, "null") == 0 &&
		    json_array_size(json_object_get(doc, "subjects")) > 1)
			continue;
		if (json_object_size(json_object_get(s, "summary")) ||
		    json_object_get(s, "memory") ||
		    json_integer_value(json_object_get(density, "max_alive")) > 0)
			return true;
	}
	return false;
}

static int check_what(const char *what, struct il_err *err)
{
	if (strcmp(what, "all") == 0 || bench_measure_find(what) != BENCH_MEASURE_MAX)
		return 0;
	return il_refuse(err, EINVAL, "'%s' is not a measure: startup, memory, density or all",
			 what);
}

/* Options may also stand behind the measure: `bench startup -n 50 IMAGE`. */
static int parse_rest(struct bench_args *args, struct cli_global_args *global, int argc,
		      char **argv, int *ret_first, struct il_err *err)
{
	const struct opt_space spaces[] = {{bench_options, args}, {cli_global_options, global}};
	struct opt_syntax syntax = {spaces, ARRAY_SIZE(spaces), true};

	return opt_parse(&syntax, argc, argv, ret_first, err);
}

/* Measure with everything set, clean up, and only then print. Returns the exit status. */
static int measure_and_print(const struct bench_options *o, const char *what,
			     const struct bench_args *a, struct il_err *err)
{
	struct bench_session *session = NULL;
	json_auto_t *doc = NULL;
	int r = bench_open(o, &session, err);

	if (r == 0)
		r = measure(session, what, &doc, err);
	int sig = interrupt_signal();
	session = bench_close(session);
	if (r == -EINTR && sig) {
		il_warn("bench: %s", err->msg);
		return CLI_SIGNAL_BASE + sig;
	}
	if (r == 0)
		r = output(doc, a, err);
	if (r == 0 && !anything_measured(doc))
		return il_refuse(err, EIO, "nothing could be measured: the table says why");
	return r < 0 ? r : CLI_OK;
}

static int print_help(struct il_err *err)
{
	struct il_buf help = {0};

	cli_verb_help(&help, &verb_bench);
	return cli_print(&help, err);
}

static int run(const struct cli *cli, const void *args, int argc, char **argv, struct il_err *err)
{
	struct bench_args a = *(const struct bench_args *)args;
	struct cli_global_args global = {0};
	struct bench_options o = {.root = cli->root, .command_line = argv};
	int first = 0, r = check_what(argv[0], err);

	if (r == 0)
		r = parse_rest(&a, &global, argc, argv, &first, err);
	if (r != 0)
		return r == 1 ? print_help(err) : r;
	if (first >= argc)
		return il_refuse(err, EINVAL, "which image? isolab bench %s IMAGE", argv[0]);
	if (argv[first + 1] && argv[first + 1][0] == '-')
		return il_refuse(err, EINVAL,
				 "options stand before the image: '%s' would be the command to run",
				 argv[first + 1]);
	if (global.root)
		o.root = global.root;
	fill_options(&a, &o);
	o.image = argv[first];
	o.workload = argv + first + 1;
	o.workload_is_idle = strcmp(argv[0], "all") != 0;
	return measure_and_print(&o, argv[0], &a, err);
}

const struct verb verb_bench = {
    .name = "bench",
    .group = VERB_MEASURE,
    .usage = "startup|memory|density|all [OPTIONS] IMAGE [COMMAND...]",
    .summary = "Measure what each kind of isolation costs, beside the peers found here",
    .notes = "startup measures from the launch of a command to its end, memory what an idle\n"
	     "instance takes, density how many can live at once. Without COMMAND the image's\n"
	     "own /usr/bin/il-true (startup) or /usr/bin/il-idle is used. A COMMAND for memory\n"
	     "and density prints a line when it is ready and one for each line it reads, and\n"
	     "ends when its input ends; with 'all', COMMAND is for startup only.\n",
    .options = bench_options,
    .args_size = sizeof(struct bench_args),
    .min_args = 1,
    .max_args = -1,
    .options_first = true,
    .run = run,
};
