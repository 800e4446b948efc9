// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/sys.h"
#include "runner/workload.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/time_types.h>
#include <linux/utsname.h>

long sys_exit(const uint64_t *a)
{
	guest_exit((int)(a[0] & 0xff) << 8);
}

long sys_wait(const uint64_t *a)
{
	(void)a;
	return -ECHILD;
}

/* FSGSBASE is on: the program could do this itself. */
long sys_arch_prctl(const uint64_t *a)
{
	uint64_t base;

	switch ((int)a[0]) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (a[1] >= USER_END)
			return -EPERM;
		if ((int)a[0] == ARCH_SET_FS)
			__asm__ volatile("wrfsbase %0" : : "r"(a[1]));
		else
			__asm__ volatile("wrgsbase %0" : : "r"(a[1]));
		return 0;
	case ARCH_GET_FS:
		__asm__ volatile("rdfsbase %0" : "=r"(base));
		return copy_to_user(a[1], &base, sizeof(base));
	case ARCH_GET_GS:
		__asm__ volatile("rdgsbase %0" : "=r"(base));
		return copy_to_user(a[1], &base, sizeof(base));
	default:
		return -EINVAL;
	}
}

static int dumpable = 1;
static bool no_new_privs;
static int death_signal;

static long set_name(uint64_t at)
{
	char name[16];
	long n = strncpy_from_user(name, at, sizeof(name));

	if (n == -EFAULT)
		return n;
	name[15] = '\0';
	memset(current->comm, 0, sizeof(current->comm));
	memcpy(current->comm, name, strlen(name));
	return 0;
}

long sys_prctl(const uint64_t *a)
{
	switch ((int)a[0]) {
	case PR_SET_NAME:
		return set_name(a[1]);
	case PR_GET_NAME:
		return copy_to_user(a[1], current->comm, sizeof(current->comm));
	case PR_SET_DUMPABLE:
		if (a[1] > 1)
			return -EINVAL;
		dumpable = (int)a[1];
		return 0;
	case PR_GET_DUMPABLE:
		return dumpable;
	case PR_SET_PDEATHSIG:
		if (a[1] > 64)
			return -EINVAL;
		death_signal = (int)a[1];
		return 0;
	case PR_GET_PDEATHSIG:
		return copy_to_user(a[1], &death_signal, sizeof(death_signal));
	case PR_SET_NO_NEW_PRIVS:
		no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return no_new_privs;
	case PR_CAPBSET_READ:
		return a[1] <= 40 ? (long)(0xa80425fbull >> a[1] & 1) : -EINVAL;
	case PR_SET_KEEPCAPS:
	case PR_GET_KEEPCAPS:
	case PR_SET_TIMERSLACK:
	case PR_GET_TIMERSLACK:
	case PR_SET_CHILD_SUBREAPER:
	case PR_GET_SECCOMP:
	case PR_SET_THP_DISABLE:
	case PR_GET_THP_DISABLE:
	case PR_GET_SECUREBITS:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_personality(const uint64_t *a)
{
	static uint32_t persona;
	uint32_t old = persona;

	if ((uint32_t)a[0] != 0xffffffff)
		persona = (uint32_t)a[0];
	return old;
}

/* One thread: nobody waits for the word to be cleared. */
long sys_set_tid_address(const uint64_t *a)
{
	(void)a;
	return current->pid;
}

long sys_set_robust_list(const uint64_t *a)
{
	return a[1] == 24 ? 0 : -EINVAL;
}

/* Who waits, waits for a timeout or a signal: there is no second thread to wake it. */
static long futex_wait(const uint64_t *a, int op)
{
	struct __kernel_timespec ts;
	uint64_t timeout = WAIT_FOREVER;
	uint32_t now;
	long r;

	if (copy_from_user(&now, a[0], sizeof(now)))
		return -EFAULT;
	if (now != (uint32_t)a[2])
		return -EAGAIN;
	if (a[3]) {
		if (copy_from_user(&ts, a[3], sizeof(ts)))
			return -EFAULT;
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000)
			return -EINVAL;
		timeout =
		    (uint64_t)KMIN(ts.tv_sec, 4000000000ll) * 1000000000ull + (uint64_t)ts.tv_nsec;
		if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) { /* an absolute time */
			uint64_t clock =
			    op & FUTEX_CLOCK_REALTIME ? clock_realtime_ns() : clock_monotonic_ns();

			timeout = timeout > clock ? timeout - clock : 0;
		}
	}
	r = timeout ? console_wait(0, timeout) : 0;
	return r == -EINTR ? (a[3] ? -EINTR : -ERESTARTSYS) : -ETIMEDOUT;
}

long sys_futex(const uint64_t *a)
{
	int op = (int)a[1];

	if (a[0] & 3)
		return -EINVAL;
	switch (op & FUTEX_CMD_MASK) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return futex_wait(a, op);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		return 0;
	default:
		return -ENOSYS;
	}
}

long sys_membarrier(const uint64_t *a)
{
	if ((int)a[0] == MEMBARRIER_CMD_QUERY)
		return MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
		       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	return 0;
}

long sys_getcpu(const uint64_t *a)
{
	uint32_t zero = 0;

	if ((a[0] && copy_to_user(a[0], &zero, 4)) || (a[1] && copy_to_user(a[1], &zero, 4)))
		return -EFAULT;
	return 0;
}

long sys_getrandom(const uint64_t *a)
{
	char buf[256];
	size_t len = KMIN(a[1], 32ull << 20), done = 0;

	if (a[2] & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	while (done < len) {
		size_t n = KMIN(len - done, sizeof(buf));

		random_bytes(buf, n);
		if (copy_to_user(a[0] + done, buf, n))
			return done ? (long)done : -EFAULT;
		done += n;
	}
	return (long)done;
}

static void set_field(char *field, const char *text)
{
	memcpy(field, text, strnlen(text, __NEW_UTS_LEN));
}

long sys_uname(const uint64_t *a)
{
	struct new_utsname u = {0};

	set_field(u.sysname, "Linux");
	set_field(u.nodename, kernel_hostname());
	set_field(u.release, KERNEL_RELEASE);
	set_field(u.version, KERNEL_VERSION);
	set_field(u.machine, "x86_64");
	set_field(u.domainname, "(none)");
	return copy_to_user(a[0], &u, sizeof(u));
}

long sys_sysinfo(const uint64_t *a)
{
	struct sysinfo s = {
	    .uptime = (long)(clock_boot_ns() / 1000000000ull),
	    .totalram = ram_total_pages() * PAGE_SIZE,
	    .freeram = ram_free_pages() * PAGE_SIZE,
	    .procs = 1,
	    .mem_unit = 1,
	};

	return copy_to_user(a[0], &s, sizeof(s));
}
