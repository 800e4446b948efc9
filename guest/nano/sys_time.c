// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/signal.h"
#include "guest/nano/sys.h"

#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/times.h>

#define NS 1000000000ull

static int64_t timer_end; /* ITIMER_REAL, monotonic ns; 0 = off */
static uint64_t timer_every;

static struct __kernel_timespec to_timespec(uint64_t ns)
{
	return (struct __kernel_timespec){.tv_sec = (int64_t)(ns / NS),
					  .tv_nsec = (int64_t)(ns % NS)};
}

static int clock_read(uint64_t id, uint64_t *ret)
{
	switch ((int)id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		*ret = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ret = clock_monotonic_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		*ret = process_cpu_ns();
		return 0;
	default:
		/* The per-process CPU clocks of clock_getcpuclockid(): ours only. */
		if ((int)id < 0 && ((int)id & 3) == 2) {
			*ret = process_cpu_ns();
			return 0;
		}
		return -EINVAL;
	}
}

long sys_clock_gettime(const uint64_t *a)
{
	struct __kernel_timespec ts;
	uint64_t ns;
	int r = clock_read(a[0], &ns);

	if (r < 0)
		return r;
	ts = to_timespec(ns);
	return copy_to_user(a[1], &ts, sizeof(ts));
}

long sys_clock_getres(const uint64_t *a)
{
	struct __kernel_timespec ts = {.tv_nsec = 1};
	uint64_t ns;
	int r = clock_read(a[0], &ns);

	if (r < 0 || !a[1])
		return r;
	return copy_to_user(a[1], &ts, sizeof(ts));
}

static long get_timespec(uint64_t at, uint64_t *ret_ns)
{
	struct __kernel_timespec ts;

	if (copy_from_user(&ts, at, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (int64_t)NS)
		return -EINVAL;
	if (ts.tv_sec > 4000000000ll)
		ts.tv_sec = 4000000000ll;
	*ret_ns = (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
	return 0;
}

static long sleep_for(uint64_t ns, uint64_t left_at)
{
	uint64_t start = clock_monotonic_ns();
	long r = ns ? console_wait(0, ns) : 0;

	if (r == -EINTR && left_at) {
		uint64_t passed = clock_monotonic_ns() - start;
		struct __kernel_timespec left = to_timespec(passed < ns ? ns - passed : 0);

		if (copy_to_user(left_at, &left, sizeof(left)))
			return -EFAULT;
	}
	return r;
}

long sys_nanosleep(const uint64_t *a)
{
	uint64_t ns;
	long r = get_timespec(a[0], &ns);

	return r < 0 ? r : sleep_for(ns, a[1]);
}

long sys_clock_nanosleep(const uint64_t *a)
{
	uint64_t ns, now;
	long r = clock_read(a[0], &now);

	if (r == 0)
		r = get_timespec(a[2], &ns);
	if (r < 0)
		return r;
	if (a[1] & TIMER_ABSTIME)
		return ns > now ? sleep_for(ns - now, 0) : 0;
	return sleep_for(ns, a[3]);
}

long sys_gettimeofday(const uint64_t *a)
{
	uint64_t ns = clock_realtime_ns();
	int64_t tv[2] = {(int64_t)(ns / NS), (int64_t)(ns % NS / 1000)};
	int zone[2] = {0, 0};

	if (a[0] && copy_to_user(a[0], tv, sizeof(tv)))
		return -EFAULT;
	return a[1] ? copy_to_user(a[1], zone, sizeof(zone)) : 0;
}

long sys_time(const uint64_t *a)
{
	int64_t now = (int64_t)(clock_realtime_ns() / NS);

	if (a[0] && copy_to_user(a[0], &now, sizeof(now)))
		return -EFAULT;
	return now;
}

long sys_times(const uint64_t *a)
{
	/* utime, stime, cutime, cstime in ticks of 1/100 s */
	int64_t t[4] = {(int64_t)(process_cpu_ns() / (NS / 100)), 0, 0, 0};

	if (a[0] && copy_to_user(a[0], t, sizeof(t)))
		return -EFAULT;
	return (long)(clock_monotonic_ns() / (NS / 100));
}

/* ---- ITIMER_REAL and alarm ----------------------------------------------------------- */

static void timer_arm(uint64_t ns, uint64_t every)
{
	timer_end = ns ? (int64_t)(clock_monotonic_ns() + ns) : 0;
	timer_every = every;
	hypercall(NANO_HC_TIMER, ns, 0, 0);
}

static uint64_t timer_left(void)
{
	int64_t left = timer_end ? timer_end - (int64_t)clock_monotonic_ns() : 0;

	/* Due but not delivered yet is not "off". */
	return left > 0 ? (uint64_t)left : timer_end ? 1000 : 0;
}

void itimer_expired(void)
{
	if (!timer_end)
		return;
	timer_end = 0;
	signal_send(SIGALRM);
	if (timer_every)
		timer_arm(timer_every, timer_every);
}

long sys_alarm(const uint64_t *a)
{
	uint64_t left = timer_left();

	timer_arm((uint32_t)a[0] * NS, 0);
	return (long)((left + NS - 1) / NS);
}

static void to_itimerval(int64_t out[4])
{
	uint64_t left = timer_left();

	out[0] = (int64_t)(timer_every / NS);
	out[1] = (int64_t)(timer_every % NS / 1000);
	out[2] = (int64_t)(left / NS);
	out[3] = (int64_t)(left % NS / 1000);
}

long sys_getitimer(const uint64_t *a)
{
	int64_t val[4] = {0};

	if (a[0] > ITIMER_PROF)
		return -EINVAL;
	if (a[0] == ITIMER_REAL)
		to_itimerval(val);
	return copy_to_user(a[1], val, sizeof(val));
}

long sys_setitimer(const uint64_t *a)
{
	int64_t new[4] = {0}, old[4];

	if (a[0] > ITIMER_PROF)
		return -EINVAL;
	if (a[1] && copy_from_user(new, a[1], sizeof(new)))
		return -EFAULT;
	for (int i = 0; i < 4; i++)
		if (new[i] < 0 || new[i] > (i % 2 ? 999999 : 4000000000ll))
			return -EINVAL;
	to_itimerval(old);
	if (a[0] != ITIMER_REAL) /* CPU time timers never fire here */
		memset(old, 0, sizeof(old));
	else
		timer_arm((uint64_t) new[2] * NS + (uint64_t) new[3] * 1000,
			  (uint64_t) new[0] * NS + (uint64_t) new[1] * 1000);
	return a[2] ? copy_to_user(a[2], old, sizeof(old)) : 0;
}
