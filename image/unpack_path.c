// SPDX-License-Identifier: Apache-2.0
/* Names of layer entries: checking, resolving, hiding. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "image/unpack_private.h"

/* ---- inode set ---------------------------------------------------------------------- */

static size_t slot_of(const struct inode_set *set, uint64_t ino)
{
	size_t i = (size_t)((ino * 0x9e3779b97f4a7c15ull) >> 20) & (set->cap - 1);

	while (set->slots[i] != 0 && set->slots[i] != ino)
		i = (i + 1) & (set->cap - 1);
	return i;
}

static int grow(struct inode_set *set)
{
	struct inode_set bigger = {.cap = IL_MAX(set->cap * 2, (size_t)1024), .used = set->used};

	bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->cap; i++)
		if (set->slots[i] != 0)
			bigger.slots[slot_of(&bigger, set->slots[i])] = set->slots[i];
	free(set->slots);
	*set = bigger;
	return 0;
}

int inode_set_add(struct inode_set *set, uint64_t ino)
{
	if (2 * set->used >= set->cap) {
		int r = grow(set);
		if (r < 0)
			return r;
	}
	size_t i = slot_of(set, ino);
	if (set->slots[i] == 0) {
		set->slots[i] = ino;
		set->used++;
	}
	return 0;
}

bool inode_set_has(const struct inode_set *set, uint64_t ino)
{
	return set->cap > 0 && set->slots[slot_of(set, ino)] == ino;
}

void inode_set_clear(struct inode_set *set)
{
	if (set->slots)
		memset(set->slots, 0, set->cap * sizeof(*set->slots));
	set->used = 0;
}

void inode_set_done(struct inode_set *set)
{
	free(set->slots);
	*set = (struct inode_set){0};
}

/* ---- names -------------------------------------------------------------------------- */

static int add_component(struct unpack_name *n, size_t *len, const char *part, size_t part_len)
{
	if (part_len > NAME_MAX || *len + 1 + part_len >= sizeof(n->path))
		return -ENAMETOOLONG;
	n->dir_len = *len;
	if (*len > 0)
		n->path[(*len)++] = '/';
	memcpy(n->path + *len, part, part_len);
	n->base = n->path + *len;
	*len += part_len;
	n->path[*len] = '\0';
	n->depth++;
	return 0;
}

int unpack_name_parse(const char *text, struct unpack_name *ret, struct il_err *err)
{
	size_t len = 0;

	ret->path[0] = '\0';
	ret->base = ret->path;
	ret->dir_len = 0;
	ret->depth = 0;
	if (text[0] == '/')
		return il_refuse(err, EINVAL,
				 "'%.120s' is an absolute path: it could leave the image", text);
	for (const char *p = text; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return il_refuse(err, EINVAL,
					 "'%.120s' contains '..': it could leave the image", text);
		if (n > 0 && !(n == 1 && p[0] == '.') && add_component(ret, &len, p, n) < 0)
			return il_refuse(err, EINVAL, "'%.60s...' is too long a name", text);
		p += n;
		p += strspn(p, "/");
	}
	if (ret->depth > UNPACK_DEPTH_MAX)
		return il_refuse(err, EINVAL, "'%.60s...' is nested deeper than %d directories",
				 text, UNPACK_DEPTH_MAX);
	return 0;
}

/* ---- directories -------------------------------------------------------------------- */

static int openat2_in(int dirfd, const char *path, int flags, uint64_t resolve)
{
	return il_openat2(dirfd, path, flags, 0, RESOLVE_IN_ROOT | resolve);
}

/*
 * No tool writes a layer that goes through a link which the same layer made: a layer is
 * what was found in a directory tree, by the real names. So that is an attack. A link of a
 * lower layer (var/run -> /run) is fine: it is resolved inside the image.
 */
static int check_links(const struct img_unpack *u, const char *dir, struct il_err *err)
{
	char prefix[PATH_MAX];

	for (size_t i = strcspn(dir, "/");; i += 1 + strcspn(dir + i + 1, "/")) {
		struct stat st;

		memcpy(prefix, dir, i);
		prefix[i] = '\0';
		_cleanup_(closep) int fd = openat2_in(u->rootfd, prefix, O_PATH | O_NOFOLLOW, 0);
		if (fd < 0 || fstat(fd, &st) < 0)
			return 0; /* the caller finds out why */
		if (S_ISLNK(st.st_mode) && inode_set_has(&u->made, st.st_ino))
			return il_refuse(
			    err, EINVAL,
			    "'%.120s' leads through the symbolic link '%.120s' of the same "
			    "layer: it could leave the image",
			    dir, prefix);
		if (dir[i] == '\0')
			return 0;
	}
}

/* Through links the real place may be deeper than the name: bound that as well. */
static int check_real_depth(const struct img_unpack *u, int fd, const char *dir, struct il_err *err)
{
	char link[64];
	char real[PATH_MAX];
	size_t slashes[2] = {0};
	const int fds[2] = {u->rootfd, fd};

	for (size_t i = 0; i < 2; i++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fds[i]);
		ssize_t n = readlink(link, real, sizeof(real) - 1);
		if (n < 0)
			return il_fail(err, errno, "find the real place of '%.120s'", dir);
		for (ssize_t k = 0; k < n; k++)
			slashes[i] += real[k] == '/';
	}
	if (slashes[1] > slashes[0] + UNPACK_DEPTH_MAX)
		return il_refuse(err, EINVAL, "'%.60s...' is nested deeper than %d directories",
				 dir, UNPACK_DEPTH_MAX);
	return 0;
}

