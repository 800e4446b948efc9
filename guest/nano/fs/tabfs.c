// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/tabfs.h"

#include "guest/nano/fs/namei.h"

/* Directory positions and "low" numbers count the rows of both tables in one sequence. */
#define PROC_BASE 256u
#define INO_BASE  2u

static const struct inode_ops tab_ops;

static const struct tab_row *row_at(uint64_t low)
{
	return low >= PROC_BASE ? &proc_rows[low - PROC_BASE] : &dev_rows[low];
}

static uint64_t low_of(const struct tab_row *row)
{
	/* The tables are one array each; which one tells the directory. */
	return row->in < TAB_PROC ? (uint64_t)(row - dev_rows)
				  : PROC_BASE + (uint64_t)(row - proc_rows);
}

static enum fs_mount mount_of(const struct tab_row *row)
{
	if (row->dir == TAB_DEV_SHM)
		return FS_SHM;
	return row->in < TAB_PROC ? FS_DEV : FS_PROC;
}

static bool shows(const struct tab_row *row)
{
	return !row->tty || console_is_tty();
}

struct inode *tab_inode(const struct tab_row *row)
{
	uint64_t low = low_of(row);
	enum fs_mount mnt = mount_of(row);
	struct inode *inode = S_ISDIR(row->mode) ? NULL : inode_find(mnt, low);

	if (inode)
		return inode;
	inode = inode_new(mnt, row->mode);
	if (!inode)
		return NULL;
	fs_state.next_ino--;
	inode->flags = 0;
	inode->low = low;
	inode->ino = INO_BASE + low;
	inode->ops = row->ops ? row->ops : &tab_ops;
	inode->rdev = row->rdev;
	inode->uid = inode->gid = 0;
	if (mnt == FS_PROC) {
		inode->size = 0;
		inode->uid = row->in >= TAB_SELF ? current->euid : 0;
		inode->gid = row->in >= TAB_SELF ? current->egid : 0;
	}
	if (row->link)
		inode->size = strlen(row->link);
	if (!S_ISDIR(row->mode) && !inode_hash(inode)) {
		inode_put(inode);
		return NULL;
	}
	return inode;
}

static enum tab_dir dir_of(const struct inode *inode)
{
	return (enum tab_dir)row_at(inode->low)->dir;
}

static const struct tab_row *rows_of(enum tab_dir dir)
{
	return dir < TAB_PROC ? dev_rows : proc_rows;
}

