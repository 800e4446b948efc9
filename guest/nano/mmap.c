// SPDX-License-Identifier: Apache-2.0
/*
 * The memory system calls. Source: mmap(2), mprotect(2), mremap(2), brk(2), madvise(2) ...
 */
#include "guest/nano/sys.h"

#include <linux/mman.h>
#include <linux/resource.h>

/* New mappings up to this size are mapped ahead at once. */
#define AHEAD_FILE_MAX (16ull << 20)
#define AHEAD_ANON_MAX (256ull << 10)

static bool range_ok(uint64_t addr, uint64_t len)
{
	return addr < USER_END && len <= USER_END - addr;
}

/* Would @pages more keep inside RLIMIT_AS? */
static bool as_limit_ok(uint64_t pages)
{
	uint64_t limit = current->rlimits[RLIMIT_AS].cur;

	return limit == RLIM64_INFINITY || mm.mapped_pages + pages <= limit >> PAGE_SHIFT;
}

static int file_for_map(int fd, struct vma *v)
{
	struct vfs_info info;
	struct file *f = fd_file(fd);
	int r = 0;

	if (!f)
		return -EBADF;
	vfs_file_info(f, &info);
	if (info.path_only)
		r = -EBADF;
	else if (!info.readable || (v->shared && v->write && !info.writable))
		r = -EACCES;
	else if (info.map == VFS_MAP_NONE)
		r = -ENODEV;
	if (r == 0 && info.map == VFS_MAP_FILE)
		v->file = file_get(f);
	file_put(f);
	return r;
}

/*
 * Linux's heuristic overcommit: memory that could never be there is refused now; the rest
 * is promised, and a program that takes it all is killed.
 */
static bool could_be_there(uint64_t len, uint64_t flags)
{
	return (flags & MAP_NORESERVE) || len >> PAGE_SHIFT <= ram_total_pages();
}

/* Address for a new mapping; 0 = none. */
static uint64_t place(uint64_t addr, uint64_t len, uint64_t flags)
{
	struct vma *v;

	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		return addr;
	addr = page_down(addr);
	if (addr >= USER_MIN && range_ok(addr, len)) {
		v = vma_at(addr);
		if (!v || v->start >= addr + len)
			return addr;
	}
	/* Aligned so that chunks of 2 MiB fit. */
	return mm_gap(len, len >= 2 * CHUNK_SIZE ? CHUNK_SIZE : PAGE_SIZE);
}

static long map_checked(struct vma *v, uint64_t addr, uint64_t len, uint64_t flags)
{
	struct vma *there;
	int r;

	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) &&
	    ((addr & ~PAGE_MASK) || !range_ok(addr, len)))
		return addr & ~PAGE_MASK ? -EINVAL : -ENOMEM;
	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && addr < USER_MIN)
		return -EPERM;
	v->start = place(addr, len, flags);
	if (!v->start)
		return -ENOMEM;
	v->end = v->start + len;
	if (flags & MAP_FIXED_NOREPLACE) {
		there = vma_at(v->start);
		if (there && there->start < v->end)
			return -EEXIST;
	}
	r = mm_map(v);
	if (r < 0)
		return r;
	there = vma_find(v->start);
	if (v->file && v->write && !v->shared)
		mm_copy_ahead(there, v->start, v->end);
	if (v->file ? len <= AHEAD_FILE_MAX && !(v->shared && v->write) && (v->read || v->exec)
		    : len <= AHEAD_ANON_MAX && v->write)
		mm_populate(there, v->start, v->end);
	return (long)v->start;
}

