// SPDX-License-Identifier: Apache-2.0
/*
 * The terminal: one line discipline over the host's console streams. Input is taken from
 * the host when somebody reads, polls or the core reports it, edited in canonical mode and
 * echoed at once. Source: termios(3), ioctl_tty(2).
 */
#include "guest/nano/fs/tty.h"

struct tty *tty;

static const struct termios termios_default = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD,
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
			tty_out_char(buf[i]);
		r = tty_out_flush();
		if (r < 0)
			return done ? done : r == -EPIPE ? -EIO : r;
		if (n == 0)
			return done ? done : -EFAULT;
		done += (long)n;
	}
	return done;
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
		uint16_t s = *tty_slot(tty->head);
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
	if (done && u->left == 0 && has_line() && (*tty_slot(tty->head) & IN_EOF))
		tty->head++;
	return done;
}

static long read_raw(struct uio *u)
{
	long done = 0;

	while (tty->head != tty->tail && u->left > 0) {
		uint8_t c = (uint8_t)*tty_slot(tty->head);

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

	if (tty_local(ICANON))
		return has_line();
	if (min > want)
		min = (uint32_t)want;
	return tty->tail - tty->head >= (min ? min : 1);
}

/* How long a raw read waits now: VTIME is in tenths of a second. */
static uint64_t raw_timeout(void)
{
	uint8_t time = tty->termios.c_cc[VTIME];

	if (tty_local(ICANON))
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
		long r = tty_take_input();

		if (r == 0)
			continue;
		if (r != -EAGAIN)
			return r;
		if (nonblock)
			return tty->tail != tty->head && !tty_local(ICANON) ? 0 : -EAGAIN;
		r = console_wait(CONSOLE_BIT(CONSOLE_IN), raw_timeout());
		if (r < 0)
			return r == -EINTR ? -ERESTARTSYS : r;
		if (r == 0 && !tty_local(ICANON))
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
	return tty_local(ICANON) ? read_line(u) : read_raw(u);
}

static unsigned int tty_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	unsigned int mask = POLLOUT | POLLWRNORM;

	(void)f;
	if (ready & CONSOLE_BIT(CONSOLE_IN))
		tty_take_input();
	if (enough(1) || tty->eof)
		return mask | POLLIN | POLLRDNORM | (tty->eof ? POLLHUP : 0u);
	*want |= CONSOLE_BIT(CONSOLE_IN);
	return mask;
}

void console_input_event(void)
{
	if (tty)
		tty_take_input();
}

void console_winsize_event(void)
{
	if (!tty)
		return;
	tty->size_known = false;
	signal_send(TTY_SIGWINCH);
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
