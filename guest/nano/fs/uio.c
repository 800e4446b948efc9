// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

#define IOV_MAX 1024u
/* As Linux: one call moves no more than this. */
#define RW_MAX 0x7ffff000u

void uio_user(struct uio *u, uint64_t base, uint64_t len)
{
	*u = (struct uio){.count = 1, .left = len < RW_MAX ? len : RW_MAX};
	u->one = (struct uio_vec){.base = base, .len = u->left};
	u->vec = &u->one;
}

void uio_kernel(struct uio *u, void *base, uint64_t len)
{
	uio_user(u, (uint64_t)(uintptr_t)base, len);
	u->kernel = true;
}

int uio_iov(struct uio *u, uint64_t iov, uint64_t count)
{
	*u = (struct uio){.count = (uint32_t)count};
	if (count > IOV_MAX)
		return -EINVAL;
	if (count == 0)
		return 0;
	u->owned = kmalloc(count * sizeof(*u->owned));
	if (!u->owned)
		return -ENOMEM;
	u->vec = u->owned;
	if (copy_from_user(u->owned, iov, count * sizeof(*u->owned)) < 0)
		return -EFAULT;
	for (uint32_t i = 0; i < count; i++) {
		struct uio_vec *v = &u->owned[i];

		if (v->len > INT64_MAX)
			return -EINVAL;
		if (v->len > RW_MAX - u->left)
			v->len = RW_MAX - u->left;
		u->left += v->len;
	}
	return 0;
}

void uio_done(struct uio *u)
{
	kfree(u->owned);
}

enum direction {
	UIO_PUT,
	UIO_TAKE,
	UIO_ZERO,
	UIO_SKIP,
};

static size_t move(struct uio *u, enum direction how, uint8_t *p, uint64_t addr, size_t len)
{
	if (how == UIO_SKIP)
		return len;
	if (u->kernel) {
		void *k = (void *)(uintptr_t)addr;

		if (how == UIO_PUT)
			memcpy(k, p, len);
		else if (how == UIO_TAKE)
			memcpy(p, k, len);
		else
			memset(k, 0, len);
		return len;
	}
	if (how == UIO_PUT)
		return copy_to_user_part(addr, p, len);
	if (how == UIO_TAKE)
		return copy_from_user_part(p, addr, len);
	return clear_user(addr, len) < 0 ? 0 : len;
}

static size_t transfer(struct uio *u, enum direction how, uint8_t *p, size_t len)
{
	size_t done = 0;

	if (len > u->left)
		len = u->left;
	while (done < len) {
		uint64_t room = u->vec->len - u->off;
		size_t n = len - done < room ? len - done : room;
		size_t moved;

		if (n == 0) {
			u->vec++;
			u->count--;
			u->off = 0;
			continue;
		}
		moved = move(u, how, p ? p + done : NULL, u->vec->base + u->off, n);
		done += moved;
		u->off += moved;
		u->left -= moved;
		if (moved < n)
			break;
	}
	return done;
}

size_t uio_put(struct uio *u, const void *src, size_t len)
{
	return transfer(u, UIO_PUT, (uint8_t *)(uintptr_t)src, len);
}

size_t uio_take(struct uio *u, void *dst, size_t len)
{
	return transfer(u, UIO_TAKE, dst, len);
}

size_t uio_zero(struct uio *u, size_t len)
{
	return transfer(u, UIO_ZERO, NULL, len);
}

void uio_skip(struct uio *u, size_t len)
{
	transfer(u, UIO_SKIP, NULL, len);
}
