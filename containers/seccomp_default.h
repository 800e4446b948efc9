/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's default seccomp profile as data, and its compiler. No other part of the
 * project is used in here: the generator that runs at build time links this too.
 */
#ifndef IL_CONTAINERS_SECCOMP_DEFAULT_H
#define IL_CONTAINERS_SECCOMP_DEFAULT_H

#include "base/err.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A condition on one argument of the call. */
enum seccomp_cond {
	COND_NONE,
	COND_EQ,        /* arg == value */
	COND_NE,        /* arg != value */
	COND_MASK_ZERO, /* (arg & value) == 0 */
};

/* One rule: these calls are allowed (or fail with @error) when caps and argument fit. */
struct seccomp_rule {
	const char *names; /* separated by spaces */
	uint64_t need_cap; /* mask; the container has this one; 0 = any container */
	uint64_t sans_cap; /* mask; the container lacks this one; 0 = any container */
	int error;         /* 0 = allow, else the errno that the call fails with */
	enum seccomp_cond cond;
	unsigned int arg; /* index of the argument of @cond */
	uint64_t value;
};

extern const struct seccomp_rule seccomp_default_rules[];
extern const size_t seccomp_default_rule_count;

/* What a call gets that no rule names. */
#define SECCOMP_DEFAULT_ERRNO 1 /* EPERM */

/* seccomp_rule_applies: is the rule part of the filter for a container with @caps? */
static inline int seccomp_rule_applies(const struct seccomp_rule *rule, uint64_t caps)
{
	return (caps & rule->need_cap) == rule->need_cap && (caps & rule->sans_cap) == 0;
}

/* A compiled filter. */
struct seccomp_program {
	struct sock_filter *insns; /* owned */
	unsigned short count;
};

/*
 * seccomp_pack: the same filter as @libseccomp's, which a compiled profile for @caps, in a
 * quarter of the instructions: the kernel translates a filter at each start of a
 * container, and takes its time over each instruction. Calls are looked up in a binary tree
 * of ranges with one verdict; only calls with a condition on an argument are written out.
 * Returns 0 and an owned program, or -errno.
 */
int seccomp_pack(const struct seccomp_program *libseccomp, uint64_t caps,
		 struct seccomp_program *ret, struct il_err *err) IL_MUST_CHECK;

/*
 * seccomp_eval: what @program decides about a call, as the kernel would.
 * @data          the call
 * @ret_used_arg  true when the verdict came from an argument of the call; may be NULL
 * Returns a SECCOMP_RET_* value; SECCOMP_RET_KILL_PROCESS for an invalid program.
 */
uint32_t seccomp_eval(const struct seccomp_program *program, const struct seccomp_data *data,
		      bool *ret_used_arg);

/*
 * seccomp_compile: the profile for a container with @caps as BPF, for the x86-64, i386 and
 * x32 system call tables. A call that is newer than every call of the profile gets
 * ENOSYS instead of EPERM, so that libc falls back, as runc does it.
 * Takes milliseconds. Returns 0 and an owned program, or -errno.
 */
int seccomp_compile(uint64_t caps, struct seccomp_program *ret, struct il_err *err) IL_MUST_CHECK;
void seccomp_program_done(struct seccomp_program *program);

#endif
