/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes, scope clean-up and small helpers that every folder uses.
 */
#ifndef IL_BASE_MACROS_H
#define IL_BASE_MACROS_H

#include <stddef.h>
#include <stdlib.h>

#define IL_MUST_CHECK       __attribute__((warn_unused_result))
#define IL_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define IL_NORETURN         __attribute__((noreturn))
#define IL_UNUSED           __attribute__((unused))

/* Runs fn(&variable) when the variable leaves its scope, on every path. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Number of elements; refuses a pointer at compile time. */
#define ARRAY_SIZE(a)                                                                              \
	(sizeof(a) / sizeof((a)[0]) +                                                              \
	 0 * sizeof(struct {                                                                       \
		 _Static_assert(!__builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0])), \
				"ARRAY_SIZE needs an array");                                      \
		 int il_dummy;                                                                     \
	 }))

#define IL_MIN(a, b) ((a) < (b) ? (a) : (b))
#define IL_MAX(a, b) ((a) > (b) ? (a) : (b))

/* freep: closer for `_cleanup_(freep) T *p`: frees what p points to and disarms it. */
static inline void freep(void *pointer_to_pointer)
{
	void **p = pointer_to_pointer;

	free(*p);
	*p = NULL;
}

/* steal_ptr: hand the pointer to the caller and disarm the scope's clean-up. */
#define steal_ptr(p)                                                                               \
	({                                                                                         \
		__typeof__(p) il_stolen_ = (p);                                                    \
		(p) = NULL;                                                                        \
		il_stolen_;                                                                        \
	})

#endif
