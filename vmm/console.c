// SPDX-License-Identifier: Apache-2.0
/*
 * The guest's console on the monitor's standard streams, and everything that sleeps.
 *
 * Blocking calls run with all signals blocked and open the caller's mask inside ppoll only:
 * a signal that comes between the look at boot->events and the sleep is not lost.
 */
#include "vmm/vm.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

/* How often stdin is looked at while a program computes and a tty wants its ^C. */
#define INPUT_LOOK_NS (50 * IL_NS_PER_MS)

#define ALL_STREAMS 7u

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / IL_NS_PER_S),
				 .tv_nsec = (long)(ns % IL_NS_PER_S)};
}

/* ---- the timer ---------------------------------------------------------------------- */

static int arm(struct nano_vm *vm)
{
	uint64_t next = vm->timer_end_ns;
	uint64_t now = il_now_ns();

	if (!vm->has_timer) {
		struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL};

		ev._sigev_un._tid = vm->vcpu_tid;
		if (timer_create(CLOCK_MONOTONIC, &ev, &vm->timer) < 0)
			return -errno;
		vm->has_timer = true;
	}
	if (vm->notify_input && (next == 0 || next > now + INPUT_LOOK_NS))
		next = now + INPUT_LOOK_NS;
	struct itimerspec spec = {.it_value = to_timespec(next)};
	return timer_settime(vm->timer, TIMER_ABSTIME, &spec, NULL) < 0 ? -errno : 0;
}

static void raise_event(struct nano_vm *vm, uint32_t event)
{
	__atomic_fetch_or(&vm->boot->events, event, __ATOMIC_SEQ_CST);
}

void timer_look(struct nano_vm *vm, bool rearm)
{
	if (!vm->has_timer)
		return;
	if (vm->timer_end_ns && il_now_ns() >= vm->timer_end_ns) {
		vm->timer_end_ns = 0;
		raise_event(vm, NANO_EVENT_TIMER);
	}
	if (!rearm)
		return;
	if (vm->notify_input) {
		struct pollfd fd = {.fd = vm->cfg.stdio[0], .events = POLLIN};

		if (poll(&fd, 1, 0) > 0)
			raise_event(vm, NANO_EVENT_INPUT);
	}
	(void)arm(vm);
}

/* The guest asked to be told of input: does one of the @n descriptors look for it already? */
static bool input_watched(const struct nano_vm *vm, const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].fd == vm->cfg.stdio[0] && (fds[i].events & POLLIN))
			return true;
	return !vm->notify_input;
}

static int poll_once(struct nano_vm *vm, struct pollfd *fds, nfds_t n, const struct timespec *ts,
		     const sigset_t *mask)
{
	struct pollfd all[4];
	bool extra = !input_watched(vm, fds, n);

	for (nfds_t i = 0; i < n; i++)
		all[i] = fds[i];
	all[n] = (struct pollfd){.fd = extra ? vm->cfg.stdio[0] : -1, .events = POLLIN};
	if (ppoll(all, n + extra, ts, mask) < 0)
		return -errno;
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = all[i].revents;
	if (extra && all[n].revents) {
		raise_event(vm, NANO_EVENT_INPUT);
		return -EINTR;
	}
	return 0;
}

/*
 * Sleep until one of @n <= 3 descriptors is ready; @timeout_ns UINT64_MAX = for ever.
 * Returns the number of ready ones, 0 after the time, -EINTR when the guest has an event.
 */
static int sleep_on(struct nano_vm *vm, struct pollfd *fds, nfds_t n, uint64_t timeout_ns)
{
	uint64_t end = il_now_ns() + timeout_ns;
	/* A time too large for the sum is as good as none. */
	bool for_ever = timeout_ns == UINT64_MAX || end < timeout_ns;
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	do {
		uint64_t now = il_now_ns();
		struct timespec ts = to_timespec(end > now ? end - now : 0);

		timer_look(vm, /* rearm= */ false);
		r = events_pending(vm) ? -EINTR
				       : poll_once(vm, fds, n, for_ever ? NULL : &ts, &old);
	} while (r == -EINTR && !events_pending(vm));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (vm->notify_input)
		(void)arm(vm);
	if (r < 0)
		return r;
	for (nfds_t i = 0; i < n; i++)
		r += fds[i].revents != 0;
	return r;
}

