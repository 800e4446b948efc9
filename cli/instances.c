// SPDX-License-Identifier: Apache-2.0
/* isolab ps, rm, kill, inspect: the instances there are. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "cli/inspect.h"
#include "cli/verb.h"
#include "sandbox/instance.h"

#define STOP_TIMEOUT_NS (10 * IL_NS_PER_S)
#define COMMAND_WIDTH   24 /* of `ps` without --no-trunc */

/* ---- ps ---- */

struct ps_args {
	bool all;
	bool quiet;
	bool no_trunc;
	const char *format;
};

static const struct opt_row ps_rows[] = {
    {.name = "all",
     .short_name = 'a',
     OPT_FLAG_AT(struct ps_args, all),
     .help = "Show instances that have ended, too"},
    {.name = "format",
     OPT_CHOICE_AT(struct ps_args, format),
     .choices = "table|json",
     .def = "table",
     .help = "table for people, or one JSON object a line"},
    {.name = "no-trunc",
     OPT_FLAG_AT(struct ps_args, no_trunc),
     .help = "Show whole ids and commands"},
    {.name = "quiet",
     .short_name = 'q',
     OPT_FLAG_AT(struct ps_args, quiet),
     .help = "Show ids only"},
    OPT_END,
};

static void add_age(struct il_buf *out, uint64_t then_ns)
{
	uint64_t now = il_wall_ns();
	uint64_t s = now > then_ns ? (now - then_ns) / IL_NS_PER_S : 0;

	if (s < 120)
		il_buf_printf(out, "%u seconds", (unsigned int)s);
	else if (s < 7200)
		il_buf_printf(out, "%u minutes", (unsigned int)(s / 60));
	else if (s < 172800)
		il_buf_printf(out, "%u hours", (unsigned int)(s / 3600));
	else
		il_buf_printf(out, "%u days", (unsigned int)(s / 86400));
}

static void add_status(struct il_buf *out, const struct sandbox_record *rec)
{
	if (rec->exited)
		il_buf_printf(out, "Exited (%d) ", rec->exit_status);
	else
		il_buf_str(out, "Up ");
	add_age(out, rec->exited ? rec->finished_ns : rec->created_ns);
	if (rec->exited)
		il_buf_str(out, " ago");
}

/* The words with blanks between; control bytes must not reach a terminal. */
static void add_command(struct il_buf *out, const struct sandbox_record *rec)
{
	size_t start = out->len;

	for (size_t i = 0; i < json_array_size(rec->command); i++) {
		il_buf_str(out, i ? " " : "");
		il_buf_str(out, json_string_value(json_array_get(rec->command, i)));
	}
	for (size_t i = start; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ' || out->data[i] == 0x7f)
			out->data[i] = '?';
}

/* docker.io/library/demo:latest is what people type as demo. */
static void add_image(struct il_buf *out, const char *name)
{
	static const char hub[] = "docker.io/";
	static const char library[] = "library/";
	static const char latest[] = ":latest";
	size_t len = strlen(name);

	if (strncmp(name, hub, sizeof(hub) - 1) == 0) {
		name += sizeof(hub) - 1;
		if (strncmp(name, library, sizeof(library) - 1) == 0)
			name += sizeof(library) - 1;
		len = strlen(name);
	}
	if (len > sizeof(latest) - 1 && strcmp(name + len - (sizeof(latest) - 1), latest) == 0)
		len -= sizeof(latest) - 1;
	il_buf_add(out, name, len);
}

enum { COL_ID, COL_KIND, COL_IMAGE, COL_COMMAND, COL_CREATED, COL_STATUS, COL_NAME, COLS };

/* One row of the table; the cells are owned. */
struct ps_row {
	struct il_buf cell[COLS];
};

static void fill_row(struct ps_row *row, const struct sandbox_record *rec, bool whole)
{
	int id_len = whole ? SANDBOX_ID_LEN : SANDBOX_SHORT_ID_LEN;
	struct il_buf *command = &row->cell[COL_COMMAND];

	il_buf_printf(&row->cell[COL_ID], "%.*s", id_len, rec->id);
	il_buf_str(&row->cell[COL_KIND], rec->kind);
	add_image(&row->cell[COL_IMAGE], rec->image);
	add_command(command, rec);
	if (!whole && command->len > COMMAND_WIDTH) {
		memcpy(command->data + COMMAND_WIDTH - 3, "...", sizeof("..."));
		command->len = COMMAND_WIDTH;
	}
	add_age(&row->cell[COL_CREATED], rec->created_ns);
	il_buf_str(&row->cell[COL_CREATED], " ago");
	add_status(&row->cell[COL_STATUS], rec);
	il_buf_str(&row->cell[COL_NAME], rec->name);
}

static void print_rows(struct il_buf *out, const struct ps_row *rows, size_t n)
{
	size_t width[COLS] = {0};

	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < COLS; c++)
			width[c] = IL_MAX(width[c], rows[i].cell[c].len);
	for (size_t i = 0; i < n; i++) {
		for (int c = 0; c < COLS - 1; c++)
			il_buf_printf(out, "%-*s  ", (int)width[c],
				      rows[i].cell[c].data ? rows[i].cell[c].data : "");
		il_buf_str(out, rows[i].cell[COL_NAME].data ? rows[i].cell[COL_NAME].data : "");
		il_buf_str(out, "\n");
	}
}

