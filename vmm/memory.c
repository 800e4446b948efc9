// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory.h"

#include "base/fd.h"
#include "guest/abi/nano_abi.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE_BYTES 4096ull

static int map_image(struct vm_memory *mem, const char *path, struct il_err *err)
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

	uint64_t size = ((uint64_t)st.st_size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	void *hva = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (hva == MAP_FAILED)
		return il_fail(err, errno, "map image '%s'", path);
	mem->image_bytes = (uint64_t)st.st_size;
	mem->regions[MEM_IMAGE] =
	    (struct mem_region){.gpa = NANO_IMAGE_GPA, .size = size, .hva = hva, .readonly = true};
	return 0;
}

int memory_map(struct vm_memory *mem, uint64_t ram_bytes, const char *image_path,
	       struct il_err *err)
{
	*mem = (struct vm_memory){0};
	if (ram_bytes == 0 || ram_bytes % PAGE_BYTES || ram_bytes > NANO_RAM_MAX)
		return il_refuse(err, EINVAL, "%llu bytes is no possible size of guest memory",
				 (unsigned long long)ram_bytes);
	void *ram = mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram == MAP_FAILED)
		return il_fail(err, errno, "reserve %llu MiB of guest memory",
			       (unsigned long long)ram_bytes >> 20);
	mem->regions[MEM_RAM] = (struct mem_region){.gpa = 0, .size = ram_bytes, .hva = ram};
	if (!image_path)
		return 0;
	int r = map_image(mem, image_path, err);
	if (r < 0)
		memory_unmap(mem);
	return r;
}

void memory_unmap(struct vm_memory *mem)
{
	for (int i = 0; i < MEM_REGIONS; i++) {
		struct mem_region *m = &mem->regions[i];

		if (m->size)
			munmap(m->hva, m->size);
		*m = (struct mem_region){0};
	}
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
