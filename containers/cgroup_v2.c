// SPDX-License-Identifier: Apache-2.0
/* cgroup v2: one tree. Source: Linux, admin-guide/cgroup-v2.rst. */
#include "containers/cgroup.h"

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

static const char *const wanted[] = {"+memory", "+cpu", "+pids"};

/* One write each: the kernel takes all or nothing, and a host may lack one. */
static void enable_controllers(const char *dir)
{
	char path[PATH_LEN + 32];

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		(void)!il_write_str(AT_FDCWD, path, wanted[i]);
}

/* The folder all containers are in, with its controllers and its device policy. */
static int make_folder(const char *root, struct il_err *err)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/" CGROUP_FOLDER, root);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return il_fail(err, errno, "make cgroup '%s'", path);
	enable_controllers(root);
	enable_controllers(path);
	return 0;
}

static int set_one(int dir, const char *file, const char *text, const char *what,
		   struct il_err *err)
{
	int r = il_write_str(dir, file, text);

	if (r == -ENOENT)
		return il_refuse(
		    err, ENOTSUP,
		    "cannot limit the %s: the cgroup has no '%s'; enable its controller "
		    "in cgroup.subtree_control or leave the limit out",
		    what, file);
	return r < 0 ? il_fail(err, -r, "set the %s limit ('%s')", what, file) : 0;
}

int cgroup_v2_set_limits(int dir, const struct ctr_limits *limits, struct il_err *err)
{
	char text[64];
	int r = 0;

	if (limits->memory_bytes) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)limits->memory_bytes);
		r = set_one(dir, "memory.max", text, "memory", err);
		/* As docker: as much swap as memory. A kernel without swap has no such file. */
		if (r == 0) {
			r = il_write_str(dir, "memory.swap.max", text);
			r = r == -ENOENT ? 0 : r;
		}
	}
	if (r == 0 && limits->cpu_milli) {
		snprintf(text, sizeof(text), "%llu %u",
			 (unsigned long long)(limits->cpu_milli * CGROUP_CPU_PERIOD_US / 1000),
			 CGROUP_CPU_PERIOD_US);
		r = set_one(dir, "cpu.max", text, "CPU", err);
	}
	if (r == 0 && limits->pids_max) {
		snprintf(text, sizeof(text), "%llu", (unsigned long long)limits->pids_max);
		r = set_one(dir, "pids.max", text, "process number", err);
	}
	return r;
}

static int v2_remove(const char *root, const char *id, struct il_err *err)
{
	char path[PATH_LEN];
	int n = snprintf(path, sizeof(path), "%s/" CGROUP_FOLDER "/%s", root, id);

	if (n >= PATH_LEN)
		return il_fail(err, ENAMETOOLONG, "cgroup '%s'", id);
	/* In the usual case it is empty already. */
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	_cleanup_(closep) int dir = il_open(AT_FDCWD, path, O_DIRECTORY | O_PATH, 0);
	if (dir >= 0)
		(void)!il_write_str(dir, "cgroup.kill", "1"); /* Linux 5.14 */
	int r = cgroup_rmdir(path);
	return r < 0 ? il_fail(err, -r, "remove cgroup '%s'", path) : 0;
}

/* On the folder: every container inherits it, and it is loaded once, not at each start. */
static int require_device_policy(const char *root, struct il_err *err)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/" CGROUP_FOLDER, root);
	_cleanup_(closep) int dir = il_open(AT_FDCWD, path, O_DIRECTORY | O_RDONLY, 0);
	if (dir < 0)
		return il_fail(err, -dir, "open cgroup '%s'", path);
	return cgroup_device_policy_v2(dir, err);
}

static int open_made(struct cgroup *cg, const char *path, const struct ctr_limits *limits,
		     struct il_err *err)
{
	int fd = il_open(AT_FDCWD, path, O_DIRECTORY | O_RDONLY, 0);
	int r;

	if (fd < 0)
		return il_fail(err, -fd, "open cgroup '%s'", path);
	r = cgroup_v2_set_limits(fd, limits, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	cg->dir_fd = fd;
	return 0;
}

static int v2_make(struct cgroup *cg, const struct ctr_limits *limits, struct il_err *err)
{
	const char *id = cg->id;
	char path[PATH_LEN];
	int n = snprintf(path, sizeof(path), "%s/" CGROUP_FOLDER "/%s", cg->root, id);
	int r = 0;

	if (n >= PATH_LEN)
		return il_fail(err, ENAMETOOLONG, "cgroup '%s'", id);
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		if (errno != ENOENT)
			return il_fail(err, errno, "make cgroup '%s'", path);
		/* The first container since boot. */
		r = make_folder(cg->root, err);
		if (r == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
			r = il_fail(err, errno, "make cgroup '%s'", path);
	}
	if (r == 0)
		r = require_device_policy(cg->root, err);
	if (r == 0)
		r = open_made(cg, path, limits, err);
	if (r < 0)
		(void)!v2_remove(cg->root, id, NULL);
	return r;
}

static int v2_memory(const char *root, const char *id, uint64_t *ret_bytes)
{
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "%s/" CGROUP_FOLDER "/%s/memory.current", root, id);
	return cgroup_read_u64(AT_FDCWD, path, ret_bytes);
}

const struct cgroup_ops cgroup_v2_ops = {
    .name = "v2",
    .make = v2_make,
    .remove = v2_remove,
    .memory = v2_memory,
};
