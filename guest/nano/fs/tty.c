// SPDX-License-Identifier: Apache-2.0
/*
 * The terminal: one line discipline over the host's console streams. Input is taken from
 * the host when somebody reads, polls or the core reports it, edited in canonical mode and
 * echoed at once. Source: termios(3), ioctl_tty(2).
 */
#include "guest/nano/fs/fs.h"

#include <asm/termbits.h>

#define SIGINT_   2
#define SIGQUIT_  3
#define SIGTSTP_  20
#define SIGWINCH_ 28

#define IN_SIZE  2040u
#define OUT_SIZE 256u

/* What an input slot says besides its byte. */
#define IN_LINE_END 0x100u /* the line ends behind it */
#define IN_EOF      0x200u /* stands for ^D: not delivered */

struct tty {
	struct termios termios;
	uint16_t rows, cols;
	bool size_known; /* set by the program: the monitor's word no longer counts */
	int32_t pgrp;
	bool eof;   /* the host's stdin has ended */
	bool quote; /* the next character is literal (VLNEXT) */
	uint32_t column;
	uint32_t head;  /* first slot not yet read */
	uint32_t ready; /* first slot of the line being edited */
	uint32_t tail;  /* first free slot; all three count on and on */
	uint32_t out_len;
	uint8_t out[OUT_SIZE];
	uint16_t in[IN_SIZE];
};

static struct tty *tty;

static const struct termios termios_default = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD | HUPCL,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 3,
	     [VQUIT] = 28,
	     [VERASE] = 127,
	     [VKILL] = 21,
	     [VEOF] = 4,
	     [VTIME] = 0,
	     [VMIN] = 1,
	     [VSTART] = 17,
	     [VSTOP] = 19,
	     [VSUSP] = 26,
	     [VREPRINT] = 18,
	     [VDISCARD] = 15,
	     [VWERASE] = 23,
	     [VLNEXT] = 22},
};

static bool local(uint32_t flag)
{
	return tty->termios.c_lflag & flag;
}

static uint16_t *slot(uint32_t i)
{
	return &tty->in[i % IN_SIZE];
}

/* ---- output --------------------------------------------------------------------------- */

static long out_flush(void)
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
		out_flush();
	tty->out[tty->out_len++] = c;
}

static void out_char(uint8_t c)
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

static long tty_write(struct file *f, struct uio *u, uint64_t *pos)
{
	uint8_t buf[OUT_SIZE];
	long done = 0;

	(void)f;
	(void)pos;
	while (u->left > 0) {
		size_t n = uio_take(u, buf, u->left < sizeof(buf) ? u->left : sizeof(buf));
		long r;

		for (size_t i = 0; i < n; i++)
			out_char(buf[i]);
		r = out_flush();
		if (r < 0)
			return done ? done : r == -EPIPE ? -EIO : r;
		if (n == 0)
			return done ? done : -EFAULT;
		done += (long)n;
	}
	return done;
}

/* ---- editing -------------------------------------------------------------------------- */

static bool shows_as_caret(uint8_t c)
{
	return local(ECHOCTL) && (c < ' ' || c == 127) && c != '\n' && c != '\t';
}

static void echo(uint8_t c)
{
	if (!local(ECHO) && !(c == '\n' && local(ECHONL) && local(ICANON)))
		return;
	if (shows_as_caret(c)) {
		out_char('^');
		c ^= 0x40;
	}
	out_char(c);
}

static void rub_out(uint32_t columns)
{
	while (columns-- > 0) {
		out_char('\b');
		out_char(' ');
		out_char('\b');
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
		c = (uint8_t)*slot(--tty->tail);
	} while (is_continuation(c) && tty->tail != tty->ready);
	/* A tab's width depends on where it began: one column is what can be told. */
	if (local(ECHO) && local(ECHOE))
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
		bool word = is_word((uint8_t)*slot(tty->tail - 1));

		if (seen && !word)
			return;
		seen = seen || word;
		erase_one();
	}
}

