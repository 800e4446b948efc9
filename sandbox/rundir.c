// SPDX-License-Identifier: Apache-2.0
/* Making the state directories, with ROOT/run in memory where that is possible. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "sandbox/state.h"

/* "BASE/isolab.XXXXXX" holds the instances; its link "root" tells whose they are. */
#define RUN_PREFIX "isolab."
#define BACK_LINK  "root"

/* Where a tmpfs is on Linux hosts; the first one that is one and writable is taken. */
static const char *const bases[] = {"/run", "/dev/shm"};

static bool is_tmpfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC && access(path, W_OK) == 0;
}

/* Does ROOT/run still lead to @dir, by @dir's own word about its ROOT? */
static bool is_in_use(int base_fd, const char *name, const char *dir)
{
	char link[PATH_MAX];
	char root[PATH_MAX];
	char target[PATH_MAX];

	if ((size_t)snprintf(link, sizeof(link), "%s/" BACK_LINK, name) >= sizeof(link))
		return true;
	ssize_t n = readlinkat(base_fd, link, root, sizeof(root) - sizeof("/" STATE_DIR_RUN));
	if (n < 0)
		return true; /* being made, or not one of ours */
	memcpy(root + n, "/" STATE_DIR_RUN, sizeof("/" STATE_DIR_RUN));
	n = readlink(root, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, dir) == 0;
}

/* Remove the directories of roots that were deleted. Best effort, when a new one is made. */
static void remove_orphans(const char *base)
{
	_cleanup_(closedirp) DIR *d = opendir(base);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char dir[PATH_MAX];
		struct stat st;
		int n = snprintf(dir, sizeof(dir), "%s/%s", base, e->d_name);

		if (strncmp(e->d_name, RUN_PREFIX, sizeof(RUN_PREFIX) - 1) != 0 || n < 0 ||
		    (size_t)n >= sizeof(dir))
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
			continue;
		if (!is_in_use(dirfd(d), e->d_name, dir) && il_remove_tree(dirfd(d), e->d_name) < 0)
			il_debug("cannot remove '%s', ignoring", dir);
	}
}

/* Makes "BASE/isolab.XXXXXX" with its back link; puts its name into @dir. */
static int make_in_memory(const char *root, const char *base, char *dir, size_t size)
{
	char link[PATH_MAX];

	if ((size_t)snprintf(dir, size, "%s/" RUN_PREFIX "XXXXXX", base) >= size)
		return -ENAMETOOLONG;
	if (!mkdtemp(dir))
		return -errno;
	if ((size_t)snprintf(link, sizeof(link), "%s/" BACK_LINK, dir) < sizeof(link) &&
	    symlink(root, link) == 0)
		return 0;
	int r = -errno;
	rmdir(dir);
	return r;
}

/* Makes ROOT/run; somebody else making it at the same time is success. */
static int make_run(const char *root, const char *path)
{
	char dir[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		if (!is_tmpfs(bases[i]) || make_in_memory(root, bases[i], dir, sizeof(dir)) < 0)
			continue;
		if (symlink(dir, path) == 0) {
			remove_orphans(bases[i]);
			return 0;
		}
		int r = -errno;
		if (il_remove_tree(AT_FDCWD, dir) < 0)
			il_debug("cannot remove '%s', ignoring", dir);
		return r == -EEXIST ? 0 : r;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int state_make_dirs(const char *root)
{
	static const char *const subs[] = {STATE_DIR_KEPT, STATE_DIR_EXITED, STATE_DIR_NAMES};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", root, subs[i]) >= sizeof(path))
			return -ENAMETOOLONG;
		int r = il_mkdir_p(path, 0700);
		if (r < 0)
			return r;
	}
	_cleanup_(closep) int run_fd = state_open_dir(root, STATE_DIR_RUN);
	if (run_fd != -ENOENT)
		return run_fd < 0 ? run_fd : 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/" STATE_DIR_RUN, root) >= sizeof(path))
		return -ENAMETOOLONG;
	/* A link that leads nowhere, or to what is not ours, is from before a reboot. */
	if (unlink(path) < 0 && errno != ENOENT && errno != EISDIR)
		return -errno;
	return make_run(root, path);
}
