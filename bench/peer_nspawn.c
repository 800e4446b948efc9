// SPDX-License-Identifier: Apache-2.0
#include "bench/peers.h"

#include <errno.h>

static int probe(const struct bench_env *env IL_UNUSED, const struct subject *s IL_UNUSED,
		 struct il_err *err)
{
	return peer_need_root(err);
}

static int command(const struct bench_env *env, const struct subject *s, const struct start *start,
		   struct command *ret, struct il_err *err)
{
	strv_add(&ret->argv, s->program);
	/* The root is opened read-only: a writable one is locked for one instance. */
	strv_add_all(&ret->argv, (const char *const[]){
				     "--quiet", "--register=no", "--keep-unit", "--console=pipe",
				     "--private-network", "--read-only", "--timezone=off",
				     "--resolv-conf=off", "--link-journal=no", NULL});
	strv_addf(&ret->argv, "--machine=%s", start->id);
	strv_addf(&ret->argv, "--directory=%s", env->rootfs);
	for (size_t i = 0; env->image_env && env->image_env[i]; i++)
		strv_addf(&ret->argv, "--setenv=%s", env->image_env[i]);
	strv_add(&ret->argv, "--");
	strv_add_all(&ret->argv, (const char *const *)(uintptr_t)start->workload);
	return strv_check(&ret->argv) < 0 ? il_fail(err, ENOMEM, "make a command") : 0;
}

const struct driver peer_nspawn = {
    .name = "systemd-nspawn",
    .alias = "nspawn",
    .type = "peer",
    .description = "systemd-nspawn, not registered with machined: its default capabilities, "
		   "seccomp filter and mounts, private network, read-only root; no limits",
    .needs_rootfs = true,
    .version_argv = {"systemd-nspawn", "--version"},
    .probe = probe,
    .command = command,
};
