// SPDX-License-Identifier: Apache-2.0
#include "image/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/sys.h"

#define FILES_MAX      65536 /* in an archive: blobs of a few hundred images */
#define HOPS_MAX       8     /* links from one name to another */
#define NAME_BYTES_MAX 4096

/* One name of an archive. */
struct file {
	char *path;  /* owned, normalised */
	char *alias; /* owned, normalised: it is a link to that name; else NULL */
	struct img_desc content;
	char staged[24]; /* the stage's file with its content */
	bool adopted;    /* it has become a blob */
};

struct img_bundle {
	struct img_stage *stage;
	int dirfd; /* of a directory bundle; borrowed; -1 = archive */
	struct file *files;
	size_t n;
	size_t cap;
};

void img_bundle_closep(struct img_bundle **bundle)
{
	struct img_bundle *b = *bundle;

	if (b) {
		for (size_t i = 0; i < b->n; i++) {
			free(b->files[i].path);
			free(b->files[i].alias);
		}
		free(b->files);
		free(b);
	}
	*bundle = NULL;
}

static struct img_bundle *bundle_new(struct img_stage *stage, int dirfd)
{
	struct img_bundle *b = calloc(1, sizeof(*b));

	if (b) {
		b->stage = stage;
		b->dirfd = dirfd;
	}
	return b;
}

int img_bundle_dir(struct img_stage *stage, int dirfd, struct img_bundle **ret, struct il_err *err)
{
	*ret = bundle_new(stage, dirfd);
	return *ret ? 0 : il_fail(err, ENOMEM, "open the image directory");
}

/*
 * The name @path, as seen from the directory of @from ("" = the top), without "." and "..";
 * what would climb out stays at the top: these are only keys. Owned, or NULL.
 */
static char *normalise(const char *from, const char *path)
{
	struct il_buf b = {0};
	_cleanup_(freep) char *whole = il_strf("%s/%s", path[0] == '/' ? "" : from, path);

	if (!whole)
		return NULL;
	for (const char *p = whole; *p != '\0';) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (b.len > 0 && b.data[--b.len] != '/')
				;
		} else if (n > 0 && !(n == 1 && p[0] == '.')) {
			if (b.len > 0)
				il_buf_str(&b, "/");
			il_buf_add(&b, p, n);
		}
		p += n;
		p += strspn(p, "/");
	}
	return il_buf_steal(&b);
}

static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return il_strf("%.*s", slash ? (int)(slash - path) : 0, path);
}

static struct file *add_file(struct img_bundle *b)
{
	if (b->n == b->cap) {
		size_t cap = IL_MAX(b->cap * 2, (size_t)64);
		struct file *bigger = realloc(b->files, cap * sizeof(*bigger));

		if (!bigger)
			return NULL;
		b->files = bigger;
		b->cap = cap;
	}
	b->files[b->n] = (struct file){0};
	return &b->files[b->n++];
}

/* Copies the entry's data into a file of the stage, hashing it. */
static int stage_entry(struct img_bundle *b, struct img_stream *stream, struct file *f,
		       struct il_err *err)
{
	struct img_hash hash;
	const void *data = NULL;
	size_t len = 0;
	uint64_t offset = 0;
	int r;

	snprintf(f->staged, sizeof(f->staged), "in.%zu", b->n);
	_cleanup_(closep) int fd =
	    il_open(b->stage->fd, f->staged, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return il_fail(err, -fd, "store '%.120s'", f->path);
	img_hash_init(&hash);
	while ((r = img_stream_data(stream, &data, &len, &offset, err)) > 0) {
		if (offset != f->content.size)
			return il_refuse(err, EINVAL, "'%.120s' is a sparse file", f->path);
		img_hash_add(&hash, data, len);
		f->content.size += len;
		r = il_write_full(fd, data, len);
		if (r < 0)
			return il_fail(err, -r, "store '%.120s'", f->path);
	}
	img_hash_end(&hash, &f->content.digest);
	return r;
}

static int take_entry(struct img_bundle *b, struct img_stream *stream, struct archive_entry *e,
		      struct il_err *err)
{
	const char *path = archive_entry_pathname(e);
	const char *hard = archive_entry_hardlink(e);
	const char *soft = archive_entry_symlink(e);
	bool regular = archive_entry_filetype(e) == AE_IFREG;

