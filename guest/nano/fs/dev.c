// SPDX-License-Identifier: Apache-2.0
/* Character devices, by number: what mknod makes works wherever it lies. */
#include "guest/nano/fs/fs.h"

#define DEV(major, minor) (((major) << 8) | (minor))

static long null_read(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return 0;
}

static long null_write(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return (long)u->left;
}

static long zero_read(struct file *f, struct uio *u, uint64_t *pos)
{
	uint64_t len = u->left;
	uint64_t done = 0;

	(void)f;
	(void)pos;
	while (done < len && !signal_pending()) {
		size_t piece = len - done < 65536 ? len - done : 65536;
		size_t n = uio_zero(u, piece);

		done += n;
		if (n < piece)
			break;
	}
	return done || len == 0 ? (long)done : -EFAULT;
}

static long full_write(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return u->left ? -ENOSPC : 0;
}

static long random_read(struct file *f, struct uio *u, uint64_t *pos)
{
	uint64_t len = u->left;
	uint64_t done = 0;
	uint8_t buf[256];

	(void)f;
	(void)pos;
	while (done < len) {
		size_t piece = len - done < sizeof(buf) ? len - done : sizeof(buf);
		size_t n;

		random_bytes(buf, piece);
		n = uio_put(u, buf, piece);
		done += n;
		if (n < piece || signal_pending())
			break;
	}
	return done || len == 0 ? (long)done : -EFAULT;
}

static const struct file_ops null_ops = {.read = null_read, .write = null_write, .seekable = true};
static const struct file_ops zero_ops = {
    .read = zero_read, .write = null_write, .seekable = true, .zero = true};
static const struct file_ops full_ops = {.read = zero_read, .write = full_write, .seekable = true};
static const struct file_ops random_ops = {
    .read = random_read, .write = null_write, .seekable = true};

int dev_open(struct file *f)
{
	if (!S_ISCHR(f->inode->mode))
		return -ENXIO;
	switch (f->inode->rdev) {
	case DEV(1u, 3u):
		f->ops = &null_ops;
		return 0;
	case DEV(1u, 5u):
		f->ops = &zero_ops;
		return 0;
	case DEV(1u, 7u):
		f->ops = &full_ops;
		return 0;
	case DEV(1u, 8u):
	case DEV(1u, 9u):
		f->ops = &random_ops;
		return 0;
	case DEV(5u, 0u):
	case DEV(5u, 1u):
	case DEV(136u, 0u):
		return tty_open(f);
	default:
		return -ENXIO;
	}
}
