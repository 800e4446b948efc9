// SPDX-License-Identifier: Apache-2.0
/*
 * Pages of RAM. Free RAM is a never-used part, which is zero and taken from the bottom up
 * (a page that is not touched costs the host nothing), and a bitmap of pages given back,
 * which is used first.
 */
#include "guest/nano/core.h"

static struct {
	uint64_t end;   /* page number behind RAM */
	uint64_t fresh; /* first never-used page */
	uint64_t nfreed;
	uint64_t hint;   /* no freed page below this word of the bitmap */
	uint32_t *refs;  /* per page: references, or alloc.c's mark with MARK set */
	uint64_t *freed; /* bitmap */
} ram;

#define MARK 0x80000000u

static uint64_t pfn_of(const void *page)
{
	return ((uint64_t)page - NANO_DIRECT_VA) >> PAGE_SHIFT;
}

static void *page_of(uint64_t pfn)
{
	return gpa_to_va(pfn << PAGE_SHIFT);
}

void page_init(void)
{
	uint64_t at = boot.free_gpa;

	ram.end = boot.ram_bytes >> PAGE_SHIFT;
	ram.refs = gpa_to_va(at);
	at += page_up(ram.end * sizeof(ram.refs[0]));
	ram.freed = gpa_to_va(at);
	at += page_up((ram.end + 63) / 64 * 8);
	ram.fresh = at >> PAGE_SHIFT;
	if (ram.fresh + 64 > ram.end)
		panic("%lu MiB of memory is too little", boot.ram_bytes >> 20);
}

bool page_is_ram(const void *page)
{
	uint64_t va = (uint64_t)page;

	return va >= NANO_DIRECT_VA && va - NANO_DIRECT_VA < boot.ram_bytes;
}

uint64_t ram_total_pages(void)
{
	return ram.end;
}

uint64_t ram_free_pages(void)
{
	return ram.end - ram.fresh + ram.nfreed;
}

static void *take_freed(void)
{
	uint64_t words = (ram.end + 63) / 64;

	for (uint64_t w = ram.hint; w < words; w++) {
		if (!ram.freed[w])
			continue;
		uint64_t bit = (uint64_t)__builtin_ctzll(ram.freed[w]);

		ram.freed[w] &= ram.freed[w] - 1;
		ram.nfreed--;
		ram.hint = w;
		return page_of(w * 64 + bit);
	}
	panic("lost %lu free pages", ram.nfreed);
}

void *page_alloc_raw(bool *ret_dirty)
{
	void *page;

	*ret_dirty = ram.nfreed > 0;
	if (*ret_dirty)
		page = take_freed();
	else if (ram.fresh < ram.end)
		page = page_of(ram.fresh++);
	else
		return mm_reclaim();
	ram.refs[pfn_of(page)] = 1;
	return page;
}

void *page_alloc_fresh(void)
{
	/* Keep some: reclaiming what was mapped ahead in vain is slow. */
	if (ram.end - ram.fresh < ram.end / 8)
		return NULL;
	void *page = page_of(ram.fresh++);

	ram.refs[pfn_of(page)] = 1;
	return page;
}

void *page_alloc(void)
{
	bool dirty;
	void *page = page_alloc_raw(&dirty);

	if (page && dirty)
		memset(page, 0, PAGE_SIZE);
	return page;
}

static bool is_freed(uint64_t pfn)
{
	return ram.freed[pfn / 64] >> (pfn % 64) & 1;
}

/* First of @n freed pages in a row, or 0. */
static uint64_t find_run(uint64_t n)
{
	uint64_t run = 0;

	if (ram.nfreed < n)
		return 0;
	for (uint64_t pfn = 0; pfn < ram.fresh; pfn++) {
		run = is_freed(pfn) ? run + 1 : 0;
		if (run == n)
			return pfn - n + 1;
	}
	return 0;
}

void *pages_alloc(uint64_t n)
{
	uint64_t first;

	if (n == 1)
		return page_alloc();
	if (n == 0 || n > ram.end)
		return NULL;
	if (ram.end - ram.fresh >= n) {
		first = ram.fresh;
		ram.fresh += n;
	} else {
		first = find_run(n);
		if (!first)
			return NULL;
		for (uint64_t i = first; i < first + n; i++)
			ram.freed[i / 64] &= ~(1ull << (i % 64));
		ram.nfreed -= n;
		memset(page_of(first), 0, n * PAGE_SIZE);
	}
	for (uint64_t i = first; i < first + n; i++)
		ram.refs[i] = 1;
	return page_of(first);
}

void *page_get(void *page)
{
	if (page_is_ram(page))
		ram.refs[pfn_of(page)]++;
	return page;
}

void page_put(void *page)
{
	if (!page || !page_is_ram(page))
		return;
	uint64_t pfn = pfn_of(page);
	uint32_t refs = ram.refs[pfn];

	if (refs == 0 || (refs & MARK) || ((uint64_t)page & ~PAGE_MASK))
		panic("page_put of %p with count %x", page, refs);
	ram.refs[pfn] = refs - 1;
	if (refs > 1)
		return;
	ram.freed[pfn / 64] |= 1ull << (pfn % 64);
	ram.nfreed++;
	if (pfn / 64 < ram.hint)
		ram.hint = pfn / 64;
}

unsigned int page_refs(const void *page)
{
	return page_is_ram(page) ? ram.refs[pfn_of(page)] : 2;
}

void page_mark(void *page, uint32_t mark)
{
	ram.refs[pfn_of(page)] = mark ? mark | MARK : 1;
}

uint32_t page_mark_of(const void *page)
{
	uint32_t r = page_is_ram(page) ? ram.refs[pfn_of(page)] : 0;

	return r & MARK ? r & ~MARK : 0;
}
