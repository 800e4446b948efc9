// SPDX-License-Identifier: Apache-2.0
/*
 * Signals of the one process. Source: signal(7), sigaction(2).
 */
#include "guest/nano/signal.h"
#include "guest/nano/sys.h"

#include <linux/time_types.h>

#define SIG_BIT(sig) (1ull << ((sig)-1))
#define UNBLOCKABLE  (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define NSIGNALS     64
/* Synchronous signals go first. */
#define FAULTS                                                                                     \
	(SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) |                 \
	 SIG_BIT(SIGFPE) | SIG_BIT(SIGSYS))
#define IGNORED_BY_DEFAULT                                                                         \
	(SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGCONT))
/* There is nobody who could continue a stopped pid 1: stopping is ignored. */
#define STOPS (SIG_BIT(SIGSTOP) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define DUMPS_CORE                                                                                 \
	(SIG_BIT(SIGQUIT) | SIG_BIT(SIGILL) | SIG_BIT(SIGTRAP) | SIG_BIT(SIGABRT) |                \
	 SIG_BIT(SIGBUS) | SIG_BIT(SIGFPE) | SIG_BIT(SIGSEGV) | SIG_BIT(SIGXCPU) |                 \
	 SIG_BIT(SIGXFSZ) | SIG_BIT(SIGSYS))

static struct {
	uint64_t pending, blocked;
	uint64_t saved_mask; /* what was blocked before signal_temp_mask */
	bool has_saved_mask;
	struct sig_action actions[NSIGNALS];
	struct sig_info infos[NSIGNALS]; /* of the pending ones */
} sig;

static bool ignored(int nr)
{
	uint64_t h = sig.actions[nr - 1].handler;

	if (h == HANDLER_IGNORE)
		return true;
	return h == HANDLER_DEFAULT && ((IGNORED_BY_DEFAULT | STOPS) & SIG_BIT(nr));
}

static void raise_with(int nr, struct sig_info info)
{
	if (nr < 1 || nr > NSIGNALS)
		return;
	if (ignored(nr) && !(sig.blocked & SIG_BIT(nr)))
		return;
	if (!(sig.pending & SIG_BIT(nr)))
		sig.infos[nr - 1] = info;
	sig.pending |= SIG_BIT(nr);
}

void signal_send(int nr)
{
	raise_with(nr, (struct sig_info){.code = SI_KERNEL});
}

uint32_t input_events;

void events_collect(void)
{
	uint32_t events;
	uint64_t raised;

	if (!boot.events)
		return;
	events = __atomic_exchange_n(&boot.events, 0, __ATOMIC_SEQ_CST);
	raised = __atomic_exchange_n(&boot.signals, 0, __ATOMIC_SEQ_CST);
	for (; raised; raised &= raised - 1)
		raise_with(__builtin_ctzll(raised) + 1, (struct sig_info){.code = SI_USER});
	if (events & NANO_EVENT_TIMER)
		itimer_expired();
	if (events & NANO_EVENT_WINSIZE)
		console_winsize_event();
	if (events & NANO_EVENT_INPUT) {
		input_events++;
		console_input_event();
	}
}

bool signal_pending(void)
{
	events_collect();
	return sig.pending & ~sig.blocked;
}

void signal_masks(uint64_t *pending, uint64_t *blocked, uint64_t *ign, uint64_t *caught)
{
	*pending = sig.pending;
	*blocked = sig.blocked;
	*ign = *caught = 0;
	for (int i = 0; i < NSIGNALS; i++) {
		if (sig.actions[i].handler == HANDLER_IGNORE)
			*ign |= 1ull << i;
		else if (sig.actions[i].handler != HANDLER_DEFAULT)
			*caught |= 1ull << i;
	}
}

static void die(int nr)
{
	guest_exit(nr | (SIG_BIT(nr) & DUMPS_CORE ? 0x80 : 0));
}

void signal_fault(int nr, int code, uint64_t addr, int trapno, uint64_t error)
{
	uint64_t h;

	if (nr == SIGKILL)
		die(nr);
	h = sig.actions[nr - 1].handler;
	/* A fault can't wait, and returning to the instruction would only repeat it. */
	if ((sig.blocked & SIG_BIT(nr)) || h == HANDLER_IGNORE || h == HANDLER_DEFAULT) {
		kprintf("signal %d at rip %lx, address %lx", nr, cpu_area.regs.rip, addr);
		die(nr);
	}
	sig.pending &= ~SIG_BIT(nr);
	raise_with(
	    nr, (struct sig_info){.code = code, .value = addr, .trapno = trapno, .error = error});
}

