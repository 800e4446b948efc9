// SPDX-License-Identifier: Apache-2.0
/*
 * Reading directories. The position tells what comes next, so that a reader who removes
 * what it read (rm -r) or adds names loses and repeats nothing else:
 *
 *   0 "."   1 ".."   2 + p: the lower directory's entry at p
 *   POS_RAM + c: the RAM layer's entries behind cookie c
 */
#include "guest/nano/fs/sys.h"

#define POS_LOW 2u
#define POS_RAM ((uint64_t)1 << 62)

/* An entry on its way to the program. */
struct entry {
	uint64_t ino;
	uint64_t next; /* position behind it */
	const char *name;
	size_t name_len;
	uint8_t type;
};

/* What one call keeps between two entries; nothing changes while it runs. */
struct reader {
	struct low_entry low;
	const struct dentry *last; /* the RAM layer's entry given last, or NULL */
};

static uint8_t type_of(uint32_t mode)
{
	return (mode & S_IFMT) >> 12;
}

/* The lower directory's next entry that still shows: 1, 0, -errno. */
static int next_low(struct dentry *dir, uint64_t pos, struct low_entry *low, struct entry *ret)
{
	struct inode *inode = dir->inode;

	if (!inode->ops->readdir || (inode->flags & I_NOLOW))
		return 0;
	for (low->next = pos - POS_LOW;;) {
		const struct dentry *d = NULL;
		int r = inode->ops->readdir(inode, low->next, low);

		if (r <= 0)
			return r;
		if (inode->dir.first)
			d = dentry_find(dir, low->name, low->name_len);
		if (d && !(d->flags & D_LOWER))
			continue;
		*ret = (struct entry){
		    .ino = low->ino,
		    .next = POS_LOW + low->next,
		    .name = low->name,
		    .name_len = low->name_len,
		    .type = low->type,
		};
		return 1;
	}
}

static int next_ram(struct dentry *dir, uint64_t cookie, struct reader *reader, struct entry *ret)
{
	const struct dentry *d = reader->last ? reader->last->next : dir->inode->dir.first;

	for (; d; d = d->next) {
		if (d->cookie <= cookie || !d->inode || (d->flags & D_LOWER))
			continue;
		*ret = (struct entry){
		    .ino = d->inode->ino,
		    .next = POS_RAM + d->cookie,
		    .name = d->name,
		    .name_len = d->name_len,
		    .type = type_of(d->inode->mode),
		};
		return 1;
	}
	return 0;
}

static int next_entry(struct dentry *dir, uint64_t pos, struct reader *reader, struct entry *ret)
{
	const struct dentry *up = dir->parent ? dir->parent : dir;
	int r;

	if (pos < POS_LOW) {
		*ret = (struct entry){
		    .ino = pos ? up->inode->ino : dir->inode->ino,
		    .next = pos + 1,
		    .name = "..",
		    .name_len = pos + 1,
		    .type = type_of(S_IFDIR),
		};
		return 1;
	}
	if (pos < POS_RAM) {
		r = next_low(dir, pos, &reader->low, ret);
		if (r != 0)
			return r;
		pos = POS_RAM;
	}
	return next_ram(dir, pos - POS_RAM, reader, ret);
}

/* struct linux_dirent64 */
struct head64 {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
} __attribute__((packed));

/* struct linux_dirent; the type is its last byte */
struct head {
	uint64_t ino;
	uint64_t off;
	uint16_t reclen;
} __attribute__((packed));

/* Writes one record to the program: its length, 0 when it does not fit, -EFAULT. */
static long put_entry(const struct entry *e, uint64_t to, uint64_t room, bool old)
{
	uint8_t rec[sizeof(struct head64) + FS_NAME_MAX + 1 + 8];
	size_t head = old ? sizeof(struct head) : sizeof(struct head64);
	size_t len = (head + e->name_len + (old ? 2 : 1) + 7) & ~(size_t)7;

	if (len > room)
		return 0;
	if (old) {
		const struct head h = {e->ino, e->next, (uint16_t)len};

		memcpy(rec, &h, sizeof(h));
	} else {
		const struct head64 h = {e->ino, (int64_t)e->next, (uint16_t)len, e->type};

		memcpy(rec, &h, sizeof(h));
	}
	memcpy(rec + head, e->name, e->name_len);
	memset(rec + head + e->name_len, 0, len - head - e->name_len);
	if (old)
		rec[len - 1] = e->type;
	return copy_to_user(to, rec, len) < 0 ? -EFAULT : (long)len;
}

static long do_getdents(struct file *f, uint64_t buf, uint64_t size, bool old)
{
	struct reader reader = {.last = NULL};
	struct entry e;
	uint64_t done = 0;

	if (!is_dir(f->inode))
		return -ENOTDIR;
	if (f->dentry->flags & D_DEAD)
		return -ENOENT;
	for (;;) {
		int r = next_entry(f->dentry, f->pos, &reader, &e);
		long n;

		if (r <= 0)
			return done ? (long)done : r;
		n = put_entry(&e, buf + done, size - done, old);
		if (n <= 0)
			return done ? (long)done : n < 0 ? n : -EINVAL;
		done += (uint64_t)n;
		f->pos = e.next;
	}
}

static long getdents_of(const uint64_t a[6], bool old)
{
	struct file *f;
	long r = fd_get(a[0], &f);

	if (r < 0)
		return r;
	r = do_getdents(f, a[1], (uint32_t)a[2], old);
	file_put(f);
	return r;
}

long sys_getdents(const uint64_t a[6])
{
	return getdents_of(a, true);
}

long sys_getdents64(const uint64_t a[6])
{
	return getdents_of(a, false);
}

static long directory_read(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)u;
	(void)pos;
	return -EISDIR;
}

const struct file_ops directory_ops = {.read = directory_read, .seekable = true};
