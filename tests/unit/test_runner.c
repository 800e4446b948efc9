// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "runner/runner.h"
#include "runner/workload_build.h"

/* A world made of two lists: what happened, and what exec answers for each path. */
struct world {
	struct il_buf log;
	const char *found;  /* exec of this path succeeds (0) */
	const char *denied; /* exec of this path is -EACCES */
	int broken;         /* what exec answers to all others; 0 = -ENOENT */
	int ids_result;
};

static int note_cwd(void *ctx, const char *path)
{
	il_buf_printf(&((struct world *)ctx)->log, "cwd %s;", path);
	return 0;
}

static int note_umask(void *ctx, uint32_t mask)
{
	il_buf_printf(&((struct world *)ctx)->log, "umask %o;", mask);
	return 0;
}

static int note_rlimit(void *ctx, const struct workload_rlimit *limit)
{
	il_buf_printf(&((struct world *)ctx)->log, "rlimit %u;", limit->resource);
	return 0;
}

static int note_ids(void *ctx, uint32_t uid, uint32_t gid, const uint32_t *groups, uint32_t n)
{
	struct world *w = ctx;

	il_buf_printf(&w->log, "ids %u:%u+%u;", uid, gid, n ? groups[0] : 0);
	return w->ids_result;
}

static int note_confine(void *ctx)
{
	il_buf_str(&((struct world *)ctx)->log, "confine;");
	return 0;
}

static int fake_exec(void *ctx, const char *path, const struct workload *wl)
{
	struct world *w = ctx;

	(void)wl;
	il_buf_printf(&w->log, "exec %s;", path);
	if (w->found && strcmp(path, w->found) == 0)
		return 0;
	if (w->denied && strcmp(path, w->denied) == 0)
		return -EACCES;
	return w->broken ? w->broken : -ENOENT;
}

static const struct runner_ops ops = {
    .set_cwd = note_cwd,
    .set_umask = note_umask,
    .set_rlimit = note_rlimit,
    .set_ids = note_ids,
    .confine = note_confine,
    .exec = fake_exec,
};

/* Runs argv[0] = @command under @path_env; returns runner_run's result, the log in @w. */
static int run(struct world *w, const char *command, const char *path_env, const char **ret_step)
{
	const char *argv[] = {command, NULL};
	const char *env[] = {"A=B", path_env, NULL};
	const uint32_t groups[] = {7};
	const struct workload_rlimit limits[] = {{.resource = 3}};
	struct workload_spec spec = {
	    .argv = argv,
	    .env = env,
	    .cwd = "/w",
	    .uid = 5,
	    .gid = 6,
	    .groups = groups,
	    .ngroups = 1,
	    .rlimits = limits,
	    .nrlimits = 1,
	    .umask = 022,
	};
	_cleanup_(freep) struct workload *block = NULL;

	cr_assert_eq(workload_build(&spec, &block, NULL), 0);
	return runner_run(block, &ops, w, ret_step);
}

Test(runner, steps_come_in_their_order)
{
	struct world w = {.found = "/bin/x"};
	const char *step = NULL;

	cr_assert_eq(run(&w, "/bin/x", NULL, &step), 0);
	cr_assert_str_eq(w.log.data, "rlimit 3;umask 22;cwd /w;ids 5:6+7;confine;exec /bin/x;");
	il_buf_done(&w.log);
}

Test(runner, a_failed_step_is_named_and_the_last)
{
	struct world w = {.ids_result = -EPERM};
	const char *step = NULL;

	cr_assert_eq(run(&w, "/bin/x", NULL, &step), -EPERM);
	cr_assert_str_eq(step, "set the user and group ids");
	cr_assert_null(strstr(w.log.data, "exec"));
	il_buf_done(&w.log);
}

Test(runner, path_is_searched_as_execvp_does)
{
	struct world w = {.found = "/b/x", .denied = "/a/x"};
	const char *step = NULL;

	cr_assert_eq(run(&w, "x", "PATH=/a::/b:/c", &step), 0);
	cr_assert_not_null(strstr(w.log.data, "exec /a/x;exec x;exec /b/x;"));
	il_buf_done(&w.log);
}

Test(runner, denied_beats_missing_and_real_errors_stop)
{
	struct world denied = {.denied = "/a/x"};
	struct world broken = {.broken = -ENOMEM};
	struct world missing = {0};
	const char *step = NULL;

	cr_assert_eq(run(&denied, "x", "PATH=/a:/b", &step), -EACCES);
	cr_assert_str_eq(step, RUNNER_STEP_EXEC);
	cr_assert_eq(run(&broken, "x", "PATH=/a:/b", &step), -ENOMEM);
	cr_assert_null(strstr(broken.log.data, "/b/x"));
	cr_assert_eq(run(&missing, "x", "PATH=/a:/b", &step), -ENOENT);
	cr_assert_eq(run(&missing, "", NULL, &step), -ENOENT);
	il_buf_done(&denied.log);
	il_buf_done(&broken.log);
	il_buf_done(&missing.log);
}

Test(runner, exec_failures_are_missing_or_not_executable)
{
	cr_assert_eq(runner_exec_failure(ENOENT), ENOENT);
	cr_assert_eq(runner_exec_failure(EACCES), EACCES);
	cr_assert_eq(runner_exec_failure(ENOEXEC), EACCES);
	cr_assert_eq(runner_exec_failure(EISDIR), EACCES);
	cr_assert_eq(runner_exec_failure(ENOMEM), ENOMEM);
}