static int add_table(struct il_buf *out, const struct sandbox_list *list, bool whole)
{
	static const char *const titles[COLS] = {"ID",      "KIND",   "IMAGE", "COMMAND",
						 "CREATED", "STATUS", "NAME"};
	struct ps_row *rows = calloc(list->n + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (int c = 0; c < COLS; c++)
		il_buf_str(&rows[0].cell[c], titles[c]);
	for (size_t i = 0; i < list->n; i++)
		fill_row(&rows[i + 1], &list->items[i], whole);
	print_rows(out, rows, list->n + 1);
	for (size_t i = 0; i <= list->n; i++)
		for (int c = 0; c < COLS; c++)
			il_buf_done(&rows[i].cell[c]);
	free(rows);
	return 0;
}

static int add_json_line(struct il_buf *out, const struct sandbox_record *rec)
{
	json_auto_t *json = sandbox_record_to_json(rec);
	_cleanup_(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	il_buf_printf(out, "%s\n", text);
	return 0;
}

static int run_ps(const struct cli *cli, const void *args, int argc, char **argv,
		  struct il_err *err)
{
	const struct ps_args *a = args;
	_cleanup_(sandbox_list_done) struct sandbox_list list = {0};
	struct il_buf out = {0};
	bool json = strcmp(a->format, "json") == 0;
	int r = sandbox_list_get(cli->root, a->all, &list, err);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!a->quiet && !json && add_table(&out, &list, a->no_trunc) < 0)
		out.failed = true;
	for (size_t i = 0; i < list.n; i++) {
		if (a->quiet)
			il_buf_printf(&out, "%.*s\n",
				      a->no_trunc ? SANDBOX_ID_LEN : SANDBOX_SHORT_ID_LEN,
				      list.items[i].id);
		else if (json && add_json_line(&out, &list.items[i]) < 0)
			out.failed = true;
	}
	return cli_print(&out, err);
}

const struct verb verb_ps = {
    .name = "ps",
    .nested_name = "ls",
    .group = VERB_INSTANCES,
    .usage = "[OPTIONS]",
    .summary = "List instances",
    .options = ps_rows,
    .args_size = sizeof(struct ps_args),
    .run = run_ps,
};

/* ---- kill ---- */

struct kill_args {
	const char *signal;
};

static const struct opt_row kill_rows[] = {
    {.name = "signal",
     .short_name = 's',
     OPT_STRING_AT(struct kill_args, signal),
     .unit = "SIGNAL",
     .def = "KILL",
     .help = "Signal to send, by name or number"},
    OPT_END,
};

/* "TERM", "SIGTERM" or "15". */
static int parse_signal(const char *text, int *ret, struct il_err *err)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint64_t number = 0;

	if (il_parse_u64(text, 1, (uint64_t)SIGRTMAX, &number, NULL) == 0) {
		*ret = (int)number;
		return 0;
	}
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		const char *abbrev = sigabbrev_np(sig);

		if (abbrev && strcasecmp(abbrev, name) == 0) {
			*ret = sig;
			return 0;
		}
	}
	return il_refuse(err, EINVAL, "'%s' is not a signal", text);
}

