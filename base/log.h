/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging: one sink, four levels, to stderr. Library code logs at debug only; what a
 * user must know travels in a struct il_err.
 */
#ifndef IL_BASE_LOG_H
#define IL_BASE_LOG_H

#include "base/macros.h"

#include <stdbool.h>

enum il_log_level {
	IL_LOG_ERROR,
	IL_LOG_WARN,
	IL_LOG_INFO,
	IL_LOG_DEBUG,
	IL_LOG_MAX,
};

/* A sink gets one finished line without its newline; @line is borrowed. */
typedef void (*il_log_sink)(enum il_log_level level, const char *line);

void il_log_set_level(enum il_log_level level);
bool il_log_enabled(enum il_log_level level);
/* il_log_set_sink: replace the sink; NULL restores the default ("isolab: level: line"). */
void il_log_set_sink(il_log_sink sink);
void il_log(enum il_log_level level, const char *fmt, ...) IL_PRINTF(2, 3);

#define il_error(...) il_log(IL_LOG_ERROR, __VA_ARGS__)
#define il_warn(...)  il_log(IL_LOG_WARN, __VA_ARGS__)
#define il_info(...)  il_log(IL_LOG_INFO, __VA_ARGS__)
#define il_debug(...)                                                                              \
	do {                                                                                       \
		if (il_log_enabled(IL_LOG_DEBUG))                                                  \
			il_log(IL_LOG_DEBUG, __VA_ARGS__);                                         \
	} while (0)

#endif
