// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/sys.h"

#include <linux/resource.h>
#include <linux/time_types.h>

static long set_limit(uint64_t resource, uint64_t at)
{
	struct rlimit_pair new, *now = &current->rlimits[resource];

	if (copy_from_user(&new, at, sizeof(new)))
		return -EFAULT;
	if (new.cur > new.max)
		return -EINVAL;
	if (new.max > now->max && current->euid != 0)
		return -EPERM;
	*now = new;
	return 0;
}

long sys_prlimit64(const uint64_t *a)
{
	struct rlimit_pair old;

	if ((int)a[0] != 0 && (int)a[0] != current->pid)
		return -ESRCH;
	if (a[1] >= RLIMIT_COUNT)
		return -EINVAL;
	old = current->rlimits[a[1]];
	if (a[2]) {
		long r = set_limit(a[1], a[2]);

		if (r < 0)
			return r;
	}
	return a[3] ? copy_to_user(a[3], &old, sizeof(old)) : 0;
}

long sys_getrlimit(const uint64_t *a)
{
	if (a[0] >= RLIMIT_COUNT)
		return -EINVAL;
	return copy_to_user(a[1], &current->rlimits[a[0]], sizeof(struct rlimit_pair));
}

long sys_setrlimit(const uint64_t *a)
{
	return a[0] >= RLIMIT_COUNT ? -EINVAL : set_limit(a[0], a[1]);
}

long sys_getrusage(const uint64_t *a)
{
	struct rusage u = {0};
	int who = (int)a[0];
	uint64_t ns = process_cpu_ns();
	struct mm_stat mem;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != 1 /* RUSAGE_THREAD */)
		return -EINVAL;
	if (who != RUSAGE_CHILDREN) {
		mm_stats(&mem);
		u.ru_utime.tv_sec = (long)(ns / 1000000000ull);
		u.ru_utime.tv_usec = (long)(ns % 1000000000ull / 1000);
		u.ru_maxrss = (long)(mem.resident * (PAGE_SIZE / 1024));
	}
	return copy_to_user(a[1], &u, sizeof(u));
}

/* The call's result is 20 - nice. */
long sys_getpriority(const uint64_t *a)
{
	(void)a;
	return 20;
}

long sys_sched_getaffinity(const uint64_t *a)
{
	uint64_t mask = 1;

	if (a[1] < 8 || (a[1] & 7))
		return -EINVAL;
	return copy_to_user(a[2], &mask, 8) ? -EFAULT : 8;
}

long sys_sched_getparam(const uint64_t *a)
{
	int priority = 0;

	return copy_to_user(a[1], &priority, sizeof(priority));
}

long sys_sched_rr_get_interval(const uint64_t *a)
{
	struct __kernel_timespec ts = {0};

	return copy_to_user(a[1], &ts, sizeof(ts));
}
