// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void il_buf_done(struct il_buf *b)
{
	free(b->data);
	*b = (struct il_buf){0};
}

static bool reserve(struct il_buf *b, size_t extra)
{
	size_t need = 0;

	if (b->failed || __builtin_add_overflow(b->len, extra, &need) || need >= SIZE_MAX / 2) {
		b->failed = true;
		return false;
	}
	if (need + 1 <= b->cap)
		return true;
	size_t cap = IL_MAX(IL_MAX(b->cap * 2, need + 1), (size_t)64);
	char *bigger = realloc(b->data, cap);
	if (!bigger) {
		b->failed = true;
		return false;
	}
	b->data = bigger;
	b->cap = cap;
	return true;
}

void il_buf_add(struct il_buf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void il_buf_str(struct il_buf *b, const char *text)
{
	il_buf_add(b, text, strlen(text));
}

IL_PRINTF(2, 0)
static void add_vprintf(struct il_buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !reserve(b, (size_t)n)) {
		b->failed = true;
		return;
	}
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void il_buf_printf(struct il_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_vprintf(b, fmt, ap);
	va_end(ap);
}

int il_buf_check(const struct il_buf *b)
{
	return b->failed ? -ENOMEM : 0;
}

char *il_buf_steal(struct il_buf *b)
{
	char *data = NULL;

	if (!b->failed && (b->data || reserve(b, 0))) {
		b->data[b->len] = '\0';
		data = b->data;
		b->data = NULL;
	}
	il_buf_done(b);
	return data;
}

char *il_strf(const char *fmt, ...)
{
	struct il_buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	add_vprintf(&b, fmt, ap);
	va_end(ap);
	return il_buf_steal(&b);
}
