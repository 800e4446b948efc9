// SPDX-License-Identifier: Apache-2.0
/*
 * Contents of regular files. A page in inode->reg.pages counts; where there is none, the
 * lower file's bytes show up to reg.low_size, and zeroes behind. A page is copied up when
 * it is first written. Invariant: low_size is the lower file's size or a page multiple.
 */
#include "guest/nano/fs/fs.h"

#define RLIMIT_FSIZE 1
#define SIGXFSZ      25

static uint64_t page_of(uint64_t off)
{
	return off >> PAGE_SHIFT;
}

static uint64_t pages_up(uint64_t size)
{
	return (size >> PAGE_SHIFT) + ((size & (PAGE_SIZE - 1)) != 0);
}

bool data_room(uint64_t pages)
{
	/* The rest is for the program and the kernel's own records. */
	uint64_t reserve = ram_total_pages() / 16;
	uint64_t free = ram_free_pages();

	if (reserve > 1024)
		reserve = 1024;
	return free > reserve && free - reserve >= pages;
}

/*
 * The bytes at @off < size: *ret (NULL = zeroes) and how many follow in one piece.
 */
static int span(const struct inode *inode, uint64_t off, const uint8_t **ret, uint64_t *ret_len)
{
	uint64_t in_page = off & (PAGE_SIZE - 1);
	uint64_t len = PAGE_SIZE - in_page;
	const uint8_t *page = NULL;
	int r;

	if (inode->reg.pages.count)
		page = pagemap_get(&inode->reg.pages, page_of(off));
	if (page) {
		*ret = page + in_page;
		*ret_len = len;
		return 0;
	}
	if (off >= inode->reg.low_size) {
		*ret = NULL;
		*ret_len = len;
		return 0;
	}
	r = rootfs_data(inode, off, ret, ret_len);
	if (r < 0)
		return r;
	if (*ret_len > inode->reg.low_size - off)
		*ret_len = inode->reg.low_size - off;
	/* As soon as one page differs, go page by page. */
	if (inode->reg.pages.count && *ret_len > len)
		*ret_len = len;
	return 0;
}

static long regular_read(struct file *f, struct uio *u, uint64_t *pos)
{
	const struct inode *inode = f->inode;
	long done = 0;

	while (u->left > 0 && *pos < inode->size) {
		const uint8_t *p;
		uint64_t len;
		size_t n;
		int r = span(inode, *pos, &p, &len);

		if (r < 0)
			return done ? done : r;
		if (len > inode->size - *pos)
			len = inode->size - *pos;
		if (len > u->left)
			len = u->left;
		n = p ? uio_put(u, p, len) : uio_zero(u, len);
		*pos += n;
		done += (long)n;
		if (n < len)
			return done ? done : -EFAULT;
	}
	return done;
}

/* Pages [first, end) are not any more what mmap was given: let it ask again. */
static void unmap(const struct inode *inode, uint64_t first, uint64_t end)
{
	struct mm_area m;

	if (!(inode->flags & I_MAPPED))
		return;
	for (uint64_t at = 0; mm_area_at(at, &m); at = m.end) {
		uint64_t base = m.offset >> PAGE_SHIFT;
		uint64_t low = first > base ? first : base;
		uint64_t high = base + ((m.end - m.start) >> PAGE_SHIFT);

		if (high > end)
			high = end;
		if (m.file && m.file->inode == inode && low < high)
			mm_forget(m.start + ((low - base) << PAGE_SHIFT),
				  m.start + ((high - base) << PAGE_SHIFT), m.shared);
	}
}

/* Takes pages [first, end) away from the RAM layer. */
static void drop_pages(struct inode *inode, uint64_t first, uint64_t end)
{
	unmap(inode, first, end);
	pagemap_cut(&inode->reg.pages, first, end);
}

