// SPDX-License-Identifier: Apache-2.0
/*
 * Pipes and FIFOs within the one process: a ring of 64 KiB. A read from an empty pipe that
 * has a writer waits for oneself, and so for a signal.
 */
#include "guest/nano/fs/sys.h"

#include "guest/nano/fs/namei.h"

#define PIPE_SIZE 65536u
#define PIPE_BUF_ 4096u /* as much is written in one piece or not at all */
#define FIONREAD_ 0x541b

struct pipe {
	uint8_t *buf;  /* made with the first write, gone when empty */
	uint32_t head; /* first byte to read */
	uint32_t used;
	uint32_t readers;
	uint32_t writers;
};

long block_forever(void)
{
	console_wait(0, WAIT_FOREVER);
	return -ERESTARTSYS;
}

static struct pipe *pipe_of(const struct file *f)
{
	return f->inode->priv;
}

static long pipe_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = pipe_of(f);
	long done = 0;

	(void)pos;
	if (u->left == 0)
		return 0;
	if (p->used == 0) {
		if (p->writers == 0)
			return 0;
		return f->flags & O_NONBLOCK ? -EAGAIN : block_forever();
	}
	while (u->left > 0 && p->used > 0) {
		uint32_t n = PIPE_SIZE - p->head;
		size_t moved;

		if (n > p->used)
			n = p->used;
		if (n > u->left)
			n = (uint32_t)u->left;
		moved = uio_put(u, p->buf + p->head, n);
		p->head = (p->head + (uint32_t)moved) % PIPE_SIZE;
		p->used -= (uint32_t)moved;
		done += (long)moved;
		if (moved < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static long pipe_fill(struct pipe *p, struct uio *u)
{
	long done = 0;

	while (u->left > 0 && p->used < PIPE_SIZE) {
		uint32_t tail = (p->head + p->used) % PIPE_SIZE;
		uint32_t n = tail >= p->head ? PIPE_SIZE - tail : p->head - tail;
		size_t moved;

		if (n > u->left)
			n = (uint32_t)u->left;
		moved = uio_take(u, p->buf + tail, n);
		p->used += (uint32_t)moved;
		done += (long)moved;
		if (moved < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static long pipe_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = pipe_of(f);
	uint32_t room = PIPE_SIZE - p->used;

	(void)pos;
	if (p->readers == 0)
		return -EPIPE;
	if (u->left == 0)
		return 0;
	if (room == 0 || (u->left <= PIPE_BUF_ && u->left > room))
		return f->flags & O_NONBLOCK ? -EAGAIN : block_forever();
	if (!p->buf && !(p->buf = kmalloc(PIPE_SIZE)))
		return -ENOMEM;
	if (p->used == 0)
		p->head = 0;
	return pipe_fill(p, u);
}

static unsigned int pipe_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	const struct pipe *p = pipe_of(f);
	unsigned int mask = 0;

	(void)ready;
	(void)want;
	if (file_readable(f)) {
		mask |= p->used ? POLLIN | POLLRDNORM : 0;
		mask |= p->writers == 0 ? POLLHUP : 0;
	}
	if (file_writable(f)) {
		mask |= p->used <= PIPE_SIZE - PIPE_BUF_ ? POLLOUT | POLLWRNORM : 0;
		mask |= p->readers == 0 ? POLLERR : 0;
	}
	return mask;
}

static long pipe_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	int32_t used = (int32_t)pipe_of(f)->used;

	return cmd == FIONREAD_ ? copy_to_user(arg, &used, sizeof(used)) : -ENOTTY;
}

static void count_ends(struct pipe *p, const struct file *f, int by)
{
	if (file_readable(f))
		p->readers += (uint32_t)by;
	if (file_writable(f))
		p->writers += (uint32_t)by;
}

static void pipe_release(struct file *f)
{
	struct pipe *p = pipe_of(f);

	count_ends(p, f, -1);
	/* A FIFO forgets what nobody can read any more. */
	if (p->readers == 0 && p->writers == 0) {
		kfree(p->buf);
		*p = (struct pipe){0};
	}
}

const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
};

/* Opening one end of a FIFO waits for the other end, which only oneself could open. */
int fifo_open(struct file *f)
{
	struct pipe *p = f->inode->priv;

	if (!p) {
		p = f->inode->priv = kzalloc(sizeof(*p));
		if (!p)
			return -ENOMEM;
	}
	if ((f->flags & O_ACCMODE) == O_RDONLY && p->writers == 0 && !(f->flags & O_NONBLOCK))
		return (int)block_forever();
	if ((f->flags & O_ACCMODE) == O_WRONLY && p->readers == 0)
		return f->flags & O_NONBLOCK ? -ENXIO : (int)block_forever();
	count_ends(p, f, 1);
	f->ops = &pipe_ops;
	return 0;
}

void fifo_free(struct inode *inode)
{
	struct pipe *p = inode->priv;

	if (S_ISFIFO(inode->mode) && p) {
		kfree(p->buf);
		kfree(p);
	}
}

static int special_open(struct file *f)
{
	if (S_ISFIFO(f->inode->mode))
		return fifo_open(f);
	return S_ISSOCK(f->inode->mode) ? -ENXIO : dev_open(f);
}

const struct inode_ops special_ops = {.open = special_open, .free = fifo_free};

/* One end of a new pipe; counts it. */
static int pipe_end(struct dentry *d, uint32_t flags, bool cloexec)
{
	struct file *f = file_new(dentry_get(d), flags, &pipe_ops);

	if (!f)
		return -ENOMEM;
	count_ends(d->inode->priv, f, 1);
	return fd_install(f, 0, cloexec);
}

static long make_pipe(uint64_t to, uint64_t flags)
{
	struct inode *inode = inode_new(FS_ANON, S_IFIFO | 0600);
	uint32_t fl = (uint32_t)flags & (O_NONBLOCK | O_DIRECT);
	struct dentry *d;
	char name[32];
	int32_t fd[2];

	if (!inode)
		return -ENOMEM;
	inode->ops = &special_ops;
	inode->priv = kzalloc(sizeof(struct pipe));
	ksnprintf(name, sizeof(name), "pipe:[%lu]", (unsigned long)inode->ino);
	if (!inode->priv) {
		inode_put(inode);
		return -ENOMEM;
	}
	d = dentry_anon(inode, name);
	if (!d)
		return -ENOMEM;
	fd[0] = pipe_end(d, O_RDONLY | fl, flags & O_CLOEXEC);
	fd[1] = fd[0] < 0 ? fd[0] : pipe_end(d, O_WRONLY | fl, flags & O_CLOEXEC);
	dentry_put(d);
	if (fd[1] >= 0 && copy_to_user(to, fd, sizeof(fd)) == 0)
		return 0;
	if (fd[0] >= 0)
		fd_close(fd[0]);
	if (fd[1] < 0)
		return fd[1];
	fd_close(fd[1]);
	return -EFAULT;
}

long sys_pipe(const uint64_t a[6])
{
	return make_pipe(a[0], 0);
}

long sys_pipe2(const uint64_t a[6])
{
	if (a[1] & ~(uint64_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	return make_pipe(a[0], a[1]);
}
