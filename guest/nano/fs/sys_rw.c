// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#include <linux/fs.h>

#define SIGPIPE 13

static long do_read(struct file *f, struct uio *u, uint64_t *pos)
{
	if (!file_readable(f))
		return -EBADF;
	return f->ops->read ? f->ops->read(f, u, pos) : -EINVAL;
}

static long do_write(struct file *f, struct uio *u, uint64_t *pos)
{
	long r;

	if (!file_writable(f))
		return -EBADF;
	r = f->ops->write ? f->ops->write(f, u, pos) : -EINVAL;
	if (r == -EPIPE)
		signal_send(SIGPIPE);
	return r;
}

/* One transfer at the file's own offset (pos NULL) or at *pos. */
static long transfer(uint64_t fd, struct uio *u, bool write, const int64_t *at)
{
	struct file *f;
	uint64_t pos;
	uint64_t *where;
	long r = fd_get(fd, &f);

	if (r < 0)
		return r;
	where = at ? &pos : &f->pos;
	if (at && *at < 0)
		r = -EINVAL;
	else if (at && !f->ops->seekable)
		r = -ESPIPE;
	else {
		pos = at ? (uint64_t)*at : 0;
		r = write ? do_write(f, u, where) : do_read(f, u, where);
	}
	file_put(f);
	return r;
}

static long single(const uint64_t a[6], bool write, const int64_t *at)
{
	struct uio u;

	if (a[2] > INT64_MAX)
		return -EINVAL;
	uio_user(&u, a[1], a[2]);
	return transfer(a[0], &u, write, at);
}

static long vector(const uint64_t a[6], bool write, const int64_t *at)
{
	struct uio u;
	long r = uio_iov(&u, a[1], a[2]);

	if (r == 0)
		r = transfer(a[0], &u, write, at);
	uio_done(&u);
	return r;
}

long sys_read(const uint64_t a[6])
{
	return single(a, false, NULL);
}

long sys_write(const uint64_t a[6])
{
	return single(a, true, NULL);
}

long sys_pread64(const uint64_t a[6])
{
	const int64_t at = (int64_t)a[3];

	return single(a, false, &at);
}

long sys_pwrite64(const uint64_t a[6])
{
	const int64_t at = (int64_t)a[3];

	return single(a, true, &at);
}

long sys_readv(const uint64_t a[6])
{
	return vector(a, false, NULL);
}

long sys_writev(const uint64_t a[6])
{
	return vector(a, true, NULL);
}

long sys_preadv(const uint64_t a[6])
{
	const int64_t at = (int64_t)a[3];

	return vector(a, false, &at);
}

long sys_pwritev(const uint64_t a[6])
{
	const int64_t at = (int64_t)a[3];

	return vector(a, true, &at);
}

#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT)

static long vector2(const uint64_t a[6], bool write)
{
	const int64_t at = (int64_t)a[3];

	if (a[5] & ~(uint64_t)RWF_KNOWN)
		return -EOPNOTSUPP;
	return vector(a, write, at == -1 ? NULL : &at);
}

long sys_preadv2(const uint64_t a[6])
{
	return vector2(a, false);
}

long sys_pwritev2(const uint64_t a[6])
{
	return vector2(a, true);
}

static int64_t seek_target(struct file *f, int64_t off, uint64_t whence)
{
	uint64_t size = f->inode->size;
	int64_t base = 0;
	int64_t to;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (int64_t)f->pos;
		break;
	case SEEK_END:
		base = S_ISREG(f->inode->mode) ? (int64_t)size : 0;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (f->ops != &regular_ops)
			return -EINVAL;
		return off < 0 ? -ENXIO : data_seek(f->inode, (uint64_t)off, whence == SEEK_HOLE);
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &to))
		return off < 0 ? -EINVAL : -EOVERFLOW;
	return to < 0 ? -EINVAL : to;
}

long sys_lseek(const uint64_t a[6])
{
	struct file *f;
	int64_t to = fd_get(a[0], &f);

	if (to < 0)
		return to;
	to = f->ops->seekable ? seek_target(f, (int64_t)a[1], (uint32_t)a[2]) : -ESPIPE;
	if (to >= 0)
		f->pos = (uint64_t)to;
	file_put(f);
	return to;
}

/* ---- from one file to another -------------------------------------------------------- */

#define COPY_CHUNK 65536u

/* A copy between two open files; offsets are the files' own or these. */
struct copy {
	struct file *in;
	struct file *out;
	uint64_t *in_pos;
	uint64_t *out_pos;
	uint64_t left;
};