long sys_mmap(const uint64_t *a)
{
	uint64_t addr = a[0], len = page_up(a[1]), prot = a[2], flags = a[3], offset = a[5];
	struct vma v = {.read = prot & PROT_READ,
			.write = prot & PROT_WRITE,
			.exec = prot & PROT_EXEC,
			.offset = offset};
	uint64_t type = flags & MAP_TYPE;
	long r;

	if (a[1] == 0 || (offset & ~PAGE_MASK) ||
	    (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE))
		return -EINVAL;
	if (len == 0 || len > USER_END || !as_limit_ok(len >> PAGE_SHIFT))
		return -ENOMEM;
	v.shared = type != MAP_PRIVATE;
	if (flags & MAP_ANONYMOUS) {
		v.offset = 0;
	} else {
		r = file_for_map((int)a[4], &v);
		if (r < 0)
			return r;
		if (offset + len < offset) {
			file_put(v.file);
			return -EOVERFLOW;
		}
	}
	if (!v.file && v.write && !could_be_there(len, flags))
		return -ENOMEM;
	/* One process: shared anonymous memory is shared with nobody. */
	if (!v.file)
		v.shared = false;
	r = map_checked(&v, addr, len, flags);
	file_put(v.file);
	return r;
}

long sys_munmap(const uint64_t *a)
{
	uint64_t len = page_up(a[1]);

	if ((a[0] & ~PAGE_MASK) || len == 0 || !range_ok(a[0], len))
		return -EINVAL;
	return mm_unmap(a[0], a[0] + len);
}

/* May a shared mapping of @f get the right to write? */
static bool may_write(const struct vma *v)
{
	struct vfs_info info;

	if (!v->shared || !v->file)
		return true;
	vfs_file_info(v->file, &info);
	return info.writable;
}

long sys_mprotect(const uint64_t *a)
{
	uint64_t start = a[0], len = page_up(a[1]), prot = a[2];
	uint64_t end = start + len;
	bool read = prot & PROT_READ, write = prot & PROT_WRITE, exec = prot & PROT_EXEC;
	bool flush = false;
	struct vma *v;
	long r = 0;

	if ((start & ~PAGE_MASK) || (prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC |
							PROT_GROWSDOWN | PROT_GROWSUP)))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!range_ok(start, len))
		return -ENOMEM;
	v = vma_find(start);
	while (r == 0 && start < end) {
		if (!v || v->start > start) {
			r = -ENOMEM;
		} else if (write && !may_write(v)) {
			r = -EACCES;
		} else {
			if (v->start < start)
				v = vma_split(v, start);
			if (v && v->end > end && !vma_split(v, end))
				v = NULL;
			if (!v) {
				r = -ENOMEM;
				break;
			}
			v->read = read;
			v->write = write;
			v->exec = exec;
			start = v->end;
			flush |=
			    pt_protect(v->start, v->end, write, exec, !read && !write && !exec);
			vma_merge(v);
			v = vma_find(start);
		}
	}
	if (flush)
		tlb_flush();
	return r;
}

long sys_madvise(const uint64_t *a)
{
	uint64_t start = a[0], len = page_up(a[1]), end = start + len;
	bool flush = false, hole = false;

	if ((start & ~PAGE_MASK) || !range_ok(start, len) || (a[1] && !len))
		return -EINVAL;
	for (struct vma *v = vma_at(start); start < end; v = v->next) {
		if (!v) {
			hole = true;
			break;
		}
		hole |= v->start > start;
		if (v->start >= end)
			break;
		if (a[2] == MADV_DONTNEED || a[2] == MADV_FREE)
			/* Files are read again, anonymous memory is zero. */
			flush |= pt_clear(KMAX(start, v->start), KMIN(end, v->end));
		start = v->end;
	}
	if (flush)
		tlb_flush();
	switch (a[2]) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_COLD:
	case MADV_PAGEOUT:
		return hole ? -ENOMEM : 0;
	default:
		return -EINVAL;
	}
}

static long mremap_move(struct vma *v, uint64_t old, uint64_t old_len, uint64_t to,
			uint64_t new_len)
{
	struct vma moved = *v;
	uint64_t keep = KMIN(old_len, new_len);
	int r;

	moved.start = to;
	moved.end = to + new_len;
	moved.offset += old - v->start;
	if (moved.file)
		file_get(moved.file); /* @v may go away below */
	r = mm_map(&moved);
	if (r == 0)
		r = pt_move(old, to, keep);
	file_put(moved.file);
	if (r < 0)
		return r;
	/* Stale translations of the old place. */
	tlb_flush();
	r = mm_unmap(old, old + old_len);
	return r < 0 ? r : (long)to;
}

