// SPDX-License-Identifier: Apache-2.0
/* isolab's own kinds as subjects: the `isolab run` that a user would type. */
#include "bench/subject.h"

#include <errno.h>
#include <string.h>

#include "sandbox/kind.h"

static const char *kind_of(const struct subject *s)
{
	return strcmp(s->name, "isolab-null") == 0 ? "null" : s->name;
}

static int probe(const struct bench_env *env IL_UNUSED, const struct subject *s, struct il_err *err)
{
	const struct sandbox_kind *kind = sandbox_kind_find(kind_of(s));

	return kind && kind->probe ? kind->probe(err) : 0;
}

/* The limits that every subject with limits gets (peers: see their own files). */
static void add_limits(const struct bench_env *env, const char *kind, struct strv *argv)
{
	bool container = strcmp(kind, "container") == 0;

	if (container || strcmp(kind, "nano") == 0)
		strv_addf(argv, "--memory=%llu", (unsigned long long)env->options->memory_bytes);
	if (!container)
		return;
	strv_addf(argv, "--cpus=%llu", (unsigned long long)env->cpus);
	strv_add(argv, "--pids-limit=512");
	strv_add(argv, "--network=none");
}

static int command(const struct bench_env *env, const struct subject *s, const struct start *start,
		   struct command *ret, struct il_err *err)
{
	const char *kind = kind_of(s);

	strv_add(&ret->argv, env->self);
	strv_addf(&ret->argv, "--root=%s", env->options->root);
	strv_add(&ret->argv, "run");
	strv_add(&ret->argv, "--rm");
	strv_addf(&ret->argv, "--as=%s", kind);
	if (start->idle)
		strv_add(&ret->argv, "-i");
	add_limits(env, kind, &ret->argv);
	if (start->timeline_fd >= 0)
		strv_addf(&ret->argv, "--timeline=/dev/fd/%d", start->timeline_fd);
	ret->keep_fd = start->timeline_fd;
	strv_add(&ret->argv, env->options->image);
	strv_add_all(&ret->argv, (const char *const *)(uintptr_t)start->workload);
	return strv_check(&ret->argv) < 0 ? il_fail(err, ENOMEM, "make a command") : 0;
}

const struct driver kind_driver = {
    .name = "kind",
    .type = "kind",
    .probe = probe,
    .command = command,
};
