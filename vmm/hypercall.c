// SPDX-License-Identifier: Apache-2.0
/*
 * The hypercalls. Arguments come from the guest: every number is checked, every address
 * goes through memory_at(), and what is read twice is copied first.
 */
#include "vmm/vm.h"

#include "base/clock.h"
#include "base/log.h"
#include "runner/runner.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>

struct hc_args {
	uint64_t a, b, c, d;
};

/* A line of text from the guest, with what could disturb a terminal replaced. */
static void copy_text(struct nano_vm *vm, uint64_t gpa, uint64_t len, char *ret)
{
	const char *src = len <= NANO_TEXT_MAX ? memory_at(&vm->mem, gpa, len, false) : NULL;
	size_t n = src ? len : 0;

	for (size_t i = 0; i < n; i++)
		ret[i] = (char)(src[i] >= ' ' && src[i] < 0x7f ? src[i] : '?');
	ret[n] = '\0';
}

static int copy_segs(struct nano_vm *vm, uint64_t gpa, uint64_t n, struct nano_seg *ret)
{
	const void *src;

	if (n == 0 || n > NANO_SEG_MAX)
		return -EINVAL;
	src = memory_at(&vm->mem, gpa, n * sizeof(*ret), false);
	if (!src)
		return -EFAULT;
	memcpy(ret, src, n * sizeof(*ret));
	return 0;
}

static int64_t hc_exit(struct nano_vm *vm, const struct hc_args *x)
{
	uint64_t sig = x->a & 0x7f;

	/* Only what wait(2) can say: an exit code, or a signal with or without core. */
	if (sig == 0x7f)
		vm->status = 0xff00;
	else
		vm->status = (int)(sig ? x->a & 0xff : x->a & 0xff00);
	vm->end = VM_EXITED;
	vm->cfg.timeline->ns[TL_EXITED] = il_now_ns();
	return 0;
}

static int64_t hc_panic(struct nano_vm *vm, const struct hc_args *x)
{
	char text[NANO_TEXT_MAX + 1];

	copy_text(vm, x->a, x->b, text);
	vm_fail(vm, "kernel panic: %.300s", text);
	return 0;
}

static int64_t hc_refuse(struct nano_vm *vm, const struct hc_args *x)
{
	char step[NANO_TEXT_MAX + 1];
	int code = x->a > 0 && x->a < 4096 ? (int)x->a : EIO;

	copy_text(vm, x->b, x->c, step);
	vm->end = VM_REFUSED;
	il_fail(vm->err, code, "%.100s '%.200s'", step, workload_arg(vm->cfg.workload, 0));
	/* Only a failed exec may look like a command that is missing or can't be executed. */
	if (strcmp(step, RUNNER_STEP_EXEC) == 0)
		vm->refuse_errno = runner_exec_failure(code);
	else
		vm->refuse_errno = code == ENOENT || code == EACCES ? EIO : code;
	return 0;
}

static int64_t hc_event(struct nano_vm *vm, const struct hc_args *x)
{
	struct timeline *t = vm->cfg.timeline;
	uint64_t now = il_now_ns();

	switch (x->a) {
	case NANO_BOOTED:
		vm->boot->clock_tsc = x->b;
		vm->boot->clock_mono_ns = now;
		vm->boot->clock_real_ns = il_wall_ns();
		t->ns[TL_RUNNER_ENTERED] = now;
		return 0;
	case NANO_EXECED:
		t->ns[TL_EXECED] = now;
		return 0;
	default:
		return -EINVAL;
	}
}

static int64_t hc_write(struct nano_vm *vm, const struct hc_args *x)
{
	struct nano_seg segs[NANO_SEG_MAX];
	int r = copy_segs(vm, x->b, x->c, segs);

	return r < 0 ? r : vm_console_write(vm, x->a, segs, x->c);
}

static int64_t hc_read(struct nano_vm *vm, const struct hc_args *x)
{
	struct nano_seg segs[NANO_SEG_MAX];
	int r = copy_segs(vm, x->b, x->c, segs);

	return r < 0 ? r : vm_console_read(vm, x->a != 0, segs, x->c);
}

static int64_t hc_wait(struct nano_vm *vm, const struct hc_args *x)
{
	return vm_console_wait(vm, x->a, x->b);
}

static int64_t hc_debug(struct nano_vm *vm, const struct hc_args *x)
{
	char text[NANO_TEXT_MAX + 1];

	copy_text(vm, x->a, x->b, text);
	if (vm->cfg.debug)
		il_info("nano: %s", text);
	return 0;
}

static int64_t hc_notify(struct nano_vm *vm, const struct hc_args *x)
{
	return vm_console_notify(vm, x->a != 0);
}

static int64_t hc_timer(struct nano_vm *vm, const struct hc_args *x)
{
	return timer_set(vm, x->a);
}

static int64_t hc_grow(struct nano_vm *vm, const struct hc_args *x)
{
	const struct mem_region *high = &vm->mem.regions[MEM_HIGH];
	struct kvm_slot slot = {
	    .number = 1, .gpa = high->gpa, .size = high->size, .hva = high->hva};
	struct il_err err = {0};

	(void)x;
	if (vm->grown || high->size == 0)
		return -EINVAL;
	vm->grown = true;
	return kvm_set_slot(vm->vm_fd, &slot, &err);
}

static int64_t hc_missing(struct nano_vm *vm, const struct hc_args *x)
{
	char *name = NULL;

	if (!vm->cfg.debug)
		return 0;
	if (x->a < 1024)
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)x->a);
	il_info("nano: system call %llu (%s) is not there, the program gets ENOSYS",
		(unsigned long long)x->a, name ? name : "unknown");
	free(name);
	return 0;
}

static int64_t (*const calls[NANO_HC_MAX])(struct nano_vm *, const struct hc_args *) = {
    [NANO_HC_EXIT] = hc_exit,   [NANO_HC_PANIC] = hc_panic, [NANO_HC_REFUSE] = hc_refuse,
    [NANO_HC_EVENT] = hc_event, [NANO_HC_WRITE] = hc_write, [NANO_HC_READ] = hc_read,
    [NANO_HC_WAIT] = hc_wait,   [NANO_HC_DEBUG] = hc_debug, [NANO_HC_NOTIFY] = hc_notify,
    [NANO_HC_TIMER] = hc_timer, [NANO_HC_GROW] = hc_grow,   [NANO_HC_MISSING] = hc_missing,
};

void vm_hypercall(struct nano_vm *vm)
{
	struct kvm_regs *regs = &vm->run->s.regs.regs;
	struct hc_args args = {regs->rdi, regs->rsi, regs->rdx, regs->r10};
	uint32_t number = (uint32_t)regs->rax;
	int64_t r = -ENOSYS;

	if (number < NANO_HC_MAX && calls[number])
		r = calls[number](vm, &args);
	regs->rax = (uint64_t)r;
	vm->run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
}
