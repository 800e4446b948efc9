// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

int upath_get(struct upath *p, uint64_t addr)
{
	long n = strncpy_from_user(p->small, addr, sizeof(p->small));

	p->s = p->small;
	if (n != -ENAMETOOLONG)
		return n < 0 ? (int)n : 0;
	p->s = kmalloc(FS_PATH_MAX);
	if (!p->s)
		return -ENOMEM;
	n = strncpy_from_user(p->s, addr, FS_PATH_MAX);
	return n < 0 ? (int)n : 0;
}

void upath_done(struct upath *p)
{
	if (p->s != p->small)
		kfree(p->s);
}

/* Where a walk relative to @dirfd starts, counted. */
static int start_at(int dirfd, bool dir_needed, struct dentry **ret)
{
	struct file *f;

	if (dirfd == AT_FDCWD) {
		*ret = dentry_get(current->fs->cwd);
		return 0;
	}
	f = fd_file(dirfd);
	if (!f)
		return -EBADF;
	if (dir_needed && !is_dir(f->inode)) {
		file_put(f);
		return -ENOTDIR;
	}
	*ret = dentry_get(f->dentry);
	file_put(f);
	return 0;
}

int walk_init(struct walk *w, int dirfd, const char *path, unsigned int flags)
{
	int r;

	*w = (struct walk){.rest = path, .flags = flags};
	if (path[0] == '\0' && !(flags & W_EMPTY))
		return -ENOENT;
	if (path[0] == '/' && (flags & W_BENEATH))
		return -EXDEV;
	if (path[0] == '/' && !(flags & W_IN_ROOT))
		w->at = dentry_get(current->fs->root);
	else if ((r = start_at(dirfd, path[0] != '\0', &w->at)) < 0)
		return r;
	w->root = dentry_get(flags & (W_IN_ROOT | W_BENEATH) ? w->at : current->fs->root);
	w->magic = path[0] == '\0'; /* a descriptor of a link means the link */
	return 0;
}

void walk_done(struct walk *w)
{
	dentry_put(w->at);
	dentry_put(w->root);
	kfree(w->buf);
}

/* Takes over the reference of @to. */
static int go(struct walk *w, struct dentry *to)
{
	if ((w->flags & W_NOXDEV) && to->inode->mnt != w->at->inode->mnt) {
		dentry_put(to);
		return -EXDEV;
	}
	dentry_put(w->at);
	w->at = to;
	return 0;
}

static int go_up(struct walk *w)
{
	if (w->at == w->root)
		return w->flags & W_BENEATH ? -EXDEV : 0;
	if (w->at == fs_state.root || !w->at->parent)
		return 0;
	return go(w, dentry_get(w->at->parent));
}

static bool is_dot(const char *name, size_t len)
{
	return len == 1 && name[0] == '.';
}

static bool is_dotdot(const char *name, size_t len)
{
	return len == 2 && name[0] == '.' && name[1] == '.';
}

/* The target of @link in a fresh block with @rest behind it. */
static int read_link(struct inode *link, const char *rest, char **ret)
{
	size_t rest_len = strlen(rest);
	char *buf = kmalloc(FS_PATH_MAX + rest_len + 2);
	long n = 0;

	if (!buf)
		return -ENOMEM;
	if (link->ops->readlink)
		n = link->ops->readlink(link, buf, FS_PATH_MAX);
	else
		memcpy(buf, link->link, (size_t)(n = (long)strlen(link->link)));
	if (n <= 0 || n >= (long)FS_PATH_MAX) {
		kfree(buf);
		return n < 0 ? (int)n : n == 0 ? -ENOENT : -ENAMETOOLONG;
	}
	if (rest_len)
		buf[n++] = '/';
	memcpy(buf + n, rest, rest_len + 1);
	*ret = buf;
	return 0;
}

