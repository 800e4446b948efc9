// SPDX-License-Identifier: Apache-2.0
/*
 * Page faults, and mapping ahead so that there are few of them: a fault of the program
 * costs 25 us where ring 0 is emulated, an entry written ahead a few ns. Pages mapped ahead
 * are not touched, so they cost the host nothing until the program does.
 */
#include "guest/nano/core.h"

/* Mapped ahead around a fault, in pages: a power of two, at most one page table. */
#define AHEAD_ANON 64
#define AHEAD_FILE 512
/*
 * Private writable file mappings up to this size, the data segments of programs and
 * libraries, are copied at once: nearly all of their pages get written by relocations.
 */
#define COPY_AHEAD_MAX (16 * PAGE_SIZE)

static uint64_t flags_for(const struct vma *v, bool writable)
{
	uint64_t flags = PTE_P | PTE_U;

	if (writable && v->write)
		flags |= PTE_W;
	return v->exec ? flags : flags | PTE_NX;
}

/* Map a page that holds nothing yet. */
static int map_anon(const struct vma *v, uint64_t va, uint64_t *pte)
{
	bool dirty;
	void *page = page_alloc_raw(&dirty);

	if (!page)
		return -ENOMEM;
	*pte = va_to_gpa(page) | flags_for(v, true);
	/* Through the program's address if possible: it will be touched there anyway. */
	if (dirty)
		memset(v->write ? (void *)va : page, 0, PAGE_SIZE);
	return 0;
}

static int map_file(const struct vma *v, uint64_t va, uint64_t *pte)
{
	uint64_t index = (v->offset + (va - v->start)) >> PAGE_SHIFT;
	bool own = v->shared && v->write;
	void *page;
	int r = vfs_file_page(v->file, index, own, &page);

	/* Who shares a hole must see what will be written there. */
	if (r == 0 && !page && v->shared)
		r = vfs_file_page(v->file, index, true, &page);
	if (r < 0)
		return r;
	if (!page)
		return map_anon(v, va, pte); /* a hole of a private mapping */
	*pte = va_to_gpa(page) | flags_for(v, own);
	return 0;
}

/*
 * Give a private page of @v its own copy, and the right to write. The copy is made through
 * the program's address, which is about to be used, and not through the direct map.
 */
static int copy_page(const struct vma *v, uint64_t va, uint64_t *pte, unsigned int how)
{
	uint64_t old = *pte;
	/* Without a processor fault on it, the old translation may still be remembered. */
	bool flush = (old & PTE_A) && !(how & FAULT_TRAP);
	bool dirty;
	void *page;

	if (page_refs(pte_page(old)) == 1) {
		*pte |= PTE_W;
		if (flush)
			tlb_flush();
		return 0;
	}
	page = page_alloc_raw(&dirty);
	if (!page)
		return -ENOMEM;
	*pte = va_to_gpa(page) | flags_for(v, true);
	if (flush)
		tlb_flush();
	memcpy((void *)va, pte_page(old), PAGE_SIZE);
	page_put(pte_page(old));
	return 0;
}

/* A write to an entry that is there and read-only. */
static int upgrade(const struct vma *v, uint64_t va, uint64_t *pte, unsigned int how)
{
	uint64_t old = *pte, entry;
	int r;

	if (!v->shared || !v->file)
		return copy_page(v, va, pte, how);
	r = map_file(v, va, &entry);
	if (r < 0)
		return r;
	page_put(pte_page(old));
	*pte = entry;
	if ((old & PTE_A) && !(how & FAULT_TRAP))
		tlb_flush();
	return 0;
}

/* Stretch [*start, *end) of @v around @va inside one page table, at most @max pages. */
static void window(const struct vma *v, uint64_t va, uint64_t max, uint64_t *start, uint64_t *end)
{
	uint64_t size = max * PAGE_SIZE;
	uint64_t low = va & ~(size - 1);

	*start = KMAX(low, v->start);
	*end = KMIN(low + size, v->end);
}

/*
 * One entry ahead of its use. Anonymous pages are taken only from RAM that was never used:
 * others would have to be cleared now. False: stop.
 */
