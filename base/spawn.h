/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a helper program to its end.
 */
#ifndef IL_BASE_SPAWN_H
#define IL_BASE_SPAWN_H

#include "base/err.h"

/*
 * il_spawn_wait: run @argv[0], looked up in PATH, and wait for it. Its stdin is /dev/null,
 * its output is dropped; the first line of its stderr is put into the message on failure.
 * @argv  ends in NULL; borrowed
 *
 * Returns 0 when it exited with status 0; -ENOENT when there is no such program; -EIO when
 * it failed or was killed; else -errno.
 */
int il_spawn_wait(const char *const *argv, struct il_err *err) IL_MUST_CHECK;

#endif
