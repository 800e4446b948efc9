// SPDX-License-Identifier: Apache-2.0
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

int il_mkdir_p(const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0)
		return -ENOENT;
	if (len >= sizeof(buf))
		return -ENAMETOOLONG;
	memcpy(buf, path, len + 1);
	for (char *p = buf + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char end = *p;
		*p = '\0';
		if (mkdir(buf, mode) < 0 && errno != EEXIST)
			return -errno;
		if (end == '\0')
			break;
		*p = end;
	}
	struct stat st;
	if (stat(buf, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

#define REMOVE_DEPTH_MAX 256

static int remove_below(int dirfd, const char *name, dev_t dev, int depth);

static int remove_entries(int fd, dev_t dev, int depth)
{
	_cleanup_(closedirp) DIR *dir = il_fdopendir(fd);
	int result = 0;

	if (!dir)
		return -errno;
	for (;;) {
		errno = 0;
		struct dirent *e = readdir(dir);
		if (!e)
			return errno ? -errno : result;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int r = remove_below(fd, e->d_name, dev, depth + 1);
		if (r < 0 && result == 0)
			result = r;
	}
}

static int remove_below(int dirfd, const char *name, dev_t dev, int depth)
{
	struct stat st;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (depth > REMOVE_DEPTH_MAX)
		return -ELOOP;
	int fd = il_open(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || (depth > 0 && st.st_dev != dev)) {
		close(fd);
		return -EBUSY;
	}
	int r = remove_entries(fd, depth > 0 ? dev : st.st_dev, depth);
	if (r < 0)
		return r;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

int il_remove_tree(int dirfd, const char *name)
{
	return remove_below(dirfd, name, 0, 0);
}

int il_lock_fd(int fd, bool wait)
{
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int il_lock_file(int dirfd, const char *name, bool wait)
{
	_cleanup_(closep) int fd = il_open(dirfd, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fd;
	int r = il_lock_fd(fd, wait);
	return r < 0 ? r : steal_fd(&fd);
}
