// SPDX-License-Identifier: Apache-2.0
/*
 * The lower tree of the root: the EROFS image, and what every kind puts on top of any
 * image: /dev, /proc, /sys, and in /etc the files that name the host. Nothing of it is
 * made before somebody looks at it.
 */
#include "guest/nano/fs/fs.h"

#include "runner/workload.h"

struct fs_state fs_state;

/* Inode numbers: 1 is each mount's root, then a few for generated files, then the image. */
#define INO_EXTRA 2u
#define INO_IMAGE 32u
/* "low" of what is not in the image: no nid is that large. */
#define LOW_EXTRA ((uint64_t)1 << 56)
/* Directory positions of what is not in the image. */
#define POS_EXTRA ((uint64_t)1 << 56)

static const struct inode_ops image_ops;
static const struct inode_ops root_ops;
static const struct inode_ops etc_ops;

/* The piece of the image found last: page by page callers ask for the same one again. */
static struct {
	uint64_t nid;
	uint64_t off;
	uint64_t len; /* 0 = none yet */
	const uint8_t *data;
} last_piece;

int rootfs_data(const struct inode *inode, uint64_t off, const uint8_t **ret, uint64_t *ret_len)
{
	struct erofs_inode in;
	uint64_t past = off - last_piece.off;
	int r;

	if (inode->low == last_piece.nid && off >= last_piece.off && past < last_piece.len) {
		*ret = last_piece.data + past;
		*ret_len = last_piece.len - past;
		return 0;
	}
	r = erofs_iget(&fs_state.image, inode->low, &in);
	if (r < 0)
		return -EIO;
	r = erofs_map(&fs_state.image, &in, off, ret, ret_len);
	if (r == 0 && *ret) {
		last_piece.nid = inode->low;
		last_piece.off = off;
		last_piece.len = *ret_len;
		last_piece.data = *ret;
	}
	return r;
}

/* The inode of image object @nid, counted. */
static int image_inode(uint64_t nid, const struct inode_ops *ops, struct inode **ret)
{
	struct inode *inode = inode_find(FS_ROOT, nid);
	struct erofs_inode in;
	int r;

	if (inode) {
		*ret = inode;
		return 0;
	}
	r = erofs_iget(&fs_state.image, nid, &in);
	if (r < 0)
		return -EIO;
	inode = inode_new(FS_ROOT, in.mode);
	if (!inode)
		return -ENOMEM;
	fs_state.next_ino--;
	inode->ops = ops;
	inode->flags = I_EROFS;
	inode->low = nid;
	inode->ino = nid + INO_IMAGE;
	inode->uid = in.uid;
	inode->gid = in.gid;
	inode->nlink = in.nlink;
	inode->rdev = in.rdev;
	inode->size = in.size;
	inode->mtime = (struct stamp){.sec = (int64_t)in.mtime, .nsec = in.mtime_nsec};
	inode->atime = inode->ctime = inode->mtime;
	if (S_ISREG(in.mode))
		inode->reg.low_size = in.size;
	if (is_dir(inode))
		inode->size = (in.size + PAGE_SIZE - 1) & PAGE_MASK;
	else if (!inode_hash(inode)) {
		inode_put(inode);
		return -ENOMEM;
	}
	*ret = inode;
	return 0;
}

static int image_find(const struct inode *dir, const char *name, size_t len,
		      struct erofs_dirent *ret)
{
	struct erofs_inode in;

	if (!(dir->flags & I_EROFS))
		return -ENOENT;
	if (erofs_iget(&fs_state.image, dir->low, &in) < 0)
		return -EIO;
	return erofs_lookup(&fs_state.image, &in, name, len, ret);
}

static int image_lookup(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	struct erofs_dirent e;
	int r = image_find(dir, name, len, &e);

	return r < 0 ? r : image_inode(e.nid, &image_ops, ret);
}

