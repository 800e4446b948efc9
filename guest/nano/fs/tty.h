/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal's state, and what its three files (line, reading and writing, ioctl) share. */
#ifndef IL_NANO_FS_TTY_H
#define IL_NANO_FS_TTY_H

#include "guest/nano/fs/fs.h"

#include <asm/termbits.h>

#define TTY_SIGWINCH 28

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

extern struct tty *tty; /* NULL until it is opened first */

static inline bool tty_local(uint32_t flag)
{
	return tty->termios.c_lflag & flag;
}

static inline uint16_t *tty_slot(uint32_t i)
{
	return &tty->in[i % IN_SIZE];
}

/* tty_line.c */

/* tty_out_char: one byte of output, processed as c_oflag says; tty_out_flush hands it on. */
void tty_out_char(uint8_t c);
long tty_out_flush(void);
/* tty_take_input: take in what the host has. 0, -EAGAIN when there was nothing, -errno. */
long tty_take_input(void);
void tty_discard_input(void);

/* tty_ioctl.c */
long tty_ioctl(struct file *f, uint32_t cmd, uint64_t arg);

#endif
