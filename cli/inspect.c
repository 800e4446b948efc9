// SPDX-License-Identifier: Apache-2.0
/* isolab inspect: an instance or an image, whichever the name means, as docker does. */
#include "cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sandbox/instance.h"

struct inspect_args {
	const char *type;
};

static const struct opt_row inspect_rows[] = {
    {.name = "type",
     OPT_CHOICE_AT(struct inspect_args, type),
     .choices = "any|instance|container|image",
     .def = "any",
     .help = "Look only for an instance (or container), or only for an image"},
    OPT_END,
};

/* RFC 3339 with nanoseconds, as docker prints times. */
static void format_time(uint64_t wall_ns, char *buf, size_t size)
{
	time_t s = (time_t)(wall_ns / IL_NS_PER_S);
	struct tm tm;
	char date[32];

	if (!gmtime_r(&s, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		date[0] = '\0';
	snprintf(buf, size, "%s.%09uZ", date, (unsigned int)(wall_ns % IL_NS_PER_S));
}

int cli_inspect_instance(const struct cli *cli, const char *name, json_t **ret, struct il_err *err)
{
	_cleanup_(sandbox_record_done) struct sandbox_record rec = {0};
	char created[64];
	char finished[64];
	int r = sandbox_find(cli->root, name, &rec, err);

	if (r < 0)
		return r;
	format_time(rec.created_ns, created, sizeof(created));
	format_time(rec.finished_ns, finished, sizeof(finished));
	*ret = json_pack("{s:s s:s s:s s:s s:s s:s s:O s:{s:s s:b s:i s:i s:s}, s:{s:b}}", "Id",
			 rec.id, "Name", rec.name, "Created", created, "Kind", rec.kind, "Image",
			 rec.image, "ImageID", rec.image_id, "Command", rec.command, "State",
			 "Status", rec.exited ? "exited" : "running", "Running", !rec.exited,
			 "SupervisorPid", rec.exited ? 0 : (int)rec.supervisor, "ExitCode",
			 rec.exit_status, "FinishedAt", rec.exited ? finished : "", "HostConfig",
			 "AutoRemove", rec.auto_remove);
	return *ret ? 0 : il_fail(err, ENOMEM, "inspect '%s'", name);
}

static int inspect_any(const struct cli *cli, const char *type, const char *name, json_t **ret,
		       struct il_err *err)
{
	bool only_image = strcmp(type, "image") == 0;
	bool any = strcmp(type, "any") == 0;
	int r = only_image ? -ENOENT : cli_inspect_instance(cli, name, ret, err);

	if (r != -ENOENT || !(any || only_image))
		return r;
	il_err_clear(err);
	r = cli_inspect_image(cli, name, ret, err);
	if (r == -ENOENT && any) {
		il_err_clear(err);
		return il_refuse(err, ENOENT, "there is no instance and no image '%s'", name);
	}
	return r;
}

static int run_inspect(const struct cli *cli, const void *args, int argc, char **argv,
		       struct il_err *err)
{
	const struct inspect_args *a = args;
	json_auto_t *all = json_array();
	struct il_buf out = {0};

	for (int i = 0; i < argc; i++) {
		json_t *one = NULL;
		int r = inspect_any(cli, a->type, argv[i], &one, err);

		if (r < 0)
			return r;
		if (json_array_append_new(all, one) < 0)
			return il_fail(err, ENOMEM, "inspect '%s'", argv[i]);
	}
	_cleanup_(freep) char *text = json_dumps(all, JSON_INDENT(4));
	if (!text)
		return il_fail(err, ENOMEM, "inspect");
	il_buf_printf(&out, "%s\n", text);
	return cli_print(&out, err);
}

const struct verb verb_inspect = {
    .name = "inspect",
    .group = VERB_INSTANCES,
    .usage = "[OPTIONS] NAME...",
    .summary = "Tell all about instances or images, as JSON",
    .options = inspect_rows,
    .args_size = sizeof(struct inspect_args),
    .min_args = 1,
    .max_args = -1,
    .run = run_inspect,
};