int64_t vm_console_wait(struct nano_vm *vm, uint64_t streams, uint64_t timeout_ns)
{
	struct pollfd fds[3];
	uint64_t ready = 0;

	if (streams & ~(uint64_t)ALL_STREAMS)
		return -EINVAL;
	for (int i = 0; i < 3; i++) {
		bool wanted = streams & (1u << i);

		fds[i] = (struct pollfd){.fd = wanted ? vm->cfg.stdio[i] : -1,
					 .events = i == 0 ? POLLIN : POLLOUT};
		/* A stream that is not there is always "ready": its read ends, its write fails. */
		if (wanted && vm->cfg.stdio[i] < 0)
			ready |= 1u << i;
	}
	int r = sleep_on(vm, fds, 3, ready ? 0 : timeout_ns);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++)
		if (fds[i].revents)
			ready |= 1u << i;
	return (int64_t)ready;
}

/* Host view of the guest's pieces; returns their number or -EFAULT. Keeps at most @max bytes. */
static int make_iov(struct nano_vm *vm, const struct nano_seg *segs, uint64_t n, bool write,
		    uint64_t max, struct iovec *iov)
{
	int used = 0;

	for (uint64_t i = 0; i < n && max > 0; i++) {
		uint64_t len = segs[i].len < max ? segs[i].len : max;
		void *hva = memory_at(&vm->mem, segs[i].gpa, segs[i].len, write);

		if (!hva)
			return -EFAULT;
		if (len == 0)
			continue;
		iov[used++] = (struct iovec){.iov_base = hva, .iov_len = len};
		max -= len;
	}
	return used;
}

static void note_first_output(struct nano_vm *vm)
{
	if (vm->cfg.timeline->ns[TL_READY] == 0)
		vm->cfg.timeline->ns[TL_READY] = il_now_ns();
}

/* Move past @done bytes. */
static void skip_segs(struct nano_seg **segs, uint64_t *n, uint64_t done)
{
	while (*n > 0 && done >= (*segs)->len) {
		done -= (*segs)->len;
		(*segs)++;
		(*n)--;
	}
	if (*n > 0) {
		(*segs)->gpa += done;
		(*segs)->len -= done;
	}
}

int64_t vm_console_write(struct nano_vm *vm, uint64_t stream, const struct nano_seg *segs,
			 uint64_t n)
{
	struct nano_seg copy[NANO_SEG_MAX], *left = copy;
	struct iovec iov[NANO_SEG_MAX];
	int64_t total = 0;

	if (stream != 1 && stream != 2)
		return -EINVAL;
	if (vm->cfg.stdio[stream] < 0)
		return -EBADF;
	for (uint64_t i = 0; i < n; i++)
		copy[i] = segs[i];
	skip_segs(&left, &n, 0);
	while (n > 0) {
		struct pollfd fd = {.fd = vm->cfg.stdio[stream], .events = POLLOUT};
		int r = sleep_on(vm, &fd, 1, UINT64_MAX);

		if (r < 0)
			return total ? total : r;
		/* A pipe that is writable takes PIPE_BUF bytes without blocking. */
		int used = make_iov(vm, left, n, false, PIPE_BUF, iov);
		if (used < 0)
			return total ? total : used;
		ssize_t done = writev(fd.fd, iov, used);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return total ? total : -errno;
		note_first_output(vm);
		total += done;
		skip_segs(&left, &n, (uint64_t)done);
	}
	return total;
}

int64_t vm_console_read(struct nano_vm *vm, bool nonblock, const struct nano_seg *segs, uint64_t n)
{
	struct iovec iov[NANO_SEG_MAX];
	int used = make_iov(vm, segs, n, true, INT64_MAX, iov);

	if (used <= 0)
		return used;
	if (vm->cfg.stdio[0] < 0)
		return 0;
	for (;;) {
		struct pollfd fd = {.fd = vm->cfg.stdio[0], .events = POLLIN};
		int r = sleep_on(vm, &fd, 1, nonblock ? 0 : UINT64_MAX);

		if (r <= 0)
			return r < 0 ? r : -EAGAIN;
		ssize_t done = readv(fd.fd, iov, used);
		if (done >= 0)
			return done;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
}

/* ---- the timer's calls ---------------------------------------------------------------- */

int64_t timer_set(struct nano_vm *vm, uint64_t ns)
{
	uint64_t now = il_now_ns();

	/* A century is as good as never. */
	vm->timer_end_ns = ns == 0 ? 0 : now + (ns < 3000000000 * IL_NS_PER_S ? ns : 0);
	if (vm->timer_end_ns == now)
		vm->timer_end_ns = 0;
	return vm->has_timer || vm->timer_end_ns ? arm(vm) : 0;
}

int64_t vm_console_notify(struct nano_vm *vm, bool on)
{
	vm->notify_input = on && vm->cfg.stdio[0] >= 0;
	return vm->has_timer || vm->notify_input ? arm(vm) : 0;
}
