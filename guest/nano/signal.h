/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to signal.c and sigframe.c.
 */
#ifndef IL_GUEST_NANO_SIGNAL_H
#define IL_GUEST_NANO_SIGNAL_H

#include "guest/nano/core.h"

#include <linux/signal.h>

#define HANDLER_DEFAULT 0ull
#define HANDLER_IGNORE  1ull

#define SIGINFO_BYTES 128

/* What is kept of a pending signal. */
struct sig_info {
	int code;
	int trapno; /* of faults; else 0 */
	uint32_t pid, uid;
	uint64_t value; /* fault address, or sigqueue's value */
	uint64_t error; /* of page faults */
};

/* siginfo_make: the siginfo_t that the program sees. @out: SIGINFO_BYTES. */
void siginfo_make(int sig, const struct sig_info *info, char *out);

#endif
