// SPDX-License-Identifier: Apache-2.0
#include "bench/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "bench/interrupt.h"
#include "bench/procs.h"
#include "bench/progress.h"
#include "image/image.h"

#define COPY_TIMEOUT_NS (600 * IL_NS_PER_S)

static const char *const measure_names[BENCH_MEASURE_MAX] = {
    [BENCH_STARTUP] = "startup",
    [BENCH_MEMORY] = "memory",
    [BENCH_DENSITY] = "density",
};

static int (*const measures[BENCH_MEASURE_MAX])(struct bench_session *, json_t **,
						struct il_err *) = {
    [BENCH_STARTUP] = startup_run,
    [BENCH_MEMORY] = memory_run,
    [BENCH_DENSITY] = density_run,
};

const char *bench_measure_name(enum bench_measure measure)
{
	return measure < BENCH_MEASURE_MAX ? measure_names[measure] : "?";
}

enum bench_measure bench_measure_find(const char *name)
{
	int m = 0;

	while (m < BENCH_MEASURE_MAX && strcmp(measure_names[m], name) != 0)
		m++;
	return (enum bench_measure)m;
}

static int make_work_dir(struct bench_env *env, struct il_err *err)
{
	const char *tmp = getenv("TMPDIR");

	env->work = il_strf("%s/isolab-bench-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (!env->work)
		return il_fail(err, ENOMEM, "make a work directory");
	if (!mkdtemp(env->work)) {
		int code = errno;

		il_fail(err, code, "make a work directory like '%s'", env->work);
		free(env->work);
		env->work = NULL;
		return -code;
	}
	return 0;
}

/*
 * The peers get a copy of the image's root: some of them make mount points in it, and the
 * store's own is shared by all instances of the image. Directories that some tools demand
 * are added.
 */
static int copy_rootfs(struct bench_env *env, struct il_err *err)
{
	static const char *const wanted[] = {"proc", "sys", "dev", "run", "tmp", "etc"};
	_cleanup_(freep) char *from = NULL;
	_cleanup_(freep) char *dot = NULL;
	int r = img_rootfs(env->store, env->image, &from, err);

	if (r < 0)
		return r;
	env->rootfs = il_strf("%s/rootfs", env->work);
	dot = il_strf("%s/.", from);
	if (!env->rootfs || !dot)
		return il_fail(err, ENOMEM, "copy the image's root");
	r = il_mkdir_p(env->rootfs, 0755);
	if (r < 0)
		return il_fail(err, -r, "make '%s'", env->rootfs);
	r = command_runv(COPY_TIMEOUT_NS, NULL, err, "cp", "-a", "--reflink=auto", dot, env->rootfs,
			 (char *)NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wanted); i++) {
		_cleanup_(freep) char *dir = il_strf("%s/%s", env->rootfs, wanted[i]);

		r = dir ? il_mkdir_p(dir, 0755) : -ENOMEM;
		if (r == -EEXIST || r == -ENOTDIR)
			r = 0;
		if (r < 0)
			return il_fail(err, -r, "make '%s' for the peers", wanted[i]);
	}
	return r < 0 ? il_wrap(err, r, "copy the image's root for the peers") : 0;
}

static int find_self(struct bench_env *env, struct il_err *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return il_fail(err, errno, "read /proc/self/exe");
	path[n] = '\0';
	env->self = strdup(path);
	return env->self ? 0 : il_fail(err, ENOMEM, "find isolab");
}

