/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry to and exit from the nano kernel.
 *
 *              program (ring 3, lower half)
 *      syscall |            | exception         ^
 *   -----------v------------v-----------        | iretq, ring 3 to ring 3
 *    ring 0: the stub, 3 to 5 instructions      |
 *   ---------- iretq -------------------        |
 *              v            v                   |
 *        sys_enter        exc_enter       return_to_user
 *              kernel (ring 3, upper half)
 *
 * Ring 0 keeps no secrets and makes no decisions: it stores what ring 3 can't read (CR2,
 * the stack pointer at a syscall) and leaves by a constant frame. It uses no instruction
 * that a KVM which emulates ring 0 lacks. SMEP and SMAP are off in this VM: the stub runs
 * from the kernel's own text.
 *
 * There is one vCPU and no interrupts: every place is absolute, nothing nests.
 */
#include "guest/abi/nano_abi.h"
#include "guest/nano/regs.h"

#define AREA(off) cpu_area + (off)

	.section .info, "a"
	.globl kernel_info
kernel_info:
	.long NANO_ABI_MAGIC
	.long NANO_ABI_VERSION
	.quad AREA(CPU_GDT)
	.quad AREA(CPU_IDT)
	.quad AREA(CPU_TSS)
	.quad AREA(CPU_BOOT)
	.long 10 * 8 - 1
	.long 32 * 16 - 1
	.quad syscall_stub
	.quad stack_top
	.quad upcall_enter
	.quad return_to_user
	.quad return_end

/* ---- ring 0 ------------------------------------------------------------------------- */

	.section .stub, "ax"
	.code64

/* Vector n enters at STUB_VA + 32 n; the gates below count on it. rax = CR2 or the vector. */
.set v, 0
.rept 32
	.balign 32
	.if v == 14
	push %rax
	mov %cr2, %rax
	mov $pf_frame, %rsp
	.else
	.if !((v == 8) || ((v >= 10) && (v <= 13)) || (v == 17) || (v == 21) || (v == 29) || (v == 30))
	push $0 /* in place of the error code */
	.endif
	push %rax
	mov $v, %eax
	mov $exc_frame, %rsp
	.endif
	iretq
	.set v, v + 1
.endr

/* cpu_load_cr3 comes here: the slot behind vector 31, with a gate of its own for the moment. */
	.balign 32
load_cr3_ring0:
	mov %rdi, %cr3
	mov $load_cr3_frame, %rsp
	iretq

	.balign 32
syscall_stub:
	mov %rsp, AREA(CPU_REGS + R_RSP)
	mov $AREA(CPU_SYS_FRAME), %rsp
	iretq

	.balign 8
pf_frame:
	.quad pf_enter, NANO_SEL_UCODE, KERNEL_RFLAGS, stack_top, NANO_SEL_UDATA
exc_frame:
	.quad exc_enter, NANO_SEL_UCODE, KERNEL_RFLAGS, stack_top, NANO_SEL_UDATA

	.balign 8
load_cr3_frame:
	.quad load_cr3_back, NANO_SEL_UCODE, KERNEL_RFLAGS, stack_top, NANO_SEL_UDATA

/* ---- the processor's tables --------------------------------------------------------- */

/*
 * One page for all that entry and exit touch: the top of the kernel's stack (the rest of it
 * lies in the pages before), then struct cpu_area, then struct nano_boot.
 */
	.section .stack, "aw", @nobits
	.skip 28672
	.section .data.cpu, "aw"
	.skip 4096 - CPU_AREA_SIZE
	.globl stack_top, cpu_area, boot
stack_top:
cpu_area:
	.fill CPU_SYS_FRAME, 1, 0
	.quad sys_enter, NANO_SEL_UCODE, KERNEL_RFLAGS, stack_top, NANO_SEL_UDATA
	.fill CPU_TSS - (. - cpu_area), 1, 0
	/* TSS: RSP0, and an I/O bitmap that gives ring 3 the four bytes of NANO_HC_PORT only. */
	.long 0
	.quad AREA(CPU_EXC_TOP), 0, 0
	.fill 8 + 7 * 8 + 8 + 2, 1, 0
	.word 104
	.fill NANO_HC_PORT / 8, 1, 0xff
	.byte 0xf0
	.fill 32 - NANO_HC_PORT / 8 - 1, 1, 0xff
	/* GDT, in Linux's order. */
	.quad 0
	.quad 0
	.quad 0x00af9b000000ffff /* 0x10: kernel code */
	.quad 0x00cf93000000ffff /* 0x18: kernel data */
	.quad 0
	.quad 0x00cff3000000ffff /* 0x28: user data */
	.quad 0x00affb000000ffff /* 0x30: user code */
	.quad 0
	/* 0x40: the TSS, two slots; TR is loaded by the monitor, this is for the record. */
	.quad 0, 0
	.fill CPU_IDT - (. - cpu_area), 1, 0
	/* IDT: interrupt gates to the stub, on RSP0. */