static int next_signal(void)
{
	uint64_t ready = sig.pending & ~sig.blocked;

	if (ready & FAULTS)
		ready &= FAULTS;
	return ready ? __builtin_ctzll(ready) + 1 : 0;
}

/* The interrupted call is made again from its `syscall` instruction. */
static void restart_call(void)
{
	struct user_regs *r = &cpu_area.regs;

	r->rax = r->orig_rax;
	r->rip -= 2;
	r->orig_rax = -1ull;
}

static bool call_interrupted(void)
{
	return cpu_area.regs.orig_rax != -1ull && (int64_t)cpu_area.regs.rax == -ERESTARTSYS;
}

static void run_handler(int nr)
{
	struct sig_action act = sig.actions[nr - 1];
	uint64_t old = sig.has_saved_mask ? sig.saved_mask : sig.blocked;

	if (call_interrupted()) {
		if (act.flags & SA_RESTART)
			restart_call();
		else
			cpu_area.regs.rax = (uint64_t)-EINTR;
	}
	sig.has_saved_mask = false;
	if (!sigframe_push(nr, &act, &sig.infos[nr - 1], old))
		die(SIGSEGV);
	if (act.flags & SA_RESETHAND)
		sig.actions[nr - 1].handler = HANDLER_DEFAULT;
	sig.blocked |= act.mask;
	if (!(act.flags & SA_NODEFER))
		sig.blocked |= SIG_BIT(nr);
	sig.blocked &= ~UNBLOCKABLE;
}

void signal_deliver(void)
{
	int nr;

	events_collect();
	while ((nr = next_signal())) {
		sig.pending &= ~SIG_BIT(nr);
		if (ignored(nr))
			continue;
		if (sig.actions[nr - 1].handler == HANDLER_DEFAULT)
			die(nr);
		run_handler(nr);
	}
	if (call_interrupted())
		restart_call();
	if (sig.has_saved_mask) {
		sig.blocked = sig.saved_mask;
		sig.has_saved_mask = false;
	}
}

void signal_exec(void)
{
	for (int i = 0; i < NSIGNALS; i++)
		if (sig.actions[i].handler != HANDLER_IGNORE &&
		    sig.actions[i].handler != HANDLER_DEFAULT)
			sig.actions[i] = (struct sig_action){.handler = HANDLER_DEFAULT};
	altstack = (struct altstack){.flags = SS_DISABLE};
}

long signal_temp_mask(uint64_t addr, size_t size)
{
	uint64_t mask;

	if (!addr)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, addr, sizeof(mask)))
		return -EFAULT;
	sig.saved_mask = sig.blocked;
	sig.has_saved_mask = true;
	sig.blocked = mask & ~UNBLOCKABLE;
	return 0;
}

/* ---- system calls -------------------------------------------------------------------- */

/* The kernel's struct sigaction on x86-64 is struct sig_action. */
long sys_rt_sigaction(const uint64_t *a)
{
	uint64_t nr = a[0];
	struct sig_action new, old;

	if (a[3] != 8 || nr < 1 || nr > NSIGNALS || (a[1] && (nr == SIGKILL || nr == SIGSTOP)))
		return -EINVAL;
	old = sig.actions[nr - 1];
	if (a[1]) {
		if (copy_from_user(&new, a[1], sizeof(new)))
			return -EFAULT;
		new.mask &= ~UNBLOCKABLE;
		sig.actions[nr - 1] = new;
		if (ignored((int)nr))
			sig.pending &= ~SIG_BIT(nr);
	}
	return a[2] ? copy_to_user(a[2], &old, sizeof(old)) : 0;
}

long sys_rt_sigprocmask(const uint64_t *a)
{
	uint64_t old = sig.blocked, set;

	if (a[3] != 8)
		return -EINVAL;
	if (a[1]) {
		if (copy_from_user(&set, a[1], sizeof(set)))
			return -EFAULT;
		switch ((int)a[0]) {
		case SIG_BLOCK:
			sig.blocked |= set;
			break;
		case SIG_UNBLOCK:
			sig.blocked &= ~set;
			break;
		case SIG_SETMASK:
			sig.blocked = set;
			break;
		default:
			return -EINVAL;
		}
		sig.blocked &= ~UNBLOCKABLE;
	}
	return a[2] ? copy_to_user(a[2], &old, sizeof(old)) : 0;
}

