/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's registers while the kernel runs, and the processor's tables. Shared with
 * entry.S, which uses the offsets below.
 */
#ifndef IL_GUEST_NANO_REGS_H
#define IL_GUEST_NANO_REGS_H

/* Offsets in struct cpu_area. */
#define CPU_REGS      0   /* struct user_regs */
#define CPU_SYS_FRAME 168 /* what `iretq` in the syscall stub pops */
#define CPU_SAVED_RSP 208
#define CPU_EXC       248 /* struct exc_frame */
#define CPU_EXC_TOP   304 /* RSP0: exceptions push below it */
#define CPU_TSS       304
#define CPU_GDT       440
#define CPU_IDT       528
#define CPU_BOOT      1088 /* struct nano_boot, 64-aligned */
#define CPU_AREA_SIZE 1344
#define BOOT_EVENTS   192 /* offset in struct nano_boot */

/* Offsets in struct user_regs. */
#define R_R15    0
#define R_R14    8
#define R_R13    16
#define R_R12    24
#define R_RBP    32
#define R_RBX    40
#define R_R11    48
#define R_R10    56
#define R_R9     64
#define R_R8     72
#define R_RAX    80
#define R_RCX    88
#define R_RDX    96
#define R_RSI    104
#define R_RDI    112
#define R_ORIG   120
#define R_RIP    128
#define R_CS     136
#define R_RFLAGS 144
#define R_RSP    152
#define R_SS     160

/* The flags the ring-3 kernel runs with. */
#define KERNEL_RFLAGS 0x2

/* The exception stubs, 32 bytes per vector; checked by link.lds. */
#define STUB_VA     0xffffffff80200080
#define LOAD_CR3_VA (STUB_VA + 32 * 32) /* same 64 KiB as the stubs */

#ifndef __ASSEMBLER__

#include "guest/abi/nano_abi.h"

#include <stddef.h>
#include <stdint.h>

struct user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t orig_rax;                 /* the system call's number; -1 = not in a system call */
	uint64_t rip, cs, rflags, rsp, ss; /* popped by iretq */
};

struct iret_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

/* What an exception leaves below CPU_EXC_TOP; rax is pushed by the stub. */
struct exc_frame {
	uint64_t rax, error, rip, cs, rflags, rsp, ss;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap;
	uint8_t io_bitmap[32]; /* a clear bit: ring 3 may use the port */
} __attribute__((packed));

struct idt_gate {
	uint16_t offset0, selector, type, offset1;
	uint32_t offset2, zero;
};

#define IDT_VECTORS 32

/* One page that holds all that entry and exit touch. */
struct cpu_area {
	struct user_regs regs;
	struct iret_frame sys_frame;
	uint64_t saved_rsp; /* of cpu_load_cr3 */
	uint64_t pad[4];
	struct exc_frame exc; /* ends at CPU_EXC_TOP, which is 16-aligned */
	struct tss tss;
	uint64_t gdt[10];
	uint64_t idt_pad;
	struct idt_gate idt[IDT_VECTORS];
	uint64_t boot_pad[6];
	struct nano_boot boot;
};

_Static_assert(offsetof(struct cpu_area, sys_frame) == CPU_SYS_FRAME, "entry.S");
_Static_assert(offsetof(struct cpu_area, saved_rsp) == CPU_SAVED_RSP, "entry.S");
_Static_assert(offsetof(struct cpu_area, exc) == CPU_EXC, "entry.S");
_Static_assert(CPU_EXC + sizeof(struct exc_frame) == CPU_EXC_TOP, "entry.S");
_Static_assert(offsetof(struct cpu_area, tss) == CPU_TSS, "entry.S");
_Static_assert(offsetof(struct cpu_area, gdt) == CPU_GDT, "entry.S");
_Static_assert(offsetof(struct cpu_area, idt) == CPU_IDT, "entry.S");
_Static_assert(offsetof(struct cpu_area, boot) == CPU_BOOT, "entry.S");
_Static_assert(sizeof(struct cpu_area) == CPU_AREA_SIZE, "entry.S");
_Static_assert(offsetof(struct nano_boot, events) == BOOT_EVENTS, "entry.S");
_Static_assert(offsetof(struct user_regs, ss) == R_SS, "entry.S");

extern struct cpu_area cpu_area;
extern struct nano_boot boot; /* inside cpu_area */

/* entry.S: go (back) to the program with cpu_area.regs. */
void return_to_user(void) __attribute__((noreturn));
/* entry.S: load CR3 with @cr3, in ring 0: the processor forgets all translations. */
void cpu_load_cr3(uint64_t cr3);

#endif
#endif
