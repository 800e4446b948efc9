// SPDX-License-Identifier: Apache-2.0
/* cgroup v1: a directory per controller. Source: Linux, admin-guide/cgroup-v1. */
#include "containers/cgroup.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/macros.h"
#include "containers/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 512

/* 0, or -ENOENT when the host has no swap accounting. */
static int set_memory(int dir, const struct ctr_limits *limits)
{
	int r = cgroup_write_u64(dir, "memory.limit_in_bytes", limits->memory_bytes);

	if (r < 0)
		return r;
	/* As docker: as much swap again as memory. */
	r = cgroup_write_u64(dir, "memory.memsw.limit_in_bytes", 2 * limits->memory_bytes);
	return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

static int set_cpu(int dir, const struct ctr_limits *limits)
{
	int r = cgroup_write_u64(dir, "cpu.cfs_period_us", CGROUP_CPU_PERIOD_US);

	if (r < 0)
		return r;
	return cgroup_write_u64(dir, "cpu.cfs_quota_us",
				limits->cpu_milli * CGROUP_CPU_PERIOD_US / 1000);
}

static int set_pids(int dir, const struct ctr_limits *limits)
{
	return cgroup_write_u64(dir, "pids.max", limits->pids_max);
}

static const struct {
	const char *name;
	const char *limit_name;
	size_t limit_offset;
	int (*set)(int dir, const struct ctr_limits *limits);
} controllers[] = {
    {"memory", "memory", offsetof(struct ctr_limits, memory_bytes), set_memory},
    {"cpu", "CPU", offsetof(struct ctr_limits, cpu_milli), set_cpu},
    {"pids", "process number", offsetof(struct ctr_limits, pids_max), set_pids},
};

static bool is_asked(size_t i, const struct ctr_limits *limits)
{
	uint64_t value;

	memcpy(&value, (const char *)limits + controllers[i].limit_offset, sizeof(value));
	return value != 0;
}

static int format_path(char *path, size_t i, const char *root, const char *id)
{
	int n =
	    snprintf(path, PATH_LEN, "%s/%s/" CGROUP_FOLDER "/%s", root, controllers[i].name, id);

	return n < PATH_LEN ? 0 : -ENAMETOOLONG;
}

/* 1 made (or there), 0 no such controller, or -errno. */
static int make_dir(char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 1;
	if (errno != ENOENT)
		return -errno;
	/* The first container since boot: the folder is missing, or the whole controller. */
	char *slash = strrchr(path, '/');
	*slash = '\0';
	int r = mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -errno;
	*slash = '/';
	if (r < 0)
		return r == -ENOENT || r == -EROFS || r == -EPERM ? 0 : r;
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 1 : -errno;
}

static int make_one(struct cgroup *cg, size_t i, const char *id, const struct ctr_limits *limits,
		    struct il_err *err)
{
	_cleanup_(closep) int dir = -1;
	char path[PATH_LEN];
	bool asked = is_asked(i, limits);
	int r = format_path(path, i, cg->root, id);

	if (r == 0)
		r = make_dir(path);
	if (r < 0)
		return il_fail(err, -r, "make cgroup '%s'", path);
	if (r == 0 && asked)
		return il_refuse(err, ENOTSUP,
				 "cannot limit the %s: this host has no '%s' cgroup controller at "
				 "%s/%s; leave the limit out",
				 controllers[i].limit_name, controllers[i].name, cg->root,
				 controllers[i].name);
	if (r == 0)
		return 0;
	dir = il_open(AT_FDCWD, path, O_DIRECTORY | O_PATH, 0);
	if (dir < 0)
		return il_fail(err, -dir, "open cgroup '%s'", path);
	r = asked ? controllers[i].set(dir, limits) : 0;
	if (r < 0)
		return il_fail(err, -r, "set the %s limit in cgroup '%s'",
			       controllers[i].limit_name, path);
	int fd = il_open(dir, "tasks", O_WRONLY, 0);
	if (fd < 0)
		return il_fail(err, -fd, "open '%s/tasks'", path);
	return cgroup_add_join(cg, fd);
}

static int v1_remove(const char *root, const char *id, struct il_err *err)
{
	char path[PATH_LEN];
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		int r = format_path(path, i, root, id);

		if (r == 0)
			r = cgroup_rmdir(path);
		if (r < 0 && result == 0)
			result = il_fail(err, -r, "remove cgroup '%s'", path);
	}
	return result;
}

static int v1_make(struct cgroup *cg, const char *id, const struct ctr_limits *limits,
		   struct il_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(controllers); i++)
		r = make_one(cg, i, id, limits, err);
	if (r == 0) {
		int fd = cgroup_device_policy_v1(cg->root, err);

		if (fd >= 0) {
			cg->device_policy = true;
			r = cgroup_add_join(cg, fd);
		} else if (fd != -ENOENT) {
			r = fd;
		}
	}
	if (r < 0) {
		cgroup_close(cg);
		(void)!v1_remove(cg->root, id, NULL);
	}
	return r;
}

/*
 * "0" in `tasks` moves the writing thread alone, and since it is the writer itself the
 * kernel needs no lock over all forks of the host: `cgroup.procs` does, and waits for an
 * RCU grace period to get it.
 */
static int v1_join(const struct cgroup *cg)
{
	for (unsigned int i = 0; i < cg->join_count; i++)
		if (write(cg->join_fds[i], "0", 1) != 1)
			return -errno;
	return 0;
}

static int v1_memory(const char *root, const char *id, uint64_t *ret_bytes)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/memory/" CGROUP_FOLDER "/%s/memory.usage_in_bytes", root,
		 id);
	return cgroup_read_u64(AT_FDCWD, path, ret_bytes);
}

const struct cgroup_ops cgroup_v1_ops = {
    .name = "v1",
    .make = v1_make,
    .join = v1_join,
    .remove = v1_remove,
    .memory = v1_memory,
};
