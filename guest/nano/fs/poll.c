// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#define RLIMIT_NOFILE 7
#define ALWAYS_READY  (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

unsigned int file_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	return f->ops->poll ? f->ops->poll(f, ready, want) : ALWAYS_READY;
}

long poll_wait(long (*check)(void *ctx, unsigned int ready, unsigned int *want), void *ctx,
	       uint64_t timeout_ns)
{
	uint64_t start = clock_monotonic_ns();
	long ready = 0;

	for (;;) {
		unsigned int want = 0;
		uint64_t left = timeout_ns;
		long n = check(ctx, (unsigned int)ready, &want);

		if (n < 0)
			return n;
		/* Something is ready: only ask about the streams, do not wait for them. */
		if (timeout_ns != WAIT_FOREVER) {
			uint64_t gone = clock_monotonic_ns() - start;

			left = gone < timeout_ns ? timeout_ns - gone : 0;
		}
		if ((n > 0 && (ready || !want)) || (n == 0 && left == 0 && !want))
			return n;
		ready = console_wait(want, n > 0 ? 0 : left);
		if (ready < 0)
			return n > 0 ? n : ready;
		if (ready == 0 && (n > 0 || timeout_ns != WAIT_FOREVER))
			return check(ctx, 0, &want);
	}
}

/* A time argument: nanoseconds, -EINVAL, or -EFAULT. NULL = for ever. */
static int time_in(uint64_t addr, int64_t unit, uint64_t *ret)
{
	int64_t t[2];

	*ret = WAIT_FOREVER;
	if (!addr)
		return 0;
	if (copy_from_user(t, addr, sizeof(t)) < 0)
		return -EFAULT;
	if (t[0] < 0 || t[1] < 0 || (unit == 1 && t[1] >= 1000000000))
		return -EINVAL;
	if (t[0] < INT32_MAX)
		*ret = (uint64_t)t[0] * 1000000000u + (uint64_t)t[1] * (uint64_t)unit;
	return 0;
}

/* ---- poll ----------------------------------------------------------------------------- */

struct polled {
	struct pollfd *fds;
	uint32_t count;
};

static long check_poll(void *ctx, unsigned int ready, unsigned int *want)
{
	struct polled *p = ctx;
	long n = 0;

	for (uint32_t i = 0; i < p->count; i++) {
		struct pollfd *pf = &p->fds[i];
		struct file *f;
		unsigned int mask = POLLNVAL;

		pf->revents = 0;
		if (pf->fd < 0)
			continue;
		if (fd_get((uint64_t)pf->fd, &f) == 0) {
			unsigned int wanted = 0;

			mask = file_poll(f, ready, &wanted) &
			       ((unsigned int)(uint16_t)pf->events | POLLERR | POLLHUP);
			if (mask == 0)
				*want |= wanted;
			file_put(f);
		}
		pf->revents = (short)mask;
		n += mask != 0;
	}
	return n;
}

static long do_poll(uint64_t addr, uint64_t count, uint64_t timeout_ns)
{
	struct polled p = {.count = (uint32_t)count};
	size_t size = p.count * sizeof(*p.fds);
	long r;

	if (count > current->rlimits[RLIMIT_NOFILE].cur || count > UINT16_MAX)
		return -EINVAL;
	p.fds = kmalloc(size + 1);
	if (!p.fds)
		return -ENOMEM;
	r = copy_from_user(p.fds, addr, size);
	if (r == 0)
		r = poll_wait(check_poll, &p, timeout_ns);
	if (r >= 0 && copy_to_user(addr, p.fds, size) < 0)
		r = -EFAULT;
	kfree(p.fds);
	return r;
}

long sys_poll(const uint64_t a[6])
{
	int ms = (int)a[2];

	return do_poll(a[0], (uint32_t)a[1], ms < 0 ? WAIT_FOREVER : (uint64_t)ms * 1000000u);
}

long sys_ppoll(const uint64_t a[6])
{
	uint64_t timeout;
	long r = time_in(a[2], 1, &timeout);

	if (r == 0)
		r = signal_temp_mask(a[3], a[4]);
	return r < 0 ? r : do_poll(a[0], (uint32_t)a[1], timeout);
}

/* ---- select --------------------------------------------------------------------------- */

#define SET_MAX   1024u
#define SET_WORDS (SET_MAX / 64)

enum {
	SET_READ,
	SET_WRITE,
	SET_EXCEPT,
	SET_COUNT,
};

struct selected {
	uint32_t count;
	uint64_t in[SET_COUNT][SET_WORDS];
	uint64_t out[SET_COUNT][SET_WORDS];
};

static const unsigned int set_mask[SET_COUNT] = {
    [SET_READ] = POLLIN | POLLRDNORM | POLLHUP | POLLERR,
    [SET_WRITE] = POLLOUT | POLLWRNORM | POLLERR,
    [SET_EXCEPT] = POLLPRI,
};

static unsigned int asked(const struct selected *s, uint32_t fd)
{
	unsigned int mask = 0;

	for (int k = 0; k < SET_COUNT; k++)
		if (s->in[k][fd / 64] >> (fd % 64) & 1)
			mask |= set_mask[k];
	return mask;
}

static long check_select(void *ctx, unsigned int ready, unsigned int *want)
{
	struct selected *s = ctx;
	long n = 0;

	memset(s->out, 0, sizeof(s->out));
	for (uint32_t fd = 0; fd < s->count; fd++) {
		unsigned int mask = asked(s, fd);
		unsigned int wanted = 0;
		struct file *f;

		if (!mask)
			continue;
		if (fd_get(fd, &f) < 0)
			return -EBADF;
		mask &= file_poll(f, ready, &wanted);
		file_put(f);
		if (!mask)
			*want |= wanted;
		for (int k = 0; k < SET_COUNT; k++) {
			if (!(mask & set_mask[k]) || !(s->in[k][fd / 64] >> (fd % 64) & 1))
				continue;
			s->out[k][fd / 64] |= (uint64_t)1 << (fd % 64);
			n++;
		}
	}
	return n;
}

static long do_select(const uint64_t a[6], uint64_t timeout)
{
	struct selected *s;
	size_t size;
	long r = 0;

	if ((int)a[0] < 0)
		return -EINVAL;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->count = (uint32_t)a[0] < SET_MAX ? (uint32_t)a[0] : SET_MAX;
	size = (s->count + 63) / 64 * 8;
	for (int k = 0; k < SET_COUNT && r == 0; k++)
		if (a[1 + k])
			r = copy_from_user(s->in[k], a[1 + k], size);
	if (r == 0)
		r = poll_wait(check_select, s, timeout);
	for (int k = 0; k < SET_COUNT && r >= 0; k++)
		if (a[1 + k] && copy_to_user(a[1 + k], s->out[k], size) < 0)
			r = -EFAULT;
	kfree(s);
	return r;
}

long sys_select(const uint64_t a[6])
{
	uint64_t timeout;
	int r = time_in(a[4], 1000, &timeout);

	return r < 0 ? r : do_select(a, timeout);
}

long sys_pselect6(const uint64_t a[6])
{
	uint64_t mask[2] = {0, 0};
	uint64_t timeout;
	long r = time_in(a[4], 1, &timeout);

	if (r == 0 && a[5])
		r = copy_from_user(mask, a[5], sizeof(mask));
	if (r == 0 && mask[0])
		r = signal_temp_mask(mask[0], mask[1]);
	return r < 0 ? r : do_select(a, timeout);
}
