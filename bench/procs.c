// SPDX-License-Identifier: Apache-2.0
#include "bench/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/parse.h"
#include "bench/command.h"

#define SMALL_FILE ((size_t)64 << 10)

/* The number behind "KEY:" in @text (meminfo, smaps_rollup), in bytes; the files say kB. */
static int kb_value(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (strncmp(p, key, len) == 0 && p[len] == ':') {
			*ret = strtoull(p + len + 1, NULL, 10) * 1024;
			return 0;
		}
	}
	return -ENOENT;
}

static int meminfo(const char *key, uint64_t *ret, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	int r = il_read_file(AT_FDCWD, "/proc/meminfo", SMALL_FILE, &text, NULL);

	if (r == 0)
		r = kb_value(text, key, ret);
	return r < 0 ? il_fail(err, -r, "read %s of /proc/meminfo", key) : 0;
}

int procs_mem_available(uint64_t *ret_bytes, struct il_err *err)
{
	return meminfo("MemAvailable", ret_bytes, err);
}

int procs_mem_total(uint64_t *ret_bytes, struct il_err *err)
{
	return meminfo("MemTotal", ret_bytes, err);
}

struct proc {
	pid_t pid, parent;
	bool below; /* is a descendant of the root */
};

/* The parent of @name ("123"): field 4 of stat, behind the last ')' of the name. */
static int read_parent(int proc_fd, const char *name, pid_t *ret)
{
	_cleanup_(freep) char *text = NULL;
	char path[300];

	snprintf(path, sizeof(path), "%s/stat", name);
	int r = il_read_file(proc_fd, path, 4096, &text, NULL);
	if (r < 0)
		return r;
	const char *p = strrchr(text, ')');
	if (!p || strlen(p) < 5) /* ") S 1" */
		return -EPROTO;
	*ret = (pid_t)strtol(p + 4, NULL, 10);
	return 0;
}

static int list_processes(struct proc **ret, size_t *ret_n, struct il_err *err)
{
	_cleanup_(closedirp) DIR *dir = opendir("/proc");
	_cleanup_(freep) struct proc *list = NULL;
	size_t n = 0, cap = 0;
	struct dirent *d;
	uint64_t pid;

	if (!dir)
		return il_fail(err, errno, "open /proc");
	while ((d = readdir(dir))) {
		struct proc p = {0};

		if (il_parse_u64(d->d_name, 1, 1u << 30, &pid, NULL) < 0)
			continue;
		if (read_parent(dirfd(dir), d->d_name, &p.parent) < 0)
			continue; /* it has ended */
		p.pid = (pid_t)pid;
		if (n == cap) {
			cap = cap ? 2 * cap : 256;
			struct proc *more = realloc(list, cap * sizeof(*list));
			if (!more)
				return il_fail(err, ENOMEM, "list processes");
			list = more;
		}
		list[n++] = p;
	}
	*ret = steal_ptr(list);
	*ret_n = n;
	return 0;
}

static struct proc *find_pid(struct proc *list, size_t n, pid_t pid)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (list[mid].pid == pid)
			return &list[mid];
		if (list[mid].pid < pid)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Mark what is below @root: until nothing changes; a pass per level of the tree. */
static size_t mark_below(struct proc *list, size_t n, pid_t root)
{
	size_t marked = 0;
	bool changed = true;

	if (n == 0)
		return 0;
	qsort(list, n, sizeof(*list), by_pid);
	while (changed) {
		changed = false;
		for (size_t i = 0; i < n; i++) {
			struct proc *parent = find_pid(list, n, list[i].parent);

			if (list[i].below || list[i].pid == root)
				continue;
			if (list[i].parent == root || (parent && parent->below)) {
				list[i].below = changed = true;
				marked++;
			}
		}
	}
	return marked;
}

int procs_descendants(pid_t root, pid_t **ret_pids, struct il_err *err)
{
	_cleanup_(freep) struct proc *list = NULL;
	size_t n = 0, k = 0;
	int r = list_processes(&list, &n, err);

	if (r < 0)
		return r;
	size_t marked = mark_below(list, n, root);
	pid_t *pids = calloc(marked + 1, sizeof(*pids));
	if (!pids)
		return il_fail(err, ENOMEM, "list processes");
	for (size_t i = 0; i < n; i++)
		if (list[i].below)
			pids[k++] = list[i].pid;
	*ret_pids = pids;
	return (int)k;
}

