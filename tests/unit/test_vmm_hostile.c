// SPDX-License-Identifier: Apache-2.0
/*
 * Guest kernels that mean harm: whatever they do, nano_run returns, in time, with -EIO and
 * a sentence (or with the status they gave). Each is a few bytes of ring-3 code.
 */
#include "vmm/vm.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RAM       (16ull << 20)
#define CODE_OFF  0x600
#define TSS_OFF   0x400
#define STACK_OFF 0x2000

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	char pad[4096 - sizeof(Elf64_Ehdr) - sizeof(Elf64_Phdr)];
	unsigned char page[4096];
};

static void make_image(struct image *im, const void *code, size_t len)
{
	struct nano_kernel_info info = {.magic = NANO_ABI_MAGIC,
					.version = NANO_ABI_VERSION,
					.gdt = NANO_KERNEL_VA + 0x200,
					.idt = NANO_KERNEL_VA + 0x300,
					.tss = NANO_KERNEL_VA + TSS_OFF,
					.boot = NANO_KERNEL_VA + 0x500,
					.gdt_limit = 79,
					.idt_limit = 15,
					.syscall_entry = NANO_KERNEL_VA,
					.stack_top = NANO_KERNEL_VA + STACK_OFF,
					.upcall_entry = NANO_KERNEL_VA};

	memset(im, 0, sizeof(*im));
	memcpy(im->eh.e_ident, ELFMAG, SELFMAG);
	im->eh.e_ident[EI_CLASS] = ELFCLASS64;
	im->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	im->eh.e_ident[EI_VERSION] = EV_CURRENT;
	im->eh.e_type = ET_EXEC;
	im->eh.e_machine = EM_X86_64;
	im->eh.e_version = EV_CURRENT;
	im->eh.e_entry = NANO_KERNEL_VA + CODE_OFF;
	im->eh.e_phoff = sizeof(Elf64_Ehdr);
	im->eh.e_ehsize = sizeof(Elf64_Ehdr);
	im->eh.e_phentsize = sizeof(Elf64_Phdr);
	im->eh.e_phnum = 1;
	im->ph = (Elf64_Phdr){.p_type = PT_LOAD,
			      .p_flags = PF_R | PF_W | PF_X,
			      .p_offset = 4096,
			      .p_vaddr = NANO_KERNEL_VA,
			      .p_filesz = 4096,
			      .p_memsz = 8192,
			      .p_align = 4096};
	memcpy(im->page, &info, sizeof(info));
	/* The I/O bitmap lets ring 3 use every port it has bits for: 0 to 0xff. */
	im->page[TSS_OFF + 102] = 104;
	memcpy(im->page + CODE_OFF, code, len);
}

/* A workload block that says nothing: these kernels do not read it. */
static const struct workload *dummy_workload(void)
{
	static struct {
		struct workload w;
		uint32_t argv[2];
		char text[8];
	} block;

	block.w = (struct workload){.magic = WORKLOAD_MAGIC,
				    .version = WORKLOAD_VERSION,
				    .size = sizeof(block),
				    .argc = 1,
				    .argv_off = sizeof(struct workload)};
	block.argv[0] = sizeof(struct workload) + 8;
	memcpy(block.text, "prog", 5);
	return &block.w;
}

static int run_code(const void *code, size_t len, int *ret_status, struct il_err *err)
{
	static struct image im;
	struct kernel_file file = {.elf = (void *)&im, .bytes = sizeof(im), .fd = -1};
	struct timeline t = {{0}};
	struct nano_config cfg = {.kvm_path = "/dev/kvm",
				  .erofs_path = "/proc/self/exe", /* some read-only file */
				  .workload = dummy_workload(),
				  .memory_bytes = RAM,
				  .stdio = {-1, -1, -1},
				  .timeline = &t};
	struct nano_vm *vm = NULL;
	int r;

	*err = (struct il_err){0};
	make_image(&im, code, len);
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		cr_skip_test("no /dev/kvm: %s", strerror(errno));
	char exe[256];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	cr_assert_gt(n, 0);
	exe[n] = '\0';
	cfg.erofs_path = exe;
	r = nano_create_elf(&cfg, &file, &vm, err);
	cr_assert_eq(r, 0, "%s", err->msg);
	r = nano_run(vm, ret_status, err);
	nano_destroy(vm);
	return r;
}

