// SPDX-License-Identifier: Apache-2.0
/*
 * The container launcher without image store, records and supervisor: for tests and
 * measurements of containers/ alone.
 *
 *     ctr-driver [-k] [-n COUNT] [-u UID] [-m BYTES] [-t] [-H] [-r] [-c CAPS] [-S] ROOTFS CMD...
 *
 * -k keep files, -n start COUNT at once, then stop them, -t print the timeline, -H host
 * network, -T start from a second thread, -w seconds to hold COUNT alive, -r read-only root, -c
 * capability mask, -S no seccomp, -N no no_new_privs.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "containers/container.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID_BYTES 32

struct args {
	uint64_t hold_s, count, uid, memory, cpu, pids, caps;
	bool thread, keep, times, host_net, read_only, no_seccomp, privs;
	const char *rootfs;
	char **command;
};

static struct workload *make_workload(const struct args *a, void *block, size_t len)
{
	struct workload *w = block;
	uint32_t argc = 0, at;
	uint32_t *offs;

	memset(block, 0, len);
	while (a->command[argc])
		argc++;
	*w = (struct workload){.magic = WORKLOAD_MAGIC, .version = WORKLOAD_VERSION};
	w->argc = argc;
	w->argv_off = sizeof(*w);
	w->env_off = w->argv_off + 4 * argc;
	w->groups_off = w->env_off;
	w->rlimits_off = (w->env_off + 7) & ~7u;
	w->uid = w->gid = (uint32_t)a->uid;
	w->umask = 022;
	w->flags = a->read_only ? WORKLOAD_RO_ROOT : 0;
	at = w->rlimits_off;
	w->cwd_off = at;
	at += (uint32_t)snprintf((char *)block + at, len - at, "/") + 1;
	w->hostname_off = at;
	at += (uint32_t)snprintf((char *)block + at, len - at, "driver") + 1;
	offs = (uint32_t *)(void *)((char *)block + w->argv_off);
	for (uint32_t i = 0; i < argc && at < len; i++) {
		offs[i] = at;
		at += (uint32_t)snprintf((char *)block + at, len - at, "%s", a->command[i]) + 1;
	}
	w->size = at;
	return workload_check(w, len) == 0 ? w : NULL;
}

static void print_times(const struct timeline *t)
{
	uint64_t last = t->ns[TL_REQUEST];

	for (enum timeline_event e = 0; e < TL_EVENT_MAX; e++) {
		if (!t->ns[e])
			continue;
		fprintf(stderr, "%-16s %8.1f us  (+%.1f)\n", timeline_name(e),
			(double)(t->ns[e] - t->ns[TL_REQUEST]) / 1e3,
			(double)(t->ns[e] - last) / 1e3);
		last = t->ns[e];
	}
}

static void make_id(char id[65])
{
	unsigned char raw[ID_BYTES];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		memset(raw, getpid() & 0xff, sizeof(raw));
	for (size_t i = 0; i < ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", raw[i]);
}

static int parse_args(int argc, char **argv, struct args *a)
{
	int opt;

	*a = (struct args){.count = 1, .caps = ctr_caps_default};
	while ((opt = getopt(argc, argv, "+kn:u:m:p:C:tHrc:SNw:T")) != -1) {
		int r = 0;

		if (opt == 'n')
			r = il_parse_u64(optarg, 1, 30000, &a->count, NULL);
		else if (opt == 'u')
			r = il_parse_u64(optarg, 0, UINT32_MAX, &a->uid, NULL);
		else if (opt == 'm')
			r = il_parse_size(optarg, 1, UINT64_MAX, &a->memory, NULL);
		else if (opt == 'p')
			r = il_parse_u64(optarg, 1, UINT32_MAX, &a->pids, NULL);
		else if (opt == 'C')
			r = il_parse_u64(optarg, 1, UINT32_MAX, &a->cpu, NULL);
		else if (opt == 'c')
			r = il_parse_u64(optarg, 0, UINT64_MAX, &a->caps, NULL);
		else if (opt == 'w')
			r = il_parse_u64(optarg, 0, 3600, &a->hold_s, NULL);
		else if (opt == '?')
			r = -EINVAL;
		a->thread |= opt == 'T';
		a->keep |= opt == 'k';
		a->times |= opt == 't';
		a->host_net |= opt == 'H';
		a->read_only |= opt == 'r';
		a->no_seccomp |= opt == 'S';
		a->privs |= opt == 'N';
		if (r < 0)
			return r;
	}
	if (argc - optind < 2)
		return -EINVAL;
	a->rootfs = argv[optind];
	a->command = argv + optind + 1;
	return 0;
}

struct one {
	char id[65];
	char dir[64];
	struct ctr ctr;
};

static int start_one(const struct args *a, const struct workload *w, struct one *one,
		     struct timeline *times, struct il_err *err)
{
	struct ctr_config cfg = {
	    .id = one->id,
	    .rootfs = a->rootfs,
	    .state_dir = one->dir,
	    .workload = w,
	    .limits = {.memory_bytes = a->memory, .cpu_milli = a->cpu, .pids_max = a->pids},
	    .caps = a->caps,
	    .seccomp = !a->no_seccomp,
	    .no_new_privs = !a->privs,
	    .net = a->host_net ? CTR_NET_HOST : CTR_NET_NONE,
	    .keep_files = a->keep,
	    .stdio = {0, 1, 2},
	    .timeline = times,
	};

	make_id(one->id);
	snprintf(one->dir, sizeof(one->dir), "/tmp/ctr-driver.%.16s", one->id);
	if (mkdir(one->dir, 0700) < 0)
		return il_fail(err, errno, "mkdir '%s'", one->dir);
	int r = ctr_start(&cfg, &one->ctr, err);
	if (r < 0)
		(void)!il_remove_tree(AT_FDCWD, one->dir);
	return r;
}

static int stop_one(struct one *one, struct timeline *times, bool force, struct il_err *err)
{
	int status = 0;

	if (force)
		kill(one->ctr.pid, SIGKILL);
	while (waitpid(one->ctr.pid, &status, 0) < 0 && errno == EINTR)
		;
	times->ns[TL_EXITED] = il_now_ns();
	close(one->ctr.pidfd);
	int r = ctr_destroy(one->id, err);
	if (il_remove_tree(AT_FDCWD, one->dir) < 0 && r == 0)
		r = il_fail(err, errno, "remove '%s'", one->dir);
	times->ns[TL_REAPED] = il_now_ns();
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_all(const struct args *a, const struct workload *w, struct timeline *times,
		   struct il_err *err)
{
	_cleanup_(freep) struct one *all = calloc(a->count, sizeof(*all));
	uint64_t started = 0;
	int r = 0, result = 0;

	if (!all)
		return -ENOMEM;
	for (; r == 0 && started < a->count; started++)
		r = start_one(a, w, &all[started], times, err);
	if (r < 0)
		started--;
	if (a->count > 1) {
		fprintf(stderr, "%llu alive\n", (unsigned long long)started);
		if (r == 0 && a->hold_s)
			sleep((unsigned int)a->hold_s);
	}
	for (uint64_t i = 0; i < started; i++)
		result = stop_one(&all[i], times, a->count > 1, err);
	return r < 0 ? r : result;
}

/* -T: not the first thread of the process. */
struct job {
	const struct args *args;
	const struct workload *workload;
	struct timeline times;
	struct il_err err;
	int result;
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->result = run_all(job->args, job->workload, &job->times, &job->err);
	return NULL;
}

int main(int argc, char **argv)
{
	static char block[65536] __attribute__((aligned(8)));
	struct job job = {.times = {.ns = {[TL_REQUEST] = il_now_ns()}}};
	struct args a;
	pthread_t thread;

	if (parse_args(argc, argv, &a) < 0) {
		fprintf(stderr, "usage: see the head of tests/tools/ctr_driver.c\n");
		return 125;
	}
	job.args = &a;
	job.workload = make_workload(&a, block, sizeof(block));
	if (!job.workload) {
		fprintf(stderr, "ctr-driver: bad workload\n");
		return 125;
	}
	if (!a.thread || pthread_create(&thread, NULL, run_job, &job) != 0)
		run_job(&job);
	else
		pthread_join(thread, NULL);
	if (a.times)
		print_times(&job.times);
	int r = job.result;
	if (r < 0)
		fprintf(stderr, "ctr-driver: %s\n", job.err.msg);
	return r == -ENOENT ? 127 : r == -EACCES ? 126 : r < 0 ? 125 : r;
}
