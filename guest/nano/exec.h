/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF files as exec sees them (elf.c). Everything in them is hostile.
 */
#ifndef IL_GUEST_NANO_EXEC_H
#define IL_GUEST_NANO_EXEC_H

#include "guest/nano/core.h"

#include <linux/elf.h>

#define INTERP_MAX 256

struct elf_image {
	struct file *file; /* counted */
	Elf64_Ehdr eh;
	Elf64_Phdr *ph;          /* eh.e_phnum rows; kmalloc'ed */
	char interp[INTERP_MAX]; /* PT_INTERP, or "" */
	uint64_t low, high;      /* of all PT_LOADs, as linked; page multiples */
	/* set by elf_map */
	uint64_t bias;
	uint64_t end;     /* behind the last byte */
	uint64_t phdr_va; /* where the program finds its headers; 0 = not mapped */
};

/*
 * elf_read: read and check the headers of @file. 0, -ENOEXEC, or -errno of reading.
 * elf_done frees what *ret holds; accepts a zeroed struct.
 */
int elf_read(struct file *file, struct elf_image *ret);
void elf_done(struct elf_image *e);

/*
 * elf_map: map the segments. @base: where a position-independent file goes; 0 = wherever
 * there is room (for those) or as linked. 0 or -ENOMEM, -EFAULT, ...
 */
int elf_map(struct elf_image *e, uint64_t base);

#endif