/* A directory that no entry has announced: docker and containerd make it with 0755. */
static int make_dir(struct img_unpack *u, const char *dir, struct il_err *err)
{
	const char *slash = strrchr(dir, '/');
	char parent[PATH_MAX] = ".";
	struct stat st;

	if (slash) {
		memcpy(parent, dir, (size_t)(slash - dir));
		parent[slash - dir] = '\0';
	}
	_cleanup_(closep) int fd = openat2_in(u->rootfd, parent, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return il_fail(err, -fd, "open '%.120s'", parent);
	const char *base = slash ? slash + 1 : dir;
	if (mkdirat(fd, base, 0755) < 0 && errno != EEXIST)
		return il_fail(err, errno, "make directory '%.120s'", dir);
	if (fstatat(fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return il_fail(err, errno, "make directory '%.120s'", dir);
	return inode_set_add(&u->made, st.st_ino) < 0 ? il_fail(err, ENOMEM, "unpack") : 0;
}

static int make_missing(struct img_unpack *u, const char *dir, struct il_err *err)
{
	char prefix[PATH_MAX];

	for (size_t i = strcspn(dir, "/");; i += 1 + strcspn(dir + i + 1, "/")) {
		memcpy(prefix, dir, i);
		prefix[i] = '\0';
		_cleanup_(closep) int fd =
		    openat2_in(u->rootfd, prefix, O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS);
		int r = fd == -ENOENT ? make_dir(u, prefix, err) : 0;
		if (r < 0)
			return r;
		if (dir[i] == '\0')
			return 0;
	}
}

static int open_through_links(struct img_unpack *u, const char *dir, bool create,
			      struct il_err *err)
{
	struct il_err why = {0};
	int r = check_links(u, dir, err);

	if (r < 0)
		return r;
	if (create)
		r = make_missing(u, dir, &why);
	_cleanup_(closep) int fd =
	    r < 0 ? r : openat2_in(u->rootfd, dir, O_RDONLY | O_DIRECTORY, 0);
	if (fd == -ENOENT || fd == -ELOOP)
		return il_refuse(err, EINVAL,
				 "'%.120s' leads through a symbolic link to nowhere in the image",
				 dir);
	if (r < 0)
		return il_refuse(err, -r, "%s", why.msg);
	if (fd < 0)
		return il_fail(err, -fd, "open '%.120s'", dir);
	r = check_real_depth(u, fd, dir, err);
	return r < 0 ? r : steal_fd(&fd);
}

static int open_dir(struct img_unpack *u, const char *dir, bool create, struct il_err *err)
{
	const int flags = O_RDONLY | O_DIRECTORY;
	int fd = openat2_in(u->rootfd, dir, flags, RESOLVE_NO_SYMLINKS);

	/* The rule: no link on the way, and the directory is there. */
	if (fd == -ENOENT && create) {
		int r = make_missing(u, dir, err);
		if (r < 0)
			return r;
		fd = openat2_in(u->rootfd, dir, flags, RESOLVE_NO_SYMLINKS);
	}
	if (fd == -ELOOP)
		return open_through_links(u, dir, create, err);
	if (fd == -ENOENT && !create)
		return fd;
	return fd < 0 ? il_fail(err, -fd, "open '%.120s'", dir) : fd;
}

void unpack_forget_parent(struct img_unpack *u)
{
	closep(&u->parent_fd);
}

int unpack_open_parent(struct img_unpack *u, const struct unpack_name *name, bool create,
		       struct il_err *err)
{
	char dir[PATH_MAX] = ".";

	if (name->dir_len > 0) {
		memcpy(dir, name->path, name->dir_len);
		dir[name->dir_len] = '\0';
	}
	if (u->parent_fd >= 0 && strcmp(dir, u->parent) == 0)
		return u->parent_fd;
	unpack_forget_parent(u);
	u->parent_fd = open_dir(u, dir, create, err);
	if (u->parent_fd < 0) {
		int r = u->parent_fd;

		u->parent_fd = -1;
		return r;
	}
	memcpy(u->parent, dir, strlen(dir) + 1);
	return u->parent_fd;
}

/* ---- whiteouts ---------------------------------------------------------------------- */

int unpack_hide_children(struct img_unpack *u, int dirfd, unsigned int depth)
{
	int copy = il_open(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	int result = 0;

	if (copy < 0)
		return copy;
	_cleanup_(closedirp) DIR *dir = il_fdopendir(copy);
	if (!dir)
		return -errno;
	for (;;) {
		errno = 0;
		struct dirent *e = readdir(dir);

		if (!e)
			return errno ? -errno : result;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		int r = unpack_hide(u, copy, e->d_name, depth + 1);
		if (r < 0)
			result = r;
	}
}

int unpack_hide(struct img_unpack *u, int dirfd, const char *base, unsigned int depth)
{
	struct stat st;

	if (depth > 2 * UNPACK_DEPTH_MAX)
		return -ELOOP;
	if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	bool ours = inode_set_has(&u->made, st.st_ino);
	if (!S_ISDIR(st.st_mode))
		return ours || unlinkat(dirfd, base, 0) == 0 ? 0 : -errno;
	_cleanup_(closep) int fd = il_open(dirfd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	int r = unpack_hide_children(u, fd, depth);
	if (r < 0 || ours)
		return r;
	if (unlinkat(dirfd, base, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	return 0;
}