long sys_mremap(const uint64_t *a)
{
	uint64_t old = a[0], old_len = page_up(a[1]), new_len = page_up(a[2]), flags = a[3];
	bool fixed = flags & MREMAP_FIXED, may_move = flags & MREMAP_MAYMOVE;
	struct vma *v, *next;
	uint64_t to;

	if ((old & ~PAGE_MASK) || new_len == 0 || old_len == 0 || (fixed && !may_move) ||
	    (flags & ~(uint64_t)(MREMAP_FIXED | MREMAP_MAYMOVE)))
		return -EINVAL;
	v = vma_find(old);
	if (!v || old_len > v->end - old)
		return -EFAULT;
	if (new_len > old_len && !as_limit_ok((new_len - old_len) >> PAGE_SHIFT))
		return -ENOMEM;
	if (fixed) {
		to = a[4];
		if ((to & ~PAGE_MASK) || to < USER_MIN || !range_ok(to, new_len) ||
		    (to < old + old_len && old < to + new_len))
			return -EINVAL;
		return mremap_move(v, old, old_len, to, new_len);
	}
	if (new_len <= old_len) {
		int r = new_len < old_len ? mm_unmap(old + new_len, old + old_len) : 0;

		return r < 0 ? r : (long)old;
	}
	next = v->next;
	if (old + old_len == v->end && range_ok(old, new_len) &&
	    (!next || next->start >= old + new_len)) {
		mm.mapped_pages += (new_len - old_len) >> PAGE_SHIFT;
		v->end = old + new_len;
		return (long)old;
	}
	to = may_move ? mm_gap(new_len, PAGE_SIZE) : 0;
	return to ? mremap_move(v, old, old_len, to, new_len) : -ENOMEM;
}

long sys_brk(const uint64_t *a)
{
	uint64_t want = a[0], old_end = page_up(mm.brk), new_end = page_up(want);
	struct vma v = {.read = true, .write = true, .name = "[heap]"};
	struct vma *there;
	uint64_t limit = current->rlimits[RLIMIT_DATA].cur;

	if (want < mm.brk_start || want >= USER_END || want - mm.brk_start > limit)
		return (long)mm.brk;
	if (new_end < old_end) {
		if (mm_unmap(new_end, old_end) < 0)
			return (long)mm.brk;
	} else if (new_end > old_end) {
		there = vma_at(old_end);
		if ((there && there->start < new_end) ||
		    !as_limit_ok((new_end - old_end) >> PAGE_SHIFT) ||
		    !could_be_there(new_end - old_end, 0))
			return (long)mm.brk;
		v.start = old_end;
		v.end = new_end;
		if (mm_map(&v) < 0)
			return (long)mm.brk;
		if (new_end - old_end <= AHEAD_ANON_MAX)
			mm_populate(vma_find(old_end), old_end, new_end);
	}
	mm.brk = want;
	return (long)want;
}

long sys_msync(const uint64_t *a)
{
	uint64_t len = page_up(a[1]);

	if ((a[0] & ~PAGE_MASK) || (a[2] & ~7ull) || !range_ok(a[0], len))
		return -EINVAL;
	struct vma *v = vma_at(a[0]);
	return len && (!v || v->start > a[0]) ? -ENOMEM : 0;
}

long sys_mincore(const uint64_t *a)
{
	uint64_t len = page_up(a[1]);

	if (a[0] & ~PAGE_MASK)
		return -EINVAL;
	if (!range_ok(a[0], len))
		return -ENOMEM;
	for (uint64_t off = 0; off < len; off += PAGE_SIZE) {
		uint8_t there = pt_peek(a[0] + off) & PTE_P;

		if (!vma_find(a[0] + off))
			return -ENOMEM;
		if (copy_to_user(a[2] + off / PAGE_SIZE, &there, 1))
			return -EFAULT;
	}
	return 0;
}

/* All memory of the VM stays where it is. */
long sys_mlock(const uint64_t *a)
{
	struct vma *v = vma_find(a[0]);

	return !v && a[1] ? -ENOMEM : 0;
}
