/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload's stdin, stdout and stderr. An instance never holds the host's terminal:
 * what is not a terminal on the host's side is handed over as it is; a terminal is put
 * behind a pipe, or with -t behind a pseudo-terminal, and the supervisor copies.
 */
#ifndef IL_SANDBOX_STDIO_H
#define IL_SANDBOX_STDIO_H

#include "base/err.h"
#include "sandbox/kind.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#define STDIO_FLOWS    3
#define STDIO_BUF_SIZE 4096 /* PIPE_BUF: a pipe that polls writable takes it whole */

/* One direction of copying. */
struct stdio_flow {
	int from; /* -1 = this flow is not in use, or has ended */
	int to;
	bool owns_from;
	bool owns_to;    /* closed at the end of the flow */
	uint64_t *stamp; /* set to the time of the first byte; may be NULL */
	size_t start;
	size_t end; /* buf[start..end) waits to be written */
	char buf[STDIO_BUF_SIZE];
};

struct stdio {
	int child[3]; /* for the workload; -1 = /dev/null */
	bool owns_child[3];
	int master;   /* pseudo-terminal; -1 = none; closed with its flows' end */
	int host_tty; /* the host terminal in raw mode; -1 = none */
	struct termios saved;
	struct stdio_flow flows[STDIO_FLOWS]; /* in, out, err */
};

/*
 * stdio_open: prepare child[] for @run, and the host's terminal for -t.
 * Returns 0 or -errno; call stdio_close either way.
 */
int stdio_open(struct stdio *s, const struct sandbox_run *run, struct il_err *err) IL_MUST_CHECK;

/* stdio_started: the workload has its copies: close ours, or ends are never seen. */
void stdio_started(struct stdio *s);

/* stdio_resize: give the workload's terminal the size of the host's. */
void stdio_resize(struct stdio *s);

/*
 * stdio_poll_fds: what to wait for, at most 2 * STDIO_FLOWS entries. Returns their number.
 * stdio_pump: copy what is ready after poll(2).
 */
size_t stdio_poll_fds(const struct stdio *s, struct pollfd *fds);
void stdio_pump(struct stdio *s);

/* stdio_drain: the workload is gone: copy the output that is there still. */
void stdio_drain(struct stdio *s);

/* stdio_close: restore the terminal, close everything. Keeps errno. */
void stdio_close(struct stdio *s);

/*
 * stdio_raw: put terminal @fd into raw mode; stdio_restore: undo it.
 * Returns 0, or -errno; @ret_saved is what stdio_restore needs.
 */
int stdio_raw(int fd, struct termios *ret_saved) IL_MUST_CHECK;
void stdio_restore(int fd, const struct termios *saved);

#endif
