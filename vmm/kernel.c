// SPDX-License-Identifier: Apache-2.0
#include "vmm/kernel.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096ull

static int bad(struct il_err *err, const char *why)
{
	return il_refuse(err, ENOEXEC, "guest kernel: %s", why);
}

/* Host address of kernel-window bytes [va, va + len), or NULL. */
static uint8_t *window(const struct vm_memory *mem, uint64_t va, uint64_t len)
{
	if (va < NANO_KERNEL_VA || va - NANO_KERNEL_VA >= NANO_KERNEL_SIZE ||
	    len > NANO_KERNEL_SIZE - (va - NANO_KERNEL_VA))
		return NULL;
	return memory_at(mem, NANO_KERNEL_GPA + (va - NANO_KERNEL_VA), len, /* write= */ true);
}

/*
 * Put a segment that nobody writes there by mapping it from its file: all VMs share the
 * page cache's copy. False: not possible, copy it.
 */
static bool map_in_place(const struct kernel_file *file, const GElf_Phdr *ph, void *dst)
{
	uint64_t offset = file->offset + ph->p_offset;

	if (file->fd < 0 || (ph->p_flags & PF_W) || offset % PAGE_BYTES || ph->p_filesz == 0 ||
	    ph->p_filesz != ph->p_memsz)
		return false;
	return mmap(dst, ph->p_filesz, PROT_READ, MAP_PRIVATE | MAP_FIXED, file->fd,
		    (off_t)offset) != MAP_FAILED;
}

static int load_segment(const struct kernel_file *file, const GElf_Phdr *ph,
			const struct vm_memory *mem, struct kernel *k, struct il_err *err)
{
	uint64_t size = (ph->p_memsz + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	uint8_t *dst;

	if (ph->p_offset > file->bytes || ph->p_filesz > file->bytes - ph->p_offset)
		return bad(err, "a segment lies outside the file");
	if (ph->p_filesz > ph->p_memsz || ph->p_memsz == 0 || ph->p_memsz > NANO_KERNEL_SIZE)
		return bad(err, "a segment has an impossible size");
	if (ph->p_vaddr % PAGE_BYTES)
		return bad(err, "a segment is not page-aligned");
	if (k->nsegments == KERNEL_SEGMENTS_MAX)
		return bad(err, "too many segments");
	dst = window(mem, ph->p_vaddr, size);
	if (!dst)
		return bad(err, "a segment lies outside the kernel's window or RAM");
	/* The rest of RAM is zero. */
	if (!map_in_place(file, ph, dst))
		memcpy(dst, file->elf + ph->p_offset, ph->p_filesz);

	uint64_t end = NANO_KERNEL_GPA + (ph->p_vaddr - NANO_KERNEL_VA) + size;
	if (end > k->end_gpa)
		k->end_gpa = end;
	k->segments[k->nsegments++] = (struct kernel_segment){
	    .va = ph->p_vaddr,
	    .size = size,
	    .write = ph->p_flags & PF_W,
	    .exec = ph->p_flags & PF_X,
	};
	return 0;
}

static int check_info(const struct vm_memory *mem, struct kernel *k, struct il_err *err)
{
	const struct nano_kernel_info *i = &k->info;
	const uint8_t *src;

	if (k->nsegments == 0)
		return bad(err, "no segments");
	src = window(mem, k->segments[0].va, sizeof(*i));
	if (!src)
		return bad(err, "no room for its description");
	memcpy(&k->info, src, sizeof(*i));
	if (i->magic != NANO_ABI_MAGIC || i->version != NANO_ABI_VERSION)
		return bad(err, "it is no nano kernel of this version");
	if (!window(mem, k->entry, 1) || !window(mem, i->gdt, (uint64_t)i->gdt_limit + 1) ||
	    !window(mem, i->idt, (uint64_t)i->idt_limit + 1) ||
	    !window(mem, i->tss, NANO_TSS_BYTES) || !window(mem, i->syscall_entry, 1) ||
	    !window(mem, i->stack_top - 8, 8) || !window(mem, i->upcall_entry, 1) ||
	    !window(mem, i->boot, sizeof(struct nano_boot)) || i->boot % 64)
		return bad(err, "its description points outside");
	return 0;
}

int kernel_load(const struct kernel_file *file, const struct vm_memory *mem, struct kernel *ret,
		struct il_err *err)
{
	GElf_Ehdr eh;
	size_t nph = 0;
	int r = 0;

	*ret = (struct kernel){0};
	if (elf_version(EV_CURRENT) == EV_NONE)
		return bad(err, "libelf is too old");
	/* libelf only reads a memory image, but its parameter is not const. */
	Elf *e = elf_memory((char *)(uintptr_t)file->elf, file->bytes);
	if (!e || elf_kind(e) != ELF_K_ELF || !gelf_getehdr(e, &eh) ||
	    gelf_getclass(e) != ELFCLASS64 || eh.e_machine != EM_X86_64 || eh.e_type != ET_EXEC ||
	    elf_getphdrnum(e, &nph) < 0)
		r = bad(err, "not an x86-64 ELF executable");
	for (size_t i = 0; r == 0 && i < nph; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(e, (int)i, &ph))
			r = bad(err, "truncated program headers");
		else if (ph.p_type == PT_LOAD)
			r = load_segment(file, &ph, mem, ret, err);
	}
	if (r == 0) {
		ret->entry = eh.e_entry;
		r = check_info(mem, ret, err);
	}
	elf_end(e);
	return r;
}

