// SPDX-License-Identifier: Apache-2.0
/*
 * The frame that a signal handler finds on its stack, as the x86-64 kernel ABI has it:
 *
 *   high  floating point state (XSAVE area), 64-aligned
 *         struct rt_frame: return address, ucontext, siginfo
 *   low   <- rsp of the handler
 *
 * Source: Linux arch/x86/include/uapi/asm/{sigcontext,ucontext}.h (the layouts).
 */
#include "guest/nano/signal.h"
#include "guest/nano/sys.h"

#include <asm/sigcontext.h>

#define RED_ZONE             128
#define XSAVE_MAX            16384
#define UC_FP_XSTATE         1u
#define UC_SIGCONTEXT_SS     2u
#define UC_STRICT_RESTORE_SS 4u
/* Flags a handler may change for the interrupted program. Source: FIX_EFLAGS of Linux. */
#define USER_FLAGS 0x50dd5ull

struct kernel_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};

struct kernel_ucontext {
	uint64_t flags, link;
	struct kernel_stack stack;
	struct sigcontext_64 mc;
	uint64_t sigmask;
};

struct rt_frame {
	uint64_t restorer;
	struct kernel_ucontext uc;
	char siginfo[SIGINFO_BYTES];
};

struct altstack altstack = {.flags = SS_DISABLE};

static uint64_t xgetbv0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

/* Bytes of an XSAVE area for what XCR0 has turned on. */
static uint32_t xsave_bytes(void)
{
	static uint32_t bytes;
	uint32_t a = 0xd, b, c = 0, d;

	if (!bytes) {
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		bytes = b;
	}
	return bytes;
}

static bool on_altstack(uint64_t sp)
{
	return !(altstack.flags & SS_DISABLE) && sp > altstack.sp &&
	       sp - altstack.sp <= altstack.size;
}

void siginfo_make(int sig, const struct sig_info *info, char *out)
{
	int head[3] = {sig, 0, info->code};
	uint32_t who[2] = {info->pid, info->uid};

	memset(out, 0, SIGINFO_BYTES);
	memcpy(out, head, sizeof(head));
	if (info->trapno || info->code > 0) {
		memcpy(out + 16, &info->value, 8); /* si_addr */
		return;
	}
	memcpy(out + 16, who, sizeof(who)); /* si_pid, si_uid */
	memcpy(out + 24, &info->value, 8);  /* si_value */
}

static bool ready(uint64_t addr, uint64_t len, bool write)
{
	for (uint64_t p = page_down(addr); p < addr + len; p += PAGE_SIZE)
		if (!user_page_ready(p, write))
			return false;
	return true;
}

/* Save the floating point state at user address @at, with the marks that say its size. */
static bool save_fpu(uint64_t at, uint32_t bytes)
{
	uint64_t mask = xgetbv0();
	struct _fpx_sw_bytes sw = {.magic1 = FP_XSTATE_MAGIC1,
				   .extended_size = bytes + FP_XSTATE_MAGIC2_SIZE,
				   .xfeatures = mask,
				   .xstate_size = bytes};
	uint32_t magic2 = FP_XSTATE_MAGIC2;

	if (!ready(at, bytes + FP_XSTATE_MAGIC2_SIZE, true))
		return false;
	memset((void *)(at + 512), 0, 64); /* XSAVE does not clear its header */
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(at), "a"((uint32_t)mask), "d"((uint32_t)(mask >> 32))
			 : "memory");
	memcpy((void *)(at + 464), &sw, sizeof(sw));
	memcpy((void *)(at + bytes), &magic2, sizeof(magic2));
	return true;
}

/*
 * Load the state at user address @at. It is copied and checked first: XRSTOR faults on a
 * header that it does not like.
 */
static bool load_fpu(uint64_t at)
{
	uint32_t bytes = xsave_bytes(), mxcsr, mxcsr_mask;
	uint64_t mask = xgetbv0(), header[8], want = mask;
	bool ok = false;
	char *raw, *area;

	if (!at)
		return true;
	if (bytes > XSAVE_MAX || (at & 63))
		return false;
	raw = kzalloc(bytes + 64);
	if (!raw)
		return false;
	area = (char *)(((uint64_t)raw + 63) & ~63ull);
	if (copy_from_user(area, at, bytes))
		goto out;
	memcpy(&mxcsr, area + 24, 4);
	memcpy(&mxcsr_mask, area + 28, 4);
	memcpy(header, area + 512, sizeof(header));
	for (int i = 1; i < 8; i++)
		if (header[i])
			goto out;
	mxcsr &= 0xffff & (mxcsr_mask ? mxcsr_mask : 0xffbf);
	memcpy(area + 24, &mxcsr, 4);
	header[0] &= mask;
	memcpy(area + 512, header, 8);
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(area), "a"((uint32_t)want), "d"((uint32_t)(want >> 32))
			 : "memory");
	ok = true;
out:
	kfree(raw);
	return ok;
}

