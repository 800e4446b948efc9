// SPDX-License-Identifier: Apache-2.0
/*
 * The one process, and the workload's start in it.
 */
#include "guest/nano/core.h"
#include "runner/runner.h"

#include <linux/resource.h>

static struct process the_process;
struct process *current = &the_process;

static const char *host_name;

const char *kernel_hostname(void)
{
	return host_name;
}

void process_init(void)
{
	struct process *p = current;

	host_name = workload_str(boot_workload, boot_workload->hostname_off);
	p->pid = p->pgid = p->sid = 1;
	for (int i = 0; i < RLIMIT_COUNT; i++)
		p->rlimits[i] = (struct rlimit_pair){RLIM64_INFINITY, RLIM64_INFINITY};
	p->rlimits[RLIMIT_STACK].cur = 8ull << 20;
	p->rlimits[RLIMIT_CORE].cur = 0;
	p->rlimits[RLIMIT_NOFILE] = (struct rlimit_pair){1024, 1048576};
	p->start_ns = clock_boot_ns();
}

bool capable_root(void)
{
	return current->fsuid == 0;
}

bool in_group(uint32_t gid)
{
	if (gid == current->fsgid)
		return true;
	for (uint32_t i = 0; i < current->ngroups; i++)
		if (current->groups[i] == gid)
			return true;
	return false;
}

uint64_t process_cpu_ns(void)
{
	return clock_boot_ns() - clock_idle_ns;
}

/* ---- the runner's ops --------------------------------------------------------------- */

static int op_set_cwd(void *ctx, const char *path)
{
	(void)ctx;
	return vfs_chdir(path, /* make= */ true);
}

static int op_set_umask(void *ctx, uint32_t mask)
{
	(void)ctx;
	current->umask = mask & 0777;
	return 0;
}

static int op_set_rlimit(void *ctx, const struct workload_rlimit *limit)
{
	(void)ctx;
	if (limit->resource >= RLIMIT_COUNT || limit->soft > limit->hard)
		return -EINVAL;
	current->rlimits[limit->resource] = (struct rlimit_pair){limit->soft, limit->hard};
	return 0;
}

static int op_set_ids(void *ctx, uint32_t uid, uint32_t gid, const uint32_t *groups,
		      uint32_t ngroups)
{
	struct process *p = current;

	(void)ctx;
	if (ngroups > NGROUPS_KEPT)
		return -EINVAL;
	p->uid = p->euid = p->suid = p->fsuid = uid;
	p->gid = p->egid = p->sgid = p->fsgid = gid;
	memcpy(p->groups, groups, ngroups * sizeof(groups[0]));
	p->ngroups = ngroups;
	return 0;
}

static int op_exec(void *ctx, const char *path, const struct workload *w)
{
	struct exec_args args = {0};
	struct file *file;
	int r = vfs_open_exec(path, &file);

	(void)ctx;
	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < w->argc; i++)
		r = exec_args_add(&args, workload_arg(w, i), &args.argc);
	for (uint32_t i = 0; r == 0 && i < w->envc; i++)
		r = exec_args_add(&args, workload_env(w, i), &args.envc);
	if (r == 0)
		r = exec_file(path, file, &args);
	exec_args_free(&args);
	file_put(file);
	return r;
}

void runner_start(void)
{
	static const struct runner_ops ops = {
	    .set_cwd = op_set_cwd,
	    .set_umask = op_set_umask,
	    .set_rlimit = op_set_rlimit,
	    .set_ids = op_set_ids,
	    .exec = op_exec,
	};
	const char *step;
	int r = runner_run(boot_workload, &ops, NULL, &step);

	if (r < 0) {
		char text[128];
		int n = ksnprintf(text, sizeof(text), "%s", step);

		hypercall(NANO_HC_REFUSE, (uint64_t)-r, va_to_gpa(text), (uint64_t)n);
	}
	hypercall(NANO_HC_EVENT, NANO_EXECED, rdtsc(), 0);
}
