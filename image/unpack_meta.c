// SPDX-License-Identifier: Apache-2.0
/* Owners, modes, times and extended attributes of unpacked entries. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"
#include "image/unpack_private.h"

#define XATTR_VALUE_MAX (64u << 10) /* the kernel's own limit */

void unpack_warn(struct img_unpack *u, enum unpack_warning which)
{
	static const char *const texts[WARN_MAX] = {
	    [WARN_OWNER] = "not root: files of the image get your own user and group",
	    [WARN_DEVICE] = "not root: device nodes of the image are left out",
	    [WARN_XATTR] = ("extended attributes of the image are left out: this file system or "
			    "user cannot store them"),
	};

	if (u->warned[which])
		return;
	u->warned[which] = true;
	if (u->warn)
		u->warn(u->warn_ctx, texts[which]);
}

/*
 * user.* and file capabilities belong to the image's content. trusted.* and user.overlay.*
 * would steer an overlay mounted over the directory, security.selinux and the like belong
 * to the host's policy.
 */
static bool wanted_xattr(const char *name)
{
	if (strcmp(name, "security.capability") == 0)
		return true;
	return strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0;
}

static int set_xattrs(struct img_unpack *u, int fd, struct archive_entry *e, struct il_err *err)
{
	const char *name = NULL;
	const void *value = NULL;
	size_t len = 0;

	archive_entry_xattr_reset(e);
	while (archive_entry_xattr_next(e, &name, &value, &len) == ARCHIVE_OK) {
		if (!name || !wanted_xattr(name) || len > XATTR_VALUE_MAX)
			continue;
		if (fsetxattr(fd, name, value, len, 0) == 0)
			continue;
		if (errno != ENOTSUP && errno != EPERM && errno != EINVAL && errno != ERANGE)
			return il_fail(err, errno, "set attribute '%.60s'", name);
		unpack_warn(u, WARN_XATTR);
	}
	return 0;
}

static bool has_xattrs(struct archive_entry *e)
{
	return archive_entry_xattr_count(e) > 0;
}

static int set_owner(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
		     struct il_err *err)
{
	la_int64_t uid = archive_entry_uid(e);
	la_int64_t gid = archive_entry_gid(e);

	if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return il_refuse(err, EINVAL, "owner %lld:%lld is out of range", (long long)uid,
				 (long long)gid);
	if (!u->privileged) {
		if (uid != 0 || gid != 0)
			unpack_warn(u, WARN_OWNER);
		return 0;
	}
	if (fchownat(dirfd, base, (uid_t)uid, (gid_t)gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return il_fail(err, errno, "set the owner");
	return 0;
}

static struct timespec entry_mtime(struct archive_entry *e)
{
	struct timespec t = {0};

	if (archive_entry_mtime_is_set(e)) {
		t.tv_sec = archive_entry_mtime(e);
		t.tv_nsec = archive_entry_mtime_nsec(e);
	}
	if (t.tv_nsec < 0 || t.tv_nsec > 999999999)
		t.tv_nsec = 0;
	return t;
}

static mode_t entry_mode(const struct img_unpack *u, struct archive_entry *e)
{
	mode_t mode = archive_entry_perm(e) & 07777;

	/* Without privilege its owner is now the caller, who has to read it. */
	return u->privileged ? mode : mode | S_IRUSR;
}

int unpack_set_file_meta(struct img_unpack *u, int fd, struct archive_entry *e, struct il_err *err)
{
	struct timespec times[2] = {entry_mtime(e), entry_mtime(e)};
	int r = set_owner(u, fd, "", e, err); /* first: it clears setuid and capabilities */

	if (r < 0)
		return r;
	if (fchmod(fd, entry_mode(u, e)) < 0)
		return il_fail(err, errno, "set the mode");
	if (has_xattrs(e))
		r = set_xattrs(u, fd, e, err);
	if (r < 0)
		return r;
	if (futimens(fd, times) < 0 && errno != EINVAL)
		return il_fail(err, errno, "set the time");
	return 0;
}

int unpack_set_node_meta(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
			 struct il_err *err)
{
	struct timespec times[2] = {entry_mtime(e), entry_mtime(e)};
	int r = set_owner(u, dirfd, base, e, err);

	if (r < 0)
		return r;
	/* fchmodat would follow a link, but nobody else is here: the node was just made. */
	if (archive_entry_filetype(e) != AE_IFLNK && fchmodat(dirfd, base, entry_mode(u, e), 0) < 0)
		return il_fail(err, errno, "set the mode");
	if (utimensat(dirfd, base, times, AT_SYMLINK_NOFOLLOW) < 0 && errno != EINVAL)
		return il_fail(err, errno, "set the time");
	return 0;
}

static int remember_dir(struct img_unpack *u, const struct pending_dir *dir)
{
	if (u->ndirs == u->dirs_cap) {
		size_t cap = IL_MAX(u->dirs_cap * 2, (size_t)256);
		struct pending_dir *bigger = realloc(u->dirs, cap * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		u->dirs = bigger;
		u->dirs_cap = cap;
	}
	u->dirs[u->ndirs++] = *dir;
	return 0;
}

int unpack_set_dir_meta(struct img_unpack *u, int fd, const char *path, struct archive_entry *e,
			struct il_err *err)
{
	struct stat st;
	int r = set_owner(u, fd, "", e, err);

	if (r == 0 && has_xattrs(e))
		r = set_xattrs(u, fd, e, err);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return il_fail(err, errno, "look at the directory");
	struct pending_dir dir = {
	    .path = strdup(*path ? path : "."),
	    .ino = st.st_ino,
	    .mode = (archive_entry_perm(e) & 07777) | (u->privileged ? 0 : S_IRWXU),
	    .mtime = entry_mtime(e),
	};
	if (!dir.path || remember_dir(u, &dir) < 0) {
		free(dir.path);
		return il_fail(err, ENOMEM, "remember the directory");
	}
	return 0;
}

int img_unpack_end(struct img_unpack *u, struct il_err *err)
{
	/* Backwards: children before parents, which they may be unreachable below. */
	for (size_t i = u->ndirs; i-- > 0;) {
		const struct pending_dir *d = &u->dirs[i];
		struct timespec times[2] = {d->mtime, d->mtime};
		struct stat st;
		_cleanup_(closep) int fd =
		    il_open_in_root(u->rootfd, d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

		/* A later layer may have removed or replaced it. */
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != d->ino)
			continue;
		/* Of several layers' records the last one counts: the first seen from here. */
		if (inode_set_has(&u->made, d->ino))
			continue;
		if (inode_set_add(&u->made, d->ino) < 0)
			return il_fail(err, ENOMEM, "unpack");
		if (fchmod(fd, d->mode) < 0 || (futimens(fd, times) < 0 && errno != EINVAL))
			return il_fail(err, errno, "finish directory '%.120s'", d->path);
	}
	return 0;
}
