// SPDX-License-Identifier: Apache-2.0
/* isolab run: one instance in the foreground, from image to exit status. */
#include "cli/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "cli/image_cli.h"
#include "sandbox/instance.h"
#include "sandbox/trace.h"

#define MIN_MEMORY  (6ull << 20) /* docker's minimum */
#define SWEEP_LIMIT 32           /* instances looked at on the way out, to bound its time */

static const struct opt_row run_rows[] = {
    {.name = "as",
     OPT_STRING_AT(struct run_args, as),
     .unit = "KIND",
     .def = "container",
     .help = "How to isolate: process, container, nano, or null (see 'isolab doctor')"},
    {.name = "cap-add",
     OPT_LIST_AT(struct run_args, cap_add),
     .unit = "CAP",
     .help = "Add a capability to docker's default set, or ALL"},
    {.name = "cap-drop",
     OPT_LIST_AT(struct run_args, cap_drop),
     .unit = "CAP",
     .help = "Drop a capability from docker's default set, or ALL"},
    {.name = "cpus",
     OPT_MILLI_AT(struct run_args, cpu_milli),
     .min = 10,
     .max = 1000000,
     .unit = "N",
     .help = "Limit to this many CPUs, as 1.5"},
    {.name = "entrypoint",
     OPT_STRING_AT(struct run_args, entrypoint),
     .unit = "CMD",
     .help = "Run CMD instead of the image's entrypoint; the words behind IMAGE are its "
	     "arguments"},
    {.name = "env",
     .short_name = 'e',
     OPT_LIST_AT(struct run_args, env),
     .unit = "KEY[=VALUE]",
     .help = "Set an environment variable; without =VALUE, to the caller's value"},
    {.name = "env-file",
     OPT_LIST_AT(struct run_args, env_file),
     .unit = "FILE",
     .help = "Read such variables from FILE, one a line"},
    {.name = "hostname",
     OPT_STRING_AT(struct run_args, hostname),
     .unit = "NAME",
     .help = "Host name inside (default: the short id)"},
    {.name = "interactive",
     .short_name = 'i',
     OPT_FLAG_AT(struct run_args, interactive),
     .help = "Pass stdin on; otherwise it is /dev/null"},
    {.name = "memory",
     .short_name = 'm',
     OPT_SIZE_AT(struct run_args, memory_bytes),
     .min = MIN_MEMORY,
     .max = 1ull << 50,
     .help = "Limit memory, as 64m; a nano VM gets this much (512m without it)"},
    {.name = "name",
     OPT_STRING_AT(struct run_args, name),
     .unit = "NAME",
     .help = "Name the instance; otherwise one is made up"},
    {.name = "network",
     OPT_CHOICE_AT(struct run_args, network),
     .choices = "none|host",
     .help = "none: loopback only (default of container and nano); host: the host's network "
	     "(default of process)"},
    {.name = "pids-limit",
     OPT_U64_AT(struct run_args, pids_max),
     .max = 4194304,
     .unit = "N",
     .help = "Limit the number of processes; 0 = no limit"},
    {.name = "read-only",
     OPT_FLAG_AT(struct run_args, read_only),
     .help = "Make the root file system read-only"},
    {.name = "rm", OPT_FLAG_AT(struct run_args, rm), .help = "Remove the instance when it ends"},
    {.name = "security-opt",
     OPT_LIST_AT(struct run_args, security_opt),
     .unit = "OPT",
     .help = "seccomp=unconfined: no system call filter; no-new-privileges=false: let set-user-id "
	     "programs gain privileges"},
    {.name = "timeline",
     OPT_OPTIONAL_AT(struct run_args, timeline),
     .unit = "FILE",
     .help = "Print when what happened on stderr at the end; with FILE, write it as a Chrome "
	     "trace, which Perfetto opens"},
    {.name = "tty",
     .short_name = 't',
     OPT_FLAG_AT(struct run_args, tty),
     .help = "Give the workload a terminal"},
    {.name = "ulimit",
     OPT_LIST_AT(struct run_args, ulimit),
     .unit = "NAME=SOFT[:HARD]",
     .help = "Set a resource limit, as nofile=1024"},
    {.name = "user",
     .short_name = 'u',
     OPT_STRING_AT(struct run_args, user),
     .unit = "USER[:GROUP]",
     .help = "Run as this user, by name or number, instead of the image's"},
    {.name = "workdir",
     .short_name = 'w',
     OPT_STRING_AT(struct run_args, workdir),
     .unit = "DIR",
     .help = "Start in this directory of the image; it is made if missing"},
    /* Known from docker; each gives one clear line instead of "unknown option". */
    {.name = "detach",
     .short_name = 'd',
     .type = OPT_REFUSED,
     .help = "instances run in the foreground; put the command into the background instead"},
    {.name = "volume",
     .short_name = 'v',
     .type = OPT_REFUSED,
     .help = "host directories cannot be passed in"},
    {.name = "mount", .type = OPT_REFUSED, .help = "host directories cannot be passed in"},
    {.name = "tmpfs", .type = OPT_REFUSED, .help = "extra mounts cannot be made"},
    {.name = "publish",
     .short_name = 'p',
     .type = OPT_REFUSED,
     .help = "there are no bridge networks; use --network host"},
    {.name = "publish-all",
     .short_name = 'P',
     .type = OPT_REFUSED,
     .help = "there are no bridge networks; use --network host"},
    {.name = "net", .type = OPT_REFUSED, .help = "use --network"},
    {.name = "privileged",
     .type = OPT_REFUSED,
     .help = "use --cap-add ALL --security-opt seccomp=unconfined"},
    {.name = "device", .type = OPT_REFUSED, .help = "host devices cannot be passed in"},
    {.name = "restart", .type = OPT_REFUSED, .help = "instances run once"},
    {.name = "init", .type = OPT_REFUSED, .help = "the workload itself is the first process"},
    {.name = "label", .short_name = 'l', .type = OPT_REFUSED, .help = "instances have no labels"},
    OPT_END,
};

