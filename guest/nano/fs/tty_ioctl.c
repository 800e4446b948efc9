// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/tty.h"

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
	bool was_canonical = tty_local(ICANON);

	if (copy_from_user(&t, from, size) < 0)
		return -EFAULT;
	memcpy(&tty->termios, &t, sizeof(tty->termios));
	if (flush)
		tty_discard_input();
	/* What was typed of a line is input like any other in raw mode. */
	if (was_canonical && !tty_local(ICANON))
		tty->ready = tty->tail;
	console_notify(tty_local(ISIG));
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
		signal_send(TTY_SIGWINCH);
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
		while (tty_take_input() == 0 && !tty->eof)
			;
		tty_discard_input();
	}
	return 0;
}

static long count_input(uint64_t to)
{
	tty_take_input();
	return put_int(to, (int32_t)((tty_local(ICANON) ? tty->ready : tty->tail) - tty->head));
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

long tty_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
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
