// SPDX-License-Identifier: Apache-2.0
/*
 * podman and docker: whole engines. Each gets the image imported into a private store in
 * the work directory; docker's daemon is started for the measurement with its own data
 * root and socket, and ended with it. The host's own images and containers are not seen.
 */
#include "bench/peers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "bench/interrupt.h"

#define IMPORT_TIMEOUT_NS (300 * IL_NS_PER_S)
#define REMOVE_TIMEOUT_NS (30 * IL_NS_PER_S)
#define DAEMON_START_NS   (60 * IL_NS_PER_S)
#define DAEMON_END_NS     (30 * IL_NS_PER_S)

/* Directories of /sys/fs/cgroup that hierarchies are mounted at; "" is v2. */
static const char *const controllers[] = {
    "",        "memory",     "cpu",     "cpuacct",     "cpuset",          "pids",    "devices",
    "freezer", "blkio",      "unified", "systemd",     "hugetlb",         "net_cls", "net_prio",
    "rdma",    "perf_event", "misc",    "cpu,cpuacct", "net_cls,net_prio"};

struct engine {
	char *dir;          /* owned; everything of this engine */
	struct strv client; /* the client with its global options */
	pid_t daemon;       /* 0 = none */
	char cgroup[48];    /* parent of its containers' cgroups, of this harness alone */
};

/* rmdir refuses a cgroup with processes, so this can't harm anybody. */
static void remove_cgroups(const char *path, int depth)
{
	_cleanup_(closedirp) DIR *dir = opendir(path);
	struct dirent *d;

	while (dir && depth > 0 && (d = readdir(dir))) {
		_cleanup_(freep) char *below = NULL;

		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		below = il_strf("%s/%s", path, d->d_name);
		if (below)
			remove_cgroups(below, depth - 1);
	}
	rmdir(path);
}

static void remove_parent(const char *name)
{
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", controllers[i], name);
		if (access(path, F_OK) == 0)
			remove_cgroups(path, 3);
	}
}

static int engine_new(const struct bench_env *env, struct subject *s, struct engine **ret,
		      struct il_err *err)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return il_fail(err, ENOMEM, "prepare %s", s->name);
	s->state = e;
	snprintf(e->cgroup, sizeof(e->cgroup), "isolab-bench-%s-%d", s->name, (int)getpid());
	e->dir = il_strf("%s/%s", env->work, s->name);
	int r = e->dir ? il_mkdir_p(e->dir, 0700) : -ENOMEM;
	if (r < 0)
		return il_fail(err, -r, "make a directory for %s", s->name);
	*ret = e;
	return 0;
}

/* Run the client with more words. */
static int client_run(const struct engine *e, const char *const *words, uint64_t timeout_ns,
		      struct il_buf *output, struct il_err *err)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;

	strv_add_all(&c.argv, (const char *const *)(uintptr_t)e->client.v);
	strv_add_all(&c.argv, words);
	if (strv_check(&c.argv) < 0)
		return il_fail(err, ENOMEM, "make a command");
	return command_run(&c, timeout_ns, output, err);
}

/* The unpacked root as one layer in the engine's store, named isolab-bench. */
static int import_rootfs(const struct bench_env *env, const struct engine *e, struct il_err *err)
{
	_cleanup_(freep) char *tar = il_strf("%s/rootfs.tar", e->dir);

	if (!tar)
		return il_fail(err, ENOMEM, "import");
	int r = command_runv(IMPORT_TIMEOUT_NS, NULL, err, "tar", "-C", env->rootfs, "-cf", tar,
			     ".", (char *)NULL);
	if (r == 0)
		r = client_run(e, (const char *const[]){"import", tar, "isolab-bench:latest", NULL},
			       IMPORT_TIMEOUT_NS, NULL, err);
	unlink(tar);
	return r;
}

static int command(const struct bench_env *env, const struct subject *s, const struct start *start,
		   struct command *ret, struct il_err *err)
{
	struct engine *e = s->state;
	struct strv *a = &ret->argv;

