/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the core of the guest kernel (guest/nano/ without fs/).
 */
#ifndef IL_GUEST_NANO_CORE_H
#define IL_GUEST_NANO_CORE_H

#include "guest/nano/kern.h"
#include "guest/nano/regs.h"

#define KERN_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KMIN(a, b)         ((a) < (b) ? (a) : (b))
#define KMAX(a, b)         ((a) > (b) ? (a) : (b))

/* The program may use [USER_MIN, USER_END). */
#define USER_MIN 0x10000ull
#define USER_END 0x7ffffffff000ull

static inline uint64_t page_down(uint64_t v)
{
	return v & PAGE_MASK;
}

static inline uint64_t page_up(uint64_t v)
{
	return (v + PAGE_SIZE - 1) & PAGE_MASK;
}

static inline void *gpa_to_va(uint64_t gpa)
{
	return (void *)(NANO_DIRECT_VA + gpa);
}

/* Kernel pointer (direct map or kernel window) to guest-physical address. */
static inline uint64_t va_to_gpa(const void *va)
{
	uint64_t v = (uint64_t)va;

	return v >= NANO_KERNEL_VA ? v - NANO_KERNEL_VA + NANO_KERNEL_GPA : v - NANO_DIRECT_VA;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (uint64_t)hi << 32;
}

/* ---- page.c ------------------------------------------------------------------------ */

void page_init(void);
/* page_alloc_raw: like page_alloc, but the page may hold old data: *ret_dirty tells. */
void *page_alloc_raw(bool *ret_dirty);
/* page_alloc_fresh: a page that was never used, or NULL. For mapping ahead. */
void *page_alloc_fresh(void);
/*
 * chunk_alloc: 2 MiB of aligned RAM, not zero when *ret_dirty; NULL = none. chunk_free gives
 * it back whole; after chunk_to_pages each of its pages has one reference of its own.
 */
#define CHUNK_PAGES 512ull
#define CHUNK_SIZE  (CHUNK_PAGES * PAGE_SIZE)
void *chunk_alloc(bool *ret_dirty);
void chunk_free(void *chunk);
void chunk_to_pages(void *chunk);
/* pages_alloc: @n contiguous pages, zeroed, one reference each; or NULL. */
void *pages_alloc(uint64_t n);
bool page_is_ram(const void *page);
/* page_mark / page_mark_of: alloc.c's note on a page; 0 = none. */
void page_mark(void *page, uint32_t mark);
uint32_t page_mark_of(const void *page);

/* ---- pt.c: the program's page tables ------------------------------------------------ */

#define PTE_P    (1ull << 0)
#define PTE_W    (1ull << 1)
#define PTE_U    (1ull << 2)
#define PTE_A    (1ull << 5)
#define PTE_D    (1ull << 6)
#define PTE_PS   (1ull << 7) /* in a level-1 entry: a chunk */
#define PTE_NX   (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

/*
 * pte_at: the entry that maps @va; NULL when there is no table (and !@create, or no RAM).
 * A chunk there is split into pages first: use pt_peek and pde_at where that is not wanted.
 */
uint64_t *pte_at(uint64_t va, bool create);
/* pt_peek: the value of @va's entry, made up if a chunk maps it; 0 = none. */
uint64_t pt_peek(uint64_t va);
/* pde_at: the level-1 entry for @va's 2 MiB; may hold a chunk (PTE_PS). As pte_at. */
uint64_t *pde_at(uint64_t va, bool create);
static inline void *pte_page(uint64_t pte)
{
	return gpa_to_va(pte & PTE_ADDR);
}
/*
 * pt_clear: unmap [start, end), putting the pages; true when the processor may remember one
 * of them: the caller flushes, once, before it returns to the program.
 */
bool pt_clear(uint64_t start, uint64_t end);
/* pt_protect: take away rights in [start, end) (give none). As pt_clear. */
bool pt_protect(uint64_t start, uint64_t end, bool write, bool exec, bool none);
/* pt_move: move the entries of [from, from + len) to @to, which is empty. 0 or -ENOMEM. */
int pt_move(uint64_t from, uint64_t to, uint64_t len);
/* pt_wipe: unmap everything and free the tables. */
void pt_wipe(void);
void tlb_flush(void);

/* ---- mm.c: mappings ------------------------------------------------------------------ */

struct vma {
	uint64_t start, end;
	struct vma *prev, *next;
	struct file *file; /* counted; NULL = anonymous */
	uint64_t offset;   /* of start in the file, bytes */
	bool read, write, exec, shared;
	bool stack;
	const char *name;
};

struct mm {
	struct vma *first;
	struct vma *hit; /* last found */
	uint64_t brk_start, brk;
	uint64_t mapped_pages; /* all mappings, for RLIMIT_AS and statm */
	uint64_t table_pages;
};
extern struct mm mm;

