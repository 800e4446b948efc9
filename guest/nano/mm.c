// SPDX-License-Identifier: Apache-2.0
/*
 * Mappings of the program: an ordered list, and what a fault in one of them means.
 */
#include "guest/nano/core.h"

#include <linux/resource.h>

struct mm mm;

/*
 * Where mappings go. Small ones share the first GiB with the executable and the stack, so
 * that a small program needs three page tables only; large ones get the rest.
 */
#define LOW_TOP  0x38000000ull
#define LOW_END  0x20000000ull
#define HIGH_TOP 0x7ff000000000ull
#define HIGH_END 0x40000000ull
#define LOW_MAX  (32ull << 20) /* a mapping above this goes high */

struct vma *vma_at(uint64_t addr)
{
	struct vma *v = mm.hit && mm.hit->start <= addr ? mm.hit : mm.first;

	while (v && v->end <= addr)
		v = v->next;
	if (v)
		mm.hit = v;
	return v;
}

struct vma *vma_find(uint64_t addr)
{
	struct vma *v = vma_at(addr);

	return v && v->start <= addr ? v : NULL;
}

static void link_after(struct vma *prev, struct vma *v)
{
	v->prev = prev;
	v->next = prev ? prev->next : mm.first;
	if (v->next)
		v->next->prev = v;
	if (prev)
		prev->next = v;
	else
		mm.first = v;
	mm.mapped_pages += (v->end - v->start) >> PAGE_SHIFT;
}

static void unlink_free(struct vma *v)
{
	if (v->prev)
		v->prev->next = v->next;
	else
		mm.first = v->next;
	if (v->next)
		v->next->prev = v->prev;
	if (mm.hit == v)
		mm.hit = NULL;
	mm.mapped_pages -= (v->end - v->start) >> PAGE_SHIFT;
	file_put(v->file);
	kfree(v);
}

struct vma *vma_split(struct vma *v, uint64_t at)
{
	struct vma *upper = kmalloc(sizeof(*upper));

	if (!upper)
		return NULL;
	*upper = *v;
	upper->start = at;
	upper->offset += at - v->start;
	if (upper->file)
		file_get(upper->file);
	mm.mapped_pages -= (v->end - at) >> PAGE_SHIFT;
	v->end = at;
	link_after(v, upper);
	return upper;
}

/* Can @b, right behind @a, be part of it? */
static bool mergeable(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->file == b->file && a->read == b->read &&
	       a->write == b->write && a->exec == b->exec && a->shared == b->shared &&
	       a->name == b->name && a->stack == b->stack &&
	       (!a->file || a->offset + (a->end - a->start) == b->offset);
}

void vma_merge(struct vma *v)
{
	struct vma *a = v;

	for (int i = 0; i < 2; i++) {
		struct vma *next = a->next;

		if (i == 0 && a->prev && mergeable(a->prev, a)) {
			next = a;
			a = a->prev;
		}
		if (next && mergeable(a, next)) {
			uint64_t end = next->end;

			unlink_free(next);
			mm.mapped_pages += (end - a->end) >> PAGE_SHIFT;
			a->end = end;
		}
	}
}

int mm_unmap(uint64_t start, uint64_t end)
{
	struct vma *v = vma_at(start);
	bool flush = false;

	if (v && v->start < start && v->end > start && !vma_split(v, start))
		return -ENOMEM;
	v = vma_at(start);
	while (v && v->start < end) {
		struct vma *next;

		if (v->end > end && !vma_split(v, end))
			return -ENOMEM;
		next = v->next;
		flush |= pt_clear(v->start, v->end);
		unlink_free(v);
		v = next;
	}
	if (flush)
		tlb_flush();
	return 0;
}

void mm_forget(uint64_t start, uint64_t end, bool all)
{
	bool flush = false;

	for (uint64_t va = start; va < end; va += PAGE_SIZE) {
		const uint64_t *pte = pte_at(va, false);

		if (!pte) /* no table: on to the next one */
			va |= (1ull << 21) - PAGE_SIZE;
		else if (*pte && (all || !page_is_ram(pte_page(*pte))))
			flush |= pt_clear(va, va + PAGE_SIZE);
	}
	if (flush)
		tlb_flush();
}