/* Two pipes per idle instance: ask for all the descriptors that may be had. */
static void raise_nofile(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int open_env(struct bench_session *s, struct il_err *err)
{
	struct bench_env *env = &s->env;
	bool needs_rootfs = false;
	int r = find_self(env, err);

	if (r == 0)
		r = img_store_open(s->options.root, &env->store, err);
	if (r == 0)
		r = img_open(env->store, s->options.image, &env->image, err);
	if (r == 0)
		r = make_work_dir(env, err);
	if (r < 0)
		return r;
	env->image_env = (const char *const *)(uintptr_t)env->image->env;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	env->cpus = cpus > 0 ? (uint64_t)cpus : 1;
	/* Above 2, so that it can be handed to children as it is. */
	int fd = il_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
	env->null_fd = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	closep(&fd);
	if (env->null_fd < 0)
		return il_fail(err, EIO, "open /dev/null");
	for (size_t i = 0; i < s->subjects.n; i++)
		needs_rootfs |= s->subjects.list[i].driver->needs_rootfs;
	if (needs_rootfs) {
		progress_step("copying the image's root for the peers");
		r = copy_rootfs(env, err);
	}
	return r;
}

int bench_open(const struct bench_options *options, struct bench_session **ret, struct il_err *err)
{
	_cleanup_(bench_closep) struct bench_session *s = calloc(1, sizeof(*s));

	if (!s)
		return il_fail(err, ENOMEM, "bench");
	s->options = *options;
	s->env.options = &s->options;
	s->env.null_fd = -1;
	progress_enable(options->progress);
	int r = subjects_parse(options->as, options->peers, &s->subjects, err);
	if (r < 0)
		return r;
	if (options->cold && geteuid() != 0)
		return il_refuse(err, EPERM,
				 "--cold drops the page cache before each start, which needs "
				 "root: run as root, or without --cold");
	if (s->subjects.n == 0)
		return il_refuse(err, EINVAL, "nothing to measure: both --as and --peers are none");
	raise_nofile();
	/* Daemonised helpers (conmon, shims) become children of the harness: see procs.h. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	r = interrupt_begin(err);
	if (r == 0)
		r = open_env(s, err);
	if (r == 0)
		r = subjects_prepare(&s->env, &s->subjects, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(s);
	return 0;
}

int bench_measure(struct bench_session *s, enum bench_measure measure, json_t **ret,
		  struct il_err *err)
{
	int r = interrupt_check(err);

	if (r == 0 && measure >= BENCH_MEASURE_MAX)
		r = il_refuse(err, EINVAL, "unknown measure");
	if (r == 0)
		r = measures[measure](s, ret, err);
	progress_end();
	return r;
}

struct bench_session *bench_close(struct bench_session *s)
{
	if (!s)
		return NULL;
	progress_step("removing what was prepared");
	subjects_cleanup(&s->env, &s->subjects);
	procs_reap_orphans();
	if (s->env.work && il_remove_tree(AT_FDCWD, s->env.work) < 0)
		progress_step("could not remove '%s' completely", s->env.work);
	closep(&s->env.null_fd);
	s->env.image = img_close(s->env.image);
	s->env.store = img_store_close(s->env.store);
	free(s->env.work);
	free(s->env.self);
	free(s->env.rootfs);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	progress_end();
	interrupt_end();
	free(s);
	return NULL;
}

void bench_closep(struct bench_session **session)
{
	*session = bench_close(*session);
}

char *const *session_workload(const struct bench_session *s, enum bench_measure measure,
			      char *const *fallback)
{
	bool fits = measure == BENCH_STARTUP || s->options.workload_is_idle;

	return fits && s->options.workload && s->options.workload[0] ? s->options.workload
								     : fallback;
}

static const struct subject *runnable(const struct bench_session *s, const char *name)
{
	for (size_t i = 0; i < s->subjects.n; i++) {
		const struct subject *one = &s->subjects.list[i];

		if (!one->skipped && strcmp(one->name, name) == 0)
			return one;
	}
	return NULL;
}

const struct subject *session_baseline(const struct bench_session *s)
{
	static const char *const preferred[] = {"process", "exec"};
	const struct subject *found = NULL;

	if (s->options.baseline)
		return runnable(s, s->options.baseline);
	for (size_t i = 0; i < ARRAY_SIZE(preferred) && !found; i++)
		found = runnable(s, preferred[i]);
	for (size_t i = 0; i < s->subjects.n && !found; i++)
		if (strcmp(s->subjects.list[i].name, "null") != 0)
			found = runnable(s, s->subjects.list[i].name);
	return found;
}
