// SPDX-License-Identifier: Apache-2.0
/*
 * The program's page tables. They are written through the direct map; the processor (or
 * KVM's shadow of them) reads them by itself.
 *
 * What may need a flush: the processor remembers only translations whose entry has the
 * accessed bit (Intel SDM vol. 3, 4.10.2.3), so an entry without it can change silently.
 */
#include "guest/nano/core.h"

#define LEVEL_SHIFT(l) (PAGE_SHIFT + 9 * (l)) /* level 0: the last table */
#define TABLE_FLAGS    (PTE_P | PTE_W | PTE_U | PTE_A)

static uint64_t *top_table(void)
{
	return gpa_to_va(boot.cr3);
}

uint64_t *pte_at(uint64_t va, bool create)
{
	uint64_t *table = top_table();

	for (int level = 3; level > 0; level--) {
		uint64_t *e = &table[(va >> LEVEL_SHIFT(level)) & 511];

		if (!(*e & PTE_P)) {
			void *page = create ? page_alloc() : NULL;

			if (!page)
				return NULL;
			mm.table_pages++;
			*e = va_to_gpa(page) | TABLE_FLAGS;
		}
		table = pte_page(*e);
	}
	return &table[(va >> PAGE_SHIFT) & 511];
}

/* The next address behind @va that has another last-level table. */
static uint64_t next_table(uint64_t va)
{
	return (va | ((1ull << LEVEL_SHIFT(1)) - 1)) + 1;
}

bool pt_clear(uint64_t start, uint64_t end)
{
	bool flush = false;

	while (start < end) {
		uint64_t stop = KMIN(next_table(start), end);
		uint64_t *pte = pte_at(start, false);

		for (; pte && start < stop; start += PAGE_SIZE, pte++) {
			if (!*pte)
				continue;
			flush |= (*pte & (PTE_P | PTE_A)) == (PTE_P | PTE_A);
			page_put(pte_page(*pte));
			*pte = 0;
		}
		start = stop;
	}
	return flush;
}

bool pt_protect(uint64_t start, uint64_t end, bool write, bool exec, bool none)
{
	bool flush = false;

	while (start < end) {
		uint64_t stop = KMIN(next_table(start), end);
		uint64_t *pte = pte_at(start, false);

		for (; pte && start < stop; start += PAGE_SIZE, pte++) {
			uint64_t old = *pte, new = old;

			if (!old)
				continue;
			/* Rights are given back by the fault handler, which knows about copies. */
			if (!write)
				new &= ~PTE_W;
			new = exec ? new & ~PTE_NX : new | PTE_NX;
			new = none ? new & ~PTE_P : new | PTE_P;
			if (new == old)
				continue;
			*pte = new;
			flush |= (old & (PTE_P | PTE_A)) == (PTE_P | PTE_A) &&
				 ((old & ~new &(PTE_W | PTE_P)) || (new & ~old &PTE_NX));
		}
		start = stop;
	}
	return flush;
}

int pt_move(uint64_t from, uint64_t to, uint64_t len)
{
	for (uint64_t off = 0; off < len; off += PAGE_SIZE) {
		uint64_t *src = pte_at(from + off, false);

		if (!src || !*src)
			continue;
		uint64_t *dst = pte_at(to + off, true);
		if (!dst)
			return -ENOMEM;
		*dst = *src;
		*src = 0;
	}
	return 0;
}

static void free_level(uint64_t *table, int level, int entries)
{
	for (int i = 0; i < entries; i++) {
		if (!table[i])
			continue;
		if (level > 0)
			free_level(pte_page(table[i]), level - 1, 512);
		page_put(pte_page(table[i]));
		table[i] = 0;
	}
}

void pt_wipe(void)
{
	free_level(top_table(), 3, 256);
	mm.table_pages = 0;
	tlb_flush();
}

void tlb_flush(void)
{
	cpu_load_cr3(boot.cr3);
}
