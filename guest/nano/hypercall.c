// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/core.h"

/* `out` is allowed in ring 3 by the TSS's I/O bitmap; the answer is in rax when it returns. */
long hypercall(enum nano_hc nr, uint64_t a, uint64_t b, uint64_t c)
{
	long ret = nr;

	__asm__ volatile("outl %%eax, %1"
			 : "+a"(ret)
			 : "N"(NANO_HC_PORT), "D"(a), "S"(b), "d"(c)
			 : "memory");
	return ret;
}

void guest_exit(int wait_status)
{
	vfs_exit();
	for (;;)
		hypercall(NANO_HC_EXIT, (uint64_t)(unsigned int)wait_status, 0, 0);
}

static uint64_t text_call(enum nano_hc nr, const char *fmt, va_list ap)
{
	char text[NANO_TEXT_MAX / 2];
	int n = kvsnprintf(text, sizeof(text), fmt, ap);

	hypercall(nr, va_to_gpa(text), (uint64_t)KMIN(n, (int)sizeof(text) - 1), 0);
	return 0;
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	if (!(boot.flags & NANO_FLAG_DEBUG))
		return;
	va_start(ap, fmt);
	text_call(NANO_HC_DEBUG, fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (;;)
		text_call(NANO_HC_PANIC, fmt, ap);
}

/* ---- console ------------------------------------------------------------------------ */

static long io_result(long r)
{
	return r == -EINTR ? -ERESTARTSYS : r;
}

static long segs_call(enum nano_hc nr, uint64_t how, const struct nano_seg *segs, unsigned int n)
{
	return io_result(hypercall(nr, how, va_to_gpa(segs), n));
}

/* What kernel memory @buf looks like to the monitor: one piece, it is contiguous. */
static struct nano_seg kernel_seg(const void *buf, size_t len)
{
	return (struct nano_seg){.gpa = va_to_gpa(buf), .len = len};
}

long console_write(enum console_stream stream, const void *buf, size_t len)
{
	struct nano_seg seg = kernel_seg(buf, len);

	if (len == 0)
		return 0;
	if (signal_pending())
		return -ERESTARTSYS;
	return segs_call(NANO_HC_WRITE, stream, &seg, 1);
}

#define USER_SEGS 32

long console_write_user(enum console_stream stream, uint64_t ubuf, size_t len)
{
	struct nano_seg segs[USER_SEGS];
	size_t total = 0;

	while (total < len) {
		unsigned int n;
		size_t part = user_segs(ubuf + total, len - total, false, segs, USER_SEGS, &n);
		long r = part == 0 ? -EFAULT : -ERESTARTSYS;

		if (part > 0 && !signal_pending())
			r = segs_call(NANO_HC_WRITE, stream, segs, n);
		if (r < 0)
			return total ? (long)total : r;
		total += (size_t)r;
		if ((size_t)r < part)
			break;
	}
	return (long)total;
}

long console_read(void *buf, size_t len, bool nonblock)
{
	struct nano_seg seg = kernel_seg(buf, len);

	if (len == 0)
		return 0;
	if (!nonblock && signal_pending())
		return -ERESTARTSYS;
	return segs_call(NANO_HC_READ, nonblock, &seg, 1);
}

long console_read_user(uint64_t ubuf, size_t len, bool nonblock)
{
	struct nano_seg segs[USER_SEGS];
	unsigned int n;

	if (len == 0)
		return 0;
	if (user_segs(ubuf, len, true, segs, USER_SEGS, &n) == 0)
		return -EFAULT;
	if (!nonblock && signal_pending())
		return -ERESTARTSYS;
	return segs_call(NANO_HC_READ, nonblock, segs, n);
}

long console_wait(unsigned int streams, uint64_t timeout_ns)
{
	uint32_t input_before = input_events;
	long r;

	do {
		uint64_t start = clock_monotonic_ns();

		if (timeout_ns && signal_pending())
			return -EINTR;
		/* The terminal has taken the input already: nothing would wake us for it. */
		if ((streams & CONSOLE_BIT(CONSOLE_IN)) && input_events != input_before)
			return CONSOLE_BIT(CONSOLE_IN);
		r = hypercall(NANO_HC_WAIT, streams, timeout_ns, 0);
		uint64_t passed = clock_monotonic_ns() - start;
		clock_idle_ns += passed;
		if (r != -EINTR)
			return r;
		/* An event that is no signal for the program: go on waiting for the rest. */
		events_collect();
		if (timeout_ns != WAIT_FOREVER)
			timeout_ns = passed < timeout_ns ? timeout_ns - passed : 0;
	} while (!signal_pending());
	return -EINTR;
}

void console_winsize(uint16_t *ret_rows, uint16_t *ret_cols)
{
	*ret_rows = __atomic_load_n(&boot.tty_rows, __ATOMIC_RELAXED);
	*ret_cols = __atomic_load_n(&boot.tty_cols, __ATOMIC_RELAXED);
}

void console_notify(bool on)
{
	static bool now;

	if (on != now)
		hypercall(NANO_HC_NOTIFY, on, 0, 0);
	now = on;
}
