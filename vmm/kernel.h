/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put the guest kernel's ELF file into guest RAM and make the first page tables.
 */
#ifndef IL_VMM_KERNEL_H
#define IL_VMM_KERNEL_H

#include "base/err.h"
#include "guest/abi/nano_abi.h"
#include "vmm/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_SEGMENTS_MAX 8

struct kernel_segment {
	uint64_t va;   /* page-aligned */
	uint64_t size; /* page multiple */
	bool write;
	bool exec;
};

struct kernel {
	uint64_t entry;   /* virtual */
	uint64_t end_gpa; /* RAM from here on is free; page-aligned */
	struct nano_kernel_info info;
	struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
	unsigned int nsegments;
};

/* A kernel's ELF image in memory, and where the same bytes are in a file. */
struct kernel_file {
	const uint8_t *elf;
	size_t bytes;
	int fd;          /* -1 = in no file */
	uint64_t offset; /* of the image in the file */
};

/*
 * kernel_load: check the ELF image and put its PT_LOAD segments to where they are linked:
 * mapped from the file if possible, else copied.
 * Returns 0, or -ENOEXEC with the reason: every address and size in it is checked against
 * the kernel's window and against RAM.
 */
int kernel_load(const struct kernel_file *file, const struct vm_memory *mem, struct kernel *ret,
		struct il_err *err) IL_MUST_CHECK;

/* kernel_boot_block: where a loaded kernel wants its struct nano_boot; never NULL. */
struct nano_boot *kernel_boot_block(const struct kernel *k, const struct vm_memory *mem);

/*
 * kernel_map: write the page tables (NANO_PT_GPA) for the direct map and the kernel window.
 * @huge_1g  the CPU has 1 GiB pages
 * Returns 0 and the top table's address in *ret_cr3, or -ENOMEM: RAM is too small.
 */
int kernel_map(const struct kernel *k, const struct vm_memory *mem, bool huge_1g, uint64_t *ret_cr3,
	       struct il_err *err) IL_MUST_CHECK;

#endif
