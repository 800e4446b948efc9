// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm.h"

#include <cpuid.h>
#include <errno.h>

#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_SYSCALL_MASK 0xc0000084u

#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_PG (1ull << 31)

#define CR4_PAE        (1ull << 5)
#define CR4_OSFXSR     (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_FSGSBASE   (1ull << 16)
#define CR4_OSXSAVE    (1ull << 18)

#define EFER_SCE (1ull << 0)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)

#define RFLAGS_FIXED 0x2ull

/* The features of the guest's XCR0: all that KVM supports. */
static uint64_t supported_xcr0(const struct cpuid_table *t)
{
	for (uint32_t i = 0; i < t->nent; i++)
		if (t->entries[i].function == 0xd && t->entries[i].index == 0)
			return t->entries[i].eax | (uint64_t)t->entries[i].edx << 32;
	return 0;
}

bool cpuid_has_1g_pages(const struct cpuid_table *t)
{
	for (uint32_t i = 0; i < t->nent; i++)
		if (t->entries[i].function == 0x80000001)
			return t->entries[i].edx & (1u << 26);
	return false;
}

/* Asked of the processor, not of KVM: a KVM may hide the bit and allow the instructions. */
static bool cpu_has_fsgsbase(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1);
}

/*
 * VT-x wants a busy TSS. AMD's `ltr` leaves an available one in the hidden register (KVM's
 * svm_get_segment makes up for that), and QEMU's emulation of SVM insists on it before it looks
 * at the I/O bitmap.
 */
static uint8_t tss_type(void)
{
	unsigned int a, b, c, d;
	bool amd = __get_cpuid(0, &a, &b, &c, &d) && b == signature_AMD_ebx;

	return amd ? 9 : 11;
}

static int setup_cpuid(struct nano_vm *vm, const struct cpuid_table *t, struct il_err *err)
{
	int r;

	if (!cpu_has_fsgsbase())
		return il_refuse(err, ENOTSUP,
				 "this CPU has no FSGSBASE instructions: the nano kind needs them "
				 "(Intel since 2012, AMD since Zen 2)");
	r = kvm_set_cpuid(vm->vcpu_fd, t, err);
	if (r < 0)
		return r;
	vm->boot->xcr0 = supported_xcr0(t);
	return vm->boot->xcr0 ? kvm_set_xcr0(vm->vcpu_fd, vm->boot->xcr0, err) : 0;
}

static struct kvm_segment code_segment(void)
{
	return (struct kvm_segment){.limit = 0xffffffff,
				    .selector = NANO_SEL_UCODE,
				    .type = 11,
				    .present = 1,
				    .dpl = 3,
				    .s = 1,
				    .l = 1,
				    .g = 1};
}

static struct kvm_segment data_segment(uint16_t selector)
{
	return (struct kvm_segment){.limit = 0xffffffff,
				    .selector = selector,
				    .type = 3,
				    .present = 1,
				    .dpl = 3,
				    .s = 1,
				    .db = 1,
				    .g = 1};
}

/* 64-bit mode, paging on, ring 3. Source: Intel SDM vol. 3, 9.8.5 and 26.3.1.2. */
static struct kvm_sregs first_sregs(const struct nano_vm *vm)
{
	const struct nano_kernel_info *info = &vm->kernel.info;
	struct kvm_sregs s = {
	    .cs = code_segment(),
	    .ss = data_segment(NANO_SEL_UDATA),
	    .ds = data_segment(NANO_SEL_UDATA),
	    .es = data_segment(NANO_SEL_UDATA),
	    .fs = data_segment(NANO_SEL_UDATA),
	    .gs = data_segment(NANO_SEL_UDATA),
	    .tr = {.base = info->tss,
		   .limit = NANO_TSS_BYTES - 1,
		   .selector = NANO_SEL_TSS,
		   .type = tss_type(),
		   .present = 1},
	    .ldt = {.type = 2, .unusable = 1},
	    .gdt = {.base = info->gdt, .limit = (uint16_t)info->gdt_limit},
	    .idt = {.base = info->idt, .limit = (uint16_t)info->idt_limit},
	    .cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
	    .cr3 = vm->cr3,
	    .cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE,
	    .efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
	    .apic_base = 0xfee00900,
	};

	return s;
}

static int setup_msrs(struct nano_vm *vm, struct il_err *err)
{
	/* STAR: syscall loads KCODE and the selector behind it; sysret (not used) 0x33 / 0x2b. */
	struct kvm_msr_entry rows[] = {
	    {.index = MSR_STAR, .data = (0x23ull << 48) | ((uint64_t)NANO_SEL_KCODE << 32)},
	    {.index = MSR_LSTAR, .data = vm->kernel.info.syscall_entry},
	    {.index = MSR_SYSCALL_MASK, .data = SYSCALL_CLEARS},
	};

	return kvm_set_msrs(vm->vcpu_fd, rows, ARRAY_SIZE(rows), err);
}

int vcpu_setup(struct nano_vm *vm, const struct cpuid_table *t, struct il_err *err)
{
	struct kvm_sync_regs *sync = &vm->run->s.regs;
	int r = setup_cpuid(vm, t, err);

	if (r < 0 || (r = setup_msrs(vm, err)) < 0)
		return r;
	r = kvm_get_tsc_khz(vm->vcpu_fd, err);
	if (r < 0)
		return r;
	vm->boot->tsc_khz = (uint64_t)r;
	/* The first KVM_RUN takes these over: two ioctls saved. */
	sync->sregs = first_sregs(vm);
	sync->regs = (struct kvm_regs){
	    .rip = vm->kernel.entry, .rsp = vm->kernel.info.stack_top, .rflags = RFLAGS_FIXED};
	vm->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	vm->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	return 0;
}
