/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only number parsers of the project: whole string, range checked, one sentence on
 * failure. None of them changes *ret on failure. All return 0, or -EINVAL (not a number,
 * trailing text) or -ERANGE (outside [min, max]).
 */
#ifndef IL_BASE_PARSE_H
#define IL_BASE_PARSE_H

#include "base/err.h"

#include <stdint.h>

/* il_parse_u64: decimal digits only. */
int il_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
		 struct il_err *err) IL_MUST_CHECK;

/* il_parse_double: plain decimal ("1.5"); no hex, inf, nan. */
int il_parse_double(const char *text, double min, double max, double *ret,
		    struct il_err *err) IL_MUST_CHECK;

/*
 * il_parse_size: bytes with docker's suffixes b, k, m, g, t (powers of 1024, either case,
 * an optional trailing "b" or "ib": 64m, 64MB, 64MiB).
 */
int il_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
		  struct il_err *err) IL_MUST_CHECK;

/* il_parse_duration: nanoseconds from "5", "5s", "250ms", "10us", "2m", "1h"; no unit = s. */
int il_parse_duration(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns,
		      struct il_err *err) IL_MUST_CHECK;

#endif