static bool is_dots(const char *name, size_t len)
{
	return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

static int image_readdir(struct inode *dir, uint64_t pos, struct low_entry *ret)
{
	struct erofs_dirent e = {.next = pos};
	struct erofs_inode in;
	int r;

	if (!(dir->flags & I_EROFS))
		return 0;
	if (erofs_iget(&fs_state.image, dir->low, &in) < 0)
		return -EIO;
	do {
		r = erofs_readdir(&fs_state.image, &in, e.next, &e);
		if (r <= 0)
			return r;
	} while (is_dots(e.name, e.name_len));
	ret->next = e.next;
	ret->ino = e.nid + INO_IMAGE;
	ret->name = e.name;
	ret->name_len = e.name_len;
	ret->type = e.type;
	return 1;
}

static long image_readlink(struct inode *inode, char *buf, size_t size)
{
	size_t done = 0;

	if (size > inode->size)
		size = inode->size;
	while (done < size) {
		const uint8_t *p;
		uint64_t len;

		if (rootfs_data(inode, done, &p, &len) < 0 || !p)
			return -EIO;
		if (len > size - done)
			len = size - done;
		memcpy(buf + done, p, len);
		done += len;
	}
	return (long)done;
}

static int image_open(struct file *f)
{
	if (S_ISCHR(f->inode->mode) || S_ISBLK(f->inode->mode))
		return dev_open(f);
	return S_ISFIFO(f->inode->mode) ? fifo_open(f) : 0;
}

/* Changed inodes keep these ops, so RAM's data go where their type says. */
static void image_free(struct inode *inode)
{
	if (S_ISREG(inode->mode))
		data_free(inode);
	else
		fifo_free(inode);
}

static const struct inode_ops image_ops = {
    .lookup = image_lookup,
    .readdir = image_readdir,
    .readlink = image_readlink,
    .open = image_open,
    .free = image_free,
};

/* ---- names that are there whatever the image says ------------------------------------ */

struct extra {
	const char *name;
	uint8_t type; /* DT_* */
	bool keep;    /* only when the image has none */
	int (*make)(const struct extra *e, struct inode **ret);
	struct inode *(*root)(void);
	void (*content)(struct text *t);
};

#define DT_DIR 4
#define DT_REG 8

static int make_mount(const struct extra *e, struct inode **ret)
{
	*ret = e->root();
	return *ret ? 0 : -ENOMEM;
}

static int make_etc(const struct extra *e, struct inode **ret)
{
	struct inode *inode = inode_new(FS_ROOT, S_IFDIR | 0755);

	(void)e;
	if (!inode)
		return -ENOMEM;
	inode->uid = inode->gid = 0;
	inode->flags = 0;
	inode->low = LOW_EXTRA;
	inode->ino = INO_EXTRA;
	inode->ops = &etc_ops;
	*ret = inode;
	return 0;
}

static void etc_hosts(struct text *t)
{
	text_printf(t, "127.0.0.1\tlocalhost\n"
		       "::1\tlocalhost ip6-localhost ip6-loopback\n"
		       "fe00::0\tip6-localnet\n"
		       "ff00::0\tip6-mcastprefix\n"
		       "ff02::1\tip6-allnodes\n"
		       "ff02::2\tip6-allrouters\n");
}

static void etc_hostname(struct text *t)
{
	text_printf(t, "%s\n", kernel_hostname());
}

static void etc_resolv(struct text *t)
{
	text_printf(t, "# no network\n");
}

/* A regular file of the RAM layer with generated content, the same whenever it is made. */
static int make_file(const struct extra *e, struct inode **ret)
{
	struct text t = {0};
	struct inode *inode = inode_new(FS_ROOT, S_IFREG | 0644);
	void *page = page_alloc();

	e->content(&t);
	if (!inode || !page || t.failed || t.len > PAGE_SIZE ||
	    pagemap_set(&inode->reg.pages, 0, page) < 0) {
		inode_put(inode);
		page_put(page);
		kfree(t.buf);
		return -ENOMEM;
	}
	memcpy(page, t.buf, t.len);
	kfree(t.buf);
	inode->uid = inode->gid = 0;
	inode->size = t.len;
	*ret = inode;
	return 0;
}

static const struct extra root_extras[] = {
    {.name = "dev", .type = DT_DIR, .make = make_mount, .root = devfs_root},
    {.name = "proc", .type = DT_DIR, .make = make_mount, .root = procfs_root},
    {.name = "sys", .type = DT_DIR, .make = make_mount, .root = sysfs_root},
    {.name = "etc", .type = DT_DIR, .keep = true, .make = make_etc},
    {0},
};

static const struct extra etc_extras[] = {
    {.name = "hosts", .type = DT_REG, .make = make_file, .content = etc_hosts},
    {.name = "hostname", .type = DT_REG, .make = make_file, .content = etc_hostname},
    {.name = "resolv.conf", .type = DT_REG, .make = make_file, .content = etc_resolv},
    {0},
};

static const struct extra *extra_find(const struct extra *table, const char *name, size_t len)
{
	for (; table->name; table++)
		if (strncmp(table->name, name, len) == 0 && table->name[len] == '\0')
			return table;
	return NULL;
}

static int extra_inode(const struct extra *table, const struct extra *e, struct inode **ret)
{
	uint64_t low = LOW_EXTRA + (table == etc_extras ? 16 : 1) + (uint64_t)(e - table);
	struct inode *inode = e->type == DT_REG ? inode_find(FS_ROOT, low) : NULL;
	int r;

	if (inode) {
		*ret = inode;
		return 0;
	}
	r = e->make(e, &inode);
	if (r < 0)
		return r;
	if (e->type == DT_REG) {
		inode->low = low;
		inode->ino = INO_EXTRA + 1 + (uint64_t)(e - table);
		fs_state.next_ino--;
		if (!inode_hash(inode)) {
			inode_put(inode);
			return -ENOMEM;
		}
	}
	*ret = inode;
	return 0;
}

static int extras_lookup(const struct extra *table, struct inode *dir, const char *name, size_t len,
			 struct inode **ret)
{
	const struct extra *e = extra_find(table, name, len);
	struct erofs_dirent de;
	int r;

	if (e && !e->keep)
		return extra_inode(table, e, ret);
	r = image_find(dir, name, len, &de);
	if (r == -ENOENT && e)
		return extra_inode(table, e, ret);
	if (r < 0)
		return r;
	return image_inode(de.nid, e && de.type == DT_DIR ? &etc_ops : &image_ops, ret);
}

static int extras_readdir(const struct extra *table, struct inode *dir, uint64_t pos,
			  struct low_entry *ret)
{
	const struct extra *e;
	struct erofs_dirent de;
	int r;

	while (pos < POS_EXTRA) {
		r = image_readdir(dir, pos, ret);
		if (r < 0)
			return r;
		if (r == 0)
			break;
		e = extra_find(table, ret->name, ret->name_len);
		if (!e || e->keep)
			return 1;
		pos = ret->next;
	}
	for (e = table + (pos < POS_EXTRA ? 0 : pos - POS_EXTRA); e->name; e++) {
		if (e->keep && image_find(dir, e->name, strlen(e->name), &de) != -ENOENT)
			continue;
		ret->next = POS_EXTRA + (uint64_t)(e - table) + 1;
		ret->ino = e->type == DT_REG ? INO_EXTRA + 1 + (uint64_t)(e - table)
			   : e->keep         ? INO_EXTRA
					     : 1;
		ret->name = e->name;
		ret->name_len = (uint32_t)strlen(e->name);
		ret->type = e->type;
		return 1;
	}
	return 0;
}

static int root_lookup(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	return extras_lookup(root_extras, dir, name, len, ret);
}

static int root_readdir(struct inode *dir, uint64_t pos, struct low_entry *ret)
{
	return extras_readdir(root_extras, dir, pos, ret);
}

static int etc_lookup(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	return extras_lookup(etc_extras, dir, name, len, ret);
}

static int etc_readdir(struct inode *dir, uint64_t pos, struct low_entry *ret)
{
	return extras_readdir(etc_extras, dir, pos, ret);
}

static const struct inode_ops root_ops = {.lookup = root_lookup, .readdir = root_readdir};
static const struct inode_ops etc_ops = {.lookup = etc_lookup, .readdir = etc_readdir};

int rootfs_init(const void *image, uint64_t size)
{
	struct inode *inode;
	const char *why;
	int r = erofs_open(image, size, &fs_state.image, &why);

	if (r < 0) {
		kprintf("the image can't be mounted: %s", why);
		return r;
	}
	last_piece.len = 0;
	fs_state.ro_root = boot_workload->flags & WORKLOAD_RO_ROOT;
	fs_state.next_ino = size / 32 + 2 * INO_IMAGE;
	r = image_inode(fs_state.image.root_nid, &root_ops, &inode);
	if (r < 0)
		return r;
	if (!is_dir(inode)) {
		inode_put(inode);
		return -EINVAL;
	}
	fs_state.root = dentry_anon(inode, "/");
	return fs_state.root ? 0 : -ENOMEM;
}
