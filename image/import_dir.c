// SPDX-License-Identifier: Apache-2.0
/* A root directory -> one tar layer, entries in the order of their names. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/import.h"
#include "image/tar_write.h"
#include "image/unpack_private.h"

#define CHUNK       (128u << 10)
#define XATTRS_MAX  64
#define XATTR_BYTES (64u << 10) /* the kernel's limit for names, and for one value */

/* The first name of a file that has several. */
struct link_name {
	uint64_t ino;
	char *path; /* owned */
};

struct packer {
	struct tar_writer tar;
	dev_t dev; /* of the top: what is mounted below stays out */
	struct link_name *links;
	size_t nlinks;
	size_t links_cap;
	struct il_err *err;
	char chunk[CHUNK];
};

static int pack_failure(struct packer *p, int r, const char *path)
{
	return il_fail(p->err, -r, "pack '%.120s'", path);
}

/* ---- extended attributes ------------------------------------------------------------ */

struct xattr_list {
	struct tar_xattr items[XATTRS_MAX];
	size_t n;
	char *names;              /* owned */
	char *values[XATTRS_MAX]; /* owned */
};

static void xattr_list_done(struct xattr_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->values[i]);
	free(l->names);
}

static int read_one_xattr(int fd, const char *name, struct xattr_list *ret)
{
	ssize_t len = fgetxattr(fd, name, NULL, 0);

	if (len < 0 || len > XATTR_BYTES || ret->n == XATTRS_MAX)
		return 0; /* gone, or not ours to read */
	char *value = malloc((size_t)len + 1);
	if (!value)
		return -ENOMEM;
	len = fgetxattr(fd, name, value, (size_t)len);
	if (len < 0) {
		free(value);
		return 0;
	}
	ret->values[ret->n] = value;
	ret->items[ret->n++] = (struct tar_xattr){.name = name, .value = value, .len = (size_t)len};
	return 0;
}