/* Everything of one run that has to be released. */
struct run_state {
	const struct cli *cli;
	const struct run_args *args;
	const struct sandbox_kind *kind;
	struct img_store *store;
	struct img_image *image;
	char *rootfs;
	struct workload *workload;
	struct sandbox_instance instance;
	struct timeline timeline;
	int trace_fd; /* -1 = no --timeline=FILE */
};

static void state_done(struct run_state *s)
{
	free(s->workload);
	free(s->rootfs);
	img_closep(&s->image);
	img_store_closep(&s->store);
	sandbox_instance_done(&s->instance);
	closep(&s->trace_fd);
}

/* "/dev/fd/N" is descriptor N itself, which also works for sockets; else a file is made. */
static int open_trace(const char *path, struct il_err *err)
{
	static const char prefix[] = "/dev/fd/";
	uint64_t number = 0;
	int fd;

	if (strncmp(path, prefix, sizeof(prefix) - 1) == 0) {
		int r = il_parse_u64(path + sizeof(prefix) - 1, 0, 1u << 20, &number, err);
		if (r < 0)
			return il_wrap(err, r, "option '--timeline': '%s'", path);
		fd = fcntl((int)number, F_DUPFD_CLOEXEC, 3);
		fd = fd < 0 ? -errno : fd;
	} else {
		fd = il_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0644);
	}
	return fd < 0 ? il_fail(err, -fd, "option '--timeline': open '%s'", path) : fd;
}

static int write_timeline(struct run_state *s, int exit_status, struct il_err *err)
{
	_cleanup_(il_buf_done) struct il_buf out = {0};
	struct trace_info info = {s->kind->name, s->instance.rec.id, exit_status};

	if (!s->args->timeline.given)
		return 0;
	int fd = s->trace_fd >= 0 ? s->trace_fd : STDERR_FILENO;
	if (s->trace_fd >= 0)
		trace_json(&out, &s->timeline, &info);
	else
		trace_table(&out, &s->timeline);
	int r = il_buf_check(&out);
	if (r == 0)
		r = il_write_full(fd, out.data, out.len);
	return r < 0 ? il_fail(err, -r, "write the timeline") : 0;
}

/* What can be wrong before anything is looked up. */
static int check_args(struct run_state *s, struct il_err *err)
{
	const struct run_args *args = s->args;
	int r = args->name ? sandbox_name_check(args->name, err) : 0;

	if (r < 0)
		return r;
	s->kind = sandbox_kind_find(args->as);
	if (!s->kind)
		return il_refuse(err, EINVAL,
				 "option '--as': there is no kind '%s': use process, container, "
				 "nano or null",
				 args->as);
	if (args->tty && args->interactive && !isatty(STDIN_FILENO))
		return il_refuse(err, EINVAL,
				 "the input device is not a terminal: leave out -t, or -i");
	if (args->timeline.value) {
		s->trace_fd = open_trace(args->timeline.value, err);
		if (s->trace_fd < 0)
			return s->trace_fd;
	}
	return 0;
}