/* One chunk through @buf: the bytes copied, 0 at the end, -errno. */
static long copy_chunk(struct copy *c, uint8_t *buf)
{
	uint64_t want = c->left < COPY_CHUNK ? c->left : COPY_CHUNK;
	struct uio u;
	long got;
	long put;

	uio_kernel(&u, buf, want);
	got = do_read(c->in, &u, c->in_pos);
	if (got <= 0)
		return got;
	uio_kernel(&u, buf, (uint64_t)got);
	put = do_write(c->out, &u, c->out_pos);
	/* What was read and not written is still to be read. */
	if (put < got && c->in->ops->seekable)
		*c->in_pos -= (uint64_t)(got - (put > 0 ? put : 0));
	return put;
}

static long copy_all(struct copy *c)
{
	uint8_t *buf = kmalloc(COPY_CHUNK);
	long done = 0;
	long r = 0;

	if (!buf)
		return -ENOMEM;
	while (c->left > 0) {
		r = copy_chunk(c, buf);
		if (r <= 0)
			break;
		done += r;
		c->left -= (uint64_t)r;
		if (!c->in->ops->seekable)
			break;
	}
	kfree(buf);
	return done ? done : r;
}

/* An offset argument: NULL = the file's own. */
static int offset_in(uint64_t addr, struct file *f, uint64_t *store, uint64_t **ret)
{
	if (!addr) {
		*ret = &f->pos;
		return 0;
	}
	if (!f->ops->seekable)
		return -ESPIPE;
	if (copy_from_user(store, addr, sizeof(*store)) < 0)
		return -EFAULT;
	*ret = store;
	return *store > FS_FILE_MAX ? -EINVAL : 0;
}

static long copy_files(struct copy *c, uint64_t in_addr, uint64_t out_addr)
{
	uint64_t in_store;
	uint64_t out_store;
	long r = offset_in(in_addr, c->in, &in_store, &c->in_pos);

	if (r == 0)
		r = offset_in(out_addr, c->out, &out_store, &c->out_pos);
	if (r == 0 && (!file_readable(c->in) || !file_writable(c->out)))
		r = -EBADF;
	if (r == 0)
		r = copy_all(c);
	if (r >= 0 && in_addr && copy_to_user(in_addr, &in_store, sizeof(in_store)) < 0)
		r = -EFAULT;
	if (r >= 0 && out_addr && copy_to_user(out_addr, &out_store, sizeof(out_store)) < 0)
		r = -EFAULT;
	return r;
}

long sys_sendfile(const uint64_t a[6])
{
	FS_CLEANUP(file_putp) struct file *in = NULL;
	FS_CLEANUP(file_putp) struct file *out = NULL;
	struct copy c = {.left = a[3] < INT32_MAX ? a[3] : INT32_MAX};
	long r = fd_get(a[1], &in);

	if (r == 0)
		r = fd_get(a[0], &out);
	if (r < 0)
		return r;
	if (!file_readable(in) || !file_writable(out))
		return -EBADF;
	if (in->ops != &regular_ops || (out->flags & O_APPEND))
		return -EINVAL;
	c.in = in;
	c.out = out;
	return copy_files(&c, a[2], 0);
}

long sys_copy_file_range(const uint64_t a[6])
{
	FS_CLEANUP(file_putp) struct file *in = NULL;
	FS_CLEANUP(file_putp) struct file *out = NULL;
	struct copy c = {.left = a[4] < INT32_MAX ? a[4] : INT32_MAX};
	long r = fd_get(a[0], &in);

	if (r == 0)
		r = fd_get(a[2], &out);
	if (r < 0)
		return r;
	if (is_dir(in->inode) || is_dir(out->inode))
		return -EISDIR;
	if (in->ops != &regular_ops || out->ops != &regular_ops || a[5])
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EBADF;
	if (in->inode == out->inode)
		return -EINVAL; /* overlapping or not: the caller falls back to read and write */
	c.in = in;
	c.out = out;
	return copy_files(&c, a[1], a[3]);
}

long sys_splice(const uint64_t a[6])
{
	(void)a;
	return -EINVAL; /* "not supported by this file": callers fall back */
}

long sys_tee(const uint64_t a[6])
{
	(void)a;
	return -EINVAL;
}

long sys_vmsplice(const uint64_t a[6])
{
	(void)a;
	return -EINVAL;
}
