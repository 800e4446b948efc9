/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crowd of idle instances of one subject: started one after another, asked whether they
 * live, ended together. What bench memory and bench density count.
 *
 * An idle workload prints a line when it is ready, answers every line it reads with one,
 * and ends when its input ends; so even a killed harness leaves none behind.
 */
#ifndef IL_BENCH_INSTANCES_H
#define IL_BENCH_INSTANCES_H

#include "bench/session.h"

struct instance {
	char id[48];
	pid_t pid;  /* of the command; 0 once reaped */
	int in_fd;  /* owned; its stdin */
	int out_fd; /* owned; its stdout */
	bool answered;
};

struct instances {
	const struct bench_env *env;
	const struct subject *subject;
	char *const *workload;
	struct instance *v; /* owned */
	size_t n, cap;
	int err_fd; /* owned; stderr of all, for the first words of a failure */
};

/* instances_init: an empty crowd. 0 or -errno. */
int instances_init(struct instances *set, const struct bench_env *env,
		   const struct subject *subject, char *const *workload,
		   struct il_err *err) IL_MUST_CHECK;

/*
 * instances_start: start one more and wait until it says that it is ready.
 * @ret_start_ns  from the launch call to the first byte of its output
 * Returns 0; -EINTR; or -errno with the reason, and what was started of it is removed.
 */
int instances_start(struct instances *set, uint64_t *ret_start_ns,
		    struct il_err *err) IL_MUST_CHECK;

/*
 * instances_alive: ask all of them; those that answer within @timeout_ns are counted.
 * Returns their number, or -EINTR.
 */
int instances_alive(struct instances *set, uint64_t timeout_ns, struct il_err *err) IL_MUST_CHECK;

/*
 * instances_stop: end all of them and remove what they left. Not interruptible: bounded by
 * its own timeouts. Also a scope closer; safe to call twice.
 */
void instances_stop(struct instances *set);

#endif
