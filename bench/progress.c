// SPDX-License-Identifier: Apache-2.0
#include "bench/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define TTY_EVERY_NS (100 * IL_NS_PER_MS)
#define LOG_EVERY_NS (5 * IL_NS_PER_S)

static struct {
	bool on, tty, line_open;
	uint64_t last_ns;
} state;

void progress_enable(bool on)
{
	state.on = on;
	state.tty = on && isatty(STDERR_FILENO);
}

IL_PRINTF(1, 0)
static void show(const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (state.tty)
		dprintf(STDERR_FILENO, "\r\033[K%.100s", text);
	else
		dprintf(STDERR_FILENO, "isolab bench: %s\n", text);
	state.line_open = state.tty;
	state.last_ns = il_now_ns();
}

void progress_step(const char *fmt, ...)
{
	va_list ap;

	if (!state.on)
		return;
	va_start(ap, fmt);
	show(fmt, ap);
	va_end(ap);
}

void progress_update(const char *fmt, ...)
{
	va_list ap;

	if (!state.on || il_now_ns() - state.last_ns < (state.tty ? TTY_EVERY_NS : LOG_EVERY_NS))
		return;
	va_start(ap, fmt);
	show(fmt, ap);
	va_end(ap);
}

void progress_end(void)
{
	if (state.line_open)
		dprintf(STDERR_FILENO, "\r\033[K");
	state.line_open = false;
}
