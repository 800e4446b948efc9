// SPDX-License-Identifier: Apache-2.0
/* The terminal's line discipline: output processing, echo and editing of input. */
#include "guest/nano/fs/tty.h"

#define SIGINT_  2
#define SIGQUIT_ 3
#define SIGTSTP_ 20

/* ---- output --------------------------------------------------------------------------- */

long tty_out_flush(void)
{
	long r = 0;

	if (tty->out_len)
		r = console_write(CONSOLE_OUT, tty->out, tty->out_len);
	tty->out_len = 0;
	return r < 0 ? r : 0;
}

static void out_raw(uint8_t c)
{
	if (tty->out_len == OUT_SIZE)
		tty_out_flush();
	tty->out[tty->out_len++] = c;
}

void tty_out_char(uint8_t c)
{
	uint32_t o = tty->termios.c_oflag;

	if (!(o & OPOST)) {
		out_raw(c);
		return;
	}
	if (c == '\n' && (o & ONLCR))
		out_raw('\r');
	if (c == '\r' && (o & OCRNL))
		c = '\n';
	if (c == '\r' || c == '\n')
		tty->column = 0;
	else if (c == '\b')
		tty->column -= tty->column > 0;
	else if (c == '\t')
		tty->column = (tty->column | 7) + 1;
	else if (c >= ' ' && (c & 0xc0) != 0x80)
		tty->column++;
	out_raw(c);
}

/* ---- editing -------------------------------------------------------------------------- */

static bool shows_as_caret(uint8_t c)
{
	return tty_local(ECHOCTL) && (c < ' ' || c == 127) && c != '\n' && c != '\t';
}

static void echo(uint8_t c)
{
	if (!tty_local(ECHO) && !(c == '\n' && tty_local(ECHONL) && tty_local(ICANON)))
		return;
	if (shows_as_caret(c)) {
		tty_out_char('^');
		c ^= 0x40;
	}
	tty_out_char(c);
}

static void rub_out(uint32_t columns)
{
	while (columns-- > 0) {
		tty_out_char('\b');
		tty_out_char(' ');
		tty_out_char('\b');
	}
}

static bool is_continuation(uint8_t c)
{
	return (tty->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* Takes the last character of the edited line away; false when there is none. */
static bool erase_one(void)
{
	uint8_t c;

	if (tty->tail == tty->ready)
		return false;
	do {
		c = (uint8_t)*tty_slot(--tty->tail);
	} while (is_continuation(c) && tty->tail != tty->ready);
	/* A tab's width depends on where it began: one column is what can be told. */
	if (tty_local(ECHO) && tty_local(ECHOE))
		rub_out(shows_as_caret(c) ? 2 : 1);
	return true;
}

static bool is_word(uint8_t c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c >= 128;
}

static void erase_word(void)
{
	bool seen = false;

	while (tty->tail != tty->ready) {
		bool word = is_word((uint8_t)*tty_slot(tty->tail - 1));

		if (seen && !word)
			return;
		seen = seen || word;
		erase_one();
	}
}

static void erase_line(void)
{
	if (tty_local(ECHO) && tty_local(ECHOK) && !(tty_local(ECHOKE) && tty_local(ECHOE))) {
		tty->tail = tty->ready;
		echo(tty->termios.c_cc[VKILL]);
		tty_out_char('\n');
		return;
	}
	while (erase_one())
		;
}

static void reprint(void)
{
	echo(tty->termios.c_cc[VREPRINT]);
	tty_out_char('\n');
	for (uint32_t i = tty->ready; i != tty->tail; i++)
		echo((uint8_t)*tty_slot(i));
}

/* Is @c the special character @which, which can be switched off by 0? */
static bool is_special(uint8_t c, int which)
{
	return c != 0 && c == tty->termios.c_cc[which];
}

void tty_discard_input(void)
{
	tty->head = tty->ready = tty->tail;
}

static bool take_signal(uint8_t c)
{
	int sig = is_special(c, VINTR)   ? SIGINT_
		  : is_special(c, VQUIT) ? SIGQUIT_
		  : is_special(c, VSUSP) ? SIGTSTP_
					 : 0;

	if (!sig || !tty_local(ISIG))
		return false;
	if (!tty_local(NOFLSH))
		tty_discard_input();
	echo(c);
	tty_out_flush(); /* the signal may be the end */
	signal_send(sig);
	return true;
}

/* Room for one more; the last slot is kept for a line's end. */
static bool has_room(bool line_end)
{
	return tty->tail - tty->head < IN_SIZE - (line_end ? 0 : 1);
}

static void append(uint8_t c, uint16_t flags)
{
	if (!has_room(flags)) {
		if (tty->termios.c_iflag & IMAXBEL)
			out_raw('\a');
		return;
	}
	if (!(flags & IN_EOF))
		echo(c);
	*tty_slot(tty->tail++) = c | flags;
	if (flags || !tty_local(ICANON))
		tty->ready = tty->tail;
}

/* Editing characters of canonical mode: true when @c was one. */
static bool take_edit(uint8_t c)
{
	if (is_special(c, VERASE))
		erase_one();
	else if (is_special(c, VKILL))
		erase_line();
	else if (tty_local(IEXTEN) && is_special(c, VWERASE))
		erase_word();
	else if (tty_local(IEXTEN) && is_special(c, VREPRINT))
		reprint();
	else if (is_special(c, VEOF))
		append(0, IN_LINE_END | IN_EOF);
	else
		return false;
	return true;
}

static void take_char(uint8_t c)
{
	uint32_t i = tty->termios.c_iflag;

	if (tty->quote) {
		tty->quote = false;
		append(c, 0);
		return;
	}
	if (i & ISTRIP)
		c &= 0x7f;
	if (c == '\r' && (i & IGNCR))
		return;
	if (c == '\r' && (i & ICRNL))
		c = '\n';
	else if (c == '\n' && (i & INLCR))
		c = '\r';
	if (take_signal(c))
		return;
	/* Output is never stopped, so the two flow control characters mean nothing. */
	if ((i & IXON) && (is_special(c, VSTART) || is_special(c, VSTOP)))
		return;
	if (tty_local(ICANON) && tty_local(IEXTEN) && is_special(c, VLNEXT)) {
		tty->quote = true;
		return;
	}
	if (tty_local(ICANON) && take_edit(c))
		return;
	if (tty_local(ICANON) && (c == '\n' || is_special(c, VEOL) || is_special(c, VEOL2)))
		append(c, IN_LINE_END);
	else
		append(c, 0);
}

/* Takes in what the host has. Returns 0, -EAGAIN when there was nothing, -errno. */
long tty_take_input(void)
{
	uint8_t buf[256];
	long n = console_read(buf, sizeof(buf), true);

	if (n == 0)
		tty->eof = true;
	for (long k = 0; k < n; k++)
		take_char(buf[k]);
	tty_out_flush();
	return n < 0 ? n : 0;
}
