// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory.h"

#include "base/fd.h"
#include "guest/abi/nano_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE_BYTES 4096ull

#define HUGE_BYTES (2ull << 20)
#define LOW_BYTES  (32ull << 20) /* of low RAM, besides the guest's tables of its pages */

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* Reserve @bytes of address space whose start is 2 MiB-aligned, as the guest's RAM. */
static int reserve(struct vm_memory *mem, uint64_t bytes, struct il_err *err)
{
	uint64_t len = bytes + HUGE_BYTES;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return il_fail(err, errno, "reserve %llu MiB of guest memory",
			       (unsigned long long)bytes >> 20);
	mem->reserved = p;
	mem->reserved_bytes = len;
	mem->base = (uint8_t *)round_up((uintptr_t)p, HUGE_BYTES);
	mem->span = bytes;
	return 0;
}

/*
 * The guest kernel fills low RAM with pages first and takes 2 MiB chunks from high RAM: a
 * small guest costs only the pages it touches. Advice only: a host without huge pages works
 * as well.
 */
static void advise_huge(const struct vm_memory *mem)
{
	const struct mem_region *low = &mem->regions[MEM_RAM], *high = &mem->regions[MEM_HIGH];

	(void)madvise(low->hva, low->size, MADV_NOHUGEPAGE);
	if (high->size)
		(void)madvise(high->hva, high->size, MADV_HUGEPAGE);
}

/* Open the image and learn its size. Returns an owned descriptor. */
static int open_image(const char *path, uint64_t *ret_bytes, struct il_err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return il_fail(err, errno, "open image '%s'", path);
	if (fstat(fd, &st) < 0)
		return il_fail(err, errno, "stat image '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > NANO_IMAGE_MAX)
		return il_refuse(err, EINVAL, "image '%s' is not a file of 1 byte to %llu GiB",
				 path, NANO_IMAGE_MAX >> 30);
	*ret_bytes = (uint64_t)st.st_size;
	return steal_fd(&fd);
}

static int map_all(struct vm_memory *mem, uint64_t ram_bytes, int image_fd, struct il_err *err)
{
	uint64_t tables = round_up((ram_bytes + mem->image_bytes) / 512, HUGE_BYTES);
	uint64_t low = IL_MIN(ram_bytes, LOW_BYTES + tables);
	uint64_t image_gpa = round_up(low, HUGE_BYTES);
	uint64_t image_size = round_up(mem->image_bytes, PAGE_BYTES);
	uint64_t high_gpa = round_up(image_gpa + image_size, HUGE_BYTES);
	int r = reserve(mem, high_gpa + (ram_bytes - low), err);

	if (r < 0)
		return r;
	mem->size = image_gpa + image_size;
	mem->regions[MEM_RAM] = (struct mem_region){.size = low, .hva = mem->base};
	if (ram_bytes > low)
		mem->regions[MEM_HIGH] = (struct mem_region){
		    .gpa = high_gpa, .size = ram_bytes - low, .hva = mem->base + high_gpa};
	advise_huge(mem);
	if (image_fd < 0)
		return 0;
	if (mmap(mem->base + image_gpa, image_size, PROT_READ, MAP_SHARED | MAP_FIXED, image_fd,
		 0) == MAP_FAILED)
		return il_fail(err, errno, "map the image");
	mem->regions[MEM_IMAGE] = (struct mem_region){
	    .gpa = image_gpa, .size = image_size, .hva = mem->base + image_gpa, .readonly = true};
	return 0;
}

int memory_map(struct vm_memory *mem, uint64_t ram_bytes, const char *image_path,
	       struct il_err *err)
{
	_cleanup_(closep) int fd = -1;
	int r;

	*mem = (struct vm_memory){0};
	if (ram_bytes == 0 || ram_bytes % PAGE_BYTES || ram_bytes > NANO_RAM_MAX)
		return il_refuse(err, EINVAL, "%llu bytes is no possible size of guest memory",
				 (unsigned long long)ram_bytes);
	if (image_path) {
		fd = open_image(image_path, &mem->image_bytes, err);
		if (fd < 0)
			return fd;
	}
	r = map_all(mem, ram_bytes, fd, err);
	if (r < 0)
		memory_unmap(mem);
	return r;
}

void memory_unmap(struct vm_memory *mem)
{
	if (mem->reserved)
		munmap(mem->reserved, mem->reserved_bytes);
	*mem = (struct vm_memory){0};
}

void *memory_at(const struct vm_memory *mem, uint64_t gpa, uint64_t len, bool write)
{
	for (int i = 0; i < MEM_REGIONS; i++) {
		const struct mem_region *m = &mem->regions[i];

		if (gpa < m->gpa || gpa - m->gpa >= m->size)
			continue;
		/* No sum of guest values: it could wrap. */
		if (len > m->size - (gpa - m->gpa) || (write && m->readonly))
			return NULL;
		return m->hva + (gpa - m->gpa);
	}
	return NULL;
}
