// SPDX-License-Identifier: Apache-2.0
#include "bench/peers.h"

#include <errno.h>
#include <string.h>

static int probe(const struct bench_env *env IL_UNUSED, const struct subject *s, struct il_err *err)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;

	/* User namespaces may be forbidden: the try tells, with bwrap's own words. */
	strv_add(&c.argv, s->program);
	strv_add_all(&c.argv,
		     (const char *const[]){"--unshare-all", "--ro-bind", "/", "/", "true", NULL});
	if (strv_check(&c.argv) < 0)
		return il_fail(err, ENOMEM, "probe bwrap");
	return command_run(&c, 20000000000ull, NULL, err);
}

static int command(const struct bench_env *env, const struct subject *s, const struct start *start,
		   struct command *ret, struct il_err *err)
{
	strv_add(&ret->argv, s->program);
	strv_add_all(&ret->argv, (const char *const[]){"--unshare-all", "--die-with-parent",
						       "--hostname", "bench", "--bind", NULL});
	strv_add(&ret->argv, env->rootfs);
	strv_add_all(&ret->argv, (const char *const[]){"/", "--proc", "/proc", "--dev", "/dev",
						       "--chdir", "/", "--clearenv", NULL});
	for (size_t i = 0; env->image_env && env->image_env[i]; i++) {
		const char *pair = env->image_env[i], *eq = strchr(pair, '=');

		if (!eq)
			continue;
		strv_add(&ret->argv, "--setenv");
		strv_addf(&ret->argv, "%.*s", (int)(eq - pair), pair);
		strv_add(&ret->argv, eq + 1);
	}
	strv_add(&ret->argv, "--");
	strv_add_all(&ret->argv, (const char *const *)(uintptr_t)start->workload);
	return strv_check(&ret->argv) < 0 ? il_fail(err, ENOMEM, "make a command") : 0;
}

const struct driver peer_bwrap = {
    .name = "bwrap",
    .type = "peer",
    .description = "bubblewrap --unshare-all on the unpacked image with new /proc and /dev; no "
		   "cgroup limits, no seccomp filter, no writable layer",
    .needs_rootfs = true,
    .version_argv = {"bwrap", "--version"},
    .probe = probe,
    .command = command,
};
