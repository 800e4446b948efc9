// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/sys.h"

#include <asm/unistd_64.h>

/* Some calls share a function and so are declared twice above; C does not mind. */
#define SYSCALL_ROW(name, fn) [__NR_##name] = {#name, fn},
const struct syscall_row core_syscalls[SYSCALL_COUNT] = {CORE_SYSCALLS(SYSCALL_ROW)};

long sys_zero(const uint64_t *a)
{
	(void)a;
	return 0;
}

long sys_perm(const uint64_t *a)
{
	(void)a;
	return -EPERM;
}

long sys_no_family(const uint64_t *a)
{
	(void)a;
	return -EAFNOSUPPORT;
}

/* Say once, under --debug, that the program asked for call @nr in vain. */
static void note_missing(uint64_t nr)
{
	static uint64_t told[SYSCALL_COUNT / 64 + 1];

	if (!(boot.flags & NANO_FLAG_DEBUG))
		return;
	if (nr < SYSCALL_COUNT) {
		if (told[nr / 64] >> (nr % 64) & 1)
			return;
		told[nr / 64] |= 1ull << (nr % 64);
	}
	hypercall(NANO_HC_MISSING, nr, 0, 0);
}

long sys_nosys(const uint64_t *a)
{
	(void)a;
	note_missing(cpu_area.regs.orig_rax);
	return -ENOSYS;
}

void syscall_enter(void);
void syscall_enter(void)
{
	struct user_regs *r = &cpu_area.regs;
	uint64_t nr = r->orig_rax;
	uint64_t args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
	syscall_fn fn = NULL;

	if (nr < SYSCALL_COUNT) {
		fn = fs_syscalls[nr].fn;
		if (!fn)
			fn = core_syscalls[nr].fn;
	}
	r->rax = (uint64_t)(fn ? fn(args) : sys_nosys(args));
	signal_deliver();
}
