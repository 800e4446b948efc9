/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer that is always NUL-terminated. The first failed allocation
 * sticks (`failed`); later appends do nothing, so that a caller checks once, at the end.
 */
#ifndef IL_BASE_BUF_H
#define IL_BASE_BUF_H

#include "base/macros.h"

#include <stdbool.h>

struct il_buf {
	char *data; /* owned; NULL while empty */
	size_t len; /* bytes without the NUL */
	size_t cap;
	bool failed;
};

void il_buf_done(struct il_buf *b); /* frees; also a scope closer */
void il_buf_add(struct il_buf *b, const void *data, size_t len);
void il_buf_str(struct il_buf *b, const char *text);
void il_buf_printf(struct il_buf *b, const char *fmt, ...) IL_PRINTF(2, 3);

/* il_buf_check: 0, or -ENOMEM if any append failed. */
int il_buf_check(const struct il_buf *b) IL_MUST_CHECK;

/* il_buf_steal: the owned string ("" if empty; NULL if an append failed); b is empty again. */
char *il_buf_steal(struct il_buf *b) IL_MUST_CHECK;

/* il_strf: an owned, formatted string, or NULL when memory is out. */
char *il_strf(const char *fmt, ...) IL_PRINTF(1, 2) IL_MUST_CHECK;

#endif