.set v, 0
.rept 32
	.word (STUB_VA + v * 32) & 0xffff
	.word NANO_SEL_KCODE
	.if v == 3
	.word 0xee00 /* int3 is for everybody */
	.else
	.word 0x8e00
	.endif
	.word ((STUB_VA + v * 32) >> 16) & 0xffff
	.long 0xffffffff
	.long 0
	.set v, v + 1
.endr
	.fill CPU_BOOT - (. - cpu_area), 1, 0
boot:
	.fill CPU_AREA_SIZE - CPU_BOOT, 1, 0

/* ---- ring 3 ------------------------------------------------------------------------- */

.macro SAVE_BUT_RAX
	mov %r15, AREA(R_R15)
	mov %r14, AREA(R_R14)
	mov %r13, AREA(R_R13)
	mov %r12, AREA(R_R12)
	mov %rbp, AREA(R_RBP)
	mov %rbx, AREA(R_RBX)
	mov %r11, AREA(R_R11)
	mov %r10, AREA(R_R10)
	mov %r9, AREA(R_R9)
	mov %r8, AREA(R_R8)
	mov %rcx, AREA(R_RCX)
	mov %rdx, AREA(R_RDX)
	mov %rsi, AREA(R_RSI)
	mov %rdi, AREA(R_RDI)
.endm

	.section .text.hot, "ax"
	.globl kernel_entry
kernel_entry:
	xor %ebp, %ebp
	call kernel_main
	ud2

	.balign 16
sys_enter: /* rcx = the program's rip, r11 = its rflags; rsp is saved */
	SAVE_BUT_RAX
	mov %rax, AREA(R_ORIG)
	mov %rcx, AREA(R_RIP)
	mov %r11, AREA(R_RFLAGS)
	call syscall_enter
	jmp return_to_user

	.balign 16
pf_enter: /* rax = CR2 */
	SAVE_BUT_RAX
	mov %rax, %rdi
	call page_fault_enter
	jmp return_to_user

	.balign 16
exc_enter: /* rax = vector */
	SAVE_BUT_RAX
	mov %rax, %rdi
	call exception_enter
	jmp return_to_user

	.balign 16
upcall_enter: /* the monitor redirected the program here */
	mov %rax, AREA(R_RAX)
	SAVE_BUT_RAX
	call upcall_enter_c
	/* fall through */

/*
 * The one way out. The monitor puts a vCPU that it interrupts between here and return_end
 * back to here, so that an event raised after the look at boot->events is seen. That works
 * because nothing below changes memory.
 */
	.globl return_to_user
return_to_user:
	mov $stack_top, %rsp
	cmpl $0, AREA(CPU_BOOT + BOOT_EVENTS)
	jne return_slow
	mov AREA(R_R15), %r15
	mov AREA(R_R14), %r14
	mov AREA(R_R13), %r13
	mov AREA(R_R12), %r12
	mov AREA(R_RBP), %rbp
	mov AREA(R_RBX), %rbx
	mov AREA(R_R11), %r11
	mov AREA(R_R10), %r10
	mov AREA(R_R9), %r9
	mov AREA(R_R8), %r8
	mov AREA(R_RAX), %rax
	mov AREA(R_RCX), %rcx
	mov AREA(R_RDX), %rdx
	mov AREA(R_RSI), %rsi
	mov AREA(R_RDI), %rdi
	mov $AREA(R_RIP), %rsp
	iretq
return_end:

return_slow:
	call events_take
	jmp return_to_user

/*
 * cpu_load_cr3(rdi): ring 0 has no service call, to keep the syscall stub short. Instead the
 * gate of #UD points to load_cr3_ring0 while this provokes one.
 */
	.text
	.globl cpu_load_cr3
cpu_load_cr3:
	mov %rsp, AREA(CPU_SAVED_RSP)
	movw $(LOAD_CR3_VA & 0xffff), AREA(CPU_IDT + 6 * 16)
	ud2
load_cr3_back:
	movw $((STUB_VA + 6 * 32) & 0xffff), AREA(CPU_IDT + 6 * 16)
	mov AREA(CPU_SAVED_RSP), %rsp
	ret

	.section .note.GNU-stack, "", @progbits
