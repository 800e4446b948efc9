// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/exec.h"

#define PHDR_MAX 64

static bool header_ok(const Elf64_Ehdr *eh)
{
	return memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
	       eh->e_ident[EI_DATA] == ELFDATA2LSB && eh->e_machine == EM_X86_64 &&
	       (eh->e_type == ET_EXEC || eh->e_type == ET_DYN) &&
	       eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum > 0 && eh->e_phnum <= PHDR_MAX;
}

/* Address, size and file range of a PT_LOAD: nothing may wrap or leave the lower half. */
static bool load_ok(const Elf64_Phdr *ph)
{
	return ph->p_filesz <= ph->p_memsz && ph->p_vaddr < USER_END &&
	       ph->p_memsz <= USER_END - ph->p_vaddr &&
	       ph->p_offset + ph->p_filesz >= ph->p_offset &&
	       ((ph->p_vaddr ^ ph->p_offset) & ~PAGE_MASK) == 0;
}

static int read_interp(struct elf_image *e, const Elf64_Phdr *ph)
{
	long n;

	if (ph->p_filesz < 2 || ph->p_filesz > INTERP_MAX)
		return -ENOEXEC;
	n = vfs_file_read(e->file, e->interp, ph->p_filesz, ph->p_offset);
	if (n < 0)
		return (int)n;
	return (uint64_t)n == ph->p_filesz && e->interp[n - 1] == '\0' ? 0 : -ENOEXEC;
}

static int check_segments(struct elf_image *e)
{
	e->low = USER_END;
	for (unsigned int i = 0; i < e->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &e->ph[i];
		int r = 0;

		if (ph->p_type == PT_INTERP)
			r = read_interp(e, ph);
		if (ph->p_type == PT_LOAD && ph->p_memsz) {
			if (!load_ok(ph))
				return -ENOEXEC;
			e->low = KMIN(e->low, page_down(ph->p_vaddr));
			e->high = KMAX(e->high, page_up(ph->p_vaddr + ph->p_memsz));
		}
		if (r < 0)
			return r;
	}
	if (e->low >= e->high || (e->eh.e_type == ET_EXEC && e->low < USER_MIN))
		return -ENOEXEC;
	return 0;
}

int elf_read(struct file *file, struct elf_image *ret)
{
	struct elf_image *e = ret;
	long n = vfs_file_read(file, &e->eh, sizeof(e->eh), 0);
	uint64_t bytes;

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(e->eh) || !header_ok(&e->eh))
		return -ENOEXEC;
	e->file = file_get(file);
	bytes = e->eh.e_phnum * sizeof(Elf64_Phdr);
	e->ph = kmalloc(bytes);
	if (!e->ph)
		return -ENOMEM;
	n = vfs_file_read(file, e->ph, bytes, e->eh.e_phoff);
	if (n < 0)
		return (int)n;
	if ((uint64_t)n < bytes)
		return -ENOEXEC;
	return check_segments(e);
}

void elf_done(struct elf_image *e)
{
	file_put(e->file);
	kfree(e->ph);
	e->file = NULL;
	e->ph = NULL;
}

/* The pages of a segment that come from the file. */
static int map_file_part(const struct elf_image *e, const Elf64_Phdr *ph)
{
	uint64_t start = page_down(e->bias + ph->p_vaddr);
	uint64_t end = page_up(e->bias + ph->p_vaddr + ph->p_filesz);
	struct vma v = {.start = start,
			.end = end,
			.file = e->file,
			.offset = page_down(ph->p_offset),
			.read = ph->p_flags & PF_R,
			.write = ph->p_flags & PF_W,
			.exec = ph->p_flags & PF_X};
	int r;

	if (ph->p_filesz == 0)
		return 0;
	r = mm_map(&v);
	if (r == 0 && v.write)
		mm_copy_ahead(vma_find(start), start, end);
	if (r == 0)
		mm_populate(vma_find(start), start, end);
	return r;
}

/* What follows the file's bytes in memory is zero. */
static int map_bss(const struct elf_image *e, const Elf64_Phdr *ph)
{
	uint64_t zero = e->bias + ph->p_vaddr + ph->p_filesz;
	uint64_t end = page_up(e->bias + ph->p_vaddr + ph->p_memsz);
	uint64_t start = ph->p_filesz ? page_up(zero) : page_down(zero);
	struct vma v = {.start = start,
			.end = end,
			.read = ph->p_flags & PF_R,
			.write = ph->p_flags & PF_W,
			.exec = ph->p_flags & PF_X};

	if (ph->p_memsz == ph->p_filesz)
		return 0;
	if (ph->p_filesz && (ph->p_flags & PF_W) && zero < start &&
	    clear_user(zero, start - zero) < 0)
		return -EFAULT;
	if (start >= end)
		return 0;
	int r = mm_map(&v);
	if (r == 0 && v.write && end - start <= 256ull << 10)
		mm_populate(vma_find(start), start, end);
	return r;
}

int elf_map(struct elf_image *e, uint64_t base)
{
	uint64_t size = e->high - e->low;

	if (e->eh.e_type == ET_DYN) {
		if (!base)
			base = mm_gap(size, PAGE_SIZE);
		if (!base || size > USER_END - base)
			return -ENOMEM;
		e->bias = base - e->low;
	}
	for (unsigned int i = 0; i < e->eh.e_phnum; i++) {
		const Elf64_Phdr *ph = &e->ph[i];
		int r;

		if (ph->p_type != PT_LOAD || !ph->p_memsz)
			continue;
		r = map_file_part(e, ph);
		if (r == 0)
			r = map_bss(e, ph);
		if (r < 0)
			return r;
		if (e->eh.e_phoff >= ph->p_offset && e->eh.e_phoff - ph->p_offset < ph->p_filesz)
			e->phdr_va = e->bias + ph->p_vaddr + (e->eh.e_phoff - ph->p_offset);
	}
	e->end = e->bias + e->high;
	return 0;
}
