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

/* The table of @level that serves @va. */
static uint64_t *table_at(uint64_t va, int level, bool create)
{
	uint64_t *table = top_table();

	for (int l = 3; l > level; l--) {
		uint64_t *e = &table[(va >> LEVEL_SHIFT(l)) & 511];

		if (!(*e & PTE_P)) {
			void *page = create ? page_alloc() : NULL;

			if (!page)
				return NULL;
			mm.table_pages++;
			*e = va_to_gpa(page) | TABLE_FLAGS;
		}
		table = pte_page(*e);
	}
	return table;
}

uint64_t *pde_at(uint64_t va, bool create)
{
	uint64_t *table = table_at(va, 1, create);

	return table ? &table[(va >> LEVEL_SHIFT(1)) & 511] : NULL;
}

static bool is_chunk(const uint64_t *pde)
{
	return pde && (*pde & PTE_PS);
}

/* Replace the chunk of *pde by a table of its pages: the same translation and rights. */
static void split_chunk(uint64_t *pde)
{
	uint64_t *table = page_alloc();
	uint64_t first = *pde & ~PTE_PS;

	if (!table) {
		kprintf("no memory for a page table");
		guest_exit(9); /* out of memory: SIGKILL */
	}
	mm.table_pages++;
	chunk_to_pages(pte_page(first));
	for (uint64_t i = 0; i < 512; i++)
		table[i] = first + i * PAGE_SIZE;
	*pde = va_to_gpa(table) | TABLE_FLAGS;
}

uint64_t *pte_at(uint64_t va, bool create)
{
	uint64_t *pde = pde_at(va, create);
	uint64_t *table;

	if (!pde || (!*pde && !create))
		return NULL;
	if (is_chunk(pde))
		split_chunk(pde);
	table = table_at(va, 0, create);
	return table ? &table[(va >> PAGE_SHIFT) & 511] : NULL;
}

uint64_t pt_peek(uint64_t va)
{
	const uint64_t *pde = pde_at(va, false);

	if (!pde || !*pde)
		return 0;
	if (is_chunk(pde))
		return (*pde & ~PTE_PS) + (va & (CHUNK_SIZE - 1) & PAGE_MASK);
	return ((const uint64_t *)pte_page(*pde))[(va >> PAGE_SHIFT) & 511];
}

/* The next address behind @va that has another last-level table. */
static uint64_t next_table(uint64_t va)
{
	return (va | ((1ull << LEVEL_SHIFT(1)) - 1)) + 1;
}

/* The chunk that maps exactly [start, stop), or NULL. */
static uint64_t *whole_chunk(uint64_t start, uint64_t stop)
{
	uint64_t *pde = stop - start == CHUNK_SIZE ? pde_at(start, false) : NULL;

	return is_chunk(pde) ? pde : NULL;
}

bool pt_clear(uint64_t start, uint64_t end)
{
	bool flush = false;

	while (start < end) {
		uint64_t stop = KMIN(next_table(start), end);
		uint64_t *pde = whole_chunk(start, stop);

		if (pde) {
			flush |= (*pde & (PTE_P | PTE_A)) == (PTE_P | PTE_A);
			chunk_free(pte_page(*pde & ~PTE_PS));
			*pde = 0;
			start = stop;
			continue;
		}
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

/*
 * Take rights from one entry. They are given back by the fault handler, which knows about
 * copies. True: flush.
 */
static bool protect_entry(uint64_t *entry, bool write, bool exec, bool none)
{
	uint64_t old = *entry, new = old;

	if (!old)
		return false;
	if (!write)
		new &= ~PTE_W;
	new = exec ? new & ~PTE_NX : new | PTE_NX;
	new = none ? new & ~PTE_P : new | PTE_P;
	if (new == old)
		return false;
	*entry = new;
	return (old & (PTE_P | PTE_A)) == (PTE_P | PTE_A) &&
	       ((old & ~new &(PTE_W | PTE_P)) || (new & ~old &PTE_NX));
}

bool pt_protect(uint64_t start, uint64_t end, bool write, bool exec, bool none)
{
	bool flush = false;

	while (start < end) {
		uint64_t stop = KMIN(next_table(start), end);
		uint64_t *pde = none ? NULL : whole_chunk(start, stop);

		if (pde) {
			flush |= protect_entry(pde, write, exec, false);
			start = stop;
			continue;
		}
		uint64_t *pte = pte_at(start, false);
		for (; pte && start < stop; start += PAGE_SIZE, pte++)
			flush |= protect_entry(pte, write, exec, none);
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
		if (level == 1 && (table[i] & PTE_PS)) {
			chunk_free(pte_page(table[i]));
		} else {
			if (level > 0)
				free_level(pte_page(table[i]), level - 1, 512);
			page_put(pte_page(table[i]));
		}
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