static void erase_line(void)
{
	if (local(ECHO) && local(ECHOK) && !(local(ECHOKE) && local(ECHOE))) {
		tty->tail = tty->ready;
		echo(tty->termios.c_cc[VKILL]);
		out_char('\n');
		return;
	}
	while (erase_one())
		;
}

static void reprint(void)
{
	echo(tty->termios.c_cc[VREPRINT]);
	out_char('\n');
	for (uint32_t i = tty->ready; i != tty->tail; i++)
		echo((uint8_t)*slot(i));
}

/* Is @c the special character @which, which can be switched off by 0? */
static bool is_special(uint8_t c, int which)
{
	return c != 0 && c == tty->termios.c_cc[which];
}

static void discard_input(void)
{
	tty->head = tty->ready = tty->tail;
}

static bool take_signal(uint8_t c)
{
	int sig = is_special(c, VINTR)   ? SIGINT_
		  : is_special(c, VQUIT) ? SIGQUIT_
		  : is_special(c, VSUSP) ? SIGTSTP_
					 : 0;

	if (!sig || !local(ISIG))
		return false;
	if (!local(NOFLSH))
		discard_input();
	echo(c);
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
	*slot(tty->tail++) = c | flags;
	if (flags || !local(ICANON))
		tty->ready = tty->tail;
}

/* Editing characters of canonical mode: true when @c was one. */
static bool take_edit(uint8_t c)
{
	if (is_special(c, VERASE))
		erase_one();
	else if (is_special(c, VKILL))
		erase_line();
	else if (local(IEXTEN) && is_special(c, VWERASE))
		erase_word();
	else if (local(IEXTEN) && is_special(c, VREPRINT))
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
	if (local(ICANON) && local(IEXTEN) && is_special(c, VLNEXT)) {
		tty->quote = true;
		return;
	}
	if (local(ICANON) && take_edit(c))
		return;
	if (local(ICANON) && (c == '\n' || is_special(c, VEOL) || is_special(c, VEOL2)))
		append(c, IN_LINE_END);
	else
		append(c, 0);
}

/* Takes in what the host has. Returns 0, -EAGAIN when there was nothing, -errno. */
static long take_input(void)
{
	uint8_t buf[256];
	long n = console_read(buf, sizeof(buf), true);

	if (n == 0)
		tty->eof = true;
	for (long k = 0; k < n; k++)
		take_char(buf[k]);
	out_flush();
	return n < 0 ? n : 0;
}

/* ---- reading -------------------------------------------------------------------------- */

static bool has_line(void)
{
	return tty->head != tty->ready;
}

/* A canonical read: at most one line. */
static long read_line(struct uio *u)
{
	long done = 0;

	while (has_line() && u->left > 0) {
		uint16_t s = *slot(tty->head);
		uint8_t c = (uint8_t)s;

		if (s & IN_EOF) {
			tty->head++;
			break;
		}
		if (uio_put(u, &c, 1) == 0)
			return done ? done : -EFAULT;
		tty->head++;
		done++;
		if (s & IN_LINE_END)
			break;
	}
	/* An end of file right behind what was read belongs to it. */
	if (done && u->left == 0 && has_line() && (*slot(tty->head) & IN_EOF))
		tty->head++;
	return done;
}

static long read_raw(struct uio *u)
{
	long done = 0;

	while (tty->head != tty->tail && u->left > 0) {
		uint8_t c = (uint8_t)*slot(tty->head);

		if (uio_put(u, &c, 1) == 0)
			return done ? done : -EFAULT;
		tty->head++;
		done++;
	}
	tty->ready = tty->tail;
	return done;
}

/* Is there enough for a read of @want bytes to return? */
static bool enough(uint64_t want)
{
	uint32_t min = tty->termios.c_cc[VMIN];

	if (local(ICANON))
		return has_line();
	if (min > want)
		min = (uint32_t)want;
	return tty->tail - tty->head >= (min ? min : 1);
}

