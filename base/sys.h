/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw system calls that Debian 12's libc does not wrap. One typed wrapper each; all
 * return a non-negative result or -errno; descriptors are CLOEXEC.
 */
#ifndef IL_BASE_SYS_H
#define IL_BASE_SYS_H

#include "base/macros.h"

#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/types.h>

/* clone3(2). Returns the pid in the parent and 0 in the child (fork-like: no new stack). */
pid_t il_clone3(struct clone_args *args) IL_MUST_CHECK;
/* pidfd_open(2); pidfd_send_signal(2) with no siginfo. */
int il_pidfd_open(pid_t pid) IL_MUST_CHECK;
int il_pidfd_send_signal(int pidfd, int sig) IL_MUST_CHECK;
/* openat2(2) with RESOLVE_IN_ROOT: @path can't leave @rootfd, whatever links it has. */
int il_open_in_root(int rootfd, const char *path, int flags, mode_t mode) IL_MUST_CHECK;
/* close_range(2) from @first on; with CLOSE_RANGE_CLOEXEC in @flags marks only. */
int il_close_from(unsigned int first, unsigned int flags) IL_MUST_CHECK;

#endif
