// SPDX-License-Identifier: Apache-2.0
#include "containers/cgroup.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define PROCS_MAX      (4u << 20)
#define REMOVE_TRIES   2500
#define REMOVE_WAIT_NS 2000000

const struct cgroup_ops *cgroup_detect(const char *root)
{
	_cleanup_(freep) char *v1_memory = NULL;
	struct statfs fs;
	struct stat st;

	if (statfs(root, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return &cgroup_v2_ops;
	v1_memory = il_strf("%s/memory/tasks", root);
	if (v1_memory && stat(v1_memory, &st) == 0)
		return &cgroup_v1_ops;
	freep(&v1_memory);
	v1_memory = il_strf("%s/pids/tasks", root);
	return v1_memory && stat(v1_memory, &st) == 0 ? &cgroup_v1_ops : NULL;
}

void cgroup_init(struct cgroup *cg, const struct cgroup_ops *ops, const char *root, const char *id)
{
	*cg = (struct cgroup){.ops = ops, .root = root, .id = id, .dir_fd = -1};
}

void cgroup_close(struct cgroup *cg)
{
	closep(&cg->dir_fd);
}

bool cgroup_has_devices(const struct cgroup *cg)
{
	_cleanup_(freep) char *v1_tasks = NULL;
	struct stat st;

	if (cg->ops == &cgroup_v2_ops)
		return true;
	v1_tasks = il_strf("%s/devices/tasks", cg->root);
	return cg->ops && v1_tasks && stat(v1_tasks, &st) == 0;
}

int cgroup_write_u64(int dir, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return il_write_str(dir, name, text);
}

int cgroup_read_u64(int dir, const char *name, uint64_t *ret)
{
	_cleanup_(freep) char *text = NULL;
	int r = il_read_file(dir, name, 64, &text, NULL);

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return il_parse_u64(text, 0, UINT64_MAX, ret, NULL);
}

/* One SIGKILL for each process listed; those that fork meanwhile are met the next time. */
static int kill_listed(const char *path)
{
	_cleanup_(freep) char *file = il_strf("%s/cgroup.procs", path);
	_cleanup_(freep) char *text = NULL;

	if (!file)
		return -ENOMEM;
	int r = il_read_file(AT_FDCWD, file, PROCS_MAX, &text, NULL);
	if (r < 0)
		return r;
	for (char *line = text, *end; *line; line = end + 1) {
		uint64_t pid;

		end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		/* 0 stands for a process outside our PID namespace. */
		if (il_parse_u64(line, 1, INT_MAX, &pid, NULL) == 0)
			kill((pid_t)pid, SIGKILL);
	}
	return 0;
}

int cgroup_rmdir(const char *path)
{
	const struct timespec wait = {.tv_nsec = REMOVE_WAIT_NS};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		int r = kill_listed(path);
		if (r < 0 && r != -ENOENT)
			return r;
		nanosleep(&wait, NULL);
	}
	return -EBUSY;
}