static int run_kill(const struct cli *cli, const void *args, int argc, char **argv,
		    struct il_err *err)
{
	const struct kill_args *a = args;
	struct il_buf out = {0};
	int sig = 0;
	int r = parse_signal(a->signal, &sig, err);

	for (int i = 0; r == 0 && i < argc; i++) {
		_cleanup_(sandbox_record_done) struct sandbox_record rec = {0};

		r = sandbox_find(cli->root, argv[i], &rec, err);
		if (r == 0)
			r = sandbox_signal(cli->root, &rec, sig, err);
		if (r == 0)
			il_buf_printf(&out, "%s\n", argv[i]);
	}
	if (r < 0) {
		il_buf_done(&out);
		return r;
	}
	return cli_print(&out, err);
}

const struct verb verb_kill = {
    .name = "kill",
    .group = VERB_INSTANCES,
    .usage = "[OPTIONS] INSTANCE...",
    .summary = "Send a signal to running instances",
    .options = kill_rows,
    .args_size = sizeof(struct kill_args),
    .min_args = 1,
    .max_args = -1,
    .run = run_kill,
};

/* ---- rm ---- */

struct rm_args {
	bool force;
};

static const struct opt_row rm_rows[] = {
    {.name = "force",
     .short_name = 'f',
     OPT_FLAG_AT(struct rm_args, force),
     .help = "Kill the instance if it runs; do not mind if there is none"},
    OPT_END,
};

static int kill_and_wait(const struct cli *cli, const struct sandbox_record *rec,
			 struct il_err *err)
{
	int r = sandbox_signal(cli->root, rec, SIGKILL, err);

	if (r == -ESRCH) {
		il_err_clear(err);
		return 0;
	}
	return r < 0 ? r : sandbox_stop_wait(cli->root, rec, STOP_TIMEOUT_NS, err);
}

static int remove_one(const struct cli *cli, const char *text, bool force, struct il_err *err)
{
	_cleanup_(sandbox_record_done) struct sandbox_record rec = {0};
	int r = sandbox_find(cli->root, text, &rec, err);

	if (r == -ENOENT && force) {
		il_err_clear(err);
		return 0;
	}
	if (r == 0 && force && !rec.exited)
		r = kill_and_wait(cli, &rec, err);
	return r < 0 ? r : sandbox_remove(cli->root, &rec, err);
}

/* All of them are tried; the exit status tells whether all went well, as docker's does. */
static int run_rm(const struct cli *cli, const void *args, int argc, char **argv,
		  struct il_err *err)
{
	const struct rm_args *a = args;
	struct il_buf out = {0};
	int status = CLI_OK;

	for (int i = 0; i < argc; i++) {
		struct il_err one = {0};
		int r = remove_one(cli, argv[i], a->force, &one);

		if (r == 0) {
			il_buf_printf(&out, "%s\n", argv[i]);
			continue;
		}
		cli_print_error("rm", one.msg, NULL);
		status = CLI_FAILED;
	}
	int r = cli_print(&out, err);
	return r < 0 ? r : status;
}

const struct verb verb_rm = {
    .name = "rm",
    .group = VERB_INSTANCES,
    .usage = "[OPTIONS] INSTANCE...",
    .summary = "Remove instances",
    .options = rm_rows,
    .args_size = sizeof(struct rm_args),
    .min_args = 1,
    .max_args = -1,
    .run = run_rm,
};
