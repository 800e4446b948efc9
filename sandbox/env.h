/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload's environment, put together as docker does: defaults, then the image's,
 * then the user's; a later one replaces an earlier one in its place.
 */
#ifndef IL_SANDBOX_ENV_H
#define IL_SANDBOX_ENV_H

#include "base/err.h"

#include <stdbool.h>

struct sandbox_env {
	char **items; /* owned "KEY=VALUE" strings, ended by NULL; NULL while empty */
	size_t n;
	bool failed; /* memory ran out; checked once by sandbox_env_check */
};

void sandbox_env_done(struct sandbox_env *env); /* also a scope closer */

/* sandbox_env_set: copy "KEY=VALUE" in. */
void sandbox_env_set(struct sandbox_env *env, const char *pair);

/* sandbox_env_default: set KEY to @value unless it is there already. */
void sandbox_env_default(struct sandbox_env *env, const char *key, const char *value);

/*
 * sandbox_env_user: one -e argument: KEY=VALUE, or KEY to take the caller's value (and to
 * remove it when the caller has none). 0, or -EINVAL for an empty KEY.
 */
int sandbox_env_user(struct sandbox_env *env, const char *arg, struct il_err *err) IL_MUST_CHECK;

/* sandbox_env_file: --env-file: such an argument per line, '#' comments. 0 or -errno. */
int sandbox_env_file(struct sandbox_env *env, const char *path, struct il_err *err) IL_MUST_CHECK;

/* sandbox_env_check: 0, or -ENOMEM if an addition failed. */
int sandbox_env_check(const struct sandbox_env *env, struct il_err *err) IL_MUST_CHECK;

#endif