/* A file system without attributes has none to keep. */
static int read_xattrs(int fd, struct xattr_list *ret)
{
	ssize_t len = flistxattr(fd, NULL, 0);

	if (len <= 0)
		return 0;
	ret->names = malloc((size_t)len + 1);
	if (!ret->names)
		return -ENOMEM;
	len = flistxattr(fd, ret->names, (size_t)len);
	for (const char *n = ret->names; len > 0 && n < ret->names + len; n += strlen(n) + 1) {
		int r = read_one_xattr(fd, n, ret);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- one entry ---------------------------------------------------------------------- */

/* The name under which this file was packed before, or NULL; remembers a new one. */
static int known_name(struct packer *p, const struct stat *st, const char *path, const char **ret)
{
	*ret = NULL;
	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return 0;
	for (size_t i = 0; i < p->nlinks; i++) {
		if (p->links[i].ino == st->st_ino) {
			*ret = p->links[i].path;
			return 0;
		}
	}
	if (p->nlinks == p->links_cap) {
		size_t cap = IL_MAX(p->links_cap * 2, (size_t)64);
		struct link_name *bigger = realloc(p->links, cap * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		p->links = bigger;
		p->links_cap = cap;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	p->links[p->nlinks++] = (struct link_name){.ino = st->st_ino, .path = copy};
	return 0;
}

static int pack_data(struct packer *p, int fd, uint64_t size, const char *path)
{
	for (uint64_t done = 0; done < size;) {
		size_t want = (size_t)IL_MIN(size - done, (uint64_t)CHUNK);
		ssize_t n = il_read_full(fd, p->chunk, want);

		if (n < 0)
			return il_fail(p->err, (int)-n, "read '%.120s'", path);
		if (n == 0)
			return il_refuse(p->err, EINVAL, "'%.120s' shrank while it was read", path);
		int r = tar_write_data(&p->tar, p->chunk, (size_t)n);
		if (r < 0)
			return pack_failure(p, r, path);
		done += (uint64_t)n;
	}
	int r = tar_write_pad(&p->tar);
	return r < 0 ? pack_failure(p, r, path) : 0;
}

static int pack_symlink(struct packer *p, int dirfd, const char *base, const struct tar_entry *e)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, base, target, sizeof(target) - 1);

	if (n < 0)
		return il_fail(p->err, errno, "read the link '%.120s'", e->path);
	target[n] = '\0';
	struct tar_entry with_target = *e;
	with_target.linkname = target;
	int r = tar_write_header(&p->tar, &with_target);
	return r < 0 ? pack_failure(p, r, e->path) : 0;
}

/* A regular file or a directory: those are opened, and may have attributes. */
static int pack_opened(struct packer *p, int dirfd, const char *base, const struct tar_entry *e)
{
	_cleanup_(closep) int fd = il_open(dirfd, base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	_cleanup_(xattr_list_done) struct xattr_list xattrs = {0};

	if (fd < 0)
		return il_fail(p->err, -fd, "open '%.120s'", e->path);
	int r = read_xattrs(fd, &xattrs);
	struct tar_entry with_xattrs = *e;
	with_xattrs.xattrs = xattrs.items;
	with_xattrs.nxattrs = xattrs.n;
	if (r == 0)
		r = tar_write_header(&p->tar, &with_xattrs);
	if (r < 0)
		return pack_failure(p, r, e->path);
	return S_ISREG(e->st->st_mode) ? pack_data(p, fd, (uint64_t)e->st->st_size, e->path) : 0;
}

static int pack_entry(struct packer *p, int dirfd, const char *base, const char *path,
		      const struct stat *st)
{
	struct tar_entry e = {.path = path, .st = st};
	int r = known_name(p, st, path, &e.linkname);

	if (r == 0 && !e.linkname && S_ISLNK(st->st_mode))
		return pack_symlink(p, dirfd, base, &e);
	if (r == 0 && !e.linkname && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
		return pack_opened(p, dirfd, base, &e);
	e.hardlink = e.linkname != NULL;
	if (r == 0)
		r = tar_write_header(&p->tar, &e);
	return r < 0 ? pack_failure(p, r, path) : 0;
}

/* ---- the tree ----------------------------------------------------------------------- */

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int pack_children(struct packer *p, int fd, const char *path, int depth);

static int pack_child(struct packer *p, int dirfd, const char *dir, const char *base, int depth)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", dir, *dir ? "/" : "", base) >=
	    sizeof(path))
		return il_fail(p->err, ENAMETOOLONG, "'%.60s...'", path);
	if (fstatat(dirfd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return il_fail(p->err, errno, "look at '%.120s'", path);
	if (S_ISSOCK(st.st_mode))
		return 0; /* tar has none: it belongs to the program that made it */
	int r = pack_entry(p, dirfd, base, path, &st);
	if (r < 0 || !S_ISDIR(st.st_mode) || st.st_dev != p->dev)
		return r;
	if (depth >= UNPACK_DEPTH_MAX)
		return il_refuse(p->err, EINVAL, "'%.60s...' is nested deeper than %d directories",
				 path, UNPACK_DEPTH_MAX);
	_cleanup_(closep) int fd = il_open(dirfd, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return il_fail(p->err, -fd, "open '%.120s'", path);
	return pack_children(p, fd, path, depth + 1);
}

static int pack_children(struct packer *p, int fd, const char *path, int depth)
{
	struct dirent **names = NULL;
	int n = scandirat(fd, ".", &names, not_dots, by_bytes);
	int r = n < 0 ? il_fail(p->err, errno, "read directory '%.120s'", *path ? path : ".") : 0;

	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = pack_child(p, fd, path, names[i]->d_name, depth);
		free(names[i]);
	}
	free(names);
	return r;
}

static int pack_tree(struct packer *p, int dirfd, struct img_digest *ret)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return il_fail(p->err, errno, "look at the directory");
	p->dev = st.st_dev;
	int r = pack_entry(p, dirfd, ".", ".", &st);
	if (r == 0)
		r = pack_children(p, dirfd, "", 0);
	if (r < 0)
		return r;
	r = tar_writer_end(&p->tar, ret);
	return r < 0 ? pack_failure(p, r, ".") : 0;
}

static void packer_freep(struct packer **packer)
{
	struct packer *p = *packer;

	if (p) {
		for (size_t i = 0; i < p->nlinks; i++)
			free(p->links[i].path);
		free(p->links);
		free(p);
	}
	*packer = NULL;
}

int img_import_directory(struct img_stage *stage, int dirfd, struct img_incoming *ret,
			 struct il_err *err)
{
	struct img_desc layer = {.media_type = IMG_MEDIA_LAYER};
	_cleanup_(packer_freep) struct packer *p = calloc(1, sizeof(*p));
	_cleanup_(closep) int fd = -1;

	if (!p)
		return il_fail(err, ENOMEM, "pack the directory");
	fd = il_open(stage->fd, "packed.tar", O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		/* cppcheck-suppress memleak ; its scope frees it */
		return il_fail(err, -fd, "pack the directory");
	tar_writer_init(&p->tar, fd);
	p->err = err;
	int r = pack_tree(p, dirfd, &layer.digest);
	if (r < 0)
		return r;
	layer.size = p->tar.size;
	r = img_stage_adopt(stage, "packed.tar", &layer.digest, err);
	return r < 0 ? r : img_compose_root(stage, &layer, &layer.digest, ret, err);
}
