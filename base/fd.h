/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors: scope clean-up and complete reads and writes. Every descriptor of
 * the project is CLOEXEC from birth.
 */
#ifndef IL_BASE_FD_H
#define IL_BASE_FD_H

#include "base/err.h"

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

/* closep: closer for `_cleanup_(closep) int fd = -1`. Keeps errno, accepts -1, disarms. */
void closep(int *fd);

/* closedirp / fclosep: the same for DIR * and FILE *, through a void pointer. */
void closedirp(void *pointer_to_dir);
void fclosep(void *pointer_to_file);

/*
 * il_fdopendir: a directory stream over @fd, which it takes in any case.
 * Returns an owned stream, or NULL with errno set and @fd closed.
 */
DIR *il_fdopendir(int fd) IL_MUST_CHECK;

/* steal_fd: return *fd and set it to -1, so that the scope no longer closes it. */
static inline int steal_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* il_open: openat(2) with O_CLOEXEC. Returns an owned fd or -errno. */
int il_open(int dirfd, const char *path, int flags, mode_t mode) IL_MUST_CHECK;

/* il_read_full: read until @len bytes or end of file. Returns the bytes read or -errno. */
ssize_t il_read_full(int fd, void *buf, size_t len) IL_MUST_CHECK;

/* il_write_full: write all @len bytes. Returns 0 or -errno (-ENOSPC, -EPIPE, ...). */
int il_write_full(int fd, const void *buf, size_t len) IL_MUST_CHECK;

/*
 * il_read_file: read a whole file into memory, with a NUL behind it.
 * @dirfd     AT_FDCWD or a directory
 * @max_len   the largest size accepted, in bytes
 * @ret_len   may be NULL
 *
 * Returns 0 and an owned buffer in *ret (free it), or -errno: -EFBIG when larger than
 * @max_len. Works for /proc files, whose size is not known beforehand.
 */
int il_read_file(int dirfd, const char *path, size_t max_len, char **ret,
		 size_t *ret_len) IL_MUST_CHECK;

/*
 * il_write_file_atomic: write to a temporary name beside @path, then rename over it.
 * A reader sees the old or the new content, never a half. Nothing stays on failure.
 * Returns 0 or -errno.
 */
int il_write_file_atomic(int dirfd, const char *path, const void *data, size_t len,
			 mode_t mode) IL_MUST_CHECK;

/* il_write_str: open an existing file (cgroup, /proc/sys) and write @text. 0 or -errno. */
int il_write_str(int dirfd, const char *path, const char *text) IL_MUST_CHECK;

#endif
