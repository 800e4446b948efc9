// SPDX-License-Identifier: Apache-2.0
/*
 * Start of the guest kernel, and its entries for everything that is no system call.
 */
#include "guest/nano/core.h"
#include "runner/workload.h"

#include <linux/signal.h>

const struct workload *boot_workload;

/* Page fault error code bits. Source: Intel SDM vol. 3, 4.7. */
#define PF_WRITE (1u << 1)
#define PF_FETCH (1u << 4)

void kernel_main(void);
void page_fault_enter(uint64_t address);
void exception_enter(uint64_t vector);
void upcall_enter_c(void);
void events_take(void);

void kernel_main(void)
{
	struct user_regs *r = &cpu_area.regs;
	int err;

	if (boot.magic != NANO_ABI_MAGIC || boot.version != NANO_ABI_VERSION)
		panic("the monitor speaks another version");
	r->cs = NANO_SEL_UCODE;
	r->ss = NANO_SEL_UDATA;
	clock_init();
	page_init();
	boot_workload = gpa_to_va(boot.workload_gpa);
	if (workload_check(boot_workload, boot.workload_bytes) < 0)
		panic("bad workload block");
	process_init();
	err = vfs_init(gpa_to_va(boot.image_gpa), boot.image_bytes);
	if (err < 0)
		panic("can't mount the image: error %d", -err);
	runner_start();
	return_to_user();
}

/* Take over what the exception stub saved. */
static void adopt_frame(void)
{
	struct user_regs *r = &cpu_area.regs;
	const struct exc_frame *e = &cpu_area.exc;

	r->rax = e->rax;
	r->orig_rax = -1ull;
	r->rip = e->rip;
	r->rflags = e->rflags;
	r->rsp = e->rsp;
}

static bool from_kernel(void)
{
	return cpu_area.exc.rip >> 63;
}

void page_fault_enter(uint64_t address)
{
	uint64_t error = cpu_area.exc.error;
	unsigned int how = FAULT_TRAP;
	int r;

	if (from_kernel())
		panic("page fault at %lx in the kernel, rip %lx", address, cpu_area.exc.rip);
	adopt_frame();
	if (error & PF_WRITE)
		how |= FAULT_WRITE;
	if (error & PF_FETCH)
		how |= FAULT_EXEC;
	r = address < USER_END ? mm_fault(address, how) : -EFAULT;
	if (r == -EFAULT)
		signal_fault(SIGSEGV, SEGV_MAPERR, address, 14, error);
	else if (r == -EACCES)
		signal_fault(SIGSEGV, SEGV_ACCERR, address, 14, error);
	else if (r == -ENOMEM)
		signal_fault(SIGKILL, SI_KERNEL, address, 14, error);
	else if (r < 0)
		signal_fault(SIGBUS, BUS_ADRERR, address, 14, error);
	signal_deliver();
}

static const struct {
	uint8_t sig;
	int8_t code;
} exception_signals[IDT_VECTORS] = {
    [0] = {SIGFPE, FPE_INTDIV},  [1] = {SIGTRAP, TRAP_TRACE}, [3] = {SIGTRAP, 0},
    [4] = {SIGSEGV, 0},          [5] = {SIGSEGV, 0},          [6] = {SIGILL, ILL_ILLOPN},
    [7] = {SIGSEGV, 0},          [10] = {SIGSEGV, 0},         [11] = {SIGBUS, 0},
    [12] = {SIGBUS, 0},          [13] = {SIGSEGV, 0},         [16] = {SIGFPE, FPE_FLTINV},
    [17] = {SIGBUS, BUS_ADRALN}, [19] = {SIGFPE, FPE_FLTINV},
};

void exception_enter(uint64_t vector)
{
	int sig;

	if (from_kernel())
		panic("exception %lu (error %lx) in the kernel, rip %lx", vector,
		      cpu_area.exc.error, cpu_area.exc.rip);
	adopt_frame();
	sig = vector < IDT_VECTORS ? exception_signals[vector].sig : 0;
	if (!sig)
		panic("exception %lu at %lx", vector, cpu_area.exc.rip);
	signal_fault(
	    sig, exception_signals[vector].code ? exception_signals[vector].code : SI_KERNEL,
	    vector == 6 || vector == 0 ? cpu_area.exc.rip : 0, (int)vector, cpu_area.exc.error);
	signal_deliver();
}

void upcall_enter_c(void)
{
	struct user_regs *r = &cpu_area.regs;

	r->rip = boot.upcall_rip;
	r->rflags = boot.upcall_rflags;
	r->rsp = boot.upcall_rsp;
	r->orig_rax = -1ull;
}

/* From the way out: boot.events is not empty. */
void events_take(void)
{
	signal_deliver();
}
