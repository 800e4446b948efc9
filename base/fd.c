// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd); /* never retried on EINTR: the number is already free (close(2)) */
	*fd = -1;
	errno = saved;
}

void closedirp(void *pointer_to_dir)
{
	DIR **d = pointer_to_dir;
	int saved = errno;

	if (*d)
		closedir(*d);
	*d = NULL;
	errno = saved;
}

DIR *il_fdopendir(int fd)
{
	DIR *dir = fdopendir(fd);

	if (!dir)
		closep(&fd);
	return dir;
}

void fclosep(void *pointer_to_file)
{
	FILE **f = pointer_to_file;
	int saved = errno;

	if (*f)
		fclose(*f);
	*f = NULL;
	errno = saved;
}

int il_open(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd = openat(dirfd, path, flags | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd;
}

ssize_t il_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int il_write_full(int fd, const void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

/* First guess for a buffer: the file's size where it tells one, else a page. */
static size_t first_capacity(int fd, size_t max_len)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uint64_t)st.st_size <= max_len)
		return (size_t)st.st_size + 1;
	return IL_MIN(max_len, (size_t)4096) + 1;
}

int il_read_file(int dirfd, const char *path, size_t max_len, char **ret, size_t *ret_len)
{
	_cleanup_(closep) int fd = il_open(dirfd, path, O_RDONLY, 0);
	_cleanup_(freep) char *buf = NULL;
	size_t len = 0;

	if (fd < 0)
		return fd;
	for (size_t cap = first_capacity(fd, max_len);; cap = IL_MIN(2 * cap, max_len + 1)) {
		char *bigger = realloc(buf, cap + 1);

		if (!bigger)
			return -ENOMEM;
		buf = bigger;
		ssize_t n = il_read_full(fd, buf + len, cap - len);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len > max_len)
			return -EFBIG;
		if (len < cap)
			break;
	}
	buf[len] = '\0';
	if (ret_len)
		*ret_len = len;
	*ret = steal_ptr(buf);
	return 0;
}

int il_write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_(closep) int fd = -1;
	char tmp[4096];

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp.%d", path, (int)getpid()) >= sizeof(tmp))
		return -ENAMETOOLONG;
	fd = il_open(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
	if (fd < 0)
		return fd;
	int r = il_write_full(fd, data, len);
	if (r == 0 && renameat(dirfd, tmp, dirfd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

int il_write_str(int dirfd, const char *path, const char *text)
{
	_cleanup_(closep) int fd = il_open(dirfd, path, O_WRONLY, 0);

	if (fd < 0)
		return fd;
	return il_write_full(fd, text, strlen(text));
}
