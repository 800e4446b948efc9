// SPDX-License-Identifier: Apache-2.0
#include "sandbox/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"

#define ENV_FILE_MAX (1u << 20)

void sandbox_env_done(struct sandbox_env *env)
{
	for (size_t i = 0; i < env->n; i++)
		free(env->items[i]);
	free(env->items);
	*env = (struct sandbox_env){0};
}

/* The index of the variable whose name is the first @len bytes of @key, or n. */
static size_t find(const struct sandbox_env *env, const char *key, size_t len)
{
	size_t i = 0;

	while (i < env->n && (strncmp(env->items[i], key, len) != 0 || env->items[i][len] != '='))
		i++;
	return i;
}

/* Takes the string. */
static void put(struct sandbox_env *env, char *pair)
{
	size_t i = pair ? find(env, pair, strcspn(pair, "=")) : 0;

	if (!pair) {
		env->failed = true;
		return;
	}
	if (i < env->n) {
		free(env->items[i]);
		env->items[i] = pair;
		return;
	}
	char **items = realloc(env->items, (env->n + 2) * sizeof(*items));
	if (!items) {
		free(pair);
		env->failed = true;
		return;
	}
	env->items = items;
	items[env->n++] = pair;
	items[env->n] = NULL;
}

void sandbox_env_set(struct sandbox_env *env, const char *pair)
{
	/* An image's Env may hold anything; what has no name is no variable. */
	if (strcspn(pair, "=") > 0 && strchr(pair, '='))
		put(env, strdup(pair));
}

void sandbox_env_default(struct sandbox_env *env, const char *key, const char *value)
{
	if (find(env, key, strlen(key)) == env->n)
		put(env, il_strf("%s=%s", key, value));
}

static void drop(struct sandbox_env *env, const char *key)
{
	size_t i = find(env, key, strlen(key));

	if (i == env->n)
		return;
	free(env->items[i]);
	memmove(&env->items[i], &env->items[i + 1], (env->n - i) * sizeof(*env->items));
	env->n--;
}

int sandbox_env_user(struct sandbox_env *env, const char *arg, struct il_err *err)
{
	size_t len = strcspn(arg, "=");

	if (len == 0)
		return il_refuse(err, EINVAL, "'%s' is not an environment variable: KEY=VALUE",
				 arg);
	if (arg[len] == '=') {
		put(env, strdup(arg));
		return 0;
	}
	const char *value = getenv(arg);
	if (value)
		put(env, il_strf("%s=%s", arg, value));
	else
		drop(env, arg);
	return 0;
}

int sandbox_env_file(struct sandbox_env *env, const char *path, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int line = 1;
	int r = il_read_file(AT_FDCWD, path, ENV_FILE_MAX, &text, &len);

	if (r < 0)
		return il_fail(err, -r, "read the environment file '%s'", path);
	if (memchr(text, '\0', len))
		return il_refuse(err, EINVAL, "the environment file '%s' holds a NUL byte", path);
	for (char *p = text; *p; line++) {
		char *next = p + strcspn(p, "\n");

		if (*next)
			*next++ = '\0';
		p[strcspn(p, "\r")] = '\0';
		p += strspn(p, " \t");
		r = *p && *p != '#' ? sandbox_env_user(env, p, err) : 0;
		if (r < 0)
			return il_wrap(err, r, "%s, line %d", path, line);
		p = next;
	}
	return 0;
}

int sandbox_env_check(const struct sandbox_env *env, struct il_err *err)
{
	return env->failed ? il_fail(err, ENOMEM, "put the environment together") : 0;
}
