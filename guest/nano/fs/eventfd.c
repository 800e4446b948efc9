// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#define EFD_SEMAPHORE_ 1u
#define EVENT_MAX      (UINT64_MAX - 1)

struct eventfd {
	uint64_t count;
	bool semaphore;
};

static long eventfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t v;

	(void)pos;
	if (u->left < sizeof(v))
		return -EINVAL;
	if (e->count == 0)
		return f->flags & O_NONBLOCK ? -EAGAIN : block_forever();
	v = e->semaphore ? 1 : e->count;
	if (uio_put(u, &v, sizeof(v)) < sizeof(v))
		return -EFAULT;
	e->count -= v;
	return sizeof(v);
}

static long eventfd_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct eventfd *e = f->priv;
	uint64_t v;

	(void)pos;
	if (u->left < sizeof(v))
		return -EINVAL;
	if (uio_take(u, &v, sizeof(v)) < sizeof(v))
		return -EFAULT;
	if (v == UINT64_MAX)
		return -EINVAL;
	if (v > EVENT_MAX - e->count)
		return f->flags & O_NONBLOCK ? -EAGAIN : block_forever();
	e->count += v;
	return sizeof(v);
}

static unsigned int eventfd_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	const struct eventfd *e = f->priv;

	(void)ready;
	(void)want;
	return (e->count ? POLLIN | POLLRDNORM : 0u) |
	       (e->count < EVENT_MAX ? POLLOUT | POLLWRNORM : 0u);
}

static void eventfd_release(struct file *f)
{
	kfree(f->priv);
}

static const struct file_ops eventfd_ops = {
    .read = eventfd_read,
    .write = eventfd_write,
    .poll = eventfd_poll,
    .release = eventfd_release,
};

long sys_eventfd2(const uint64_t a[6])
{
	struct eventfd *e;
	struct inode *inode;
	struct file *f;

	if (a[1] & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE_))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	inode = inode_new(FS_ANON, 0600);
	f = e && inode ? file_anon(inode, "anon_inode:[eventfd]",
				   O_RDWR | ((uint32_t)a[1] & O_NONBLOCK), &eventfd_ops)
		       : NULL;
	if (!f) {
		if (!e)
			inode_put(inode);
		kfree(e);
		return -ENOMEM;
	}
	e->count = (uint32_t)a[0];
	e->semaphore = a[1] & EFD_SEMAPHORE_;
	f->priv = e;
	return fd_install(f, 0, a[1] & O_CLOEXEC);
}

long sys_eventfd(const uint64_t a[6])
{
	const uint64_t args[6] = {a[0], 0};

	return sys_eventfd2(args);
}