	strv_add_all(a, (const char *const *)(uintptr_t)e->client.v);
	strv_add_all(
	    a, (const char *const[]){"run", "--rm", "--network=none", "--pids-limit=512", NULL});
	if (start->idle)
		strv_add(a, "--interactive");
	strv_addf(a, "--name=%s", start->id);
	strv_addf(a, "--cgroup-parent=/%s", e->cgroup);
	strv_addf(a, "--memory=%llu", (unsigned long long)env->options->memory_bytes);
	strv_addf(a, "--cpus=%llu", (unsigned long long)env->cpus);
	/* The engines' own defaults can be over what the harness may hand down. */
	strv_add_all(a, (const char *const[]){"--ulimit=nofile=1024:1024",
					      "--ulimit=nproc=4096:4096", NULL});
	for (size_t i = 0; env->image_env && env->image_env[i]; i++)
		strv_addf(a, "--env=%s", env->image_env[i]);
	strv_add(a, "isolab-bench:latest");
	strv_add_all(a, (const char *const *)(uintptr_t)start->workload);
	return strv_check(a) < 0 ? il_fail(err, ENOMEM, "make a command") : 0;
}

static void remove_start(const struct bench_env *env IL_UNUSED, const struct subject *s,
			 const char *id)
{
	if (client_run(s->state, (const char *const[]){"rm", "--force", id, NULL},
		       REMOVE_TIMEOUT_NS, NULL, NULL) < 0)
		return; /* it was gone already */
}

static int probe(const struct bench_env *env IL_UNUSED, const struct subject *s IL_UNUSED,
		 struct il_err *err)
{
	return peer_need_root(err);
}

static void engine_free(struct engine *e)
{
	if (e->cgroup[0])
		remove_parent(e->cgroup);
	strv_done(&e->client);
	free(e->dir);
	free(e);
}

/* ---- podman ------------------------------------------------------------------------ */

static int podman_prepare(const struct bench_env *env, struct subject *s, struct il_err *err)
{
	_cleanup_(freep) char *runc = NULL;
	struct engine *e = NULL;
	int r = engine_new(env, s, &e, err);

	if (r < 0 || !e)
		return r;
	strv_add(&e->client, s->program);
	strv_addf(&e->client, "--root=%s/root", e->dir);
	strv_addf(&e->client, "--runroot=%s/run", e->dir);
	strv_add_all(&e->client,
		     (const char *const[]){"--storage-driver=overlay", "--cgroup-manager=cgroupfs",
					   "--events-backend=none", NULL});
	/* One runtime for both engines: crun, podman's first choice, refuses hybrid cgroups. */
	if (command_find("runc", &runc, NULL) == 0)
		strv_addf(&e->client, "--runtime=%s", runc);
	if (strv_check(&e->client) < 0)
		return il_fail(err, ENOMEM, "prepare podman");
	return import_rootfs(env, e, err);
}

static void podman_cleanup(const struct bench_env *env IL_UNUSED, struct subject *s)
{
	struct engine *e = s->state;
	_cleanup_(freep) char *overlay = NULL;

	if (!e)
		return;
	if (e->client.n && client_run(e, (const char *const[]){"rm", "--all", "--force", NULL},
				      REMOVE_TIMEOUT_NS, NULL, NULL) < 0)
		e->client.failed = true; /* the store goes with the directory all the same */
	overlay = e->dir ? il_strf("%s/root/overlay", e->dir) : NULL;
	if (overlay)
		umount2(overlay, MNT_DETACH); /* podman binds its store onto itself */
	engine_free(e);
	s->state = NULL;
}

const struct driver peer_podman = {
    .name = "podman",
    .type = "peer",
    .description = "podman run --rm --network none with memory, cpu and pids limits; its "
		   "defaults for the rest; overlay store of its own, runtime runc if there",
    .needs_rootfs = true,
    .version_argv = {"podman", "--version"},
    .probe = probe,
    .prepare = podman_prepare,
    .command = command,
    .remove = remove_start,
    .cleanup = podman_cleanup,
};

/* ---- docker ------------------------------------------------------------------------ */

/* The client that came with the daemon: another version may refuse its protocol. */
static int docker_probe(const struct bench_env *env IL_UNUSED, const struct subject *s,
			struct il_err *err)
{
	_cleanup_(freep) char *client = NULL;
	int r = peer_need_root(err);

	if (r == 0)
		r = command_find("docker", &client, err);
	return r < 0 ? il_wrap(err, r, "%s", s->name) : 0;
}

