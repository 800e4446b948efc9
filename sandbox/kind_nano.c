// SPDX-License-Identifier: Apache-2.0
/*
 * The nano kind: this process becomes the VM's monitor. Signals are passed to the guest
 * from handlers, since the only thread is inside the VM.
 */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sandbox/instance.h"
#include "sandbox/supervise.h"
#include "vmm/nano.h"

#define KVM_PATH        "/dev/kvm"
#define DEFAULT_MEMORY  (512ull << 20) /* address space: only touched pages cost memory */
#define MIN_MEMORY      (16ull << 20)
#define MAX_MEMORY      (64ull << 30)
#define GUEST_PAGE_SIZE 4096ull

/* For the handlers, which get nothing else. Set before they are installed. */
static struct nano_vm *handler_vm;
static int handler_tty = -1;

static void on_signal(int sig, siginfo_t *si, void *context)
{
	int saved = errno;

	(void)context;
	if (sig == SANDBOX_ASK_SIGNAL && si->si_code == SI_QUEUE) {
		int wanted = si->si_value.sival_int - SANDBOX_ASK_MAGIC;

		if (wanted > 0 && wanted <= SIGRTMAX)
			sig = wanted;
	}
	nano_signal(handler_vm, sig);
	errno = saved;
}

static void on_resize(int sig)
{
	int saved = errno;
	struct winsize size;

	(void)sig;
	if (ioctl(handler_tty, TIOCGWINSZ, &size) == 0)
		nano_resize(handler_vm, size.ws_row, size.ws_col);
	errno = saved;
}

static int install_handlers(struct nano_vm *vm, int tty, struct il_err *err)
{
	struct sigaction forward = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction resize = {.sa_handler = on_resize, .sa_flags = SA_RESTART};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	handler_vm = vm;
	handler_tty = tty;
	sigfillset(&forward.sa_mask);
	sigfillset(&resize.sa_mask);
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		bool wanted = supervise_forwards(sig) || sig == SANDBOX_ASK_SIGNAL;

		if (wanted && sigaction(sig, &forward, NULL) < 0)
			return il_fail(err, errno, "catch signal %d", sig);
	}
	/* A reader of the output that went away is an error code for the guest. */
	if (sigaction(SIGPIPE, &ignore, NULL) < 0 ||
	    (tty >= 0 && sigaction(SIGWINCH, &resize, NULL) < 0))
		return il_fail(err, errno, "catch a signal");
	return 0;
}

static int nano_kind_probe(struct il_err *err)
{
	return nano_probe(KVM_PATH, err);
}

static int nano_check(const struct sandbox_options *o, struct il_err *err)
{
	if (o->cpu_milli || o->pids_max)
		return il_refuse(err, ENOTSUP, "%s is not supported yet with --as nano",
				 o->cpu_milli ? "--cpus" : "--pids-limit");
	if (o->net == SANDBOX_NET_HOST)
		return il_refuse(err, ENOTSUP, "--network host is not possible with --as nano");
	if (o->memory_bytes && (o->memory_bytes < MIN_MEMORY || o->memory_bytes > MAX_MEMORY))
		return il_refuse(err, ERANGE, "--memory must be between 16m and 64g for a nano VM");
	return 0;
}

/* Runs @vm with the host's terminal, if any, in raw mode and signals passed on. */
static int run_vm(struct nano_vm *vm, const struct sandbox_run *run, int *ret_status,
		  struct il_err *err)
{
	struct termios saved;
	int tty = run->tty && run->stdio[0] >= 0 && isatty(run->stdio[0]) ? run->stdio[0] : -1;
	int r = install_handlers(vm, run->tty ? 0 : -1, err);

	if (r < 0)
		return r;
	if (tty >= 0 && (r = stdio_raw(tty, &saved)) < 0)
		return il_fail(err, -r, "put the terminal into raw mode");
	r = nano_run(vm, ret_status, err);
	if (tty >= 0)
		stdio_restore(tty, &saved);
	return r;
}

/* From here on signals have nowhere to go; the VM they meant is no more. */
static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	handler_vm = NULL;
}

static int nano_kind_run(struct sandbox_run *run, int *ret_status, struct il_err *err)
{
	_cleanup_(freep) char *erofs = NULL;
	struct nano_vm *vm = NULL;
	uint64_t memory = run->options.memory_bytes ? run->options.memory_bytes : DEFAULT_MEMORY;
	int r = img_erofs(run->store, run->image, &erofs, err);

	if (r < 0)
		return sandbox_other_failure(r);
	run->timeline->ns[TL_PREPARED] = il_now_ns();
	struct nano_config cfg = {
	    .kvm_path = KVM_PATH,
	    .erofs_path = erofs,
	    .workload = run->workload,
	    .memory_bytes = (memory + GUEST_PAGE_SIZE - 1) & ~(GUEST_PAGE_SIZE - 1),
	    .debug = run->options.debug,
	    .stdio = {run->stdio[0], run->stdio[1], run->stdio[2]},
	    .timeline = run->timeline,
	};
	r = sandbox_other_failure(nano_create(&cfg, &vm, err));
	if (r == 0)
		r = run_vm(vm, run, ret_status, err);
	block_signals();
	if (r == 0 && run->timeline->ns[TL_EXITED] == 0)
		run->timeline->ns[TL_EXITED] = il_now_ns();
	nano_destroy(vm);
	return r;
}

const struct sandbox_kind sandbox_kind_nano = {
    .name = "nano",
    .description = "a KVM microVM with our own tiny guest kernel",
    .probe = nano_kind_probe,
    .check = nano_check,
    .run = nano_kind_run,
};
