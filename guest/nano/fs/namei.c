// SPDX-License-Identifier: Apache-2.0
/* Changes of the tree: what create, unlink, rename and their kind come down to. */
#include "guest/nano/fs/fs.h"

#include "guest/nano/fs/namei.h"

struct inode *name_new_inode(const struct inode *dir, const struct new_node *node)
{
	uint32_t mode = node->mode;
	struct inode *inode;

	if (!S_ISLNK(mode))
		mode &= ~current->umask;
	inode = inode_new((enum fs_mount)dir->mnt, mode);
	if (!inode)
		return NULL;
	inode->rdev = node->rdev;
	if (dir->mode & S_ISGID) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			inode->mode |= S_ISGID;
		else if ((mode & S_IXGRP) && !capable_root() && !in_group(dir->gid))
			inode->mode &= ~(uint32_t)S_ISGID;
	}
	if (S_ISLNK(mode)) {
		inode->link = kstrdup(node->link);
		if (!inode->link) {
			inode_put(inode);
			return NULL;
		}
		inode->size = strlen(node->link);
	} else if (!S_ISREG(mode) && !S_ISDIR(mode)) {
		inode->ops = &special_ops;
	}
	return inode;
}

/* May the process enter or remove names in @dir? */
static int may_change(struct dentry *dir)
{
	if (dir->flags & D_DEAD)
		return -ENOENT;
	if (dir->inode->mnt == FS_PROC)
		return -EPERM;
	return inode_permission(dir->inode, MAY_WRITE | MAY_EXEC);
}

static int may_remove(struct dentry *d)
{
	struct inode *dir = d->parent->inode;
	int r = may_change(d->parent);

	if (r < 0)
		return r;
	if ((dir->mode & S_ISVTX) && !capable_root() && current->fsuid != dir->uid &&
	    current->fsuid != d->inode->uid)
		return -EPERM;
	return d->inode->mnt != dir->mnt ? -EBUSY : 0;
}

/* A name came to or went from @dir. */
static void dir_changed(struct dentry *dir, int links)
{
	inode_touch(dir->inode);
	dir->inode->nlink += (uint32_t)links;
}

int name_create(struct walk *w, const struct new_node *node, struct dentry **ret)
{
	bool dir = S_ISDIR(node->mode);
	struct inode *inode;
	int r;

	if (w->at->inode->mnt == FS_PROC)
		return -ENOENT; /* what /proc does not have can't be made */
	r = may_change(w->at);
	if (r == 0)
		r = inode_dirty(w->at->inode);
	if (r < 0)
		return r;
	inode = name_new_inode(w->at->inode, node);
	if (!inode)
		return -ENOSPC;
	r = dentry_add(w->at, w->last, w->last_len, inode, ret);
	if (r == 0)
		dir_changed(w->at, dir ? 1 : 0);
	return r;
}

bool name_dir_empty(struct dentry *d)
{
	struct inode *dir = d->inode;
	struct low_entry e = {0};

	for (struct dentry *c = dir->dir.first; c; c = c->next)
		if (c->inode)
			return false;
	if (!dir->ops->readdir || (dir->flags & I_NOLOW))
		return true;
	while (dir->ops->readdir(dir, e.next, &e) == 1) {
		struct dentry *c = dentry_find(d, e.name, e.name_len);

		if (!c || c->inode)
			return false;
	}
	return true;
}

/* Takes the name away; the checks are done. */
static int remove_name(struct dentry *d)
{
	struct dentry *dir = d->parent;
	bool is_directory = is_dir(d->inode);
	int r = inode_dirty(dir->inode);

	/* The inode's new link count must outlive this dentry. */
	if (r == 0)
		r = inode_dirty(d->inode);
	if (r == 0 && is_directory)
		dentry_drop_whiteouts(d);
	if (r == 0)
		r = dentry_remove(d);
	if (r < 0)
		return r;
	dir_changed(dir, is_directory ? -1 : 0);
	if (is_directory)
		d->inode->nlink = 0;
	inode_unlinked(d->inode);
	return 0;
}

int name_unlink(struct dentry *d)
{
	int r;

	if (!d->parent)
		return -EISDIR;
	r = may_remove(d);
	if (r < 0)
		return r;
	return is_dir(d->inode) ? -EISDIR : remove_name(d);
}

int name_rmdir(struct dentry *d)
{
	int r;

	if (!is_dir(d->inode))
		return -ENOTDIR;
	if (!d->parent || d == current->fs->root)
		return -EBUSY;
	r = may_remove(d);
	if (r < 0)
		return r;
	return name_dir_empty(d) ? remove_name(d) : -ENOTEMPTY;
}