/* The file's own page at @index, copied up or made. @whole: it will all be overwritten. */
static int own_page(struct inode *inode, uint64_t index, bool whole, uint8_t **ret)
{
	uint64_t off = index << PAGE_SHIFT;
	uint8_t *page = pagemap_get(&inode->reg.pages, index);
	int r;

	if (page) {
		*ret = page;
		return 0;
	}
	r = inode_dirty(inode);
	if (r < 0)
		return r;
	page = data_room(1) ? page_alloc() : NULL;
	if (!page)
		return -ENOSPC;
	for (uint64_t done = 0; !whole && done < PAGE_SIZE && off + done < inode->reg.low_size;) {
		const uint8_t *p;
		uint64_t len;

		r = span(inode, off + done, &p, &len);
		if (r < 0)
			break;
		if (len > PAGE_SIZE - done)
			len = PAGE_SIZE - done;
		if (p)
			memcpy(page + done, p, len);
		done += len;
	}
	if (r >= 0 && pagemap_set(&inode->reg.pages, index, page) < 0)
		r = -ENOSPC;
	if (r < 0) {
		page_put(page);
		return r;
	}
	unmap(inode, index, index + 1);
	*ret = page;
	return 0;
}

/* How much of @len bytes at @pos may be written: limits of the process and of files. */
static int64_t write_limit(uint64_t pos, uint64_t len)
{
	uint64_t limit = current->rlimits[RLIMIT_FSIZE].cur;

	if (pos >= FS_FILE_MAX)
		return -EFBIG;
	if (pos >= limit) {
		signal_send(SIGXFSZ);
		return -EFBIG;
	}
	if (limit > FS_FILE_MAX)
		limit = FS_FILE_MAX;
	return (int64_t)(len < limit - pos ? len : limit - pos);
}

/* Data written by others than root end set-id powers. */
static void drop_setid(struct inode *inode)
{
	if (capable_root())
		return;
	inode->mode &= ~(uint32_t)S_ISUID;
	if (inode->mode & S_IXGRP)
		inode->mode &= ~(uint32_t)S_ISGID;
}

static long regular_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *inode = f->inode;
	int64_t limit;
	long done = 0;
	int r = 0;

	if (u->left == 0)
		return 0;
	if (f->flags & O_APPEND)
		*pos = inode->size;
	limit = write_limit(*pos, u->left);
	if (limit < 0)
		return limit;
	while (done < limit) {
		uint64_t in_page = *pos & (PAGE_SIZE - 1);
		uint64_t len = PAGE_SIZE - in_page;
		uint8_t *page;
		size_t n;

		if (len > (uint64_t)(limit - done))
			len = (uint64_t)(limit - done);
		r = own_page(inode, page_of(*pos), false, &page);
		if (r < 0)
			break;
		n = uio_take(u, page + in_page, len);
		*pos += n;
		done += (long)n;
		if (*pos > inode->size && n > 0)
			inode->size = *pos;
		if (n < len) {
			r = -EFAULT;
			break;
		}
	}
	if (done == 0)
		return r;
	if (inode_dirty(inode) == 0) {
		inode_touch(inode);
		drop_setid(inode);
	}
	return done;
}

const struct file_ops regular_ops = {
    .read = regular_read,
    .write = regular_write,
    .seekable = true,
};

int data_truncate(struct inode *inode, uint64_t size)
{
	uint64_t rest = size & (PAGE_SIZE - 1);
	uint8_t *page;
	int r = inode_dirty(inode);

	if (r < 0)
		return r;
	if (size < inode->size) {
		if (rest &&
		    (size < inode->reg.low_size || pagemap_get(&inode->reg.pages, page_of(size)))) {
			r = own_page(inode, page_of(size), false, &page);
			if (r < 0)
				return r;
			memset(page + rest, 0, PAGE_SIZE - rest);
		}
		drop_pages(inode, pages_up(size), UINT64_MAX);
		if (inode->reg.low_size > size)
			inode->reg.low_size = size & PAGE_MASK;
	}
	inode->size = size;
	return 0;
}

