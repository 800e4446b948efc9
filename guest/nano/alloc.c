// SPDX-License-Identifier: Apache-2.0
/*
 * kmalloc. Blocks of up to 2 KiB come from pages that are split into sixteen 256-byte
 * units; a unit (or a run of units) belongs to one size class, so that all classes of a
 * small run share a page or two. The first unit says which class the others have. Larger
 * blocks are runs of pages.
 */
#include "guest/nano/core.h"

#define UNIT       256u
#define UNITS      (PAGE_SIZE / UNIT)
#define CLASSES    8u /* 16 << class */
#define SMALL_MAX  2048u
#define MARK_SMALL 0x40000000u /* page of units; else the mark is the number of pages */

/* The first bytes of a page of units; takes the place of its first unit. */
struct unit_page {
	uint8_t class_of[UNITS];
};

struct free_block {
	struct free_block *next;
};

static struct free_block *free_lists[CLASSES];
static struct unit_page *filling; /* has units left */
static unsigned int next_unit;

static unsigned int class_for(size_t size)
{
	unsigned int c = 0;

	while ((16u << c) < size)
		c++;
	return c;
}

/* Split one more run of units into blocks of class @c. */
static bool refill(unsigned int c)
{
	unsigned int size = 16u << c;
	unsigned int units = size > UNIT ? size / UNIT : 1;

	if (!filling || next_unit + units > UNITS) {
		struct unit_page *page = page_alloc();

		if (!page)
			return false;
		page_mark(page, MARK_SMALL);
		filling = page;
		next_unit = 1;
	}
	char *at = (char *)filling + next_unit * UNIT;
	filling->class_of[next_unit] = (uint8_t)c;
	next_unit += units;
	for (unsigned int off = 0; off + size <= units * UNIT; off += size) {
		struct free_block *b = (void *)(at + off);

		b->next = free_lists[c];
		free_lists[c] = b;
	}
	return true;
}

void *kmalloc(size_t size)
{
	if (size == 0)
		size = 1;
	if (size > SMALL_MAX) {
		uint64_t n = page_up(size) >> PAGE_SHIFT;
		void *p = size <= 64ul << 20 ? pages_alloc(n) : NULL;

		if (p)
			page_mark(p, (uint32_t)n);
		return p;
	}
	unsigned int c = class_for(size);
	if (!free_lists[c] && !refill(c))
		return NULL;
	struct free_block *b = free_lists[c];
	free_lists[c] = b->next;
	return b;
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	/* Runs of pages come zeroed. */
	if (p && size <= SMALL_MAX)
		memset(p, 0, size);
	return p;
}

static unsigned int small_class(const void *p)
{
	const struct unit_page *page = (const void *)((uint64_t)p & PAGE_MASK);

	return page->class_of[((uint64_t)p & ~PAGE_MASK) / UNIT];
}

void kfree(void *p)
{
	if (!p)
		return;
	uint32_t mark = page_mark_of(p);

	if (mark == MARK_SMALL) {
		struct free_block *b = p;
		unsigned int c = small_class(p);

		b->next = free_lists[c];
		free_lists[c] = b;
		return;
	}
	if (mark == 0 || ((uint64_t)p & ~PAGE_MASK))
		panic("kfree of %p", p);
	page_mark(p, 0);
	for (uint32_t i = 0; i < mark; i++)
		page_put((char *)p + i * PAGE_SIZE);
}

void *krealloc(void *old, size_t old_size, size_t new_size)
{
	if (!old)
		return kmalloc(new_size);
	if (page_mark_of(old) == MARK_SMALL && new_size <= 16u << small_class(old))
		return old;
	void *p = kmalloc(new_size);
	if (!p)
		return NULL;
	memcpy(p, old, KMIN(old_size, new_size));
	kfree(old);
	return p;
}

char *kstrndup(const char *s, size_t len)
{
	char *p = kmalloc(len + 1);

	if (p) {
		memcpy(p, s, len);
		p[len] = '\0';
	}
	return p;
}

char *kstrdup(const char *s)
{
	return kstrndup(s, strlen(s));
}