static void save_regs(struct sigcontext_64 *mc, const struct sig_info *info, uint64_t mask)
{
	const struct user_regs *r = &cpu_area.regs;

	mc->r8 = r->r8;
	mc->r9 = r->r9;
	mc->r10 = r->r10;
	mc->r11 = r->r11;
	mc->r12 = r->r12;
	mc->r13 = r->r13;
	mc->r14 = r->r14;
	mc->r15 = r->r15;
	mc->di = r->rdi;
	mc->si = r->rsi;
	mc->bp = r->rbp;
	mc->bx = r->rbx;
	mc->dx = r->rdx;
	mc->ax = r->rax;
	mc->cx = r->rcx;
	mc->sp = r->rsp;
	mc->ip = r->rip;
	mc->flags = r->rflags;
	mc->cs = (uint16_t)r->cs;
	mc->ss = (uint16_t)r->ss;
	mc->err = info->error;
	mc->trapno = (uint64_t)info->trapno;
	mc->cr2 = info->trapno == 14 ? info->value : 0;
	mc->oldmask = mask;
}

static void load_regs(const struct sigcontext_64 *mc)
{
	struct user_regs *r = &cpu_area.regs;

	r->r8 = mc->r8;
	r->r9 = mc->r9;
	r->r10 = mc->r10;
	r->r11 = mc->r11;
	r->r12 = mc->r12;
	r->r13 = mc->r13;
	r->r14 = mc->r14;
	r->r15 = mc->r15;
	r->rdi = mc->di;
	r->rsi = mc->si;
	r->rbp = mc->bp;
	r->rbx = mc->bx;
	r->rdx = mc->dx;
	r->rax = mc->ax;
	r->rcx = mc->cx;
	r->rsp = mc->sp;
	r->rip = mc->ip;
	r->rflags = (r->rflags & ~USER_FLAGS) | (mc->flags & USER_FLAGS);
	r->orig_rax = -1ull;
}

bool sigframe_push(int sig, const struct sig_action *act, const void *siginfo, uint64_t old_mask)
{
	const struct sig_info *info = siginfo;
	struct user_regs *r = &cpu_area.regs;
	uint32_t fpu_bytes = xsave_bytes();
	struct rt_frame frame = {.restorer = act->restorer};
	uint64_t sp = r->rsp - RED_ZONE, fpu;

	if ((act->flags & SA_ONSTACK) && !(altstack.flags & SS_DISABLE) && !on_altstack(r->rsp))
		sp = altstack.sp + altstack.size;
	fpu = (sp - fpu_bytes - FP_XSTATE_MAGIC2_SIZE) & ~63ull;
	/* As after a call: 16-aligned plus the return address. */
	sp = ((fpu - sizeof(frame)) & ~15ull) - 8;
	if (sp > r->rsp && !(act->flags & SA_ONSTACK))
		return false; /* wrapped */
	if (!save_fpu(fpu, fpu_bytes))
		return false;
	frame.uc.flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	frame.uc.stack = (struct kernel_stack){
	    .sp = altstack.sp, .flags = (int32_t)altstack.flags, .size = altstack.size};
	frame.uc.sigmask = old_mask;
	frame.uc.mc.fpstate = fpu;
	save_regs(&frame.uc.mc, info, old_mask);
	siginfo_make(sig, info, frame.siginfo);
	if (copy_to_user(sp, &frame, sizeof(frame)))
		return false;
	r->rdi = (uint64_t)sig;
	r->rsi = sp + offsetof(struct rt_frame, siginfo);
	r->rdx = sp + offsetof(struct rt_frame, uc);
	r->rax = 0;
	r->rip = act->handler;
	r->rsp = sp;
	r->rflags &= ~0x10500ull; /* DF, TF, RF */
	r->orig_rax = -1ull;
	return true;
}

bool sigframe_pop(uint64_t *ret_mask)
{
	struct rt_frame frame;
	/* The handler's `ret` took the return address off. */
	uint64_t sp = cpu_area.regs.rsp - 8;

	if (copy_from_user(&frame, sp, sizeof(frame)))
		return false;
	if (!load_fpu(frame.uc.mc.fpstate))
		return false;
	load_regs(&frame.uc.mc);
	if (cpu_area.regs.rip >= USER_END)
		return false;
	altstack.sp = frame.uc.stack.sp;
	altstack.size = frame.uc.stack.size;
	altstack.flags = (uint32_t)frame.uc.stack.flags & SS_DISABLE;
	*ret_mask = frame.uc.sigmask;
	return true;
}

long sys_sigaltstack(const uint64_t *a)
{
	bool busy = on_altstack(cpu_area.regs.rsp);
	struct kernel_stack old = {.sp = altstack.sp,
				   .size = altstack.size,
				   .flags = (int32_t)(altstack.flags | (busy ? SS_ONSTACK : 0))};
	struct kernel_stack new;

	if (a[0]) {
		if (copy_from_user(&new, a[0], sizeof(new)))
			return -EFAULT;
		if (busy)
			return -EPERM;
		if (new.flags & ~(SS_DISABLE | SS_ONSTACK))
			return -EINVAL;
		if (!(new.flags &SS_DISABLE) && new.size < 2048)
			return -ENOMEM;
		altstack = (struct altstack){
		    .sp = new.sp, .size = new.size, .flags = (uint32_t) new.flags &SS_DISABLE};
	}
	return a[1] ? copy_to_user(a[1], &old, sizeof(old)) : 0;
}
