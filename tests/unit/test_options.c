// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cli/options.h"
#include "cli/verb.h"

struct args {
	bool tty;
	bool stdin_open;
	const char *name;
	struct opt_optional timeline;
	const char *as;
	struct opt_list env;
	uint64_t memory;
	uint64_t n;
	uint64_t cpus;
	uint64_t wait;
};

static const struct opt_row rows[] = {
    {.name = "tty", .short_name = 't', OPT_FLAG_AT(struct args, tty), .help = "h"},
    {.name = "interactive", .short_name = 'i', OPT_FLAG_AT(struct args, stdin_open), .help = "h"},
    {.name = "name", OPT_STRING_AT(struct args, name), .help = "h"},
    {.name = "timeline", OPT_OPTIONAL_AT(struct args, timeline), .help = "h"},
    {.name = "as",
     OPT_CHOICE_AT(struct args, as),
     .choices = "process|nano",
     .def = "nano",
     .help = "h"},
    {.name = "env", .short_name = 'e', OPT_LIST_AT(struct args, env), .help = "h"},
    {.name = "memory",
     .short_name = 'm',
     OPT_SIZE_AT(struct args, memory),
     .min = 4096,
     .help = "h"},
    {.name = "count", .short_name = 'n', OPT_U64_AT(struct args, n), .max = 10, .help = "h"},
    {.name = "cpus", OPT_MILLI_AT(struct args, cpus), .min = 10, .def = "1.5", .help = "h"},
    {.name = "wait", OPT_DURATION_AT(struct args, wait), .help = "h"},
    {.name = "publish", .short_name = 'p', .type = OPT_REFUSED, .help = "no networks"},
    OPT_END,
};

#define MAX_WORDS 16

struct result {
	struct args args;
	struct il_err err;
	int r;
	int first;
	char *words[MAX_WORDS];
	int n;
	char text[512];
};

/* Parses the words of @line (split at blanks); "verb" stands in front of them. */
static void parse(struct result *t, bool options_first, const char *line)
{
	struct opt_space space = {rows, &t->args};

	memset(t, 0, sizeof(*t));
	snprintf(t->text, sizeof(t->text), "verb %s", line);
	for (char *w = strtok_r(t->text, " ", &t->words[MAX_WORDS - 1]); w;
	     w = strtok_r(NULL, " ", &t->words[MAX_WORDS - 1]))
		t->words[t->n++] = w;
	t->words[t->n] = NULL;
	cr_assert_eq(opt_defaults(&space, &t->err), 0);
	t->r = opt_parse(&(struct opt_syntax){&space, 1, options_first}, t->n, t->words, &t->first,
			 &t->err);
}

static void done(struct result *t)
{
	opt_done(&(struct opt_space){rows, &t->args});
}

Test(options, docker_style_run_line)
{
	struct result t;

	parse(&t, true, "-it --name=x -e A=B -eC=D -e=E=F -m 64m --timeline demo ls -l -m");
	cr_assert_eq(t.r, 0, "%s", t.err.msg);
	cr_assert(t.args.tty && t.args.stdin_open);
	cr_assert_str_eq(t.args.name, "x");
	cr_assert_eq(t.args.env.n, 3);
	cr_assert_str_eq(t.args.env.items[0], "A=B");
	cr_assert_str_eq(t.args.env.items[1], "C=D");
	cr_assert_str_eq(t.args.env.items[2], "E=F");
	cr_assert_eq(t.args.memory, 64u << 20);
	cr_assert(t.args.timeline.given);
	cr_assert_null(t.args.timeline.value);
	cr_assert_str_eq(t.args.as, "nano");
	cr_assert_eq(t.args.cpus, 1500);
	cr_assert_str_eq(t.words[t.first], "demo");
	cr_assert_str_eq(t.words[t.first + 2], "-l");
	done(&t);
}

Test(options, words_keep_their_order_when_options_stand_between)
{
	struct result t;

	parse(&t, false, "a -t b --count 3 c -- -d e");
	cr_assert_eq(t.r, 0, "%s", t.err.msg);
	cr_assert_eq(t.args.n, 3);
	cr_assert_eq(t.n - t.first, 5);
	static const char *const want[] = {"a", "b", "c", "-d", "e"};
	for (int i = 0; i < 5; i++)
		cr_assert_str_eq(t.words[t.first + i], want[i]);
	done(&t);
}

Test(options, double_dash_ends_the_options_of_run)
{
	struct result t;

	parse(&t, true, "-t -- -i x");
	cr_assert_eq(t.r, 0);
	cr_assert_not(t.args.stdin_open);
	cr_assert_str_eq(t.words[t.first], "-i");
}

Test(options, optional_value_only_with_equals_sign)
{
	struct result t;

	parse(&t, true, "--timeline=/tmp/x demo");
	cr_assert_str_eq(t.args.timeline.value, "/tmp/x");
	parse(&t, true, "--tty=false demo");
	cr_assert_eq(t.r, 0);
	cr_assert_not(t.args.tty);
}

