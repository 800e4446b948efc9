/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest-physical memory of a nano VM: RAM and the image, and the one way from a guest
 * address to a host pointer.
 */
#ifndef IL_VMM_MEMORY_H
#define IL_VMM_MEMORY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct mem_region {
	uint64_t gpa;
	uint64_t size; /* bytes, page multiple; 0 = not there */
	uint8_t *hva;
	bool readonly;
};

enum mem_region_name {
	MEM_RAM, /* the low part */
	MEM_IMAGE,
	MEM_HIGH, /* the rest of RAM; KVM knows it once the guest asked for it */
	MEM_REGIONS,
};

/*
 * All lie in one stretch of address space, low RAM and image in one KVM memory slot: a second slot
 * costs 0.05 ms on a quiet host and milliseconds on a busy one (it waits for an RCU grace period).
 * KVM with shadow page tables keeps 10 bytes for each page of a slot, touched or not: that is
 * why most of RAM is added only when a guest wants it.
 * The image is protected by its read-only mapping: a guest's write to it ends the guest.
 */
struct vm_memory {
	struct mem_region regions[MEM_REGIONS];
	uint64_t image_bytes; /* the image's exact length */
	uint8_t *base;        /* of guest-physical 0 */
	uint64_t size;        /* of low RAM and image: the first slot */
	uint64_t span;        /* of everything */
	void *reserved;       /* the whole mapping */
	uint64_t reserved_bytes;
};

/*
 * memory_map: reserve @ram_bytes of private memory (nothing is touched) and map the image
 * file shared and read-only. On failure nothing stays mapped.
 * @ram_bytes   page multiple
 * @image_path  NULL = no image
 * Returns 0 or -errno; -EINVAL when the image is empty or too large.
 */
int memory_map(struct vm_memory *mem, uint64_t ram_bytes, const char *image_path,
	       struct il_err *err) IL_MUST_CHECK;

/* memory_unmap: accepts a zeroed or half-made struct. */
void memory_unmap(struct vm_memory *mem);

/*
 * memory_at: host pointer to guest-physical [gpa, gpa + len), or NULL unless the whole
 * range lies in one region, and in a writable one when @write.
 */
void *memory_at(const struct vm_memory *mem, uint64_t gpa, uint64_t len, bool write);

#endif