int mm_map(const struct vma *wanted)
{
	struct vma *v = kmalloc(sizeof(*v));
	struct vma *next, *prev = NULL;
	int r;

	if (!v)
		return -ENOMEM;
	r = mm_unmap(wanted->start, wanted->end);
	if (r < 0) {
		kfree(v);
		return r;
	}
	*v = *wanted;
	if (v->file)
		file_get(v->file);
	next = vma_at(v->start);
	if (next)
		prev = next->prev;
	else
		for (struct vma *i = mm.first; i; i = i->next)
			prev = i;
	link_after(prev, v);
	vma_merge(v);
	return 0;
}

/* Highest free stretch of @len below @top and above @floor. */
static uint64_t gap_between(uint64_t floor, uint64_t top, uint64_t len, uint64_t align)
{
	struct vma *v = NULL;

	for (struct vma *i = mm.first; i && i->start < top; i = i->next)
		v = i;
	for (;;) {
		uint64_t low = v && v->end > floor ? v->end : floor;

		if (low < top && top - low >= len) {
			uint64_t at = (top - len) & ~(align - 1);

			if (at >= low)
				return at;
		}
		if (!v || v->end <= floor)
			return 0;
		top = KMIN(top, v->start);
		v = v->prev;
	}
}

uint64_t mm_gap(uint64_t len, uint64_t align)
{
	uint64_t at = 0;

	if (len <= LOW_MAX)
		at = gap_between(LOW_END, LOW_TOP, len, align);
	return at ? at : gap_between(HIGH_END, HIGH_TOP, len, align);
}

void mm_reset(void)
{
	while (mm.first)
		unlink_free(mm.first);
	pt_wipe();
	mm = (struct mm){0};
}

bool mm_area_at(uint64_t addr, struct mm_area *ret)
{
	struct vma *v = vma_at(addr);

	if (!v)
		return false;
	*ret = (struct mm_area){.start = v->start,
				.end = v->end,
				.offset = v->offset,
				.file = v->file,
				.name = v->name,
				.read = v->read,
				.write = v->write,
				.exec = v->exec,
				.shared = v->shared};
	return true;
}

/* Is @pte a page of anonymous memory that nobody touched? The processor sets A. */
static bool untouched(uint64_t pte)
{
	return (pte & (PTE_P | PTE_A)) == PTE_P && page_is_ram(pte_page(pte)) &&
	       page_refs(pte_page(pte)) == 1;
}

void *mm_reclaim(void)
{
	static uint64_t hand; /* where the last one was found */

	for (int round = 0; round < 2; round++, hand = 0) {
		for (struct vma *v = vma_at(hand); v; v = v->next) {
			uint64_t va = KMAX(hand, v->start);

			for (; !v->file && va < v->end; va += PAGE_SIZE) {
				uint64_t *pte;

				if ((pt_peek(va) & (PTE_P | PTE_A)) != PTE_P)
					continue;
				pte = pte_at(va, false);
				if (!pte || !untouched(*pte))
					continue;
				void *page = pte_page(*pte);
				*pte = 0;
				hand = va + PAGE_SIZE;
				return page;
			}
		}
	}
	return NULL;
}

void mm_stats(struct mm_stat *ret)
{
	*ret = (struct mm_stat){0};
	for (struct vma *v = mm.first; v; v = v->next) {
		uint64_t pages = (v->end - v->start) >> PAGE_SHIFT;

		ret->size += pages;
		if (v->stack)
			ret->stack += pages;
		else if (v->exec)
			ret->text += pages;
		else if (v->write)
			ret->data += pages;
		for (uint64_t a = v->start; a < v->end; a += PAGE_SIZE) {
			const uint64_t *pde = pde_at(a, false);

			if (!pde || !*pde) { /* no table: on to the next one */
				a = (a | (CHUNK_SIZE - 1)) + 1 - PAGE_SIZE;
				continue;
			}
			uint64_t pte = pt_peek(a);
			if (!(pte & PTE_P))
				continue;
			ret->resident++;
			ret->shared += v->file && !(pte & PTE_W);
		}
	}
}
