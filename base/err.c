// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

IL_PRINTF(4, 0)
static int record(struct il_err *err, int code, int with_text, const char *fmt, va_list ap)
{
	int saved = errno;

	if (code <= 0)
		code = EIO;
	if (err && err->code == 0) {
		int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);

		err->code = code;
		if (with_text && n >= 0 && (size_t)n < sizeof(err->msg))
			snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s",
				 strerror(code));
	}
	errno = saved;
	return -code;
}

int(il_fail)(struct il_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = record(err, code, 1, fmt, ap);
	va_end(ap);
	return code;
}

int(il_refuse)(struct il_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	code = record(err, code, 0, fmt, ap);
	va_end(ap);
	return code;
}

int il_wrap(struct il_err *err, int code, const char *fmt, ...)
{
	char step[IL_ERR_MSG_MAX];
	char both[2 * IL_ERR_MSG_MAX + 4];
	va_list ap;

	if (!err || err->code == 0)
		return code;
	va_start(ap, fmt);
	vsnprintf(step, sizeof(step), fmt, ap);
	va_end(ap);
	snprintf(both, sizeof(both), "%s: %s", step, err->msg);
	both[sizeof(err->msg) - 1] = '\0';
	memcpy(err->msg, both, sizeof(err->msg));
	return code;
}

void il_err_clear(struct il_err *err)
{
	if (err) {
		err->code = 0;
		err->msg[0] = '\0';
	}
}
