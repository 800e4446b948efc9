/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error convention (docs/errors.md): a function returns 0 or a non-negative
 * payload on success and -errno on failure, and puts the sentence for people into
 * a `struct il_err` that the caller owns.
 */
#ifndef IL_BASE_ERR_H
#define IL_BASE_ERR_H

#include "base/macros.h"

#define IL_ERR_MSG_MAX 512

struct il_err {
	int code; /* positive errno of the first failure; 0 = none */
	char msg[IL_ERR_MSG_MAX];
};

/*
 * il_fail: record a failure, unless @err already holds one (the first error wins).
 * @err   may be NULL
 * @code  errno value, positive; 0 is recorded as EIO so that a failure is never a success
 * @fmt   what failed, on what, without the errno text: ": strerror(code)" is appended
 *
 * Returns -code, for `return il_fail(...)`. Keeps errno.
 */
int il_fail(struct il_err *err, int code, const char *fmt, ...) IL_PRINTF(3, 4);

/*
 * il_refuse: like il_fail, but the sentence is complete: no errno text is appended.
 * For bad input, where "Invalid argument" would add nothing.
 */
int il_refuse(struct il_err *err, int code, const char *fmt, ...) IL_PRINTF(3, 4);

/*
 * Tells the compiler and the analyzers, which look at one file at a time, that a failure is
 * never 0: else they follow paths on which it is taken for a success.
 */
static inline int il_below_zero(int r)
{
	if (r >= 0)
		__builtin_unreachable();
	return r;
}
#define il_fail(...)   il_below_zero(il_fail(__VA_ARGS__))
#define il_refuse(...) il_below_zero(il_refuse(__VA_ARGS__))

/*
 * il_wrap: put the caller's step in front of the recorded message ("step: message").
 * @code  the failure being passed on, negative errno
 *
 * Returns @code. Does nothing but that when @err is NULL or empty.
 */
int il_wrap(struct il_err *err, int code, const char *fmt, ...) IL_PRINTF(3, 4);

/* il_err_clear: make @err empty again, before a second attempt. */
void il_err_clear(struct il_err *err);

#endif