	if (!path || (!hard && !soft && !regular))
		return 0;
	if (strlen(path) > NAME_BYTES_MAX || b->n >= FILES_MAX)
		return il_refuse(err, EINVAL, "the archive has too many or too long file names");
	struct file *f = add_file(b);
	if (f)
		f->path = normalise("", path);
	if (!f || !f->path)
		return il_fail(err, ENOMEM, "read the archive");
	if (!hard && !soft)
		return stage_entry(b, stream, f, err);
	_cleanup_(freep) char *dir = directory_of(f->path);
	/* A hard link's target is named from the archive's top, a symbolic link's from here. */
	f->alias = dir ? normalise(hard ? "" : dir, hard ? hard : soft) : NULL;
	return f->alias ? 0 : il_fail(err, ENOMEM, "read the archive");
}

int img_bundle_archive(struct img_stage *stage, struct img_stream *stream, struct img_bundle **ret,
		       struct il_err *err)
{
	_cleanup_(img_bundle_closep) struct img_bundle *b = bundle_new(stage, -1);
	struct archive_entry *e = NULL;
	struct img_digest unused;
	int r;

	if (!b)
		return il_fail(err, ENOMEM, "read the archive");
	while ((r = img_stream_next(stream, &e, err)) > 0) {
		r = take_entry(b, stream, e, err);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = img_stream_finish(stream, /* need_end= */ true, &unused, err);
	if (r == 0)
		*ret = steal_ptr(b);
	return r;
}

/* The file that @path names in the end, or NULL. A name given twice: the last one counts. */
static struct file *find_file(struct img_bundle *b, const char *path)
{
	_cleanup_(freep) char *name = normalise("", path);
	const char *want = name;

	for (int hops = 0; want && hops < HOPS_MAX; hops++) {
		struct file *f = NULL;

		for (size_t i = b->n; i-- > 0 && !f;)
			if (strcmp(b->files[i].path, want) == 0)
				f = &b->files[i];
		if (!f || !f->alias)
			return f;
		want = f->alias;
	}
	return NULL;
}

/* Opens the file for reading. Owned fd, or -ENOENT without a message, or -errno. */
static int open_file(struct img_bundle *b, const char *path, struct il_err *err)
{
	struct stat st;

	if (b->dirfd < 0) {
		const struct file *f = find_file(b, path);
		int fd = -ENOENT;

		if (f && f->adopted)
			fd = img_stage_open(b->stage, &f->content.digest, err);
		else if (f)
			fd = il_open(b->stage->fd, f->staged, O_RDONLY, 0);
		return fd;
	}
	_cleanup_(closep) int fd = il_open_in_root(b->dirfd, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0 || fstat(fd, &st) < 0)
		return il_fail(err, fd < 0 ? -fd : errno, "open '%.120s'", path);
	if (!S_ISREG(st.st_mode))
		return il_refuse(err, EINVAL, "'%.120s' is not a regular file", path);
	return steal_fd(&fd);
}

int img_bundle_read(struct img_bundle *b, const char *path, char **ret, size_t *ret_len,
		    struct il_err *err)
{
	_cleanup_(closep) int fd = open_file(b, path, err);
	char self[32];

	if (fd == -ENOENT)
		return il_refuse(err, ENOENT, "'%.120s' is missing", path);
	if (fd < 0)
		return fd;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int r = il_read_file(AT_FDCWD, self, IMG_JSON_MAX, ret, ret_len);
	return r < 0 ? il_fail(err, -r, "read '%.120s'", path) : 0;
}

static int adopt_file(struct img_bundle *b, struct file *f, const char *what,
		      const struct img_desc *expect, struct img_desc *ret, struct il_err *err)
{
	int r = expect ? img_desc_check(what, expect, &f->content, err) : 0;

	if (r == 0 && !f->adopted)
		r = img_stage_adopt(b->stage, f->staged, &f->content.digest, err);
	if (r < 0)
		return r;
	f->adopted = true;
	ret->digest = f->content.digest;
	ret->size = f->content.size;
	return 0;
}

int img_bundle_blob(struct img_bundle *b, const char *path, const char *what,
		    const struct img_desc *expect, struct img_desc *ret, struct il_err *err)
{
	/* Already here under the same digest and size: it was checked when it came. */
	if (expect && img_stage_has(b->stage, expect)) {
		ret->digest = expect->digest;
		ret->size = expect->size;
		return 0;
	}
	struct file *f = b->dirfd < 0 ? find_file(b, path) : NULL;
	if (f)
		return adopt_file(b, f, what, expect, ret, err);
	_cleanup_(closep) int fd = open_file(b, path, err);
	if (fd == -ENOENT)
		return il_refuse(err, EINVAL, "%s is missing ('%.120s')", what, path);
	return fd < 0 ? fd : img_stage_copy(b->stage, fd, what, expect, ret, err);
}
