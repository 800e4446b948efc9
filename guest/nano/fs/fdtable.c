// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

#define RLIMIT_NOFILE 7
#define FD_FIRST      16u
#define FD_LIMIT      (1u << 20)
#define TAG_CLOEXEC   ((uintptr_t)1)

/* A slot is a file's address, its lowest bit close-on-exec; 0 = free. */
struct fdtable {
	uintptr_t *slots;
	uint32_t size;
	uint32_t first_free; /* nothing below it is free */
};

int fdtable_init(void)
{
	struct fdtable *t = kzalloc(sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->slots = kzalloc(FD_FIRST * sizeof(*t->slots));
	if (!t->slots) {
		kfree(t);
		return -ENOMEM;
	}
	t->size = FD_FIRST;
	current->files = t;
	return 0;
}

static struct file *slot_file(uintptr_t slot)
{
	return (struct file *)(slot & ~TAG_CLOEXEC);
}

static uint32_t fd_limit(void)
{
	uint64_t limit = current->rlimits[RLIMIT_NOFILE].cur;

	return limit < FD_LIMIT ? (uint32_t)limit : FD_LIMIT;
}

static int grow(struct fdtable *t, uint32_t need)
{
	uint32_t size = t->size;
	uintptr_t *slots;

	while (size <= need)
		size *= 2;
	slots = krealloc(t->slots, t->size * sizeof(*slots), size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	memset(slots + t->size, 0, (size - t->size) * sizeof(*slots));
	t->slots = slots;
	t->size = size;
	return 0;
}

struct file *fd_file(int fd)
{
	struct fdtable *t = current->files;

	if (fd < 0 || (uint32_t)fd >= t->size || !t->slots[fd])
		return NULL;
	return file_get(slot_file(t->slots[fd]));
}

int fd_get(uint64_t fd, struct file **ret)
{
	struct file *f = fd_file((int)fd);

	if (f && is_path_only(f)) {
		file_put(f);
		f = NULL;
	}
	*ret = f;
	return f ? 0 : -EBADF;
}

int fd_install(struct file *f, int min, bool cloexec)
{
	struct fdtable *t = current->files;
	uint32_t limit = fd_limit();
	uint32_t fd = (uint32_t)min > t->first_free ? (uint32_t)min : t->first_free;
	int r = 0;

	while (fd < t->size && t->slots[fd])
		fd++;
	if (fd >= limit)
		r = -EMFILE;
	else if (fd >= t->size)
		r = grow(t, fd);
	if (r < 0) {
		file_put(f);
		return r;
	}
	t->slots[fd] = (uintptr_t)f | (cloexec ? TAG_CLOEXEC : 0);
	if ((uint32_t)min <= t->first_free)
		t->first_free = fd + 1;
	return (int)fd;
}

int fd_set_file(int fd, struct file *f, bool cloexec)
{
	struct fdtable *t = current->files;
	int r = 0;

	if (fd < 0 || (uint32_t)fd >= fd_limit())
		r = -EBADF;
	else if ((uint32_t)fd >= t->size)
		r = grow(t, (uint32_t)fd);
	if (r < 0) {
		file_put(f);
		return r;
	}
	if (t->slots[fd])
		file_put(slot_file(t->slots[fd]));
	t->slots[fd] = (uintptr_t)f | (cloexec ? TAG_CLOEXEC : 0);
	return fd;
}

int fd_close(int fd)
{
	struct fdtable *t = current->files;
	uintptr_t slot;

	if (fd < 0 || (uint32_t)fd >= t->size || !t->slots[fd])
		return -EBADF;
	slot = t->slots[fd];
	t->slots[fd] = 0;
	if ((uint32_t)fd < t->first_free)
		t->first_free = (uint32_t)fd;
	file_put(slot_file(slot));
	return 0;
}

int fd_next(int fd)
{
	const struct fdtable *t = current->files;

	for (uint32_t i = fd < 0 ? 0 : (uint32_t)fd; i < t->size; i++)
		if (t->slots[i])
			return (int)i;
	return -1;
}

bool fd_cloexec(int fd)
{
	const struct fdtable *t = current->files;

	return fd >= 0 && (uint32_t)fd < t->size && (t->slots[fd] & TAG_CLOEXEC);
}

void fd_set_cloexec(int fd, bool on)
{
	struct fdtable *t = current->files;

	if (fd < 0 || (uint32_t)fd >= t->size || !t->slots[fd])
		return;
	t->slots[fd] = (t->slots[fd] & ~TAG_CLOEXEC) | (on ? TAG_CLOEXEC : 0);
}

void vfs_exec_done(void)
{
	for (int fd = fd_next(0); fd >= 0; fd = fd_next(fd + 1))
		if (fd_cloexec(fd))
			fd_close(fd);
}
