// SPDX-License-Identifier: Apache-2.0
/*
 * Pages of RAM. Free RAM is a never-used part, which is zero (a page that is not touched
 * costs the host nothing), and a bitmap of pages given back, which is used first. Of the
 * never-used part, pages are taken from the bottom up: low RAM, then high RAM; chunks of
 * 2 MiB come from the top of high RAM. High RAM costs the host a little when it is merely
 * there, so it is asked for when it is needed.
 */
#include "guest/nano/core.h"

/* Never-used pages [fresh, top). */
struct range {
	uint64_t fresh, top;
};

static struct {
	uint64_t end;      /* page number behind all */
	uint64_t total;    /* pages of RAM */
	struct range low;  /* there from the start */
	struct range high; /* empty until grown */
	bool grown;
	uint64_t chunks;  /* first of the chunks given back; 0 = none */
	uint64_t nchunks; /* their number */
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

	ram.total = (boot.low_bytes + boot.high_bytes) >> PAGE_SHIFT;
	ram.end =
	    (boot.high_bytes ? boot.high_gpa + boot.high_bytes : boot.low_bytes) >> PAGE_SHIFT;
	ram.refs = gpa_to_va(at);
	at += page_up(ram.end * sizeof(ram.refs[0]));
	ram.freed = gpa_to_va(at);
	at += page_up((ram.end + 63) / 64 * 8);
	ram.low = (struct range){at >> PAGE_SHIFT, boot.low_bytes >> PAGE_SHIFT};
	if (ram.low.fresh + 64 > ram.low.top)
		panic("%lu MiB of memory is too little", ram.total >> 8);
}

bool page_is_ram(const void *page)
{
	uint64_t gpa = (uint64_t)page - NANO_DIRECT_VA;

	return (uint64_t)page >= NANO_DIRECT_VA &&
	       (gpa < boot.low_bytes || gpa - boot.high_gpa < boot.high_bytes);
}

/* Make high RAM be there. False: there is none, or it is there already. */
static bool grow(void)
{
	if (ram.grown || !boot.high_bytes || hypercall(NANO_HC_GROW, 0, 0, 0) < 0)
		return false;
	ram.grown = true;
	ram.high = (struct range){boot.high_gpa >> PAGE_SHIFT, ram.end};
	return true;
}

uint64_t ram_total_pages(void)
{
	return ram.total;
}

static uint64_t never_used(void)
{
	uint64_t high = ram.grown ? ram.high.top - ram.high.fresh : boot.high_bytes >> PAGE_SHIFT;

	return ram.low.top - ram.low.fresh + high;
}

uint64_t ram_free_pages(void)
{
	return never_used() + ram.nfreed + ram.nchunks * CHUNK_PAGES;
}

/* @n never-used pages in a row; returns the first, or 0. */
static uint64_t take_fresh(uint64_t n)
{
	struct range *r = &ram.low;

	if (r->top - r->fresh < n) {
		r = &ram.high;
		if (r->top - r->fresh < n && (!grow() || r->top - r->fresh < n))
			return 0;
	}
	r->fresh += n;
	return r->fresh - n;
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

/* ---- chunks of 2 MiB ---------------------------------------------------------------- */

/* A chunk given back keeps the number of the next one in the count of its second page. */
void chunk_free(void *chunk)
{
	uint64_t pfn = pfn_of(chunk);

	ram.refs[pfn + 1] = (uint32_t)(ram.chunks / CHUNK_PAGES);
	ram.chunks = pfn;
	ram.nchunks++;
}

static uint64_t pop_chunk(void)
{
	uint64_t pfn = ram.chunks;

	ram.chunks = (uint64_t)ram.refs[pfn + 1] * CHUNK_PAGES;
	ram.nchunks--;
	return pfn;
}

void *chunk_alloc(bool *ret_dirty)
{
	uint64_t first;

	*ret_dirty = ram.chunks != 0;
	if (*ret_dirty)
		return page_of(pop_chunk());
	/* Half of RAM is left for pages: what a program leaves untouched of a chunk is lost. */
	if (never_used() < ram.total / 2 + 2 * CHUNK_PAGES || (!ram.grown && !grow()))
		return NULL;
	if (ram.high.top < ram.high.fresh + 2 * CHUNK_PAGES)
		return NULL;
	first = (ram.high.top - CHUNK_PAGES) & ~(CHUNK_PAGES - 1);
	for (uint64_t i = first + CHUNK_PAGES; i < ram.high.top; i++) { /* alignment's rest */
		ram.refs[i] = 1;
		page_put(page_of(i));
	}
	ram.high.top = first;
	return page_of(first);
}

void chunk_to_pages(void *chunk)
{
	for (uint64_t i = 0; i < CHUNK_PAGES; i++)
		ram.refs[pfn_of(chunk) + i] = 1;
}

/* Make pages of a chunk that was given back. */
static void break_chunk(void)
{
	char *chunk = page_of(pop_chunk());

	chunk_to_pages(chunk);
	for (uint64_t i = 0; i < CHUNK_PAGES; i++)
		page_put(chunk + i * PAGE_SIZE);
}

void *page_alloc_raw(bool *ret_dirty)
{
	uint64_t pfn;
	void *page;

	if (ram.nfreed == 0 && never_used() == 0 && ram.chunks)
		break_chunk();
	*ret_dirty = ram.nfreed > 0;
	if (*ret_dirty) {
		page = take_freed();
	} else {
		pfn = take_fresh(1);
		if (!pfn)
			return mm_reclaim();
		page = page_of(pfn);
	}
	ram.refs[pfn_of(page)] = 1;
	return page;
}

void *page_alloc_fresh(void)
{
	uint64_t pfn;

	/* Keep some: reclaiming what was mapped ahead in vain is slow. */
	if (never_used() < ram.total / 8)
		return NULL;
	pfn = take_fresh(1);
	if (!pfn)
		return NULL;
	ram.refs[pfn] = 1;
	return page_of(pfn);
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
	for (uint64_t pfn = 0; pfn < ram.end; pfn++) {
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
	first = take_fresh(n);
	if (!first) {
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