int data_zero(struct inode *inode, uint64_t off, uint64_t end)
{
	/* What lies behind the end of the file is zero anyway: take whole pages away. */
	if (end > inode->size)
		end = pages_up(inode->size) << PAGE_SHIFT;
	while (off < end) {
		uint64_t in_page = off & (PAGE_SIZE - 1);
		uint64_t len = PAGE_SIZE - in_page;
		uint8_t *page;
		uint64_t next;
		int r;

		if (len > end - off)
			len = end - off;
		/* A hole stays one; skip to what is there. */
		if (off >= inode->reg.low_size) {
			if (!pagemap_next(&inode->reg.pages, page_of(off), &next) ||
			    next << PAGE_SHIFT >= end)
				return 0;
			if (next > page_of(off)) {
				off = next << PAGE_SHIFT;
				continue;
			}
			if (len == PAGE_SIZE) {
				drop_pages(inode, next, next + 1);
				off += len;
				continue;
			}
		}
		r = own_page(inode, page_of(off), len == PAGE_SIZE, &page);
		if (r < 0)
			return r;
		memset(page + in_page, 0, len);
		off += len;
	}
	return 0;
}

int64_t data_seek(const struct inode *inode, uint64_t off, bool hole)
{
	uint64_t next;

	if (off >= inode->size)
		return -ENXIO;
	if (!hole) {
		if (off < inode->reg.low_size || pagemap_get(&inode->reg.pages, page_of(off)))
			return (int64_t)off;
		if (!pagemap_next(&inode->reg.pages, page_of(off), &next) ||
		    next << PAGE_SHIFT >= inode->size)
			return -ENXIO;
		return (int64_t)(next << PAGE_SHIFT);
	}
	for (; off < inode->size; off = (off & PAGE_MASK) + PAGE_SIZE)
		if (off >= inode->reg.low_size && !pagemap_get(&inode->reg.pages, page_of(off)))
			return (int64_t)off;
	return (int64_t)inode->size;
}

uint64_t data_blocks(const struct inode *inode)
{
	uint64_t pages = pages_up(inode->reg.low_size);
	uint64_t low = pages;
	uint64_t next = low;

	while (inode->reg.pages.count && pagemap_next(&inode->reg.pages, next, &next)) {
		pages++;
		next++;
	}
	return pages * (PAGE_SIZE / 512);
}

void data_free(struct inode *inode)
{
	pagemap_cut(&inode->reg.pages, 0, UINT64_MAX);
}

/* Can the lower file's page be mapped where it lies? */
static bool in_place(const struct inode *inode, uint64_t off, void **ret)
{
	const uint8_t *base = fs_state.image.base;
	const uint8_t *p;
	uint64_t len;

	if (rootfs_data(inode, off, &p, &len) < 0 || !p || ((uintptr_t)p & (PAGE_SIZE - 1)))
		return false;
	if (len < PAGE_SIZE &&
	    (off + len < inode->reg.low_size || p + PAGE_SIZE > base + fs_state.image.size))
		return false;
	*ret = (void *)(uintptr_t)p;
	return true;
}

int vfs_file_page(struct file *f, uint64_t index, bool write, void **ret)
{
	struct inode *inode = f->inode;
	uint64_t off = index << PAGE_SHIFT;
	uint8_t *page;
	int r;

	if (f->ops != &regular_ops)
		return -ENODEV;
	if (index > FS_FILE_MAX >> PAGE_SHIFT || off >= inode->size)
		return -ENXIO;
	inode->flags |= I_MAPPED;
	*ret = pagemap_get(&inode->reg.pages, index);
	if (*ret) {
		page_get(*ret);
		return 0;
	}
	if (!write && off >= inode->reg.low_size) {
		*ret = NULL;
		return 0;
	}
	/* The block of a file's last bytes is padded with zeroes by mkfs.erofs. */
	if (!write && in_place(inode, off, ret))
		return 0;
	r = own_page(inode, index, false, &page);
	if (r < 0)
		return r == -ENOSPC ? -ENOMEM : r;
	if (write)
		inode_touch(inode);
	*ret = page_get(page);
	return 0;
}

long vfs_file_read(struct file *f, void *buf, size_t len, uint64_t offset)
{
	struct uio u;

	if (!f->ops->read)
		return -EINVAL;
	uio_kernel(&u, buf, len);
	return f->ops->read(f, &u, &offset);
}
