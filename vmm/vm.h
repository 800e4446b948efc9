/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to vmm/: the nano VM and what its files offer each other.
 */
#ifndef IL_VMM_VM_H
#define IL_VMM_VM_H

#include "guest/abi/nano_abi.h"
#include "vmm/kernel.h"
#include "vmm/kvm_ioctl.h"
#include "vmm/memory.h"
#include "vmm/nano.h"

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

/* The signal that kicks the vCPU thread out of KVM_RUN; the default handler does nothing. */
#define KICK_SIGNAL (SIGRTMIN + 3)

/* Flags that the kernel runs without, and that `syscall` clears: TF, IF, DF, NT, AC. */
#define SYSCALL_CLEARS 0x44700ull

enum vm_end {
	VM_RUNNING,
	VM_EXITED,  /* status holds */
	VM_REFUSED, /* refuse_errno holds; err says which step */
	VM_FAILED,  /* err holds */
};

struct nano_vm {
	struct nano_config cfg;
	struct vm_memory mem;
	struct kernel kernel;
	struct nano_boot *boot; /* in guest RAM */

	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
	struct kvm_run *run;
	size_t run_bytes;
	uint64_t cr3;

	pid_t vcpu_tid; /* of the thread in nano_run; 0 = none. Read by nano_signal. */
	timer_t timer;
	bool has_timer;
	bool grown;            /* KVM knows high RAM */
	bool notify_input;     /* look at stdin while the program computes */
	uint64_t timer_end_ns; /* of NANO_HC_TIMER, host's monotonic clock; 0 = none */

	enum vm_end end;
	int status;
	int refuse_errno;
	struct il_err *err;
};

/*
 * nano_create_elf: nano_create with a guest kernel of the caller's (the tests' hostile ones).
 */
int nano_create_elf(const struct nano_config *cfg, const struct kernel_file *kernel,
		    struct nano_vm **ret, struct il_err *err) IL_MUST_CHECK;

/* ---- vcpu.c ------------------------------------------------------------------------- */

/*
 * vcpu_setup: CPUID, XCR0, MSRs, segments, registers for the first entry.
 * @t  what KVM supports; the guest gets all of it
 */
int vcpu_setup(struct nano_vm *vm, const struct cpuid_table *t, struct il_err *err) IL_MUST_CHECK;
/* cpuid_has_1g_pages: may the guest's page tables use them? CPUID 0x80000001 EDX bit 26. */
bool cpuid_has_1g_pages(const struct cpuid_table *t);

/* ---- exits.c ------------------------------------------------------------------------ */

/* vm_fail: end the VM as failed, with a sentence. */
void vm_fail(struct nano_vm *vm, const char *fmt, ...) IL_PRINTF(2, 3);
/* exit_handle: act on the exit described in vm->run. */
void exit_handle(struct nano_vm *vm);
/* exit_name: "KVM_EXIT_IO" and so on; never NULL, whatever the number. */
const char *exit_name(uint32_t reason);
/* upcall_deliver: KVM_RUN was interrupted: hand events to the guest if it computes. */
void upcall_deliver(struct nano_vm *vm);

/* ---- hypercall.c -------------------------------------------------------------------- */

/* vm_hypercall: serve the call in the vCPU's registers; the result goes to rax. */
void vm_hypercall(struct nano_vm *vm);

/* ---- console.c ---------------------------------------------------------------------- */

/* All return as the hypercalls of the same names do. @segs: @n pieces of guest memory. */
int64_t vm_console_write(struct nano_vm *vm, uint64_t stream, const struct nano_seg *segs,
			 uint64_t n);
int64_t vm_console_read(struct nano_vm *vm, bool nonblock, const struct nano_seg *segs, uint64_t n);
int64_t vm_console_wait(struct nano_vm *vm, uint64_t streams, uint64_t timeout_ns);
int64_t vm_console_notify(struct nano_vm *vm, bool on);
/* timer_set: raise NANO_EVENT_TIMER after @ns; 0 = never. */
int64_t timer_set(struct nano_vm *vm, uint64_t ns);
/*
 * timer_look: the kick signal may have come: raise what is due.
 * @rearm  the guest goes on computing: look at stdin for it, too, now and later
 */
void timer_look(struct nano_vm *vm, bool rearm);

/* events_pending: has the guest something to take before it may block? */
bool events_pending(const struct nano_vm *vm);

#endif