/* Continues the walk at the target of @link, with @rest still to go after it. */
static int follow(struct walk *w, struct dentry *link, const char *rest)
{
	struct inode *inode = link->inode;
	struct dentry *to;
	char *buf = NULL;
	int r;

	if ((w->flags & W_NOSYMLINKS) || ++w->links > FS_LINKS)
		return -ELOOP;
	if (inode->ops->follow) {
		if (w->flags & W_NOMAGIC)
			return -ELOOP;
		if (w->flags & (W_BENEATH | W_IN_ROOT))
			return -EXDEV;
		r = inode->ops->follow(inode, &to);
		if (r < 0)
			return r;
		w->rest = rest;
		w->magic = true;
		return go(w, to);
	}
	r = read_link(inode, rest, &buf);
	if (r < 0 || !buf)
		return r;
	kfree(w->buf);
	w->buf = buf;
	w->rest = buf;
	if (buf[0] != '/')
		return 0;
	if (w->flags & W_BENEATH)
		return -EXDEV;
	return go(w, dentry_get(w->root));
}

static int may_search(const struct walk *w)
{
	if (!is_dir(w->at->inode))
		return -ENOTDIR;
	return inode_permission(w->at->inode, MAY_EXEC);
}

/* One component that is not the last. */
static int step(struct walk *w, const char *name, size_t len, const char *rest)
{
	struct dentry *d;
	int r;

	w->rest = rest;
	if (is_dot(name, len))
		return 0;
	if (is_dotdot(name, len))
		return go_up(w);
	r = dentry_lookup(w->at, name, len, &d);
	if (r < 0)
		return r;
	if (S_ISLNK(d->inode->mode)) {
		r = follow(w, d, rest);
		dentry_put(d);
		return r;
	}
	return go(w, d);
}

int walk_parent(struct walk *w)
{
	for (;;) {
		const char *name = w->rest;
		const char *rest;
		size_t len = 0;
		int r;

		while (*name == '/')
			name++;
		w->last = name;
		w->last_len = 0;
		w->slash = false;
		if (*name == '\0')
			return 0;
		r = may_search(w);
		if (r < 0)
			return r;
		while (name[len] && name[len] != '/')
			len++;
		if (len > FS_NAME_MAX)
			return -ENAMETOOLONG;
		for (rest = name + len; *rest == '/'; rest++)
			;
		if (*rest == '\0') {
			w->last_len = len;
			w->slash = name[len] == '/';
			return 0;
		}
		w->magic = false;
		r = step(w, name, len, rest);
		if (r < 0)
			return r;
	}
}

/* The last component's dentry, links not followed. */
static int last_dentry(struct walk *w, struct dentry **ret)
{
	int r;

	if (is_dotdot(w->last, w->last_len)) {
		r = go_up(w);
		if (r < 0)
			return r;
		w->last_len = 0;
	}
	if (w->last_len == 0 || is_dot(w->last, w->last_len)) {
		*ret = dentry_get(w->at);
		return 0;
	}
	r = dentry_lookup(w->at, w->last, w->last_len, ret);
	if (r == 0 && (w->flags & W_NOXDEV) && (*ret)->inode->mnt != w->at->inode->mnt) {
		dentry_put(*ret);
		return -EXDEV;
	}
	return r;
}

int walk_last(struct walk *w, struct dentry **ret)
{
	for (;;) {
		bool slash = w->slash;
		struct dentry *d;
		int r = last_dentry(w, &d);

		if (r < 0)
			return r;
		if (!S_ISLNK(d->inode->mode) || w->magic || (!(w->flags & W_FOLLOW) && !slash)) {
			if (slash && !is_dir(d->inode)) {
				dentry_put(d);
				return -ENOTDIR;
			}
			*ret = d;
			return 0;
		}
		r = follow(w, d, slash ? "/" : "");
		dentry_put(d);
		if (r == 0)
			r = walk_parent(w);
		if (r < 0)
			return r;
		w->slash = w->slash || slash;
	}
}

int path_find(int dirfd, const char *path, unsigned int flags, struct dentry **ret)
{
	struct walk w;
	int r = walk_init(&w, dirfd, path, flags);

	if (r == 0)
		r = walk_parent(&w);
	if (r == 0)
		r = walk_last(&w, ret);
	walk_done(&w);
	return r;
}

bool name_is_special(const struct walk *w)
{
	return w->last_len == 0 || is_dot(w->last, w->last_len) || is_dotdot(w->last, w->last_len);
}