static int tab_lookup(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	enum tab_dir id = dir_of(dir);

	for (const struct tab_row *row = rows_of(id); row->name; row++) {
		if (row->in != id || strncmp(row->name, name, len) != 0 || row->name[len] ||
		    !shows(row))
			continue;
		*ret = tab_inode(row);
		return *ret ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static int tab_readdir(struct inode *dir, uint64_t pos, struct low_entry *ret)
{
	enum tab_dir id = dir_of(dir);
	const struct tab_row *rows = rows_of(id);

	for (uint64_t i = 0; rows[i].name; i++) {
		if (i < pos || rows[i].in != id || !shows(&rows[i]))
			continue;
		ret->next = i + 1;
		ret->ino = INO_BASE + low_of(&rows[i]);
		ret->name = rows[i].name;
		ret->name_len = (uint32_t)strlen(rows[i].name);
		ret->type = (rows[i].mode & S_IFMT) >> 12;
		return 1;
	}
	return 0;
}

static long tab_readlink(struct inode *inode, char *buf, size_t size)
{
	const char *link = row_at(inode->low)->link;
	size_t len = strnlen(link, size);

	memcpy(buf, link, len);
	return (long)len;
}

/* ---- generated files ------------------------------------------------------------------ */

struct generated {
	struct text text;
	void (*show)(struct text *t);
};

static long text_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct generated *g = f->priv;
	size_t n;

	/* Made anew when read from the start, as the state may have changed. */
	if (*pos == 0) {
		kfree(g->text.buf);
		g->text = (struct text){0};
		g->show(&g->text);
	}
	if (g->text.failed)
		return -ENOMEM;
	if (*pos >= g->text.len || u->left == 0)
		return 0;
	n = uio_put(u, g->text.buf + *pos, g->text.len - *pos);
	*pos += n;
	return n ? (long)n : -EFAULT;
}

static long text_write(struct file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	*pos += u->left;
	return (long)u->left;
}

static void text_release(struct file *f)
{
	struct generated *g = f->priv;

	kfree(g->text.buf);
	kfree(g);
}

static const struct file_ops text_ops = {
    .read = text_read, .release = text_release, .seekable = true};
static const struct file_ops text_accept_ops = {
    .read = text_read, .write = text_write, .release = text_release, .seekable = true};

int tab_text_open(struct file *f, void (*show)(struct text *t))
{
	struct generated *g = kzalloc(sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->show = show;
	f->priv = g;
	f->ops = &text_ops;
	return 0;
}

static int tab_open(struct file *f)
{
	const struct tab_row *row = row_at(f->inode->low);
	int r;

	if (!row->show)
		return S_ISDIR(row->mode) ? 0 : dev_open(f);
	if (file_writable(f) && !row->accept)
		return -EACCES;
	r = tab_text_open(f, row->show);
	if (r == 0 && row->accept)
		f->ops = &text_accept_ops;
	return r;
}

void text_bytes(struct text *t, const void *data, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		char *buf;

		while (cap < t->len + len + 1)
			cap *= 2;
		buf = krealloc(t->buf, t->cap, cap);
		if (!buf) {
			t->failed = true;
			return;
		}
		t->buf = buf;
		t->cap = cap;
	}
	memcpy(t->buf + t->len, data, len);
	t->len += len;
}

void text_printf(struct text *t, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (n > 0)
		text_bytes(t, buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1);
}

static void tab_free(struct inode *inode)
{
	(void)inode;
}

static const struct inode_ops tab_ops = {
    .lookup = tab_lookup,
    .readdir = tab_readdir,
    .readlink = tab_readlink,
    .open = tab_open,
    .free = tab_free,
};

/* ---- the mounts' roots ---------------------------------------------------------------- */

static const struct inode_ops empty_ops = {0};

static struct inode *mount_root(const struct tab_row *row, enum fs_mount mnt)
{
	struct inode *inode = tab_inode(row);

	if (!inode)
		return NULL;
	inode->mnt = (uint8_t)mnt;
	inode->ino = 1;
	return inode;
}

struct inode *devfs_root(void)
{
	return mount_root(&dev_rows[0], FS_DEV);
}

struct inode *procfs_root(void)
{
	return mount_root(&proc_rows[0], FS_PROC);
}

struct inode *sysfs_root(void)
{
	struct inode *inode = inode_new(FS_SYS, S_IFDIR | 0555);

	if (!inode)
		return NULL;
	inode->ops = &empty_ops;
	inode->ino = 1;
	inode->uid = inode->gid = 0;
	inode->size = 0;
	return inode;
}

/* ---- /dev ----------------------------------------------------------------------------- */

#define CHR(major, minor) .rdev = ((major) << 8) | (minor)

const struct tab_row dev_rows[] = {
    {.name = "/", .dir = TAB_DEV, .mode = S_IFDIR | 0755},
    {TAB_DEV, .name = "null", .mode = S_IFCHR | 0666, CHR(1, 3)},
    {TAB_DEV, .name = "zero", .mode = S_IFCHR | 0666, CHR(1, 5)},
    {TAB_DEV, .name = "full", .mode = S_IFCHR | 0666, CHR(1, 7)},
    {TAB_DEV, .name = "random", .mode = S_IFCHR | 0666, CHR(1, 8)},
    {TAB_DEV, .name = "urandom", .mode = S_IFCHR | 0666, CHR(1, 9)},
    {TAB_DEV, .name = "tty", .mode = S_IFCHR | 0666, CHR(5, 0)},
    {TAB_DEV, .name = "console", .tty = true, .mode = S_IFCHR | 0620, CHR(5, 1)},
    {TAB_DEV, .name = "ptmx", .mode = S_IFCHR | 0666, CHR(5, 2)},
    {TAB_DEV, .name = "stdin", .mode = S_IFLNK | 0777, .link = "/proc/self/fd/0"},
    {TAB_DEV, .name = "stdout", .mode = S_IFLNK | 0777, .link = "/proc/self/fd/1"},
    {TAB_DEV, .name = "stderr", .mode = S_IFLNK | 0777, .link = "/proc/self/fd/2"},
    {TAB_DEV, .name = "fd", .mode = S_IFLNK | 0777, .link = "/proc/self/fd"},
    {TAB_DEV, .name = "pts", .dir = TAB_DEV_PTS, .mode = S_IFDIR | 0755},
    {TAB_DEV, .name = "shm", .dir = TAB_DEV_SHM, .mode = S_IFDIR | S_ISVTX | 0777},
    {TAB_DEV, .name = "mqueue", .dir = TAB_DEV_MQUEUE, .mode = S_IFDIR | S_ISVTX | 0777},
    {TAB_DEV_PTS, .name = "0", .tty = true, .mode = S_IFCHR | 0620, CHR(136, 0)},
    {0},
};