#define HOSTILE(bytes, sentence)                                                                   \
	do {                                                                                       \
		static const unsigned char code[] = bytes;                                         \
		struct il_err err;                                                                 \
		int status = 0;                                                                    \
		cr_expect_eq(run_code(code, sizeof(code) - 1, &status, &err), -EIO);               \
		cr_expect(strstr(err.msg, sentence), "%s", err.msg);                               \
	} while (0)

TestSuite(vmm_hostile, .timeout = 20);

Test(vmm_hostile, privileged_instruction)
{
	HOSTILE("\xf4", "triple fault"); /* hlt in ring 3, and no handler */
}

Test(vmm_hostile, undefined_instruction)
{
	HOSTILE("\x0f\x0b", "triple fault");
}

Test(vmm_hostile, syscall_into_nowhere)
{
	HOSTILE("\x0f\x05", ""); /* LSTAR points at data: ring 0 runs garbage */
}

Test(vmm_hostile, wrong_port)
{
	HOSTILE("\xe6\x10", "port 0x10"); /* out %al, $0x10 */
	HOSTILE("\xe4\x10", "port 0x10"); /* in $0x10, %al */
	HOSTILE("\xe6\xe0", "port 0xe0"); /* a byte where four belong */
	HOSTILE("\xe5\xe0", "port 0xe0"); /* in $0xe0, %eax */
}

Test(vmm_hostile, string_output)
{
	/* mov $0xe0, %dx; lea data(%rip), %rsi; mov $64, %ecx; rep outsl */
	HOSTILE("\x66\xba\xe0\x00\x48\x8d\x35\x00\x00\x00\x00\xb9\x40\x00\x00\x00\xf3\x6f",
		"failed");
}

Test(vmm_hostile, memory_that_is_not_there)
{
	/* movabs $NANO_DIRECT_VA + 1 GiB - 4096, %rax; mov (%rax), %rcx */
	HOSTILE("\x48\xb8\x00\xf0\xff\x3f\x80\xff\xff\xff\x48\x8b\x08", "");
	HOSTILE("\x48\xb8\x00\xf0\xff\x3f\x80\xff\xff\xff\x48\x89\x08", "");
}

Test(vmm_hostile, the_image_stays_as_it_is)
{
	/* Write to the image (it begins at 16 MiB): movabs $DIRECT+16M, %rax; movq $-1, (%rax) */
	HOSTILE("\x48\xb8\x00\x00\x00\x01\x80\xff\xff\xff\x48\xc7\x00\xff\xff\xff\xff", "");
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char magic[4];

	cr_assert_eq(read(fd, magic, 4), 4);
	cr_assert_eq(memcmp(magic, ELFMAG, 4), 0);
	close(fd);
}

Test(vmm_hostile, own_page_tables_destroyed)
{
	/* Zero the top table (direct map + 0x1000), then touch something not yet touched:
	 * movabs $DIRECT+0x1000, %rdi; xor %eax,%eax; mov $4096,%ecx; rep stosb; jmp . + 4096 */
	HOSTILE("\x48\xbf\x00\x10\x00\x00\x80\xff\xff\xff\x31\xc0\xb9\x00\x10\x00\x00\xf3\xaa"
		"\x48\xb8\x00\x00\x40\x00\x80\xff\xff\xff\x48\x8b\x00\x0f\x0b",
		"");
}

/* mov $nr,%eax; movabs a,%rdi; movabs b,%rsi; movabs c,%rdx; out; mov $1,%eax; mov $ret,%edi; out
 */
