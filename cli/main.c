// SPDX-License-Identifier: Apache-2.0
/*
 * isolab: find the verb, read its options, run it, and turn the result into one error line
 * and an exit status. Nothing else in the project exits or prints errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/verb.h"

/* The state directory as an absolute path; owned. */
static char *state_root(const char *arg)
{
	const char *home = getenv("HOME");
	const char *data = getenv("XDG_DATA_HOME");
	const char *root = arg ? arg : getenv("ISOLAB_ROOT");

	if (root && root[0] == '/')
		return strdup(root);
	if (root && root[0]) {
		char *cwd = getcwd(NULL, 0);
		char *path = cwd ? il_strf("%s/%s", cwd, root) : NULL;

		free(cwd);
		return path;
	}
	if (geteuid() == 0)
		return strdup("/var/lib/isolab");
	if (data && data[0] == '/')
		return il_strf("%s/isolab", data);
	if (home && home[0] == '/')
		return il_strf("%s/.local/share/isolab", home);
	return il_strf("/tmp/isolab-%u", (unsigned int)geteuid());
}

static int usage_error(const struct verb *verb, const struct il_err *err)
{
	char hint[96];

	snprintf(hint, sizeof(hint), " (see 'isolab %s%s--help')", verb ? verb->name : "",
		 verb ? " " : "");
	cli_print_error(verb ? verb->name : NULL, err->msg, hint);
	return verb && verb->usage_status ? verb->usage_status : CLI_USAGE;
}

static int check_words(const struct verb *verb, int n, struct il_err *err)
{
	if (n < verb->min_args)
		return il_refuse(err, EINVAL, "needs %s%d argument%s: isolab %s %s",
				 verb->max_args == verb->min_args ? "" : "at least ",
				 verb->min_args, verb->min_args == 1 ? "" : "s", verb->name,
				 verb->usage);
	if (verb->max_args >= 0 && n > verb->max_args)
		return il_refuse(err, EINVAL, "takes at most %d argument%s: isolab %s %s",
				 verb->max_args, verb->max_args == 1 ? "" : "s", verb->name,
				 verb->usage);
	return 0;
}

static int run_verb(const struct verb *verb, struct cli *cli, struct cli_global_args *global,
		    const void *args, int argc, char **argv)
{
	struct il_err err = {0};
	_cleanup_(freep) char *root = state_root(global->root);

	if (!root) {
		cli_print_error(verb->name, "out of memory", NULL);
		return verb->failed_status ? verb->failed_status : CLI_FAILED;
	}
	if (global->debug)
		il_log_set_level(IL_LOG_DEBUG);
	cli->root = root;
	cli->debug = global->debug;
	int r = verb->run(cli, args, argc, argv, &err);
	if (r >= 0)
		return r;
	cli_print_error(verb->name, err.code ? err.msg : strerror(-r), NULL);
	return verb->failed_status ? verb->failed_status : CLI_FAILED;
}

/* @argv[0] is the last word of the verb's name. */
static int parse_and_run(const struct verb *verb, struct cli *cli, struct cli_global_args *global,
			 int argc, char **argv)
{
	struct il_err err = {0};
	struct il_buf help = {0};
	_cleanup_(freep) void *args = calloc(1, verb->args_size + 1);
	struct opt_space spaces[] = {{verb->options, args}, {cli_global_options, global}};
	struct opt_syntax syntax = {spaces, ARRAY_SIZE(spaces), verb->options_first};
	int first = 0;
	int status = 0;

	if (!args) {
		cli_print_error(verb->name, "out of memory", NULL);
		return CLI_FAILED;
	}
	int r = opt_defaults(&spaces[0], &err);
	if (r == 0)
		r = opt_parse(&syntax, argc, argv, &first, &err);
	if (r == 0)
		r = check_words(verb, argc - first, &err);
	if (r > 0) {
		cli_verb_help(&help, verb);
		status = cli_print(&help, &err) < 0 ? CLI_FAILED : CLI_OK;
	} else if (r < 0) {
		status = usage_error(verb, &err);
	} else {
		status = run_verb(verb, cli, global, args, argc - first, argv + first);
	}
	opt_done(&spaces[0]);
	return status;
}

/* Missing standard descriptors would be taken by the first files we open. */
static int fill_stdio(void)
{
	struct pollfd fds[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};

	if (poll(fds, 3, 0) == 0)
		return 0;
	for (int i = 0; i < 3; i++)
		if ((fds[i].revents & POLLNVAL) && il_open(AT_FDCWD, "/dev/null", O_RDWR, 0) != i)
			return -1;
	return 0;
}

/* The kernel's 16 random bytes (getauxval(3)) save jansson opening /dev/urandom. */
static void seed_hashes(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	size_t seed = 1;

	if (random)
		memcpy(&seed, random, sizeof(seed));
	json_object_seed(seed | 1);
}

int main(int argc, char **argv)
{
	struct cli cli = {.entry_ns = il_now_ns()};
	struct cli_global_args global = {0};
	struct opt_space space = {cli_global_options, &global};
	struct opt_syntax syntax = {&space, 1, /* options_first= */ true};
	struct il_err err = {0};
	struct il_buf help = {0};
	int first = 0;
	int words = 0;

	if (fill_stdio() < 0)
		return CLI_FAILED;
	seed_hashes();
	int r = opt_parse(&syntax, argc, argv, &first, &err);
	if (r < 0)
		return usage_error(NULL, &err);
	argc -= first;
	argv += first;
	if (global.version)
		return parse_and_run(&verb_version, &cli, &global, 1, (char *[]){NULL, NULL});
	if (r > 0 || argc == 0) {
		cli_help(&help);
		return cli_print(&help, &err) < 0 ? CLI_FAILED : r > 0 ? CLI_OK : CLI_USAGE;
	}
	const struct verb *verb = cli_find_verb(argc, argv, &words);
	if (!verb) {
		il_refuse(&err, EINVAL, "there is no command '%s%s%s'", argv[0],
			  words == 2 && argc > 1 ? " " : "", words == 2 && argc > 1 ? argv[1] : "");
		return usage_error(NULL, &err);
	}
	return parse_and_run(verb, &cli, &global, argc - (words - 1), argv + (words - 1));
}
