/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One measured start: launch a command, watch for the first byte of its output and for its
 * end, and stamp both on CLOCK_MONOTONIC. The waiting is done in poll(2), which the kernel
 * wakes at the event itself: there is no polling interval in the figures, and no observer
 * competing for the CPU.
 */
#ifndef IL_BENCH_LAUNCH_H
#define IL_BENCH_LAUNCH_H

#include "bench/command.h"
#include "runner/timeline.h"

/* What is kept of a start. */
struct sample {
	uint64_t order; /* position among all starts of the measurement */
	uint64_t round;
	bool ok;
	char *error;     /* owned; why not ok */
	int exit_status; /* of the command: 0-255, or 128 + the signal */
	/* All since the launch call; 0 = does not apply. */
	uint64_t total_ns;        /* to the command reaped */
	uint64_t ready_ns;        /* to the first byte of output */
	uint64_t after_output_ns; /* from the last byte of output to the command reaped */
	uint64_t teardown_ns;     /* from the workload's exit (timeline) to the command reaped */
	uint64_t workload_ns;     /* what the workload says it took ("ns N") */
	bool has_events;
	uint64_t events_ns[TL_EVENT_MAX]; /* since the launch call; 0 = has not happened */
};

void sample_done(struct sample *s); /* frees what it owns */

struct launch {
	const struct command *command;
	const struct output_rule *rule; /* what the output must be; NULL = anything */
	uint64_t timeout_ns;
	int null_fd;     /* an open /dev/null, 3 or above */
	int timeline_fd; /* memfd that the command writes its timeline to; -1 = none */
};

/*
 * launch_measure: start the command and wait for its end.
 * @ret  always set: a failed start is a sample too, with ok = false and the reason
 *
 * Thread-safe. Returns 0; or -EINTR when a signal asked the harness to stop (the command
 * has been killed and reaped, *ret is to be thrown away).
 */
int launch_measure(const struct launch *l, struct sample *ret) IL_MUST_CHECK;

/* What a known workload prints: '#' stands for any number of digits. */
struct output_rule {
	const char *program; /* file name of the workload */
	const char *pattern;
};

/* output_rule_find: the rule for the program @argv0, or NULL for a stranger. */
const struct output_rule *output_rule_find(const char *argv0);
/* output_rule_match: does @text follow @pattern? */
bool output_rule_match(const char *pattern, const char *text);

#endif
