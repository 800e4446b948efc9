// SPDX-License-Identifier: Apache-2.0
/* The table of verbs, and how a command line names one. */
#include "cli/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/version.h"

/* A line each, so that two changes do not conflict. */
/* clang-format off */
const struct verb *const cli_verbs[] = {
    &verb_run,
    &verb_ps,
    &verb_inspect,
    &verb_kill,
    &verb_rm,
    &verb_images,
    &verb_import,
    &verb_rmi,
    &verb_bench,
    &verb_report,
    &verb_doctor,
    &verb_help,
    &verb_version,
    NULL,
};
/* clang-format on */

const struct opt_row cli_global_options[] = {
    {.name = "root",
     OPT_STRING_AT(struct cli_global_args, root),
     .unit = "DIR",
     .help = "Keep images and state in DIR instead of /var/lib/isolab "
	     "(not root: ~/.local/share/isolab); also $ISOLAB_ROOT"},
    {.name = "debug",
     .short_name = 'D',
     OPT_FLAG_AT(struct cli_global_args, debug),
     .help = "Tell more on stderr about what is done"},
    {.name = "version",
     OPT_FLAG_AT(struct cli_global_args, version),
     .hidden = true,
     .help = "Print the version"},
    OPT_END,
};

static const char *const group_titles[VERB_GROUP_MAX] = {
    [VERB_INSTANCES] = "Instances (also as 'isolab container COMMAND')",
    [VERB_IMAGES] = "Images (also as 'isolab image COMMAND')",
    [VERB_MEASURE] = "Measuring",
    [VERB_OTHER] = "Other",
};

static const struct verb *find(const char *name)
{
	for (size_t i = 0; cli_verbs[i]; i++)
		if (strcmp(cli_verbs[i]->name, name) == 0)
			return cli_verbs[i];
	return NULL;
}

static const struct verb *find_nested(enum verb_group group, const char *name)
{
	for (size_t i = 0; cli_verbs[i]; i++) {
		const struct verb *v = cli_verbs[i];

		if (v->group == group && v->nested_name && strcmp(v->nested_name, name) == 0)
			return v;
	}
	const struct verb *v = find(name);
	/* inspect looks for both, so docker's `image inspect` finds it in the other group. */
	bool either = v && strcmp(v->name, "inspect") == 0;
	return v && (v->group == group || either) ? v : NULL;
}

const struct verb *cli_find_verb(int argc, char **argv, int *ret_words)
{
	*ret_words = 1;
	if (argc < 1)
		return NULL;
	bool image = strcmp(argv[0], "image") == 0;
	if (image || strcmp(argv[0], "container") == 0) {
		*ret_words = 2;
		return argc < 2 ? NULL : find_nested(image ? VERB_IMAGES : VERB_INSTANCES, argv[1]);
	}
	return find(argv[0]);
}

void cli_verb_help(struct il_buf *out, const struct verb *verb)
{
	il_buf_printf(out, "Usage: isolab %s%s%s\n\n%s\n", verb->name, verb->usage[0] ? " " : "",
		      verb->usage, verb->summary);
	il_buf_str(out, "\nOptions:\n");
	opt_help(out, verb->options);
	opt_help(out, cli_global_options);
	if (verb->notes)
		il_buf_printf(out, "\n%s\n", verb->notes);
}

void cli_help(struct il_buf *out)
{
	il_buf_str(out, "Usage: isolab [OPTIONS] COMMAND\n\nBoot one app image as a plain process, "
			"a container or a KVM microVM,\nand measure what each costs.\n");
	for (int g = 0; g < VERB_GROUP_MAX; g++) {
		bool titled = false;

		for (size_t i = 0; cli_verbs[i]; i++) {
			const struct verb *v = cli_verbs[i];

			if ((int)v->group != g || v->hidden)
				continue;
			if (!titled)
				il_buf_printf(out, "\n%s:\n", group_titles[g]);
			titled = true;
			il_buf_printf(out, "  %-10s  %s\n", v->name, v->summary);
		}
	}
	il_buf_str(out, "\nOptions:\n");
	opt_help(out, cli_global_options);
	il_buf_str(out, "\n'isolab COMMAND --help' tells more about a command.\n");
}

int cli_print(struct il_buf *out, struct il_err *err)
{
	int r = il_buf_check(out);

	if (r == 0 && out->data)
		r = il_write_full(1, out->data, out->len);
	il_buf_done(out);
	return r < 0 ? il_fail(err, -r, "write to the standard output") : CLI_OK;
}

/* One line, even when a name in it holds a newline or an escape sequence. */
void cli_print_error(const char *verb, const char *text, const char *hint)
{
	char line[IL_ERR_MSG_MAX + 128];
	int n = snprintf(line, sizeof(line), "isolab%s%s: %s%s", verb ? " " : "", verb ? verb : "",
			 text, hint ? hint : "");

	if (n < 0)
		return;
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	dprintf(STDERR_FILENO, "%s\n", line);
}

/* The man page's sections OPTIONS and COMMANDS. */
static void add_man(struct il_buf *out)
{
	il_buf_str(out, ".SH OPTIONS\n");
	opt_roff(out, cli_global_options);
	il_buf_str(out, ".SH COMMANDS\n");
	for (size_t i = 0; cli_verbs[i]; i++) {
		const struct verb *v = cli_verbs[i];

		if (v->hidden)
			continue;
		il_buf_printf(out, ".SS \"isolab %s %s\"\n\\&", v->name, v->usage);
		opt_roff_text(out, v->summary);
		il_buf_str(out, ".\n");
		if (v->notes) {
			il_buf_str(out, ".PP\n\\&");
			opt_roff_text(out, v->notes);
			il_buf_str(out, "\n");
		}
		opt_roff(out, v->options);
	}
}

struct help_args {
	bool man;
};

static const struct opt_row help_rows[] = {
    {.name = "man",
     OPT_FLAG_AT(struct help_args, man),
     .hidden = true,
     .help = "Print the man page's list of commands and options"},
    OPT_END,
};

static int run_help(const struct cli *cli IL_UNUSED, const void *args, int argc, char **argv,
		    struct il_err *err)
{
	const struct help_args *a = args;
	struct il_buf out = {0};
	int words = 0;

	if (a->man || argc == 0) {
		if (a->man)
			add_man(&out);
		else
			cli_help(&out);
		return cli_print(&out, err);
	}
	const struct verb *verb = cli_find_verb(argc, argv, &words);
	if (!verb)
		return il_refuse(err, EINVAL, "there is no command '%s' (see 'isolab --help')",
				 argv[0]);
	cli_verb_help(&out, verb);
	return cli_print(&out, err);
}

const struct verb verb_help = {
    .name = "help",
    .group = VERB_OTHER,
    .usage = "[COMMAND]",
    .summary = "Tell about isolab or one of its commands",
    .options = help_rows,
    .args_size = sizeof(struct help_args),
    .max_args = 2,
    .run = run_help,
};

static int run_version(const struct cli *cli, const void *args, int argc, char **argv,
		       struct il_err *err)
{
	struct il_buf out = {0};

	(void)cli;
	(void)args;
	(void)argc;
	(void)argv;
	il_buf_str(&out, "isolab " IL_VERSION "\n");
	return cli_print(&out, err);
}

const struct verb verb_version = {
    .name = "version",
    .group = VERB_OTHER,
    .usage = "",
    .summary = "Print the version",
    .run = run_version,
};
