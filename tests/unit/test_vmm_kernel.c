// SPDX-License-Identifier: Apache-2.0
/* The loader of the guest kernel and the check of guest addresses. No KVM needed. */
#include "vmm/kernel.h"
#include "vmm/memory.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RAM (16ull << 20)

/* The smallest kernel that passes: one page with the description in front. */
struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	char pad[4096 - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr)];
	struct nano_kernel_info info;
	char rest[4096 - sizeof(struct nano_kernel_info)];
};

static struct vm_memory mem;

static void good_image(struct image *im)
{
	memset(im, 0, sizeof(*im));
	memcpy(im->eh.e_ident, ELFMAG, SELFMAG);
	im->eh.e_ident[EI_CLASS] = ELFCLASS64;
	im->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	im->eh.e_ident[EI_VERSION] = EV_CURRENT;
	im->eh.e_type = ET_EXEC;
	im->eh.e_machine = EM_X86_64;
	im->eh.e_version = EV_CURRENT;
	im->eh.e_entry = NANO_KERNEL_VA + 0x100;
	im->eh.e_phoff = sizeof(Elf64_Ehdr);
	im->eh.e_ehsize = sizeof(Elf64_Ehdr);
	im->eh.e_phentsize = sizeof(Elf64_Phdr);
	im->eh.e_phnum = 1;
	im->ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				 .p_flags = PF_R | PF_W | PF_X,
				 .p_offset = 4096,
				 .p_vaddr = NANO_KERNEL_VA,
				 .p_filesz = 4096,
				 .p_memsz = 8192,
				 .p_align = 4096};
	im->info = (struct nano_kernel_info){.magic = NANO_ABI_MAGIC,
					     .version = NANO_ABI_VERSION,
					     .gdt = NANO_KERNEL_VA + 0x200,
					     .idt = NANO_KERNEL_VA + 0x300,
					     .tss = NANO_KERNEL_VA + 0x400,
					     .boot = NANO_KERNEL_VA + 0x500,
					     .gdt_limit = 79,
					     .idt_limit = 15,
					     .syscall_entry = NANO_KERNEL_VA,
					     .stack_top = NANO_KERNEL_VA + 8192,
					     .upcall_entry = NANO_KERNEL_VA};
}

static void setup(void)
{
	struct il_err err = {0};

	cr_assert_eq(memory_map(&mem, RAM, NULL, &err), 0, "%s", err.msg);
}

static void teardown(void)
{
	memory_unmap(&mem);
}

static int load(const void *elf, size_t bytes, struct il_err *err)
{
	struct kernel_file file = {.elf = elf, .bytes = bytes, .fd = -1};
	struct kernel k;

	*err = (struct il_err){0};
	return kernel_load(&file, &mem, &k, err);
}

TestSuite(vmm_kernel, .init = setup, .fini = teardown);

Test(vmm_kernel, a_good_one_loads_and_maps)
{
	struct image im;
	struct kernel_file file = {.elf = (void *)&im, .bytes = sizeof(im), .fd = -1};
	struct il_err err = {0};
	struct kernel k;
	uint64_t cr3;

	good_image(&im);
	cr_assert_eq(kernel_load(&file, &mem, &k, &err), 0, "%s", err.msg);
	cr_assert_eq(k.end_gpa, NANO_KERNEL_GPA + 8192);
	cr_assert_eq(k.nsegments, 1);
	for (int huge = 0; huge < 2; huge++) {
		cr_assert_eq(kernel_map(&k, &mem, huge, &cr3, &err), 0, "%s", err.msg);
		cr_assert_eq(cr3, NANO_PT_GPA);
	}
}

