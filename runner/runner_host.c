// SPDX-License-Identifier: Apache-2.0
#include "runner/runner_host.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int runner_host_init(struct runner_host *rh, const struct workload *w)
{
	size_t n = 0;

	rh->argv = calloc((size_t)w->argc + w->envc + 2, sizeof(char *));
	if (!rh->argv)
		return -ENOMEM;
	rh->envp = rh->argv + w->argc + 1;
	/* execve(2) takes char *const[] by tradition and does not write. */
	for (; n < w->argc; n++)
		rh->argv[n] = (char *)(uintptr_t)workload_arg(w, (uint32_t)n);
	for (n = 0; n < w->envc; n++)
		rh->envp[n] = (char *)(uintptr_t)workload_env(w, (uint32_t)n);
	return 0;
}

void runner_host_done(struct runner_host *rh)
{
	freep(&rh->argv);
	rh->envp = NULL;
}

static int mkdir_parents(char *path)
{
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		int r = mkdir(path, 0755);

		*p = '/';
		if (r < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int host_set_cwd(void *ctx IL_UNUSED, const char *path)
{
	char copy[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0)
		return chdir("/") < 0 ? -errno : 0;
	if (chdir(path) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (len >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, path, len + 1);
	int r = mkdir_parents(copy);
	if (r < 0)
		return r;
	return chdir(path) < 0 ? -errno : 0;
}

static int host_set_umask(void *ctx IL_UNUSED, uint32_t mask)
{
	umask(mask & 0777);
	return 0;
}

static int host_set_rlimit(void *ctx IL_UNUSED, const struct workload_rlimit *limit)
{
	struct rlimit rl = {.rlim_cur = limit->soft, .rlim_max = limit->hard};

	return syscall(SYS_prlimit64, 0, limit->resource, &rl, NULL) < 0 ? -errno : 0;
}

static int host_set_ids(void *ctx IL_UNUSED, uint32_t uid, uint32_t gid, const uint32_t *groups,
			uint32_t ngroups)
{
	/* A caller who may not call setgroups(2) at all has none to add either. */
	if (syscall(SYS_setgroups, (size_t)ngroups, groups) < 0 && (errno != EPERM || ngroups > 0))
		return -errno;
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return -errno;
	return syscall(SYS_setresuid, uid, uid, uid) < 0 ? -errno : 0;
}

static int host_confine(void *ctx)
{
	struct runner_host *rh = ctx;

	return rh->confine ? rh->confine(rh->confine_ctx) : 0;
}

static int host_exec(void *ctx, const char *path, const struct workload *w IL_UNUSED)
{
	struct runner_host *rh = ctx;

	execve(path, rh->argv, rh->envp);
	return -errno;
}

const struct runner_ops runner_host_ops = {
    .set_cwd = host_set_cwd,
    .set_umask = host_set_umask,
    .set_rlimit = host_set_rlimit,
    .set_ids = host_set_ids,
    .confine = host_confine,
    .exec = host_exec,
};

/* The kernel's own layout and its 64-bit signal set (linux/signal.h), not libc's. */
struct kernel_sigaction {
	void *handler; /* NULL = SIG_DFL */
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

#define SIGNAL_MAX 64 /* of the kernel; NSIG of libc leaves two out */

void runner_host_reset_signals(void)
{
	/*
	 * execve(2) makes caught signals default by itself; ignored ones would stay so. All of
	 * them, also the two that libc keeps for itself: our caller may have been started so.
	 */
	static const struct kernel_sigaction dfl;
	uint64_t none = 0;

	for (int sig = 1; sig <= SIGNAL_MAX; sig++)
		syscall(SYS_rt_sigaction, sig, &dfl, NULL, sizeof(dfl.mask));
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}