struct nano_boot *kernel_boot_block(const struct kernel *k, const struct vm_memory *mem)
{
	return (struct nano_boot *)(void *)window(mem, k->info.boot, sizeof(struct nano_boot));
}

/* ---- page tables ------------------------------------------------------------------- */

#define PTE_P     (1ull << 0)
#define PTE_W     (1ull << 1)
#define PTE_U     (1ull << 2)
#define PTE_A     (1ull << 5)
#define PTE_D     (1ull << 6)
#define PTE_PS    (1ull << 7)
#define PTE_NX    (1ull << 63)
#define SIZE_2M   (2ull << 20)
#define SIZE_1G   (1ull << 30)
#define TABLE_RWU (PTE_P | PTE_W | PTE_U | PTE_A)

struct tables {
	const struct vm_memory *mem;
	uint64_t next_gpa;
};

/* A fresh table from the reserved area, or NULL. */
static uint64_t *new_table(struct tables *t, uint64_t *ret_gpa)
{
	uint64_t gpa = t->next_gpa;

	if (gpa + PAGE_BYTES > NANO_PT_GPA + NANO_PT_SIZE)
		return NULL;
	t->next_gpa += PAGE_BYTES;
	*ret_gpa = gpa;
	return memory_at(t->mem, gpa, PAGE_BYTES, /* write= */ true);
}

/*
 * Map all of guest-physical memory in the direct map. Large pages may cover the image
 * together with RAM (1 GiB) or reach behind its end: nothing is there.
 */
static bool map_direct(struct tables *t, uint64_t *pdpt, bool huge_1g)
{
	const uint64_t flags = PTE_P | PTE_U | PTE_A | PTE_D | PTE_PS | PTE_NX | PTE_W;
	const struct mem_region *image = &t->mem->regions[MEM_IMAGE];

	for (uint64_t gpa = 0; gpa < t->mem->span; gpa += SIZE_1G) {
		uint64_t table_gpa;
		uint64_t *pd;

		if (huge_1g) {
			pdpt[gpa / SIZE_1G] = gpa | flags;
			continue;
		}
		pd = new_table(t, &table_gpa);
		if (!pd)
			return false;
		for (uint64_t i = 0; i < 512 && gpa + i * SIZE_2M < t->mem->span; i++) {
			uint64_t at = gpa + i * SIZE_2M;

			bool in_image = at >= image->gpa && at - image->gpa < image->size;

			pd[i] = at | (in_image ? flags & ~PTE_W : flags);
		}
		pdpt[gpa / SIZE_1G] = table_gpa | TABLE_RWU;
	}
	return true;
}

static void map_kernel(const struct kernel *k, uint64_t *pt)
{
	for (unsigned int s = 0; s < k->nsegments; s++) {
		const struct kernel_segment *seg = &k->segments[s];

		for (uint64_t off = 0; off < seg->size; off += PAGE_BYTES) {
			uint64_t va = seg->va + off;
			uint64_t pte =
			    (NANO_KERNEL_GPA + (va - NANO_KERNEL_VA)) | PTE_P | PTE_U | PTE_A;

			if (seg->write)
				pte |= PTE_W | PTE_D;
			if (!seg->exec)
				pte |= PTE_NX;
			pt[(va - NANO_KERNEL_VA) / PAGE_BYTES] = pte;
		}
	}
}

int kernel_map(const struct kernel *k, const struct vm_memory *mem, bool huge_1g, uint64_t *ret_cr3,
	       struct il_err *err)
{
	struct tables t = {.mem = mem, .next_gpa = NANO_PT_GPA};
	uint64_t pml4_gpa, pdpt_gpa, pd_gpa, pt_gpa;
	uint64_t *pml4 = new_table(&t, &pml4_gpa);
	uint64_t *pdpt = new_table(&t, &pdpt_gpa);
	uint64_t *pd = new_table(&t, &pd_gpa);
	uint64_t *pt = new_table(&t, &pt_gpa);

	if (!pml4 || !pdpt || !pd || !pt)
		return il_refuse(err, ENOMEM, "guest memory is too small for page tables");
	/* Both halves of the kernel's space hang off the last top-level entry. */
	pml4[511] = pdpt_gpa | TABLE_RWU;
	if (!map_direct(&t, pdpt, huge_1g))
		return il_refuse(err, ENOMEM, "too much memory to map without 1 GiB pages");
	pdpt[(NANO_KERNEL_VA >> 30) & 511] = pd_gpa | TABLE_RWU;
	pd[(NANO_KERNEL_VA >> 21) & 511] = pt_gpa | TABLE_RWU;
	map_kernel(k, pt);
	*ret_cr3 = pml4_gpa;
	return 0;
}