/* Each row breaks one field; the loader must refuse in words. */
static const struct {
	const char *name;
	size_t offset;
	uint64_t value;
	size_t bytes;
} broken[] = {
    {"magic", offsetof(struct image, eh.e_ident), 0, 4},
    {"class", offsetof(struct image, eh.e_ident) + EI_CLASS, ELFCLASS32, 1},
    {"machine", offsetof(struct image, eh.e_machine), EM_386, 2},
    {"type", offsetof(struct image, eh.e_type), ET_DYN, 2},
    {"no headers", offsetof(struct image, eh.e_phnum), 0, 2},
    {"headers outside", offsetof(struct image, eh.e_phoff), 1ull << 40, 8},
    {"entry outside", offsetof(struct image, eh.e_entry), 0x400000, 8},
    {"offset outside", offsetof(struct image, ph[0].p_offset), 1ull << 40, 8},
    {"offset wraps", offsetof(struct image, ph[0].p_offset), UINT64_MAX - 100, 8},
    {"file size outside", offsetof(struct image, ph[0].p_filesz), 1ull << 40, 8},
    {"file size beyond memory size", offsetof(struct image, ph[0].p_memsz), 100, 8},
    {"memory size huge", offsetof(struct image, ph[0].p_memsz), UINT64_MAX, 8},
    {"memory size zero", offsetof(struct image, ph[0].p_memsz), 0, 8},
    {"memory size above the window", offsetof(struct image, ph[0].p_memsz), 3ull << 20, 8},
    {"address low", offsetof(struct image, ph[0].p_vaddr), 0x400000, 8},
    {"address behind the window", offsetof(struct image, ph[0].p_vaddr),
     NANO_KERNEL_VA + NANO_KERNEL_SIZE, 8},
    {"address crosses the window", offsetof(struct image, ph[0].p_vaddr),
     NANO_KERNEL_VA + NANO_KERNEL_SIZE - 4096, 8},
    {"address unaligned", offsetof(struct image, ph[0].p_vaddr), NANO_KERNEL_VA + 8, 8},
    {"kernel magic", offsetof(struct image, info.magic), 1, 4},
    {"kernel version", offsetof(struct image, info.version), 99, 4},
    {"gdt outside", offsetof(struct image, info.gdt), UINT64_MAX - 8, 8},
    {"gdt limit", offsetof(struct image, info.gdt_limit), UINT32_MAX, 4},
    {"idt outside", offsetof(struct image, info.idt), 0, 8},
    {"tss outside", offsetof(struct image, info.tss), NANO_KERNEL_VA - 1, 8},
    {"boot outside", offsetof(struct image, info.boot), NANO_KERNEL_VA + (4ull << 20), 8},
    {"boot unaligned", offsetof(struct image, info.boot), NANO_KERNEL_VA + 0x501, 8},
    {"stack outside", offsetof(struct image, info.stack_top), 0, 8},
    {"syscall entry outside", offsetof(struct image, info.syscall_entry), 0, 8},
};

Test(vmm_kernel, each_broken_field_is_refused)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct image im;
		struct il_err err;

		good_image(&im);
		memcpy((char *)&im + broken[i].offset, &broken[i].value, broken[i].bytes);
		cr_expect_eq(load(&im, sizeof(im), &err), -ENOEXEC, "%s", broken[i].name);
		cr_expect_neq(err.msg[0], '\0', "%s", broken[i].name);
	}
}

Test(vmm_kernel, every_truncation_is_refused)
{
	struct image im;
	struct il_err err;

	good_image(&im);
	for (size_t len = 0; len < 8192; len += 13)
		cr_expect_eq(load(&im, len, &err), -ENOEXEC, "%zu bytes", len);
}

Test(vmm_kernel, random_damage_never_crashes)
{
	unsigned int seed = 12345;

	for (int round = 0; round < 5000; round++) {
		struct image im;
		struct il_err err;

		good_image(&im);
		for (int n = rand_r(&seed) % 8; n >= 0; n--)
			((unsigned char *)&im)[rand_r(&seed) % (sizeof(im.eh) + sizeof(im.ph))] =
			    (unsigned char)rand_r(&seed);
		int r = load(&im, sizeof(im), &err);
		cr_assert(r == 0 || r == -ENOEXEC, "%d", r);
	}
}

Test(vmm_kernel, guest_addresses_are_checked_whole)
{
	cr_assert_eq(memory_at(&mem, 0, RAM, true), mem.base);
	cr_assert_eq(memory_at(&mem, RAM - 1, 1, true), mem.base + RAM - 1);
	cr_assert_null(memory_at(&mem, RAM - 1, 2, true));
	cr_assert_null(memory_at(&mem, RAM, 1, false));
	cr_assert_null(memory_at(&mem, 0, RAM + 1, false));
	cr_assert_null(memory_at(&mem, 0, UINT64_MAX, false));
	cr_assert_null(memory_at(&mem, 4096, UINT64_MAX - 4095, false));
	cr_assert_null(memory_at(&mem, UINT64_MAX, 1, false));
	cr_assert_null(memory_at(&mem, UINT64_MAX, UINT64_MAX, false));
	cr_assert_null(memory_at(&mem, 1ull << 40, 1, false));
}

Test(vmm_kernel, impossible_memory_is_refused)
{
	static const uint64_t sizes[] = {0, 1, 4095, 4097, NANO_RAM_MAX + 4096, UINT64_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct il_err err = {0};
		struct vm_memory m;

		cr_expect_eq(memory_map(&m, sizes[i], NULL, &err), -EINVAL);
	}
}

Test(vmm_kernel, an_image_that_is_no_file_is_refused)
{
	struct il_err err = {0};
	struct vm_memory m;

	cr_expect_eq(memory_map(&m, RAM, "/dev/null", &err), -EINVAL);
	err = (struct il_err){0};
	cr_expect_eq(memory_map(&m, RAM, "/nonexistent", &err), -ENOENT);
	cr_expect(strstr(err.msg, "/nonexistent"));
}
