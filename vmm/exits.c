// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void vm_fail(struct nano_vm *vm, const char *fmt, ...)
{
	char text[IL_ERR_MSG_MAX - 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vm->end = VM_FAILED;
	il_refuse(vm->err, EIO, "the nano guest failed: %s", text);
}

/* Where the guest was; for messages. */
static unsigned long long guest_rip(const struct nano_vm *vm)
{
	return vm->run->s.regs.regs.rip;
}

static void on_io(struct nano_vm *vm)
{
	const struct kvm_run *run = vm->run;

	if (run->io.port == NANO_HC_PORT && run->io.direction == KVM_EXIT_IO_OUT &&
	    run->io.size == 4 && run->io.count == 1)
		vm_hypercall(vm);
	else
		vm_fail(vm, "port 0x%x is not there (%s of %u bytes at rip 0x%llx)", run->io.port,
			run->io.direction == KVM_EXIT_IO_OUT ? "write" : "read", run->io.size,
			guest_rip(vm));
}

static void on_mmio(struct nano_vm *vm)
{
	const struct kvm_run *run = vm->run;

	vm_fail(vm, "%s of guest-physical address 0x%llx, where nothing is (rip 0x%llx)",
		run->mmio.is_write ? "write" : "read", (unsigned long long)run->mmio.phys_addr,
		guest_rip(vm));
}

static void on_shutdown(struct nano_vm *vm)
{
	vm_fail(vm, "triple fault (rip 0x%llx)", guest_rip(vm));
}

static void on_internal_error(struct nano_vm *vm)
{
	vm_fail(vm, "KVM can't run its code (internal error %u, rip 0x%llx)",
		vm->run->internal.suberror, guest_rip(vm));
}

static void on_fail_entry(struct nano_vm *vm)
{
	vm_fail(vm, "KVM can't enter it (hardware reason 0x%llx)",
		(unsigned long long)vm->run->fail_entry.hardware_entry_failure_reason);
}

static void on_intr(struct nano_vm *vm)
{
	upcall_deliver(vm);
}

static const struct {
	const char *name;
	void (*handle)(struct nano_vm *vm); /* NULL: the guest has no business there */
} exits[] = {
    [KVM_EXIT_UNKNOWN] = {"KVM_EXIT_UNKNOWN", NULL},
    [KVM_EXIT_EXCEPTION] = {"KVM_EXIT_EXCEPTION", NULL},
    [KVM_EXIT_IO] = {"KVM_EXIT_IO", on_io},
    [KVM_EXIT_HYPERCALL] = {"KVM_EXIT_HYPERCALL", NULL},
    [KVM_EXIT_DEBUG] = {"KVM_EXIT_DEBUG", NULL},
    [KVM_EXIT_HLT] = {"KVM_EXIT_HLT", NULL},
    [KVM_EXIT_MMIO] = {"KVM_EXIT_MMIO", on_mmio},
    [KVM_EXIT_IRQ_WINDOW_OPEN] = {"KVM_EXIT_IRQ_WINDOW_OPEN", NULL},
    [KVM_EXIT_SHUTDOWN] = {"KVM_EXIT_SHUTDOWN", on_shutdown},
    [KVM_EXIT_FAIL_ENTRY] = {"KVM_EXIT_FAIL_ENTRY", on_fail_entry},
    [KVM_EXIT_INTR] = {"KVM_EXIT_INTR", on_intr},
    [KVM_EXIT_SET_TPR] = {"KVM_EXIT_SET_TPR", NULL},
    [KVM_EXIT_TPR_ACCESS] = {"KVM_EXIT_TPR_ACCESS", NULL},
    [KVM_EXIT_NMI] = {"KVM_EXIT_NMI", NULL},
    [KVM_EXIT_INTERNAL_ERROR] = {"KVM_EXIT_INTERNAL_ERROR", on_internal_error},
    [KVM_EXIT_SYSTEM_EVENT] = {"KVM_EXIT_SYSTEM_EVENT", NULL},
    [KVM_EXIT_X86_RDMSR] = {"KVM_EXIT_X86_RDMSR", NULL},
    [KVM_EXIT_X86_WRMSR] = {"KVM_EXIT_X86_WRMSR", NULL},
    [KVM_EXIT_X86_BUS_LOCK] = {"KVM_EXIT_X86_BUS_LOCK", NULL},
    [KVM_EXIT_NOTIFY] = {"KVM_EXIT_NOTIFY", NULL},
};

const char *exit_name(uint32_t reason)
{
	if (reason >= ARRAY_SIZE(exits) || !exits[reason].name)
		return "an exit without a name";
	return exits[reason].name;
}

void exit_handle(struct nano_vm *vm)
{
	uint32_t reason = vm->run->exit_reason;

	if (reason < ARRAY_SIZE(exits) && exits[reason].handle)
		exits[reason].handle(vm);
	else
		vm_fail(vm, "unexpected %s (%u) at rip 0x%llx", exit_name(reason), reason,
			guest_rip(vm));
}

bool events_pending(const struct nano_vm *vm)
{
	return __atomic_load_n(&vm->boot->events, __ATOMIC_ACQUIRE) != 0;
}

/*
 * The guest kernel looks at boot->events each time before it returns to the program, so
 * only two places need help: the program itself, which is redirected to the kernel, and the
 * few instructions between that look and the return, which are started over.
 */
void upcall_deliver(struct nano_vm *vm)
{
	const struct nano_kernel_info *info = &vm->kernel.info;
	struct kvm_regs *regs = &vm->run->s.regs.regs;

	if (!events_pending(vm))
		return;
	if (regs->rip >= info->restart_begin && regs->rip < info->restart_end) {
		regs->rip = info->restart_begin;
		vm->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
		return;
	}
	if (regs->rip >> 63)
		return;
	vm->boot->upcall_rip = regs->rip;
	vm->boot->upcall_rflags = regs->rflags;
	vm->boot->upcall_rsp = regs->rsp;
	regs->rip = info->upcall_entry;
	regs->rsp = info->stack_top;
	regs->rflags &= ~SYSCALL_CLEARS;
	vm->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}
