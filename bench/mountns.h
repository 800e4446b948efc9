/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_BENCH_MOUNTNS_H
#define IL_BENCH_MOUNTNS_H

#include "base/err.h"

/*
 * mountns_without_unified: make a mount namespace in which /sys/fs/cgroup has the v1
 * hierarchies only, for tools that refuse the hybrid layout. The host's own mounts stay as
 * they are: a fresh tmpfs with the same hierarchies bound into it covers the directory.
 * @work  a directory that a mount point may be made in
 * Returns 0 and an owned fd of the namespace in *ret_fd (it lives as long as the fd or a
 * process in it), or -errno.
 */
int mountns_without_unified(const char *work, int *ret_fd, struct il_err *err) IL_MUST_CHECK;

#endif