/* How long a raw read waits now: VTIME is in tenths of a second. */
static uint64_t raw_timeout(void)
{
	uint8_t time = tty->termios.c_cc[VTIME];

	if (local(ICANON))
		return WAIT_FOREVER;
	if (tty->termios.c_cc[VMIN] == 0)
		return (uint64_t)time * 100000000u;
	/* With both set, the clock runs between characters only. */
	return time && tty->tail != tty->head ? (uint64_t)time * 100000000u : WAIT_FOREVER;
}

/* Waits until a read can return: 0, or -errno. */
static long wait_input(uint64_t want, bool nonblock)
{
	while (!enough(want) && !tty->eof) {
		long r = take_input();

		if (r == 0)
			continue;
		if (r != -EAGAIN)
			return r;
		if (nonblock)
			return tty->tail != tty->head && !local(ICANON) ? 0 : -EAGAIN;
		r = console_wait(CONSOLE_BIT(CONSOLE_IN), raw_timeout());
		if (r < 0)
			return r == -EINTR ? -ERESTARTSYS : r;
		if (r == 0 && !local(ICANON))
			return 0;
	}
	return 0;
}

static long tty_read(struct file *f, struct uio *u, uint64_t *pos)
{
	long r;

	(void)pos;
	if (u->left == 0)
		return 0;
	r = wait_input(u->left, f->flags & O_NONBLOCK);
	if (r < 0)
		return r;
	/* At the end of the host's input an unfinished line is all there will be. */
	if (tty->eof)
		tty->ready = tty->tail;
	return local(ICANON) ? read_line(u) : read_raw(u);
}

static unsigned int tty_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	unsigned int mask = POLLOUT | POLLWRNORM;

	(void)f;
	if (ready & CONSOLE_BIT(CONSOLE_IN))
		take_input();
	if (enough(1) || tty->eof)
		return mask | POLLIN | POLLRDNORM | (tty->eof ? POLLHUP : 0u);
	*want |= CONSOLE_BIT(CONSOLE_IN);
	return mask;
}

void console_input_event(void)
{
	if (tty)
		take_input();
}

void console_winsize_event(void)
{
	if (!tty)
		return;
	tty->size_known = false;
	signal_send(SIGWINCH_);
}

/* ---- ioctl ---------------------------------------------------------------------------- */

/* From <asm-generic/ioctls.h>, which wants the types of termio. */
enum {
	TCGETS_ = 0x5401,
	TCSETS_ = 0x5402,
	TCSETSW_ = 0x5403,
	TCSETSF_ = 0x5404,
	TCSBRK_ = 0x5409,
	TCXONC_ = 0x540a,
	TCFLSH_ = 0x540b,
	TIOCEXCL_ = 0x540c,
	TIOCNXCL_ = 0x540d,
	TIOCSCTTY_ = 0x540e,
	TIOCGPGRP_ = 0x540f,
	TIOCSPGRP_ = 0x5410,
	TIOCOUTQ_ = 0x5411,
	TIOCGWINSZ_ = 0x5413,
	TIOCSWINSZ_ = 0x5414,
	FIONREAD_ = 0x541b,
	TIOCNOTTY_ = 0x5422,
	TCSBRKP_ = 0x5425,
	TIOCGSID_ = 0x5429,
};
#define TCGETS2_  0x802c542au
#define TCSETS2_  0x402c542bu
#define TCSETSW2_ 0x402c542cu
#define TCSETSF2_ 0x402c542du

struct winsize_abi {
	uint16_t rows, cols, xpixel, ypixel;
};

static long get_termios(uint64_t to, size_t size)
{
	struct termios2 t = {.c_ispeed = 38400, .c_ospeed = 38400};

	/* struct termios is the beginning of struct termios2. */
	memcpy(&t, &tty->termios, sizeof(tty->termios));
	return copy_to_user(to, &t, size);
}

