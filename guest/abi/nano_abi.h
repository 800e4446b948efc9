/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the monitor (vmm/) and the nano guest kernel (guest/nano/).
 * Freestanding; both sides are built from the same tree, the version only catches mistakes.
 *
 * Guest-physical memory:
 *
 *   0                low RAM
 *     0x1000         page tables made by the monitor
 *     0x200000       the guest kernel's segments, as linked; struct nano_boot is in one
 *     behind them    the workload block, then free RAM
 *   image_gpa        the EROFS image, read-only, 2 MiB-aligned
 *   high_gpa         high RAM, 2 MiB-aligned; there only after NANO_HC_GROW
 *
 * Virtual memory: the lower half is the program's. Top of the upper half:
 *
 *   NANO_DIRECT_VA   all of guest-physical memory, RAM writable, not executable
 *   NANO_KERNEL_VA   RAM from NANO_KERNEL_GPA on, 2 MiB, as the kernel's ELF segments say
 *
 * The vCPU starts in ring 3 at the kernel's entry point. Ring 0 is entered by `syscall` and
 * by exceptions only (guest/nano/entry.S). Port I/O in ring 3 is allowed by the TSS's I/O
 * bitmap, for NANO_HC_PORT alone.
 */
#ifndef IL_GUEST_NANO_ABI_H
#define IL_GUEST_NANO_ABI_H

#define NANO_ABI_MAGIC   0x4f4e414e /* "NANO" */
#define NANO_ABI_VERSION 1

#define NANO_PT_GPA      0x1000ull
#define NANO_PT_SIZE     0x1ff000ull /* up to the kernel */
#define NANO_KERNEL_GPA  0x200000ull
#define NANO_KERNEL_SIZE 0x200000ull
#define NANO_RAM_MAX     0x1000000000ull /* 64 GiB */
#define NANO_IMAGE_MAX   0x1000000000ull
#define NANO_DIRECT_VA   0xffffff8000000000ull
#define NANO_KERNEL_VA   0xffffffff80200000ull

/* Selectors: Linux's, because a program's `mov %cs` and the sysret convention expect them. */
#define NANO_SEL_KCODE 0x10
#define NANO_SEL_KDATA 0x18
#define NANO_SEL_UDATA 0x2b
#define NANO_SEL_UCODE 0x33
#define NANO_SEL_TSS   0x40
#define NANO_TSS_BYTES 136 /* with the I/O bitmap */

#define NANO_HC_PORT 0xe0

#ifndef __ASSEMBLER__

#include <stdint.h>

/* First bytes of the kernel's first segment. Addresses are virtual. */
struct nano_kernel_info {
	uint32_t magic;
	uint32_t version;
	uint64_t gdt; /* gdt_limit + 1 bytes */
	uint64_t idt;
	uint64_t tss;
	uint64_t boot; /* struct nano_boot, shared for the life of the VM */
	uint32_t gdt_limit;
	uint32_t idt_limit;
	uint64_t syscall_entry; /* LSTAR: ring 0 */
	uint64_t stack_top;     /* of the ring-3 kernel, at its start */
	uint64_t upcall_entry;  /* where an interrupted program is redirected to, ring 3 */
	/* A vCPU interrupted in [begin, end) is put back to begin: see entry.S. */
	uint64_t restart_begin;
	uint64_t restart_end;
};

/* Why the monitor interrupts (nano_boot.events). */
#define NANO_EVENT_SIGNAL  (1u << 0) /* nano_boot.signals has bits */
#define NANO_EVENT_WINSIZE (1u << 1)
#define NANO_EVENT_INPUT   (1u << 2) /* stdin has bytes, and NANO_HC_NOTIFY asked */
#define NANO_EVENT_TIMER   (1u << 3) /* the NANO_HC_TIMER time is over */

#define NANO_FLAG_DEBUG (1u << 0)

/* At nano_kernel_info.boot. Written by the monitor before the start; `events` on, by both. */
struct nano_boot {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t pad;
	uint64_t low_bytes;
	uint64_t high_gpa; /* 0 = low RAM is all */
	uint64_t high_bytes;
	uint64_t free_gpa; /* RAM from here to low_bytes is free */
	uint64_t image_gpa;
	uint64_t image_bytes;
	uint64_t workload_gpa;
	uint64_t workload_bytes;
	uint64_t cr3; /* the monitor's top page table; the kernel goes on using it */
	uint64_t tsc_khz;
	/* Stamped at the NANO_HC_EVENT for NANO_BOOTED: tsc is the guest's own reading. */
	uint64_t clock_tsc;
	uint64_t clock_mono_ns;
	uint64_t clock_real_ns;
	uint64_t xcr0;
	uint8_t seed[48]; /* fresh randomness */

	/* NANO_EVENT_*: atomically or-ed by the monitor, taken by the guest. */
	uint32_t events __attribute__((aligned(64)));
	uint16_t tty_rows; /* 0 = unknown */
	uint16_t tty_cols;
	uint64_t signals; /* bit n-1: signal n; atomically or-ed, taken by the guest */
	/* What the program was doing when it was redirected to upcall_entry. */
	uint64_t upcall_rip;
	uint64_t upcall_rflags;
	uint64_t upcall_rsp;
};

/*
 * Hypercalls: `out %eax, $NANO_HC_PORT` with the number in eax and arguments in rdi, rsi,
 * rdx, r10; the result comes in rax (-errno on failure). All are hostile input.
 */
enum nano_hc {
	NANO_HC_EXIT = 1, /* (status): the workload ended; wait(2)-style */
	NANO_HC_PANIC,    /* (gpa, len): the kernel failed, with a line of text */
	NANO_HC_REFUSE,   /* (errno, gpa, len): the workload did not start; the failed step */
	NANO_HC_EVENT,    /* (enum nano_event, rdtsc) */
	NANO_HC_WRITE,    /* (stream 1..2, gpa of struct nano_seg[], count) */
	NANO_HC_READ,     /* (nonblock, gpa of struct nano_seg[], count) */
	NANO_HC_WAIT,     /* (stream mask, ns; UINT64_MAX = for ever) -> ready mask */
	NANO_HC_DEBUG,    /* (gpa, len): a line for the debug log */
	NANO_HC_NOTIFY,   /* (on): raise NANO_EVENT_INPUT */
	NANO_HC_TIMER,    /* (ns from now, 0 = off): raise NANO_EVENT_TIMER */
	NANO_HC_GROW,     /* (): make high RAM be there */
	NANO_HC_MISSING,  /* (nr): the program made a system call that is not there */
	NANO_HC_MAX,
};

enum nano_event {
	NANO_BOOTED, /* the kernel runs; answers with the clock fields */
	NANO_EXECED, /* the workload's first instruction is next */
};

/* A piece of guest-physical memory. */
struct nano_seg {
	uint64_t gpa;
	uint64_t len;
};
#define NANO_SEG_MAX  64
#define NANO_TEXT_MAX 512 /* longest text of PANIC, REFUSE, DEBUG */

_Static_assert(sizeof(struct nano_boot) == 256, "guest/nano/entry.S leaves room for it");
_Static_assert(sizeof(struct nano_kernel_info) == 88, "kernel info is part of the ABI");

#endif
#endif
