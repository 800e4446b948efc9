// SPDX-License-Identifier: Apache-2.0
/* cgroup v1: a directory per controller. Source: Linux, admin-guide/cgroup-v1. */
#include "containers/cgroup.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/macros.h"
#include "base/raw.h"
#include "containers/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 512
#define DEVICES  (CGROUP_CONTROLLER_MAX - 1)

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

_Static_assert(ARRAY_SIZE(controllers) == DEVICES, "the devices controller comes after them");

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

static int make_one(struct cgroup *cg, size_t i, const struct ctr_limits *limits,
		    struct il_err *err)
{
	_cleanup_(closep) int dir = -1;
	char path[PATH_LEN];
	bool asked = is_asked(i, limits);
	int r = format_path(path, i, cg->root, cg->id);

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
	cg->made[i] = r > 0;
	if (!asked)
		return 0;
	dir = il_open(AT_FDCWD, path, O_DIRECTORY | O_PATH, 0);
	if (dir < 0)
		return il_fail(err, -dir, "open cgroup '%s'", path);
	r = controllers[i].set(dir, limits);
	return r < 0 ? il_fail(err, -r, "set the %s limit in cgroup '%s'",
			       controllers[i].limit_name, path)
		     : 0;
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

static int v1_make(struct cgroup *cg, const struct ctr_limits *limits, struct il_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(controllers); i++)
		r = make_one(cg, i, limits, err);
	if (r == 0)
		r = cgroup_device_policy_v1(cg->root, err);
	cg->made[DEVICES] = r == 0;
	if (r == -ENOENT)
		r = 0;
	if (r < 0)
		(void)!v1_remove(cg->root, cg->id, NULL);
	return r;
}

static int v1_hold(struct cgroup *cg)
{
	int root = il_raw_openat(AT_FDCWD, cg->root, O_PATH | O_DIRECTORY, 0);

	if (root < 0)
		return root;
	for (size_t i = 0; i < CGROUP_CONTROLLER_MAX; i++)
		cg->root_fds[i] = il_raw_openat(
		    root, i == DEVICES ? "devices" : controllers[i].name, O_PATH | O_DIRECTORY, 0);
	return il_raw_close(root);
}

/* "isolab/ID/tasks", without the formatting of libc, which may touch errno. */
static void format_tasks(char *path, const char *id)
{
	static const char head[] = CGROUP_FOLDER "/";
	static const char tail[] = "/tasks";
	size_t len = strnlen(id, PATH_LEN - sizeof(head) - sizeof(tail));

	memcpy(path, head, sizeof(head) - 1);
	memcpy(path + sizeof(head) - 1, id, len);
	memcpy(path + sizeof(head) - 1 + len, tail, sizeof(tail));
}

/*
 * "0" in `tasks` moves the writing thread alone, and since it is the writer itself the
 * kernel needs no lock over all forks of the host: `cgroup.procs` does, and waits for an
 * RCU grace period to get it.
 */
static int v1_join(const struct cgroup *cg)
{
	char path[PATH_LEN];

	format_tasks(path, cg->id);
	for (size_t i = 0; i < CGROUP_CONTROLLER_MAX; i++) {
		if (!cg->made[i])
			continue;
		int fd =
		    il_raw_openat(cg->root_fds[i],
				  i == DEVICES ? CGROUP_DEVICE_POLICY "/tasks" : path, O_WRONLY, 0);
		if (fd < 0)
			return fd;
		long n = il_raw_write(fd, "0", 1);
		il_raw_close(fd);
		if (n != 1)
			return n < 0 ? (int)n : -EIO;
	}
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
    .hold = v1_hold,
    .join = v1_join,
    .remove = v1_remove,
    .memory = v1_memory,
};
