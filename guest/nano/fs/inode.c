// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

#define TABLE_FIRST 64u

/*
 * The live inodes of lower objects that are no directories. A directory has one name and
 * is found through it; a file may have several that must lead to one inode.
 */
static struct {
	struct inode **buckets;
	uint32_t size; /* a power of two; 0 = not made yet */
	uint32_t count;
} table;

static const struct inode_ops plain_ops = {0};

struct stamp stamp_now(void)
{
	uint64_t ns = clock_realtime_ns();

	return (struct stamp){.sec = (int64_t)(ns / 1000000000u), .nsec = ns % 1000000000u};
}

struct inode *inode_new(enum fs_mount mnt, uint32_t mode)
{
	struct inode *inode = kzalloc(sizeof(*inode));

	if (!inode)
		return NULL;
	inode->refs = 1;
	inode->mode = mode;
	inode->nlink = S_ISDIR(mode) ? 2 : 1;
	inode->mnt = (uint8_t)mnt;
	inode->flags = I_NOLOW;
	inode->ino = fs_state.next_ino++;
	inode->uid = current->fsuid;
	inode->gid = current->fsgid;
	inode->atime = inode->mtime = inode->ctime = stamp_now();
	inode->ops = &plain_ops;
	if (S_ISDIR(mode))
		inode->size = PAGE_SIZE;
	return inode;
}

struct inode *inode_get(struct inode *inode)
{
	inode->refs++;
	return inode;
}

static uint32_t bucket_of(enum fs_mount mnt, uint64_t low)
{
	return (uint32_t)((low * 0x9e3779b97f4a7c15u) >> 32) + mnt;
}

static void unhash(struct inode *inode)
{
	struct inode **p = &table.buckets[bucket_of(inode->mnt, inode->low) & (table.size - 1)];

	while (*p != inode)
		p = &(*p)->hash_next;
	*p = inode->hash_next;
	inode->flags &= (uint8_t)~I_HASHED;
	table.count--;
}

void inode_put(struct inode *inode)
{
	if (!inode || --inode->refs > 0)
		return;
	if (inode->flags & I_HASHED)
		unhash(inode);
	if (inode->ops->free)
		inode->ops->free(inode);
	else if (S_ISREG(inode->mode))
		data_free(inode);
	else if (S_ISLNK(inode->mode))
		kfree(inode->link);
	kfree(inode);
}

struct inode *inode_find(enum fs_mount mnt, uint64_t low)
{
	if (table.count == 0)
		return NULL;
	struct inode *i = table.buckets[bucket_of(mnt, low) & (table.size - 1)];

	while (i && (i->low != low || i->mnt != mnt))
		i = i->hash_next;
	return i ? inode_get(i) : NULL;
}

static bool table_grow(void)
{
	uint32_t size = table.size ? table.size * 2 : TABLE_FIRST;
	struct inode **buckets = kzalloc(size * sizeof(*buckets));

	/* A crowded table still works; a missing one does not. */
	if (!buckets)
		return table.size != 0;
	for (uint32_t b = 0; b < table.size; b++) {
		for (struct inode *i = table.buckets[b], *next; i; i = next) {
			uint32_t to = bucket_of(i->mnt, i->low) & (size - 1);

			next = i->hash_next;
			i->hash_next = buckets[to];
			buckets[to] = i;
		}
	}
	kfree(table.buckets);
	table.buckets = buckets;
	table.size = size;
	return true;
}

bool inode_hash(struct inode *inode)
{
	if (table.count >= table.size && !table_grow())
		return false;
	struct inode **b = &table.buckets[bucket_of(inode->mnt, inode->low) & (table.size - 1)];

	inode->hash_next = *b;
	*b = inode;
	inode->flags |= I_HASHED;
	table.count++;
	return true;
}

int inode_dirty(struct inode *inode)
{
	if (inode->flags & I_DIRTY)
		return 0;
	if (is_dir(inode)) {
		if (inode->dir.dentry)
			dentry_pin(inode->dir.dentry);
	} else if (inode->flags & I_HASHED) {
		inode_get(inode);
	} else {
		return 0; /* the RAM layer's own, or nothing that could be changed */
	}
	inode->flags |= I_DIRTY;
	return 0;
}

void inode_unlinked(struct inode *inode)
{
	inode->ctime = stamp_now();
	if (inode->nlink > 0)
		inode->nlink--;
	if (inode->nlink > 0 || is_dir(inode) || !(inode->flags & I_DIRTY))
		return;
	inode->flags &= (uint8_t)~I_DIRTY;
	inode_put(inode);
}

void inode_touch(struct inode *inode)
{
	inode->mtime = inode->ctime = stamp_now();
}

bool inode_readonly(const struct inode *inode)
{
	return inode->mnt == FS_SYS || inode->mnt == FS_PROC ||
	       (inode->mnt == FS_ROOT && fs_state.ro_root);
}

int inode_permission(const struct inode *inode, unsigned int mask)
{
	uint32_t mode = inode->mode;

	/* Devices and generated files may be written on a read-only mount. */
	if ((mask & MAY_WRITE) && inode_readonly(inode) && inode->mnt != FS_PROC &&
	    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
		return -EROFS;
	if (capable_root()) {
		if ((mask & MAY_EXEC) && !S_ISDIR(mode) && !(mode & 0111))
			return -EACCES;
		return 0;
	}
	if (current->fsuid == inode->uid)
		mode >>= 6;
	else if (in_group(inode->gid))
		mode >>= 3;
	return (mode & mask) == mask ? 0 : -EACCES;
}

bool inode_owner(const struct inode *inode)
{
	return capable_root() || current->fsuid == inode->uid;
}

uint64_t mount_dev(enum fs_mount mnt)
{
	return 24 + (uint64_t)mnt; /* major 0, as file systems without a device have */
}
