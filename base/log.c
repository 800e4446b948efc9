// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static void stderr_sink(enum il_log_level level, const char *line)
{
	static const char *const prefix[IL_LOG_MAX] = {
	    [IL_LOG_ERROR] = "error: ",
	    [IL_LOG_WARN] = "warning: ",
	    [IL_LOG_INFO] = "",
	    [IL_LOG_DEBUG] = "debug: ",
	};

	dprintf(STDERR_FILENO, "isolab: %s%s\n", prefix[level], line);
}

static enum il_log_level max_level = IL_LOG_INFO;
static il_log_sink current_sink = stderr_sink;

void il_log_set_level(enum il_log_level level)
{
	max_level = level;
}

bool il_log_enabled(enum il_log_level level)
{
	return level <= max_level;
}

void il_log_set_sink(il_log_sink sink)
{
	current_sink = sink ? sink : stderr_sink;
}

void il_log(enum il_log_level level, const char *fmt, ...)
{
	int saved = errno;
	char line[1024];
	va_list ap;

	if (level >= IL_LOG_MAX || !il_log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	current_sink(level, line);
	errno = saved;
}