/* vma_at: the first mapping that ends above @addr, or NULL. */
struct vma *vma_at(uint64_t addr);
/* vma_find: the mapping that holds @addr, or NULL. */
struct vma *vma_find(uint64_t addr);
/*
 * mm_map: make a mapping as described (start, end, file ... set; copied; the file counted
 * up), unmapping what is there. 0 or -ENOMEM.
 */
int mm_map(const struct vma *wanted);
int mm_unmap(uint64_t start, uint64_t end);
/* mm_gap: @len free bytes for a new mapping, or 0. */
uint64_t mm_gap(uint64_t len, uint64_t align);
/* vma_split: cut @v at @at, inside it; returns the upper part or NULL (no memory). */
struct vma *vma_split(struct vma *v, uint64_t at);
/* vma_merge: join @v with neighbours that are like it. @v may be gone afterwards. */
void vma_merge(struct vma *v);
/* mm_reset: forget all mappings (exec). */
void mm_reset(void);

#define FAULT_WRITE (1u << 0)
#define FAULT_EXEC  (1u << 1)
#define FAULT_TRAP  (1u << 2) /* the processor faulted: it has dropped its old translation */
/*
 * mm_fault: make @addr accessible.
 * 0; -EFAULT nothing mapped; -EACCES not allowed; -ENXIO behind the file's end; -EIO;
 * -ENOMEM.
 */
int mm_fault(uint64_t addr, unsigned int how);
/* mm_populate: map what is cheap of [start, end) ahead of its use; failures are ignored. */
void mm_populate(struct vma *v, uint64_t start, uint64_t end);
/* mm_copy_ahead: give the program its own copy of a small private writable file mapping. */
void mm_copy_ahead(struct vma *v, uint64_t start, uint64_t end);
/*
 * mm_reclaim: take back one page that was mapped ahead and never touched. NULL = none. It
 * has one reference and is zero.
 */
void *mm_reclaim(void);

/* ---- uaccess.c ----------------------------------------------------------------------- */

/* user_page_ready: can the kernel read (or write) user byte @addr now? Faults it in. */
bool user_page_ready(uint64_t addr, bool write);
/*
 * user_segs: user [addr, addr + len) as guest-physical pieces, at most @max of them.
 * Returns the bytes covered (0 = fault at the first) and their number in *ret_n.
 */
size_t user_segs(uint64_t addr, size_t len, bool write, struct nano_seg *segs, unsigned int max,
		 unsigned int *ret_n);

/* ---- hypercall.c --------------------------------------------------------------------- */

long hypercall(enum nano_hc nr, uint64_t a, uint64_t b, uint64_t c);
void guest_exit(int wait_status) __attribute__((noreturn));

/* ---- process.c ----------------------------------------------------------------------- */

void process_init(void);
/* runner_start: run the workload block with the common runner; returns when it is exec'd. */
void runner_start(void);

/* ---- clock.c ------------------------------------------------------------------------- */

void clock_init(void);
extern uint64_t clock_idle_ns; /* slept so far */

/* itimer_expired: NANO_EVENT_TIMER came. */
void itimer_expired(void);

/* ---- exec.c -------------------------------------------------------------------------- */

struct exec_args {
	char *strings;  /* argv then env strings, NUL-ended each, kmalloc'ed */
	uint64_t bytes; /* of strings */
	uint64_t room;  /* allocated */
	uint32_t argc, envc;
};
/*
 * exec_file: replace the program. @args is consumed. On failure before the point of no
 * return the old program is whole; after it, the process is killed.
 */
int exec_file(const char *path, struct file *file, struct exec_args *args);
void exec_args_free(struct exec_args *args);
int exec_args_add(struct exec_args *args, const char *s, uint32_t *count);

/* ---- signal.c ------------------------------------------------------------------------ */

/* signal_fault: a synchronous signal of the program itself; a blocked one kills. */
void signal_fault(int sig, int code, uint64_t addr, int trapno, uint64_t error);
void signal_exec(void); /* caught signals go back to default */
/* signal_deliver: before the return to the program: run what is pending. */
void signal_deliver(void);
/* events_collect: take what the monitor raised. */
void events_collect(void);
/* How often it has handed input to the terminal; who sleeps for input looks at it first. */
extern uint32_t input_events;

/* ---- sigframe.c ---------------------------------------------------------------------- */

struct siginfo_kept;
struct sig_action {
	uint64_t handler, flags, restorer, mask;
};
/* sigframe_push: set up the program to run @act's handler. False: its stack is unusable. */
bool sigframe_push(int sig, const struct sig_action *act, const void *siginfo, uint64_t old_mask);
/* sigframe_pop: undo it; the mask to restore goes to *ret_mask. */
bool sigframe_pop(uint64_t *ret_mask);

struct altstack {
	uint64_t sp, size;
	uint32_t flags;
};
extern struct altstack altstack;

#endif
