// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

#define TABLE_FIRST 64u

/* Every dentry that has a parent and is not dead, by parent and name. */
static struct {
	struct dentry **buckets;
	uint32_t size; /* a power of two; 0 = not made yet */
	uint32_t count;
} table;

static uint32_t name_hash(const struct dentry *dir, const char *name, size_t len)
{
	uint32_t h = 2166136261u ^ (uint32_t)((uintptr_t)dir >> 5);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h ^ (h >> 15);
}

static bool table_grow(void)
{
	uint32_t size = table.size ? table.size * 2 : TABLE_FIRST;
	struct dentry **buckets = kzalloc(size * sizeof(*buckets));

	if (!buckets)
		return table.size != 0;
	for (uint32_t b = 0; b < table.size; b++) {
		for (struct dentry *d = table.buckets[b], *next; d; d = next) {
			next = d->hash_next;
			d->hash_next = buckets[d->hash & (size - 1)];
			buckets[d->hash & (size - 1)] = d;
		}
	}
	kfree(table.buckets);
	table.buckets = buckets;
	table.size = size;
	return true;
}

static void hash_in(struct dentry *d)
{
	struct dentry **b;

	if (table.count >= table.size)
		table_grow(); /* the first one was made by dentry_anon of the root */
	d->hash = name_hash(d->parent, d->name, d->name_len);
	b = &table.buckets[d->hash & (table.size - 1)];
	d->hash_next = *b;
	*b = d;
	table.count++;
}

static void hash_out(struct dentry *d)
{
	struct dentry **p = &table.buckets[d->hash & (table.size - 1)];

	while (*p != d)
		p = &(*p)->hash_next;
	*p = d->hash_next;
	table.count--;
}

struct dentry *dentry_get(struct dentry *d)
{
	d->refs++;
	return d;
}

static void dentry_free(struct dentry *d)
{
	if (d->name != d->name_store)
		kfree(d->name);
	kfree(d);
}

void dentry_put(struct dentry *d)
{
	while (d && --d->refs == 0) {
		struct dentry *parent = d->parent;

		if (parent && !(d->flags & D_DEAD))
			hash_out(d);
		if (d->inode) {
			if (is_dir(d->inode) && d->inode->dir.dentry == d)
				d->inode->dir.dentry = NULL;
			inode_put(d->inode);
		}
		dentry_free(d);
		d = parent;
	}
}

void dentry_putp(struct dentry **d)
{
	dentry_put(*d);
}

/* A dentry that is nowhere yet. Takes @inode when it succeeds. */
static struct dentry *dentry_new(const char *name, size_t len, struct inode *inode)
{
	struct dentry *d = kmalloc(sizeof(*d) + len + 1);

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->refs = 1;
	d->name = d->name_store;
	d->name_len = (uint16_t)len;
	memcpy(d->name, name, len);
	d->name[len] = '\0';
	d->inode = inode;
	if (inode && is_dir(inode))
		inode->dir.dentry = d;
	return d;
}

struct dentry *dentry_anon(struct inode *inode, const char *name)
{
	struct dentry *d;

	if (!table.size && !table_grow())
		d = NULL;
	else
		d = dentry_new(name, strnlen(name, FS_NAME_MAX), inode);
	if (!d)
		inode_put(inode);
	return d;
}

struct dentry *dentry_find(const struct dentry *dir, const char *name, size_t len)
{
	uint32_t hash = name_hash(dir, name, len);
	struct dentry *d = table.buckets[hash & (table.size - 1)];

	for (; d; d = d->hash_next)
		if (d->hash == hash && d->parent == dir && d->name_len == len &&
		    memcmp(d->name, name, len) == 0)
			return d;
	return NULL;
}

int dentry_lookup(struct dentry *dir, const char *name, size_t len, struct dentry **ret)
{
	struct dentry *d = dentry_find(dir, name, len);
	struct inode *inode;
	int r;

	if (d) {
		if (!d->inode)
			return -ENOENT;
		*ret = dentry_get(d);
		return 0;
	}
	if (!dir->inode->ops->lookup || (dir->inode->flags & I_NOLOW))
		return -ENOENT;
	r = dir->inode->ops->lookup(dir->inode, name, len, &inode);
	if (r < 0)
		return r;
	d = dentry_new(name, len, inode);
	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	d->parent = dentry_get(dir);
	d->flags = D_LOWER;
	hash_in(d);
	*ret = d;
	return 0;
}

static void list_append(struct dentry *d)
{
	struct inode *dir = d->parent->inode;

	d->cookie = ++dir->dir.next_cookie;
	d->next = NULL;
	d->prev = dir->dir.last;
	if (d->prev)
		d->prev->next = d;
	else
		dir->dir.first = d;
	dir->dir.last = d;
}

static void list_remove(struct dentry *d)
{
	struct inode *dir = d->parent->inode;

	if (d->prev)
		d->prev->next = d->next;
	else
		dir->dir.first = d->next;
	if (d->next)
		d->next->prev = d->prev;
	else
		dir->dir.last = d->prev;
	d->prev = d->next = NULL;
}

void dentry_pin(struct dentry *d)
{
	if ((d->flags & (D_PINNED | D_DEAD)) || !d->parent)
		return;
	d->flags |= D_PINNED;
	dentry_get(d);
	list_append(d);
}

/* Puts a nowhere dentry into @dir, pinned. Its own reference is not used up. */
static void attach(struct dentry *d, struct dentry *dir, bool over)
{
	d->parent = dentry_get(dir);
	d->flags = over ? D_OVER : 0;
	hash_in(d);
	dentry_pin(d);
}

