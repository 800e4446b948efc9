// SPDX-License-Identifier: Apache-2.0
/* No libc in here: guest/nano compiles this file too. */
#include "runner/runner.h"

#include <asm-generic/errno-base.h>
#include <asm-generic/errno.h>
#include <stdbool.h>

#define RUNNER_PATH_MAX 4096

/* POSIX leaves the default to us; this is what docker sets when an image has no PATH. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static bool has_slash(const char *s)
{
	for (; *s; s++)
		if (*s == '/')
			return true;
	return false;
}

static const char *find_path(const struct workload *w)
{
	for (uint32_t i = 0; i < w->envc; i++) {
		const char *e = workload_env(w, i);

		if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=')
			return e + 5;
	}
	return default_path;
}

/* Writes "DIR/NAME" into buf; an empty DIR is the current directory. False if too long. */
static bool join(char *buf, const char *dir, size_t dir_len, const char *name)
{
	size_t n = 0;

	if (dir_len + 2 > RUNNER_PATH_MAX)
		return false;
	for (; n < dir_len; n++)
		buf[n] = dir[n];
	if (n > 0)
		buf[n++] = '/';
	for (; *name; name++) {
		if (n + 1 >= RUNNER_PATH_MAX)
			return false;
		buf[n++] = *name;
	}
	buf[n] = '\0';
	return true;
}

/* execvp's rule: go on after "not there", remember "not allowed", stop at anything else. */
static int search_and_exec(const struct workload *w, const struct runner_ops *ops, void *ctx)
{
	const char *name = workload_arg(w, 0);
	char buf[RUNNER_PATH_MAX];
	int result = -ENOENT;

	if (name[0] == '\0')
		return -ENOENT;
	if (has_slash(name))
		return ops->exec(ctx, name, w);
	for (const char *dir = find_path(w);;) {
		size_t len = 0;

		while (dir[len] && dir[len] != ':')
			len++;
		int r = join(buf, dir, len, name) ? ops->exec(ctx, buf, w) : -ENAMETOOLONG;
		if (r == -EACCES)
			result = r;
		else if (r != -ENOENT && r != -ENOTDIR && r != -ENAMETOOLONG)
			return r;
		if (dir[len] == '\0')
			return result;
		dir += len + 1;
	}
}

static int set_rlimits(const struct workload *w, const struct runner_ops *ops, void *ctx)
{
	const struct workload_rlimit *rows = (const void *)((const char *)w + w->rlimits_off);

	for (uint32_t i = 0; i < w->nrlimits; i++) {
		int r = ops->set_rlimit(ctx, &rows[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int runner_run(const struct workload *w, const struct runner_ops *ops, void *ctx,
	       const char **ret_step)
{
	int r = 0;

	*ret_step = "set the resource limits";
	if (ops->set_rlimit && (r = set_rlimits(w, ops, ctx)) < 0)
		return r;
	*ret_step = "set the file mode mask";
	if (ops->set_umask && (r = ops->set_umask(ctx, w->umask)) < 0)
		return r;
	/* Before the ids change: the directory may have to be made. */
	*ret_step = "enter the working directory";
	if (ops->set_cwd && (r = ops->set_cwd(ctx, workload_str(w, w->cwd_off))) < 0)
		return r;
	*ret_step = "set the user and group ids";
	if (ops->set_ids &&
	    (r = ops->set_ids(ctx, w->uid, w->gid,
			      (const uint32_t *)(const void *)((const char *)w + w->groups_off),
			      w->ngroups)) < 0)
		return r;
	*ret_step = "confine the process";
	if (ops->confine && (r = ops->confine(ctx)) < 0)
		return r;
	*ret_step = RUNNER_STEP_EXEC;
	return search_and_exec(w, ops, ctx);
}

int runner_exec_failure(int code)
{
	switch (code) {
	case ENOEXEC:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case EPERM:
		return EACCES;
	default:
		return code;
	}
}