/* Image, workload block and the instance's record. */
static int prepare(struct run_state *s, char **argv, struct il_err *err)
{
	struct run_context ctx = {.args = s->args, .kind = s->kind, .command = argv + 1};
	int r = sandbox_instance_init_id(&s->instance, err);

	if (r < 0 || (r = cli_open_store(s->cli, &s->store, err)) < 0 ||
	    (r = img_open(s->store, argv[0], &s->image, err)) < 0 ||
	    (r = img_rootfs(s->store, s->image, &s->rootfs, err)) < 0)
		return r;
	ctx.image = s->image;
	ctx.rootfs = s->rootfs;
	ctx.id = s->instance.rec.id;
	r = run_build_workload(&ctx, &s->workload, err);
	if (r < 0)
		return r;
	_cleanup_(freep) const char **command = run_command(&ctx);
	if (!command)
		return il_fail(err, ENOMEM, "put the command together");
	struct sandbox_new what = {
	    .root = s->cli->root,
	    .name = s->args->name,
	    .kind = s->kind->name,
	    .image = s->image->name,
	    .image_id = s->image->config_digest,
	    .command = command,
	    .auto_remove = s->args->rm,
	};
	return sandbox_instance_create(&s->instance, &what, err);
}

static int exit_status_of(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return CLI_SIGNAL_BASE + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}

/* Prints why the kind's run returned @r; returns the exit status for it. */
static int explain_failure(const struct sandbox_kind *kind, int r, struct il_err *err)
{
	if (r == -ENOENT || r == -EACCES) {
		cli_print_error("run", err->code ? err->msg : strerror(-r), NULL);
		return r == -ENOENT ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE;
	}
	/* When the kind cannot run here at all, its probe knows why and what to do. */
	struct il_err why = {0};
	if (kind->probe(&why) < 0 && why.code)
		cli_print_error("run", why.msg, NULL);
	else
		cli_print_error("run", err->code ? err->msg : strerror(-r), NULL);
	return CLI_RUN_FAILED;
}

/* Runs the prepared instance; returns the exit status, having printed what went wrong. */
static int run_kind(struct run_state *s, const struct sandbox_options *options)
{
	const struct run_args *args = s->args;
	struct il_err err = {0};
	int wait_status = 0;
	const char *trace = args->timeline.value;
	struct sandbox_run run = {
	    .instance = &s->instance,
	    .root = s->cli->root,
	    .store = s->store,
	    .image = s->image,
	    .workload = s->workload,
	    .options = *options,
	    .tty = args->tty,
	    /* A harness that passes a descriptor stamps the first byte itself. */
	    .relay = args->timeline.given && !(trace && strncmp(trace, "/dev/fd/", 8) == 0),
	    .stdio = {args->interactive ? STDIN_FILENO : -1, STDOUT_FILENO, STDERR_FILENO},
	    .timeline = &s->timeline,
	};

	s->timeline.ns[TL_PREPARED] = il_now_ns();
	int r = s->kind->run(&run, &wait_status, &err);
	if (r >= 0)
		return exit_status_of(wait_status);
	return explain_failure(s->kind, r, &err);
}

static int run_state(struct run_state *s, char **argv, struct il_err *err)
{
	struct sandbox_options options;
	int r = check_args(s, err);

	if (r == 0)
		r = run_options(s->args, s->cli->debug, &options, err);
	if (r == 0)
		r = s->kind->check(&options, err);
	if (r == 0 && !s->kind->no_image)
		r = prepare(s, argv, err);
	if (r < 0)
		return r;
	int status = run_kind(s, &options);
	r = sandbox_instance_finish(&s->instance, status, err);
	s->timeline.ns[TL_REAPED] = il_now_ns();
	if (r == 0)
		r = write_timeline(s, status, err);
	/* The workload ran: its status counts, whatever went wrong afterwards. */
	if (r < 0)
		cli_print_error("run", err->msg, NULL);
	if (!s->kind->no_image)
		sandbox_sweep(s->cli->root, SWEEP_LIMIT);
	return status;
}

static int run_run(const struct cli *cli, const void *args, int argc, char **argv,
		   struct il_err *err)
{
	struct run_state s = {
	    .cli = cli,
	    .args = args,
	    .instance.dir_fd = -1,
	    .timeline.ns[TL_REQUEST] = cli->entry_ns,
	    .trace_fd = -1,
	};

	(void)argc;
	int r = run_state(&s, argv, err);
	state_done(&s);
	return r;
}

const struct verb verb_run = {
    .name = "run",
    .group = VERB_INSTANCES,
    .usage = "[OPTIONS] IMAGE [COMMAND [ARG...]]",
    .summary = "Run a command in a new instance of an image",
    .notes = "The exit status is the command's; 128 + N if signal N ended it; 125 if isolab "
	     "failed,\n126 if the command cannot be executed, 127 if it is not there.",
    .options = run_rows,
    .args_size = sizeof(struct run_args),
    .min_args = 1,
    .max_args = -1,
    .options_first = true,
    .usage_status = CLI_RUN_FAILED,
    .failed_status = CLI_RUN_FAILED,
    .run = run_run,
};