/* Takes @d out of its directory; the caller holds a reference. */
static void detach(struct dentry *d)
{
	struct dentry *dir = d->parent;

	hash_out(d);
	if (d->flags & D_PINNED) {
		list_remove(d);
		d->refs--;
	}
	d->flags = D_DEAD;
	d->parent = NULL;
	dentry_put(dir);
}

/* Takes away the whiteout of @name, if there is one: true. */
static bool whiteout_drop(struct dentry *dir, const char *name, size_t len)
{
	struct dentry *w = dentry_find(dir, name, len);

	if (!w || w->inode)
		return false;
	dentry_get(w);
	detach(w);
	dentry_put(w);
	return true;
}

int dentry_add(struct dentry *dir, const char *name, size_t len, struct inode *inode,
	       struct dentry **ret)
{
	struct dentry *d = dentry_new(name, len, inode);

	if (!d) {
		inode_put(inode);
		return -ENOSPC;
	}
	attach(d, dir, whiteout_drop(dir, name, len));
	if (ret)
		*ret = d;
	else
		dentry_put(d);
	return 0;
}

/* Is there an object of this name in the lower tree? */
static bool has_lower(const struct dentry *d)
{
	return d->flags & (D_LOWER | D_OVER);
}

/*
 * A removed dentry keeps its parent and name: open files still want to tell their path.
 */
static void bury(struct dentry *d)
{
	struct dentry *dir = dentry_get(d->parent);

	detach(d);
	d->parent = dir;
}

int dentry_remove(struct dentry *d)
{
	struct dentry *dir = d->parent;
	struct dentry *whiteout = NULL;

	if (has_lower(d)) {
		whiteout = dentry_new(d->name, d->name_len, NULL);
		if (!whiteout)
			return -ENOMEM;
	}
	dentry_get(d);
	bury(d);
	if (whiteout) {
		attach(whiteout, dir, true);
		dentry_put(whiteout);
	}
	dentry_put(d);
	return 0;
}

static void rename_to(struct dentry *d, char *name, size_t len)
{
	if (d->name != d->name_store)
		kfree(d->name);
	d->name = name;
	d->name_len = (uint16_t)len;
}

int dentry_move(struct dentry *d, struct dentry *dir, const char *name, size_t len)
{
	struct dentry *old_dir = dentry_get(d->parent);
	struct dentry *whiteout = NULL;
	char *copy = kstrndup(name, len);

	if (copy && has_lower(d)) {
		whiteout = dentry_new(d->name, d->name_len, NULL);
		if (!whiteout) {
			kfree(copy);
			copy = NULL;
		}
	}
	if (!copy) {
		dentry_put(old_dir);
		return -ENOMEM;
	}
	detach(d);
	rename_to(d, copy, len);
	attach(d, dir, whiteout_drop(dir, name, len));
	if (whiteout) {
		attach(whiteout, old_dir, true);
		dentry_put(whiteout);
	}
	dentry_put(old_dir);
	return 0;
}

int dentry_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *a_dir = dentry_get(a->parent);
	struct dentry *b_dir = dentry_get(b->parent);
	bool a_over = has_lower(a);
	bool b_over = has_lower(b);
	size_t a_len = a->name_len;
	size_t b_len = b->name_len;
	char *a_name = kstrndup(a->name, a_len);
	char *b_name = kstrndup(b->name, b_len);

	if (a_name && b_name) {
		detach(a);
		detach(b);
		rename_to(a, b_name, b_len);
		rename_to(b, a_name, a_len);
		attach(a, b_dir, b_over);
		attach(b, a_dir, a_over);
	} else {
		kfree(a_name);
		kfree(b_name);
	}
	dentry_put(a_dir);
	dentry_put(b_dir);
	return a_name && b_name ? 0 : -ENOMEM;
}

void dentry_drop_whiteouts(struct dentry *dir)
{
	struct dentry *d = dir->inode->dir.first;

	while (d) {
		struct dentry *next = d->next;

		if (!d->inode) {
			dentry_get(d);
			detach(d);
			dentry_put(d);
		}
		d = next;
	}
	/* Nothing of the lower directory may show through now. */
	dir->inode->flags |= I_NOLOW;
}

bool dentry_is_under(const struct dentry *d, const struct dentry *dir)
{
	for (; d; d = d->parent)
		if (d == dir)
			return true;
	return false;
}

long dentry_path(const struct dentry *d, const struct dentry *root, char *buf, size_t size)
{
	static const char deleted[] = " (deleted)";
	bool dead = d->flags & D_DEAD;
	size_t at = size;

	if (size < 2)
		return -ERANGE;
	buf[--at] = '\0';
	if (dead) {
		if (at < sizeof(deleted))
			return -ERANGE;
		at -= sizeof(deleted) - 1;
		memcpy(buf + at, deleted, sizeof(deleted) - 1);
	}
	/* Nameless files show as "pipe:[1]" and the like, without a slash. */
	if (!d->parent && d != fs_state.root) {
		if (at < d->name_len)
			return -ERANGE;
		at -= d->name_len;
		memcpy(buf + at, d->name, d->name_len);
	} else if (d == root || !d->parent) {
		buf[--at] = '/';
	}
	for (; d != root && d->parent; d = d->parent) {
		if (at < (size_t)d->name_len + 1)
			return -ERANGE;
		at -= d->name_len;
		memcpy(buf + at, d->name, d->name_len);
		buf[--at] = '/';
	}
	memmove(buf, buf + at, size - at);
	return (long)(size - at - 1);
}