static size_t call_code(unsigned char *code, uint32_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	unsigned char *p = code;

	*p++ = 0xb8;
	memcpy(p, &nr, 4);
	p += 4;
	memcpy(p, "\x48\xbf", 2);
	memcpy(p + 2, &a, 8);
	memcpy(p + 10, "\x48\xbe", 2);
	memcpy(p + 12, &b, 8);
	memcpy(p + 20, "\x48\xba", 2);
	memcpy(p + 22, &c, 8);
	p += 30;
	memcpy(p, "\xe7\xe0", 2);
	p += 2;
	/* status: 7 << 8 if the call failed, else 0: test %rax,%rax; sets %dil; shl ... */
	memcpy(p, "\x31\xff\x48\x85\xc0\x79\x05\xbf\x00\x07\x00\x00", 12);
	p += 12;
	memcpy(p, "\xb8\x01\x00\x00\x00\xe7\xe0\xf4", 8);
	return (size_t)(p + 8 - code);
}

static void expect_refused(uint32_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	unsigned char code[128];
	struct il_err err;
	int status = 0;
	size_t len = call_code(code, nr, a, b, c);

	cr_expect_eq(run_code(code, len, &status, &err), 0, "call %u: %s", nr, err.msg);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 7, "call %u: status 0x%x", nr,
		  status);
}

Test(vmm_hostile, bad_hypercall_arguments)
{
	const uint64_t all = UINT64_MAX;

	expect_refused(0, 0, 0, 0);
	expect_refused(NANO_HC_MAX, 0, 0, 0);
	expect_refused(UINT32_MAX, all, all, all);
	expect_refused(NANO_HC_EVENT, all, all, all);
	expect_refused(NANO_HC_WRITE, 1, 0x1000, 0);
	expect_refused(NANO_HC_WRITE, 1, 0x1000, all);
	expect_refused(NANO_HC_WRITE, 1, all, 1);
	expect_refused(NANO_HC_WRITE, 1, RAM - 8, 1);
	expect_refused(NANO_HC_WRITE, 9, 0x1000, 1);
	expect_refused(NANO_HC_WRITE, 0, 0x1000, 1);
	expect_refused(NANO_HC_READ, 0, all - 4, NANO_SEG_MAX);
	expect_refused(NANO_HC_READ, 0, 0x1000, NANO_SEG_MAX + 1);
	expect_refused(NANO_HC_WAIT, all, 0, 0);
	expect_refused(NANO_HC_WAIT, 8, all, 0);
}

Test(vmm_hostile, text_of_any_length)
{
	static const uint64_t lengths[] = {0, 1, NANO_TEXT_MAX, NANO_TEXT_MAX + 1, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		unsigned char code[128];
		struct il_err err;
		int status;

		size_t len = call_code(code, NANO_HC_PANIC, 0x200000, lengths[i], 0);
		cr_expect_eq(run_code(code, len, &status, &err), -EIO);
		cr_expect(strstr(err.msg, "kernel panic"));
		for (const char *p = err.msg; *p; p++)
			cr_expect(*p >= ' ' && *p < 0x7f);
		len = call_code(code, NANO_HC_REFUSE, lengths[i], RAM - 1, lengths[i]);
		cr_expect_lt(run_code(code, len, &status, &err), 0);
		cr_expect_neq(err.msg[0], '\0');
	}
}

Test(vmm_hostile, exit_status_is_one_that_wait_knows)
{
	static const uint64_t statuses[] = {0,    0x100, 0xff00, 9,         0x8b,
					    0x7f, 0xff,  0xffff, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		unsigned char code[128];
		struct il_err err;
		int status = 0;
		size_t len = call_code(code, NANO_HC_EXIT, statuses[i], 0, 0);

		cr_expect_eq(run_code(code, len, &status, &err), 0);
		cr_expect(WIFEXITED(status) || WIFSIGNALED(status), "0x%x", status);
	}
}

Test(vmm_hostile, every_exit_number_has_a_name)
{
	for (uint32_t i = 0; i < 200; i++)
		cr_assert_not_null(exit_name(i));
	cr_assert_not_null(exit_name(UINT32_MAX));
	cr_assert_str_eq(exit_name(KVM_EXIT_IO), "KVM_EXIT_IO");
}

Test(vmm_hostile, missing_device_says_what_to_do)
{
	struct il_err err = {0};

	cr_assert_eq(nano_probe("/dev/nosuchkvm", &err), -ENOENT);
	cr_assert(strstr(err.msg, "kvm_intel"));
	err = (struct il_err){0};
	cr_assert_lt(nano_probe("/dev/null", &err), 0);
}
