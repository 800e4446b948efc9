// SPDX-License-Identifier: Apache-2.0
#include "image/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "image/manifest.h"
#include "image/unpack_private.h"

#define WHITEOUT      ".wh."
#define WHITEOUT_META ".wh..wh."
#define OPAQUE        ".wh..wh..opq"

int img_unpack_new(int rootfd, img_warn_fn warn, void *warn_ctx, struct img_unpack **ret,
		   struct il_err *err)
{
	struct img_unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return il_fail(err, ENOMEM, "unpack");
	u->rootfd = rootfd;
	u->parent_fd = -1;
	u->privileged = geteuid() == 0;
	u->warn = warn;
	u->warn_ctx = warn_ctx;
	if (fchmod(rootfd, 0755) < 0) { /* when no layer says what the root is like */
		free(u);
		return il_fail(err, errno, "unpack");
	}
	*ret = u;
	return 0;
}

void img_unpack_freep(struct img_unpack **unpack)
{
	struct img_unpack *u = *unpack;

	if (u) {
		closep(&u->parent_fd);
		inode_set_done(&u->made);
		for (size_t i = 0; i < u->ndirs; i++)
			free(u->dirs[i].path);
		free(u->dirs);
		free(u);
	}
	*unpack = NULL;
}

/* ---- making one entry --------------------------------------------------------------- */

static int write_data(struct img_unpack *u, int fd, struct img_stream *layer, struct il_err *err)
{
	const void *data = NULL;
	size_t len = 0;
	uint64_t offset = 0;
	int r;

	while ((r = img_stream_data(layer, &data, &len, &offset, err)) > 0) {
		u->bytes += len;
		for (size_t done = 0; done < len;) {
			ssize_t n = pwrite(fd, (const char *)data + done, len - done,
					   (off_t)(offset + done));
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return il_fail(err, errno, "write");
			done += (size_t)n;
		}
	}
	return r;
}

static int make_file(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
		     struct img_stream *layer, struct il_err *err)
{
	_cleanup_(closep) int fd =
	    il_open(dirfd, base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	la_int64_t size = archive_entry_size(e);

	if (fd < 0)
		return il_fail(err, -fd, "make the file");
	if (size < 0 || (uint64_t)size > IMG_BLOB_MAX)
		return il_refuse(err, EINVAL, "its size %lld is absurd", (long long)size);
	int r = write_data(u, fd, layer, err);
	if (r < 0)
		return r;
	if (ftruncate(fd, size) < 0) /* a sparse file may end in a hole */
		return il_fail(err, errno, "write");
	return unpack_set_file_meta(u, fd, e, err);
}

static int make_node(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
		     struct il_err *err)
{
	mode_t type = archive_entry_filetype(e);
	dev_t dev = 0;

	if (type != AE_IFIFO) {
		if (!u->privileged) {
			unpack_warn(u, WARN_DEVICE);
			return 1;
		}
		dev = makedev((unsigned int)archive_entry_rdevmajor(e),
			      (unsigned int)archive_entry_rdevminor(e));
	}
	if (mknodat(dirfd, base, type | 0600, dev) < 0)
		return il_fail(err, errno, "make the device node or fifo");
	return unpack_set_node_meta(u, dirfd, base, e, err);
}

static int make_symlink(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
			struct il_err *err)
{
	const char *target = archive_entry_symlink(e);

	if (!target || *target == '\0' || strlen(target) >= PATH_MAX)
		return il_refuse(err, EINVAL, "the symbolic link has no usable target");
	if (symlinkat(target, dirfd, base) < 0)
		return il_fail(err, errno, "make the symbolic link");
	return unpack_set_node_meta(u, dirfd, base, e, err);
}

/* Returns 0, 1 when the entry was left out, or -errno. */
static int make_by_type(struct img_unpack *u, int dirfd, const char *base, struct archive_entry *e,
			struct img_stream *layer, struct il_err *err)
{
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return make_file(u, dirfd, base, e, layer, err);
	case AE_IFLNK:
		return make_symlink(u, dirfd, base, e, err);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return make_node(u, dirfd, base, e, err);
	default:
		return il_refuse(err, EINVAL, "entry type %o is not known",
				 (unsigned int)archive_entry_filetype(e));
	}
}