static bool map_ahead(struct vma *v, uint64_t va, uint64_t *pte)
{
	void *page;

	/* What is shared with the file would take RAM for pages that nobody may ever use. */
	if (v->file && v->shared)
		return false;
	if (v->file)
		return map_file(v, va, pte) == 0;
	page = page_alloc_fresh();
	if (!page)
		return false;
	*pte = va_to_gpa(page) | flags_for(v, true);
	return true;
}

void mm_populate(struct vma *v, uint64_t start, uint64_t end)
{
	uint64_t *pte = NULL;

	for (uint64_t va = start; va < end; va += PAGE_SIZE, pte++) {
		/* The entries of one table lie side by side. */
		if (va == start || (va & ((1ull << 21) - 1)) == 0)
			pte = pte_at(va, true);
		if (!pte || (!*pte && !map_ahead(v, va, pte)))
			return;
	}
}

void mm_copy_ahead(struct vma *v, uint64_t start, uint64_t end)
{
	if (!v->file || v->shared || !v->write || end - start > COPY_AHEAD_MAX)
		return;
	for (uint64_t va = start; va < end; va += PAGE_SIZE) {
		uint64_t *pte = pte_at(va, true);

		if (!pte || (!*pte && map_file(v, va, pte) < 0))
			return;
		if (!(*pte & PTE_W) && copy_page(v, va, pte, 0) < 0)
			return;
	}
}

static int check_rights(const struct vma *v, unsigned int how)
{
	if (how & FAULT_WRITE)
		return v->write ? 0 : -EACCES;
	if (how & FAULT_EXEC)
		return v->exec ? 0 : -EACCES;
	return v->read || v->write || v->exec ? 0 : -EACCES;
}

/*
 * Serve a fault in a large anonymous mapping with a chunk of 2 MiB: one fault instead of
 * 512, and one translation to remember. False: not possible here.
 */
static bool map_chunk(const struct vma *v, uint64_t va, unsigned int how)
{
	uint64_t base = va & ~(CHUNK_SIZE - 1);
	uint64_t *pde;
	bool dirty;
	void *chunk;

	if (v->file || v->stack || !v->write || v->end - v->start < 2 * CHUNK_SIZE ||
	    base < v->start || base + CHUNK_SIZE > v->end)
		return false;
	pde = pde_at(va, true);
	if (!pde || (*pde && !(*pde & PTE_PS)))
		return false;
	if (*pde) {
		/* There, but read-only since an mprotect: nobody shares it. */
		if ((*pde & PTE_W) || !(*pde & PTE_P))
			return false;
		*pde |= PTE_W;
		if (!(how & FAULT_TRAP))
			tlb_flush();
		return true;
	}
	chunk = chunk_alloc(&dirty);
	if (!chunk)
		return false;
	*pde = va_to_gpa(chunk) | flags_for(v, true) | PTE_PS;
	if (dirty)
		memset((void *)base, 0, CHUNK_SIZE);
	return true;
}

int mm_fault(uint64_t addr, unsigned int how)
{
	uint64_t va = page_down(addr);
	struct vma *v = vma_find(va);
	uint64_t start, end;
	uint64_t *pte;
	int r;

	if (!v)
		return -EFAULT;
	r = check_rights(v, how);
	if (r < 0)
		return r;
	if (map_chunk(v, va, how))
		return 0;
	pte = pte_at(va, true);
	if (!pte)
		return -ENOMEM;
	if (!*pte) {
		r = v->file ? map_file(v, va, pte) : map_anon(v, va, pte);
		if (r < 0)
			return r;
		window(v, va, v->file ? AHEAD_FILE : AHEAD_ANON, &start, &end);
		mm_populate(v, start, end);
	} else if (!(*pte & PTE_P)) {
		/* PROT_NONE once, rights were given back since. */
		*pte |= PTE_P;
	}
	if ((how & FAULT_WRITE) && !(*pte & PTE_W))
		return upgrade(v, va, pte, how);
	if (v->exec && (*pte & PTE_NX))
		*pte &= ~PTE_NX;
	return 0;
}
