// SPDX-License-Identifier: Apache-2.0
/*
 * Descriptors 0, 1 and 2: the terminal, or else three streams that look like the pipes a
 * container gets.
 */
#include "guest/nano/fs/fs.h"

#include "runner/workload.h"

/* Pieces of a vector below this size travel together in one hypercall. */
#define GATHER 1024u

static enum console_stream stream_of(const struct file *f)
{
	return (enum console_stream)(uintptr_t)f->inode->priv;
}

/* The next bytes of @u: in place when the piece is large, else gathered. */
static long write_piece(enum console_stream stream, struct uio *u)
{
	uint64_t here = u->vec->len - u->off;
	uint8_t buf[GATHER];
	size_t n;
	long r;

	if (!u->kernel && (u->count == 1 || here >= GATHER)) {
		r = console_write_user(stream, u->vec->base + u->off,
				       here < u->left ? here : u->left);
		if (r > 0)
			uio_skip(u, (size_t)r);
		return r;
	}
	n = uio_take(u, buf, u->left < GATHER ? u->left : GATHER);
	return n ? console_write(stream, buf, n) : -EFAULT;
}

static long stream_write(struct file *f, struct uio *u, uint64_t *pos)
{
	long done = 0;

	(void)pos;
	while (u->left > 0) {
		uint64_t left = u->left;
		long r;

		if (u->vec->len == u->off) {
			u->vec++;
			u->count--;
			u->off = 0;
			continue;
		}
		r = write_piece(stream_of(f), u);
		if (r < 0)
			return done ? done : r;
		done += r;
		if ((uint64_t)r < left - u->left || r == 0 || signal_pending())
			break;
	}
	return done;
}

static long stream_read(struct file *f, struct uio *u, uint64_t *pos)
{
	bool nonblock = f->flags & O_NONBLOCK;
	uint8_t buf[GATHER];
	long r;

	(void)pos;
	if (u->left == 0)
		return 0;
	if (!u->kernel && u->count == 1)
		return console_read_user(u->vec->base + u->off, u->left, nonblock);
	r = console_read(buf, u->left < GATHER ? u->left : GATHER, nonblock);
	if (r > 0 && uio_put(u, buf, (size_t)r) < (size_t)r)
		return -EFAULT;
	return r;
}

static unsigned int stream_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	unsigned int bit = CONSOLE_BIT(stream_of(f));

	*want |= bit;
	if (!(ready & bit))
		return 0;
	return stream_of(f) == CONSOLE_IN ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM;
}

#define FIONREAD_ 0x541b

static long stream_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	/* How much waits is known to the host only; "at least one" serves the callers. */
	int32_t n = stream_of(f) == CONSOLE_IN && console_wait(CONSOLE_BIT(CONSOLE_IN), 0) > 0;

	return cmd == FIONREAD_ ? copy_to_user(arg, &n, sizeof(n)) : -ENOTTY;
}

static const struct file_ops stream_ops = {
    .read = stream_read,
    .write = stream_write,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
};

static int stream_open(struct file *f)
{
	f->ops = &stream_ops;
	return 0;
}

static void stream_free(struct inode *inode)
{
	(void)inode;
}

static const struct inode_ops stream_inode_ops = {.open = stream_open, .free = stream_free};

bool console_is_tty(void)
{
	return boot_workload->flags & WORKLOAD_TTY;
}

static int open_stream(enum console_stream stream)
{
	struct inode *inode = inode_new(FS_ANON, S_IFIFO | 0600);
	struct file *f;
	char name[32];

	if (!inode)
		return -ENOMEM;
	inode->ops = &stream_inode_ops;
	inode->priv = (void *)(uintptr_t)stream;
	inode->uid = inode->gid = 0;
	ksnprintf(name, sizeof(name), "pipe:[%lu]", (unsigned long)inode->ino);
	f = file_anon(inode, name, stream == CONSOLE_IN ? O_RDONLY : O_WRONLY, &stream_ops);
	return f ? fd_install(f, 0, false) : -ENOMEM;
}

static int open_tty(void)
{
	struct file *f;
	int r = file_open_path(AT_FDCWD, "/dev/pts/0", O_RDWR | O_LARGEFILE, 0, 0, &f);

	for (int fd = 0; r >= 0 && fd < 3; fd++)
		r = fd_install(file_get(f), 0, false);
	if (r >= 0)
		file_put(f);
	return r < 0 ? r : 0;
}

int console_open_std(void)
{
	int r = 0;

	if (console_is_tty())
		return open_tty();
	for (int s = CONSOLE_IN; s <= CONSOLE_ERR && r >= 0; s++)
		r = open_stream((enum console_stream)s);
	return r < 0 ? r : 0;
}
