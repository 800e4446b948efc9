/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: make, remove and lock them.
 */
#ifndef IL_BASE_FS_H
#define IL_BASE_FS_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* il_mkdir_p: make @path and its missing parents. Returns 0 or -errno. */
int il_mkdir_p(const char *path, mode_t mode) IL_MUST_CHECK;

/*
 * il_remove_tree: remove @name below @dirfd with everything in it; never follows a
 * symbolic link and never crosses into another file system (a mount point stops it with
 * -EBUSY). A missing @name is success. Returns 0 or -errno.
 */
int il_remove_tree(int dirfd, const char *name) IL_MUST_CHECK;

/*
 * il_lock_file: open (create) a lock file and flock(2) it exclusively.
 * @wait  false: return -EWOULDBLOCK at once when somebody else holds it
 *
 * Returns an owned fd; closing it, or dying, unlocks. Or -errno.
 */
int il_lock_file(int dirfd, const char *name, bool wait) IL_MUST_CHECK;

/* il_lock_fd: the same for an open file or directory. Returns 0 or -errno. */
int il_lock_fd(int fd, bool wait) IL_MUST_CHECK;

#endif