long sys_rt_sigpending(const uint64_t *a)
{
	uint64_t set = sig.pending & sig.blocked;

	if (a[1] > 8)
		return -EINVAL;
	return copy_to_user(a[0], &set, a[1]);
}

long sys_rt_sigsuspend(const uint64_t *a)
{
	long r = a[0] ? signal_temp_mask(a[0], a[1]) : -EFAULT;

	return r < 0 ? r : console_wait(0, WAIT_FOREVER);
}

long sys_pause(const uint64_t *a)
{
	(void)a;
	return console_wait(0, WAIT_FOREVER);
}

/* Take one pending signal of @set; 0 = none. */
static int take(uint64_t set, struct sig_info *ret)
{
	uint64_t ready = sig.pending & set;

	if (!ready)
		return 0;
	int nr = __builtin_ctzll(ready) + 1;
	sig.pending &= ~SIG_BIT(nr);
	*ret = sig.infos[nr - 1];
	return nr;
}

long sys_rt_sigtimedwait(const uint64_t *a)
{
	struct __kernel_timespec ts;
	uint64_t set, timeout = WAIT_FOREVER, blocked = sig.blocked;
	struct sig_info info;
	char out[SIGINFO_BYTES];
	int nr;

	if (a[3] != 8)
		return -EINVAL;
	if (copy_from_user(&set, a[0], sizeof(set)))
		return -EFAULT;
	if (a[2]) {
		if (copy_from_user(&ts, a[2], sizeof(ts)))
			return -EFAULT;
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000)
			return -EINVAL;
		timeout = (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
	}
	events_collect();
	nr = take(set, &info);
	if (!nr) {
		sig.blocked &= ~set; /* so that they wake us */
		long r = console_wait(0, timeout);
		sig.blocked = blocked;
		nr = take(set, &info);
		if (!nr)
			return r == -EINTR ? -EINTR : -EAGAIN;
	}
	siginfo_make(nr, &info, out);
	if (a[1] && copy_to_user(a[1], out, sizeof(out)))
		return -EFAULT;
	return nr;
}

long sys_rt_sigreturn(const uint64_t *a)
{
	uint64_t mask;

	(void)a;
	if (!sigframe_pop(&mask))
		die(SIGSEGV);
	sig.blocked = mask & ~UNBLOCKABLE;
	/* syscall_enter stores our result in rax: give it the restored one. */
	return (long)cpu_area.regs.rax;
}

static long send_self(uint64_t nr, int code)
{
	const struct process *p = current;

	if (nr > NSIGNALS)
		return -EINVAL;
	if (nr)
		raise_with((int)nr,
			   (struct sig_info){.code = code, .pid = (uint32_t)p->pid, .uid = p->uid});
	return 0;
}

long sys_kill(const uint64_t *a)
{
	int pid = (int)a[0];

	if (pid != current->pid && pid != 0 && pid != -current->pgid && pid != -1)
		return a[1] > NSIGNALS ? -EINVAL : -ESRCH;
	/* kill(-1) leaves the caller out, and there is nobody else. */
	if (pid == -1)
		return -ESRCH;
	return send_self(a[1], SI_USER);
}

long sys_tkill(const uint64_t *a)
{
	if ((int)a[0] <= 0)
		return -EINVAL;
	return (int)a[0] == current->pid ? send_self(a[1], SI_TKILL) : -ESRCH;
}

long sys_tgkill(const uint64_t *a)
{
	if ((int)a[0] <= 0 || (int)a[1] <= 0)
		return -EINVAL;
	if ((int)a[0] != current->pid || (int)a[1] != current->pid)
		return -ESRCH;
	return send_self(a[2], SI_TKILL);
}

long sys_rt_sigqueueinfo(const uint64_t *a)
{
	struct {
		int signo, error, code, pad;
		uint32_t pid, uid;
		uint64_t value;
	} in;

	if (copy_from_user(&in, a[2], sizeof(in)))
		return -EFAULT;
	if ((int)a[0] != current->pid)
		return -ESRCH;
	if (a[1] > NSIGNALS)
		return -EINVAL;
	if (a[1])
		raise_with((int)a[1],
			   (struct sig_info){
			       .code = in.code, .pid = in.pid, .uid = in.uid, .value = in.value});
	return 0;
}
