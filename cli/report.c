// SPDX-License-Identifier: Apache-2.0
/* isolab report: tables, CSV and the HTML page from result files of isolab bench. */
#include "bench/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/verb.h"

struct report_args {
	bool table;
	const char *csv;
	const char *html;
};

static const struct opt_row report_options[] = {
    {.name = "table",
     OPT_FLAG_AT(struct report_args, table),
     .help = "Print the tables; the default when neither --csv nor --html is given"},
    {.name = "csv",
     OPT_STRING_AT(struct report_args, csv),
     .unit = "FILE",
     .help = "Write every sample as CSV; '-' is the standard output"},
    {.name = "html",
     OPT_STRING_AT(struct report_args, html),
     .unit = "FILE",
     .help = "Write one self-contained page with charts; '-' is the standard output"},
    OPT_END,
};

/* The loaded files; references are dropped when it leaves its scope. */
struct loaded {
	json_t **docs;
	size_t n;
};

static void loaded_done(struct loaded *l)
{
	for (size_t i = 0; i < l->n; i++)
		json_decref(l->docs[i]);
	free(l->docs);
}

static bool wants_color(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

static int print_tables(const struct loaded *l, struct il_err *err)
{
	bool color = wants_color();
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		if (i > 0)
			fputs("\n", stdout);
		r = report_table(l->docs[i], stdout, color, err);
	}
	return r;
}

static int run_report(const struct cli *cli IL_UNUSED, const void *opaque, int argc, char **argv,
		      struct il_err *err)
{
	const struct report_args *args = opaque;
	_cleanup_(loaded_done) struct loaded l = {.docs = calloc((size_t)argc, sizeof(json_t *))};
	int r = 0;

	if (!l.docs)
		return il_fail(err, ENOMEM, "read the results");

	for (int i = 0; r == 0 && i < argc; i++) {
		const char *path = strcmp(argv[i], "-") == 0 ? "/dev/stdin" : argv[i];

		r = report_load(path, &l.docs[l.n], err);
		l.n += r == 0;
	}
	/* The qualifier of json_t **: the writers change nothing. */
	const json_t *const *docs = (const json_t *const *)l.docs;
	if (r == 0 && args->csv)
		r = report_csv(docs, l.n, args->csv, err);
	if (r == 0 && args->html)
		r = report_html(docs, l.n, args->html, err);
	if (r == 0 && (args->table || (!args->csv && !args->html)))
		r = print_tables(&l, err);
	return r < 0 ? r : CLI_OK;
}

const struct verb verb_report = {
    .name = "report",
    .group = VERB_MEASURE,
    .usage = "[OPTIONS] FILE.json...",
    .summary = "Show results of 'isolab bench' again: tables, CSV, HTML page",
    .notes = "A file is what 'isolab bench --json' wrote; '-' reads the standard input. Several\n"
	     "files make one page. docs/reading-results.md tells how to read each figure.",
    .options = report_options,
    .args_size = sizeof(struct report_args),
    .min_args = 1,
    .max_args = -1,
    .run = run_report,
};