Test(options, errors_name_the_option)
{
	static const struct {
		const char *line;
		const char *want;
	} cases[] = {
	    {"--nope", "unknown option '--nope'"},
	    {"--nope=1", "unknown option '--nope'"},
	    {"-tx", "unknown option '-x'"},
	    {"-m", "option '-m, --memory': a value is missing"},
	    {"--memory 1x", "option '--memory': '1x' is not a size like 512k, 64m or 1g"},
	    {"--memory 1", "option '--memory': '1' is not between 4096 and 18446744073709551615"},
	    {"-n 11", "option '-n, --count': '11' is not between 0 and 10"},
	    {"--as vm", "option '--as': 'vm' is not one of process|nano"},
	    {"--as pro", "option '--as': 'pro' is not one of process|nano"},
	    {"--tty=maybe", "option '--tty': 'maybe' is neither true nor false"},
	    {"-p 80:80", "option '-p, --publish': not supported yet: no networks"},
	    {"--cpus 0", "option '--cpus': '0' is not between 0.01 and 1e+12"},
	    {"--wait x", "option '--wait': 'x' is not a duration like 250ms, 5s or 2m"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct result t;

		parse(&t, true, cases[i].line);
		cr_assert_lt(t.r, 0, "%s", cases[i].line);
		cr_assert_str_eq(t.err.msg, cases[i].want);
		done(&t);
	}
}

Test(options, help_is_told_apart)
{
	struct result t;

	parse(&t, true, "--help");
	cr_assert_eq(t.r, 1);
	parse(&t, true, "-th");
	cr_assert_eq(t.r, 1);
	parse(&t, true, "demo --help");
	cr_assert_eq(t.r, 0, "the workload's --help is its own");
}

static void check_row(const char *verb, const struct opt_row *row)
{
	cr_assert(row->help && row->help[0], "%s --%s has no help", verb, row->name);
	size_t len = strlen(row->help);
	cr_assert_neq(row->help[len - 1], '.', "%s --%s: help ends in a full stop", verb,
		      row->name);
	cr_assert_lt(row->type, OPT_TYPE_MAX);
	if (row->type == OPT_CHOICE)
		cr_assert_not_null(row->choices, "%s --%s", verb, row->name);
	cr_assert(row->max == 0 || row->min <= row->max, "%s --%s", verb, row->name);
}

static void check_rows(const char *verb, const struct opt_row *table)
{
	for (const struct opt_row *a = table; a && a->name; a++) {
		check_row(verb, a);
		for (const struct opt_row *b = a + 1; b->name; b++) {
			cr_assert_str_neq(a->name, b->name, "%s", verb);
			cr_assert(a->short_name == 0 || a->short_name != b->short_name,
				  "%s: -%c twice", verb, a->short_name);
		}
		for (const struct opt_row *g = cli_global_options;
		     table != cli_global_options && g->name; g++)
			cr_assert_str_neq(a->name, g->name, "%s hides a global option", verb);
	}
}

Test(verbs, every_table_is_sound)
{
	check_rows("isolab", cli_global_options);
	for (size_t i = 0; cli_verbs[i]; i++) {
		const struct verb *v = cli_verbs[i];
		void *args = calloc(1, v->args_size + 1);
		struct opt_space space = {v->options, args};
		struct il_err err = {0};

		cr_assert(v->name && v->summary && v->usage && v->run, "verb %zu", i);
		cr_assert(v->max_args < 0 || v->min_args <= v->max_args, "%s", v->name);
		cr_assert_lt(v->group, VERB_GROUP_MAX, "%s", v->name);
		check_rows(v->name, v->options);
		cr_assert_eq(opt_defaults(&space, &err), 0, "%s: %s", v->name, err.msg);
		for (size_t j = i + 1; cli_verbs[j]; j++)
			cr_assert_str_neq(v->name, cli_verbs[j]->name);
		opt_done(&space);
		free(args);
	}
}

Test(verbs, nested_names)
{
	int words = 0;

	cr_assert_str_eq(cli_find_verb(1, (char *[]){(char[]){"help"}}, &words)->name, "help");
	cr_assert_eq(words, 1);
	cr_assert_null(cli_find_verb(1, (char *[]){(char[]){"image"}}, &words));
	cr_assert_null(cli_find_verb(2, (char *[]){(char[]){"image"}, (char[]){"help"}}, &words));
	cr_assert_null(cli_find_verb(0, NULL, &words));
}

Test(help, lists_each_visible_option_once)
{
	struct il_buf out = {0};

	opt_help(&out, rows);
	cr_assert_not_null(strstr(out.data, "  -m, --memory SIZE "));
	cr_assert_not_null(strstr(out.data, "      --timeline[=VALUE] "));
	cr_assert_not_null(strstr(out.data, "(default: 1.5)"));
	cr_assert_null(strstr(out.data, "publish"));
	il_buf_done(&out);
	opt_roff(&out, rows);
	cr_assert_not_null(strstr(out.data, "\\fB\\-m\\fR, \\fB\\-\\-memory\\fR \\fISIZE\\fR"));
	il_buf_done(&out);
}