/* 0 and the PSS; -ESRCH when it has ended (a zombie's file is empty or gone). */
static int read_pss(pid_t pid, uint64_t *ret)
{
	_cleanup_(freep) char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	int r = il_read_file(AT_FDCWD, path, SMALL_FILE, &text, NULL);
	if (r == -ENOENT || r == -ESRCH)
		return -ESRCH;
	if (r < 0)
		return r;
	return kb_value(text, "Pss", ret) < 0 ? -ESRCH : 0;
}

/*
 * The directory of the memory controller that @pid is charged to, owned; NULL = unknown.
 * v1 names it in the line of the memory hierarchy, v2 in the line "0::".
 */
static char *memory_cgroup(pid_t pid, const char **ret_file)
{
	_cleanup_(freep) char *text = NULL;
	char path[64], *save = NULL, *v1 = NULL, *v2 = NULL;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (il_read_file(AT_FDCWD, path, SMALL_FILE, &text, NULL) < 0)
		return NULL;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(l, ':');
		char *dir = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!dir)
			continue;
		*dir++ = '\0';
		if (strcmp(controllers + 1, "memory") == 0)
			v1 = dir;
		else if (controllers[1] == '\0')
			v2 = dir;
	}
	*ret_file = v1 ? "memory.usage_in_bytes" : "memory.current";
	if (v1)
		return il_strf("/sys/fs/cgroup/memory%s", v1);
	return v2 ? il_strf("/sys/fs/cgroup%s", v2) : NULL;
}

static int read_charge(const char *dir, const char *file, uint64_t *ret)
{
	_cleanup_(freep) char *path = il_strf("%s/%s", dir, file);
	_cleanup_(freep) char *text = NULL;
	int r = path ? il_read_file(AT_FDCWD, path, 4096, &text, NULL) : -ENOMEM;

	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return il_parse_u64(text, 0, UINT64_MAX, ret, NULL);
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Add the charge of each directory of @dirs once, but not of the harness's own. */
static void sum_charges(struct strv *dirs, const char *own, const char *file,
			struct procs_memory *m)
{
	if (dirs->n)
		qsort(dirs->v, dirs->n, sizeof(*dirs->v), by_string);
	for (size_t i = 0; i < dirs->n; i++) {
		uint64_t bytes;

		if (i && strcmp(dirs->v[i], dirs->v[i - 1]) == 0)
			continue;
		if ((own && strcmp(dirs->v[i], own) == 0) ||
		    read_charge(dirs->v[i], file, &bytes) < 0)
			continue;
		m->has_cgroup = true;
		m->cgroup_bytes += bytes;
	}
}

int procs_measure(pid_t root, struct procs_memory *ret, struct il_err *err)
{
	_cleanup_(strv_done) struct strv dirs = {0};
	_cleanup_(freep) pid_t *pids = NULL;
	_cleanup_(freep) char *own = NULL;
	struct procs_memory m = {0};
	const char *file = NULL;
	int n = procs_descendants(root, &pids, err);

	if (n < 0)
		return n;
	own = memory_cgroup(root, &file);
	for (int i = 0; i < n && pids; i++) {
		_cleanup_(freep) char *dir = NULL;
		uint64_t pss = 0;
		int r = read_pss(pids[i], &pss);

		if (r == -ESRCH)
			continue;
		if (r < 0)
			return il_fail(err, -r, "read the PSS of process %d", (int)pids[i]);
		m.processes++;
		m.pss_bytes += pss;
		dir = memory_cgroup(pids[i], &file);
		if (dir)
			strv_add(&dirs, dir);
	}
	if (dirs.failed)
		return il_fail(err, ENOMEM, "list cgroups");
	if (file)
		sum_charges(&dirs, own, file, &m);
	*ret = m;
	return 0;
}

int procs_reap_orphans(void)
{
	int n = 0;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		n++;
	return n;
}