/* What a lower layer (or an earlier entry) has under this name gives way. */
static int clear_name(int dirfd, const char *base, struct il_err *err)
{
	if (faccessat(dirfd, base, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	int r = il_remove_tree(dirfd, base);
	return r < 0 ? il_fail(err, -r, "replace it") : 0;
}

static int mark_made(struct img_unpack *u, int dirfd, const char *base, struct il_err *err)
{
	struct stat st;

	if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return il_fail(err, errno, "look at it");
	return inode_set_add(&u->made, st.st_ino) < 0 ? il_fail(err, ENOMEM, "unpack") : 0;
}

static int apply_directory(struct img_unpack *u, const struct unpack_name *name, int dirfd,
			   struct archive_entry *e, struct il_err *err)
{
	struct stat st;
	const char *base = *name->base ? name->base : ".";

	bool there = fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!there || !S_ISDIR(st.st_mode)) {
		int r = clear_name(dirfd, base, err);
		if (r < 0)
			return r;
		if (mkdirat(dirfd, base, 0700) < 0)
			return il_fail(err, errno, "make the directory");
	}
	_cleanup_(closep) int fd = il_open(dirfd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return il_fail(err, -fd, "open the directory");
	int r = mark_made(u, fd, ".", err);
	return r < 0 ? r : unpack_set_dir_meta(u, fd, name->path, e, err);
}

static int apply_hardlink(struct img_unpack *u, const struct unpack_name *name, const char *target,
			  struct il_err *err)
{
	struct unpack_name to;
	int r = unpack_name_parse(target, &to, err);

	if (r < 0)
		return il_wrap(err, r, "hard link");
	r = unpack_open_parent(u, &to, false, err);
	if (r == -ENOENT)
		return il_refuse(err, EINVAL, "hard link to '%.120s', which is not in the image",
				 target);
	if (r < 0)
		return r;
	_cleanup_(closep) int from = il_open(r, ".", O_RDONLY | O_DIRECTORY, 0);
	if (from < 0)
		return il_fail(err, -from, "hard link to '%.120s'", target);
	int dirfd = unpack_open_parent(u, name, true, err);
	if (dirfd < 0)
		return dirfd;
	/* A link to itself would lose the file when the old name is cleared. */
	if (strcmp(to.path, name->path) == 0)
		return 0;
	r = clear_name(dirfd, name->base, err);
	if (r < 0)
		return r;
	if (linkat(from, to.base, dirfd, name->base, 0) < 0)
		return errno == ENOENT
			   ? il_refuse(err, EINVAL,
				       "hard link to '%.120s', which is not in the image", target)
			   : il_fail(err, errno, "hard link to '%.120s'", target);
	return mark_made(u, dirfd, name->base, err);
}

static int apply_whiteout(struct img_unpack *u, const struct unpack_name *name, struct il_err *err)
{
	int dirfd = unpack_open_parent(u, name, false, err);
	int r = 0;

	if (dirfd == -ENOENT)
		return 0; /* nothing to hide */
	if (dirfd < 0)
		return dirfd;
	const char *hidden = name->base + sizeof(WHITEOUT) - 1;
	if (strcmp(name->base, OPAQUE) == 0)
		r = unpack_hide_children(u, dirfd, 0);
	else if (strncmp(name->base, WHITEOUT_META, sizeof(WHITEOUT_META) - 1) == 0)
		return 0; /* aufs' own bookkeeping */
	else if (*hidden == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return il_refuse(err, EINVAL, "a whiteout without a name");
	else
		r = unpack_hide(u, dirfd, hidden, 0);
	unpack_forget_parent(u);
	return r < 0 ? il_fail(err, -r, "apply the whiteout") : 0;
}

static int apply_other(struct img_unpack *u, const struct unpack_name *name,
		       struct archive_entry *e, struct img_stream *layer, struct il_err *err)
{
	int dirfd = unpack_open_parent(u, name, true, err);

	if (dirfd < 0)
		return dirfd;
	if (archive_entry_filetype(e) == AE_IFDIR)
		return apply_directory(u, name, dirfd, e, err);
	if (*name->base == '\0')
		return il_refuse(err, EINVAL, "the root is not a directory");
	int r = clear_name(dirfd, name->base, err);
	if (r == 0)
		r = make_by_type(u, dirfd, name->base, e, layer, err);
	if (r != 0)
		return r < 0 ? r : 0;
	return mark_made(u, dirfd, name->base, err);
}

static int apply_entry(struct img_unpack *u, struct archive_entry *e, struct img_stream *layer,
		       struct il_err *err)
{
	struct unpack_name name;
	const char *path = archive_entry_pathname(e);
	const char *target = archive_entry_hardlink(e);

	if (!path)
		return il_refuse(err, EINVAL, "an entry without a name");
	int r = unpack_name_parse(path, &name, err);
	if (r < 0)
		return r;
	if (strncmp(name.base, WHITEOUT, sizeof(WHITEOUT) - 1) == 0)
		r = apply_whiteout(u, &name, err);
	else if (target)
		r = apply_hardlink(u, &name, target, err);
	else
		r = apply_other(u, &name, e, layer, err);
	return r < 0 ? il_wrap(err, r, "'%.120s'", name.path) : 0;
}

int img_unpack_layer(struct img_unpack *u, struct img_stream *layer, struct il_err *err)
{
	struct archive_entry *e = NULL;
	int r;

	inode_set_clear(&u->made);
	while ((r = img_stream_next(layer, &e, err)) > 0) {
		if (++u->entries > UNPACK_ENTRIES_MAX)
			return il_refuse(err, EINVAL, "the image has more than %u files",
					 UNPACK_ENTRIES_MAX);
		r = apply_entry(u, e, layer, err);
		if (r < 0)
			return r;
	}
	unpack_forget_parent(u);
	inode_set_clear(&u->made);
	return r;
}