int name_link(struct dentry *old, struct walk *w)
{
	struct inode *inode = old->inode;
	int r = may_change(w->at);

	if (r < 0)
		return r;
	if (inode->mnt != w->at->inode->mnt)
		return -EXDEV;
	if (is_dir(inode))
		return -EPERM;
	if (inode->nlink == 0 && !(inode->flags & I_TMPFILE))
		return -ENOENT;
	r = inode_dirty(w->at->inode);
	if (r == 0)
		r = inode_dirty(inode);
	if (r == 0)
		r = dentry_add(w->at, w->last, w->last_len, inode_get(inode), NULL);
	if (r < 0)
		return r;
	inode->flags &= (uint8_t)~I_TMPFILE;
	inode->nlink++;
	inode->ctime = stamp_now();
	dir_changed(w->at, 0);
	return 0;
}

/* May @to give way to a directory, or to something else? */
static int may_replace(struct dentry *to, bool by_directory)
{
	int r = may_remove(to);

	if (r < 0)
		return r;
	if (by_directory != is_dir(to->inode))
		return by_directory ? -ENOTDIR : -EISDIR;
	return 0;
}

/* A directory that changes its parent changes its "..". */
static int may_leave(const struct dentry *d, const struct dentry *dir)
{
	if (!is_dir(d->inode) || d->parent == dir)
		return 0;
	return inode_permission(d->inode, MAY_WRITE);
}

/* What holds for a rename of either kind: @d moves into @dir. */
static int may_move(struct dentry *d, const struct dentry *dir)
{
	if (!d->parent || d == current->fs->root)
		return -EBUSY;
	if (d->inode->mnt != dir->inode->mnt)
		return d->inode->mnt != d->parent->inode->mnt ? -EBUSY : -EXDEV;
	return is_dir(d->inode) && dentry_is_under(dir, d) ? -EINVAL : 0;
}

static int dirty_both(struct dentry *a, struct dentry *b)
{
	int r = inode_dirty(a->inode);

	return r < 0 ? r : inode_dirty(b->inode);
}

/* The checks of name_rename, in Linux's order. */
static int may_rename(struct dentry *d, struct dentry *dir, struct dentry *over)
{
	int r = may_remove(d);

	if (r == 0)
		r = over ? may_replace(over, is_dir(d->inode)) : may_change(dir);
	if (r == 0)
		r = may_leave(d, dir);
	if (r == 0 && over && is_dir(over->inode) && !name_dir_empty(over))
		r = -ENOTEMPTY;
	return r;
}

int name_rename(struct dentry *d, struct walk *w, struct dentry *over)
{
	struct dentry *old_dir;
	bool is_directory = is_dir(d->inode);
	int r = may_move(d, w->at);

	/* Two names of one file both stay, says POSIX. */
	if (r < 0 || (over && over->inode == d->inode))
		return r;
	r = may_rename(d, w->at, over);
	if (r < 0)
		return r;
	old_dir = dentry_get(d->parent);
	r = dirty_both(old_dir, w->at);
	if (r == 0 && over)
		r = remove_name(over);
	if (r == 0)
		r = dentry_move(d, w->at, w->last, w->last_len);
	if (r == 0) {
		dir_changed(old_dir, is_directory ? -1 : 0);
		dir_changed(w->at, is_directory ? 1 : 0);
		d->inode->ctime = stamp_now();
	}
	dentry_put(old_dir);
	return r;
}

int name_exchange(struct dentry *a, struct dentry *b)
{
	int delta = (is_dir(b->inode) ? 1 : 0) - (is_dir(a->inode) ? 1 : 0);
	struct dentry *a_dir = a->parent;
	struct dentry *b_dir = b->parent;
	int r;

	if (!a_dir || !b_dir)
		return -EBUSY;
	r = may_move(a, b_dir);
	if (r == 0)
		r = may_move(b, a_dir);
	if (r < 0 || a->inode == b->inode)
		return r;
	r = may_remove(a);
	if (r == 0)
		r = may_remove(b);
	if (r == 0)
		r = may_leave(a, b_dir);
	if (r == 0)
		r = may_leave(b, a_dir);
	if (r < 0)
		return r;
	dentry_get(a_dir);
	dentry_get(b_dir);
	r = dirty_both(a_dir, b_dir);
	if (r == 0)
		r = dentry_exchange(a, b);
	if (r == 0) {
		dir_changed(a_dir, delta);
		dir_changed(b_dir, -delta);
		a->inode->ctime = b->inode->ctime = stamp_now();
	}
	dentry_put(a_dir);
	dentry_put(b_dir);
	return r;
}