static long set_termios(uint64_t from, size_t size, bool flush)
{
	struct termios2 t;
	bool was_canonical = local(ICANON);

	if (copy_from_user(&t, from, size) < 0)
		return -EFAULT;
	memcpy(&tty->termios, &t, sizeof(tty->termios));
	if (flush)
		discard_input();
	/* What was typed of a line is input like any other in raw mode. */
	if (was_canonical && !local(ICANON))
		tty->ready = tty->tail;
	console_notify(local(ISIG));
	return 0;
}

static long get_winsize(uint64_t to)
{
	struct winsize_abi w = {0};

	if (!tty->size_known)
		console_winsize(&tty->rows, &tty->cols);
	w.rows = tty->rows;
	w.cols = tty->cols;
	return copy_to_user(to, &w, sizeof(w));
}

static long set_winsize(uint64_t from)
{
	struct winsize_abi w;

	if (copy_from_user(&w, from, sizeof(w)) < 0)
		return -EFAULT;
	if (w.rows != tty->rows || w.cols != tty->cols)
		signal_send(SIGWINCH_);
	tty->rows = w.rows;
	tty->cols = w.cols;
	tty->size_known = true;
	return 0;
}

static long put_int(uint64_t to, int32_t v)
{
	return copy_to_user(to, &v, sizeof(v));
}

static long set_pgrp(uint64_t from)
{
	int32_t pgrp;

	if (copy_from_user(&pgrp, from, sizeof(pgrp)) < 0)
		return -EFAULT;
	if (pgrp < 0)
		return -EINVAL;
	if (pgrp != current->pgid)
		return pgrp == current->pid ? 0 : -ESRCH;
	tty->pgrp = pgrp;
	return 0;
}

static long flush_queues(uint64_t which)
{
	if (which > 2)
		return -EINVAL;
	if (which != 1) {
		while (take_input() == 0 && !tty->eof)
			;
		discard_input();
	}
	return 0;
}

static long count_input(uint64_t to)
{
	take_input();
	return put_int(to, (int32_t)((local(ICANON) ? tty->ready : tty->tail) - tty->head));
}

static long ioctl_modes(uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case TCGETS_:
		return get_termios(arg, sizeof(struct termios));
	case TCGETS2_:
		return get_termios(arg, sizeof(struct termios2));
	case TCSETS_:
	case TCSETSW_:
	case TCSETSF_:
		return set_termios(arg, sizeof(struct termios), cmd == TCSETSF_);
	case TCSETS2_:
	case TCSETSW2_:
	case TCSETSF2_:
		return set_termios(arg, sizeof(struct termios2), cmd == TCSETSF2_);
	case TIOCGWINSZ_:
		return get_winsize(arg);
	case TIOCSWINSZ_:
		return set_winsize(arg);
	default:
		return -ENOTTY;
	}
}

static long tty_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	(void)f;
	switch (cmd) {
	case TCSBRK_:
	case TCSBRKP_:
	case TCXONC_:
	case TIOCEXCL_:
	case TIOCNXCL_:
	case TIOCSCTTY_:
	case TIOCNOTTY_:
		return 0;
	case TCFLSH_:
		return flush_queues(arg);
	case TIOCGPGRP_:
		return put_int(arg, tty->pgrp);
	case TIOCSPGRP_:
		return set_pgrp(arg);
	case TIOCGSID_:
		return put_int(arg, current->sid);
	case TIOCOUTQ_:
		return put_int(arg, 0);
	case FIONREAD_:
		return count_input(arg);
	default:
		return ioctl_modes(cmd, arg);
	}
}

static const struct file_ops tty_ops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .ioctl = tty_ioctl,
};

int tty_open(struct file *f)
{
	if (!console_is_tty())
		return -ENXIO;
	if (!tty) {
		tty = kzalloc(sizeof(*tty));
		if (!tty)
			return -ENOMEM;
		tty->termios = termios_default;
		tty->pgrp = current->pgid;
		console_notify(true);
	}
	f->ops = &tty_ops;
	return 0;
}