static int docker_start_daemon(struct engine *e, const char *dockerd, struct il_err *err)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	_cleanup_(freep) char *log = il_strf("%s/dockerd.log", e->dir);

	strv_add(&c.argv, dockerd);
	strv_addf(&c.argv, "--host=unix://%s/s", e->dir);
	strv_addf(&c.argv, "--data-root=%s/data", e->dir);
	strv_addf(&c.argv, "--exec-root=%s/exec", e->dir);
	strv_addf(&c.argv, "--pidfile=%s/pid", e->dir);
	strv_add_all(&c.argv,
		     (const char *const[]){"--bridge=none", "--iptables=false",
					   "--exec-opt=native.cgroupdriver=cgroupfs", NULL});
	if (!log || strv_check(&c.argv) < 0)
		return il_fail(err, ENOMEM, "start dockerd");
	_cleanup_(closep) int fd = il_open(AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return il_fail(err, -fd, "make '%s'", log);
	int stdio[3] = {-1, fd, fd};
	pid_t pid = command_spawn(&c, stdio, NULL, err);
	if (pid < 0)
		return pid;
	e->daemon = pid;
	return 0;
}

static int docker_await_daemon(struct engine *e, struct il_err *err)
{
	uint64_t deadline = il_now_ns() + DAEMON_START_NS;
	_cleanup_(freep) char *path = il_strf("%s/dockerd.log", e->dir);
	_cleanup_(freep) char *text = NULL;
	char line[200] = "";

	while (il_now_ns() < deadline) {
		int r = client_run(e, (const char *const[]){"version", NULL}, REMOVE_TIMEOUT_NS,
				   NULL, NULL);
		if (r == 0)
			return 0;
		if (waitpid(e->daemon, NULL, WNOHANG) == e->daemon) {
			e->daemon = 0;
			break;
		}
		r = interrupt_sleep(100 * IL_NS_PER_MS, err);
		if (r < 0)
			return r;
	}
	if (path && il_read_file(AT_FDCWD, path, (size_t)8 << 20, &text, NULL) == 0)
		command_last_line(text, line, sizeof(line));
	return il_refuse(err, ETIMEDOUT, "dockerd did not come up: %s", line);
}

static int docker_prepare(const struct bench_env *env, struct subject *s, struct il_err *err)
{
	struct engine *e = NULL;
	_cleanup_(freep) char *client = NULL;
	int r = engine_new(env, s, &e, err);

	if (r == 0 && access("/usr/bin/docker", X_OK) == 0)
		client = strdup("/usr/bin/docker");
	else if (r == 0)
		r = command_find("docker", &client, err);
	if (r < 0 || !e)
		return r;
	strv_add(&e->client, client ? client : "docker");
	strv_addf(&e->client, "--host=unix://%s/s", e->dir);
	if (strv_check(&e->client) < 0)
		return il_fail(err, ENOMEM, "prepare docker");
	r = docker_start_daemon(e, s->program, err);
	if (r == 0)
		r = docker_await_daemon(e, err);
	return r == 0 ? import_rootfs(env, e, err) : r;
}

/* SIGTERM lets dockerd end its containers, shims and containerd; then it is killed. */
static void docker_end_daemon(pid_t pid)
{
	uint64_t deadline = il_now_ns() + DAEMON_END_NS;
	struct timespec pause = {0, 50 * (long)IL_NS_PER_MS};

	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (il_now_ns() > deadline) {
			kill(-pid, SIGKILL);
			deadline = UINT64_MAX;
		}
		nanosleep(&pause, NULL); /* not interrupt_sleep: this is the clean-up */
	}
}

static void docker_cleanup(const struct bench_env *env IL_UNUSED, struct subject *s)
{
	struct engine *e = s->state;

	if (!e)
		return;
	if (e->daemon > 0)
		docker_end_daemon(e->daemon);
	engine_free(e);
	s->state = NULL;
}

const struct driver peer_docker = {
    .name = "docker",
    .type = "peer",
    .description = "docker run --rm --network none with memory, cpu and pids limits through a "
		   "dockerd started for the measurement (its start is not timed); its defaults "
		   "for the rest",
    .needs_rootfs = true,
    .version_argv = {"dockerd", "--version"},
    .probe = docker_probe,
    .prepare = docker_prepare,
    .command = command,
    .remove = remove_start,
    .cleanup = docker_cleanup,
};
