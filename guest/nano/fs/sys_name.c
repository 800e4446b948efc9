// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/namei.h"
#include "guest/nano/fs/sys.h"

#include <linux/fs.h>

#define CWD ((uint64_t)AT_FDCWD)

/* A path argument walked to its parent directory. */
struct upath_walk {
	struct upath path;
	struct walk walk;
};

static void uwalk_done(struct upath_walk *u)
{
	walk_done(&u->walk);
	upath_done(&u->path);
}

/* Sets everything up that uwalk_done undoes, whatever it returns. */
static int uwalk_parent(struct upath_walk *u, uint64_t dirfd, uint64_t addr)
{
	int r = upath_get(&u->path, addr);

	u->walk = (struct walk){0};
	if (r == 0)
		r = walk_init(&u->walk, (int)dirfd, u->path.s, 0);
	if (r == 0)
		r = walk_parent(&u->walk);
	return r;
}

/* The walk of something to be made: 0 when the name is free, -EEXIST, ... */
static int uwalk_free_name(struct upath_walk *u, uint64_t dirfd, uint64_t addr, bool dir)
{
	struct dentry *d;
	bool slash;
	int r = uwalk_parent(u, dirfd, addr);

	if (r < 0)
		return r;
	slash = u->walk.slash;
	u->walk.slash = false; /* "link/" names the link here */
	if (name_is_special(&u->walk))
		return -EEXIST;
	r = walk_last(&u->walk, &d);
	if (r == 0) {
		dentry_put(d);
		return -EEXIST;
	}
	if (r == -ENOENT)
		r = slash && !dir ? -ENOENT : 0;
	return r;
}

static long make_node(uint64_t dirfd, uint64_t addr, const struct new_node *node)
{
	FS_CLEANUP(uwalk_done) struct upath_walk u;
	int r = uwalk_free_name(&u, dirfd, addr, S_ISDIR(node->mode));

	return r < 0 ? r : name_create(&u.walk, node, NULL);
}

static long do_symlink(uint64_t target, uint64_t dirfd, uint64_t addr)
{
	FS_CLEANUP(upath_done) struct upath to;
	struct new_node node = {.mode = S_IFLNK | 0777};
	int r = upath_get(&to, target);

	if (r < 0)
		return r;
	if (to.s[0] == '\0')
		return -ENOENT;
	node.link = to.s;
	return make_node(dirfd, addr, &node);
}

long sys_symlink(const uint64_t a[6])
{
	return do_symlink(a[0], CWD, a[1]);
}

long sys_symlinkat(const uint64_t a[6])
{
	return do_symlink(a[0], a[1], a[2]);
}

static long do_mkdir(uint64_t dirfd, uint64_t addr, uint64_t mode)
{
	const struct new_node node = {.mode = S_IFDIR | ((uint32_t)mode & 01777)};

	return make_node(dirfd, addr, &node);
}

long sys_mkdir(const uint64_t a[6])
{
	return do_mkdir(CWD, a[0], a[1]);
}

long sys_mkdirat(const uint64_t a[6])
{
	return do_mkdir(a[0], a[1], a[2]);
}

static long do_mknod(uint64_t dirfd, uint64_t addr, uint64_t mode, uint64_t dev)
{
	struct new_node node = {.mode = (uint32_t)mode & (S_IFMT | 07777)};

	switch (mode & S_IFMT) {
	case 0:
		node.mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (!capable_root())
			return -EPERM;
		node.rdev = (uint32_t)dev;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make_node(dirfd, addr, &node);
}

long sys_mknod(const uint64_t a[6])
{
	return do_mknod(CWD, a[0], a[1], a[2]);
}

long sys_mknodat(const uint64_t a[6])
{
	return do_mknod(a[0], a[1], a[2], a[3]);
}

static long do_link(const uint64_t a[4], uint64_t flags)
{
	FS_CLEANUP(uwalk_done) struct upath_walk u;
	FS_CLEANUP(dentry_putp) struct dentry *old = NULL;
	unsigned int wflags = flags & AT_SYMLINK_FOLLOW ? W_FOLLOW : 0;
	int r;

	u.walk = (struct walk){0};
	u.path.s = u.path.small;
	if (flags & ~(uint64_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		wflags |= W_EMPTY;
	r = sys_find(a[0], a[1], wflags, &old);
	if (r < 0)
		return r;
	r = uwalk_free_name(&u, a[2], a[3], false);
	return r < 0 ? r : name_link(old, &u.walk);
}

long sys_link(const uint64_t a[6])
{
	const uint64_t args[4] = {CWD, a[0], CWD, a[1]};

	return do_link(args, 0);
}

long sys_linkat(const uint64_t a[6])
{
	return do_link(a, (uint32_t)a[4]);
}

static long do_unlink(uint64_t dirfd, uint64_t addr)
{
	FS_CLEANUP(uwalk_done) struct upath_walk u;
	FS_CLEANUP(dentry_putp) struct dentry *d = NULL;
	bool slash;
	int r = uwalk_parent(&u, dirfd, addr);

	if (r < 0)
		return r;
	if (name_is_special(&u.walk))
		return -EISDIR;
	slash = u.walk.slash;
	u.walk.slash = false;
	r = walk_last(&u.walk, &d);
	if (r < 0)
		return r;
	if (slash)
		return is_dir(d->inode) ? -EISDIR : -ENOTDIR;
	return name_unlink(d);
}

static long do_rmdir(uint64_t dirfd, uint64_t addr)
{
	FS_CLEANUP(uwalk_done) struct upath_walk u;
	FS_CLEANUP(dentry_putp) struct dentry *d = NULL;
	int r = uwalk_parent(&u, dirfd, addr);

	if (r < 0)
		return r;
	if (u.walk.last_len == 0)
		return -EBUSY;
	if (name_is_special(&u.walk))
		return u.walk.last_len == 1 ? -EINVAL : -ENOTEMPTY;
	u.walk.slash = false;
	r = walk_last(&u.walk, &d);
	return r < 0 ? r : name_rmdir(d);
}

long sys_unlink(const uint64_t a[6])
{
	return do_unlink(CWD, a[0]);
}

long sys_rmdir(const uint64_t a[6])
{
	return do_rmdir(CWD, a[0]);
}

long sys_unlinkat(const uint64_t a[6])
{
	if (a[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return a[2] & AT_REMOVEDIR ? do_rmdir(a[0], a[1]) : do_unlink(a[0], a[1]);
}

/* A slash behind a name is fine where a directory is, or is to be. */
static int check_slashes(bool from_slash, bool to_slash, const struct dentry *d,
			 const struct dentry *over, bool exchange)
{
	if (exchange && to_slash && !is_dir(over->inode))
		return -ENOTDIR;
	if (is_dir(d->inode))
		return 0;
	return from_slash || (to_slash && !exchange) ? -ENOTDIR : 0;
}

static long rename_walked(struct upath_walk *from, struct upath_walk *to, uint64_t flags)
{
	FS_CLEANUP(dentry_putp) struct dentry *d = NULL;
	FS_CLEANUP(dentry_putp) struct dentry *over = NULL;
	bool from_slash = from->walk.slash;
	bool to_slash = to->walk.slash;
	int r;

	if (from->walk.at->inode->mnt != to->walk.at->inode->mnt)
		return -EXDEV;
	if (name_is_special(&from->walk))
		return -EBUSY;
	if (name_is_special(&to->walk))
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	from->walk.slash = to->walk.slash = false;
	r = walk_last(&from->walk, &d);
	if (r < 0)
		return r;
	r = walk_last(&to->walk, &over);
	if (r < 0 && (r != -ENOENT || (flags & RENAME_EXCHANGE)))
		return r;
	if (over && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	r = check_slashes(from_slash, to_slash, d, over, flags & RENAME_EXCHANGE);
	if (r < 0)
		return r;
	/* A directory that holds the other end is never empty. */
	if (over && dentry_is_under(from->walk.at, over) && is_dir(over->inode))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (flags & RENAME_EXCHANGE)
		return name_exchange(d, over);
	return name_rename(d, &to->walk, over);
}

static long do_rename(const uint64_t a[4], uint64_t flags)
{
	FS_CLEANUP(uwalk_done) struct upath_walk from;
	FS_CLEANUP(uwalk_done) struct upath_walk to;
	int r;

	from.walk = to.walk = (struct walk){0};
	from.path.s = from.path.small;
	to.path.s = to.path.small;
	if ((flags & ~(uint64_t)(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	r = uwalk_parent(&from, a[0], a[1]);
	if (r == 0)
		r = uwalk_parent(&to, a[2], a[3]);
	return r < 0 ? r : rename_walked(&from, &to, flags);
}

long sys_rename(const uint64_t a[6])
{
	const uint64_t args[4] = {CWD, a[0], CWD, a[1]};

	return do_rename(args, 0);
}

long sys_renameat(const uint64_t a[6])
{
	return do_rename(a, 0);
}

long sys_renameat2(const uint64_t a[6])
{
	return do_rename(a, (uint32_t)a[4]);
}

long sys_getcwd(const uint64_t a[6])
{
	char *buf = kmalloc(FS_PATH_MAX);
	long r;

	if (!buf)
		return -ENOMEM;
	if (current->fs->cwd->flags & D_DEAD)
		r = -ENOENT;
	else
		r = dentry_path(current->fs->cwd, current->fs->root, buf, FS_PATH_MAX);
	if (r >= 0 && (uint64_t)++r > a[1])
		r = -ERANGE;
	if (r >= 0 && copy_to_user(a[0], buf, (size_t)r) < 0)
		r = -EFAULT;
	kfree(buf);
	return r;
}

/* Makes @d (its reference is taken) the directory that *where names. */
static long set_dir(struct dentry **where, struct dentry *d)
{
	int r = is_dir(d->inode) ? inode_permission(d->inode, MAY_EXEC) : -ENOTDIR;

	if (r < 0) {
		dentry_put(d);
		return r;
	}
	dentry_put(*where);
	*where = d;
	return 0;
}

long sys_chdir(const uint64_t a[6])
{
	struct dentry *d;
	int r = sys_find(CWD, a[0], W_FOLLOW, &d);

	return r < 0 ? r : set_dir(&current->fs->cwd, d);
}

long sys_fchdir(const uint64_t a[6])
{
	struct file *f = fd_file((int)a[0]);
	long r;

	if (!f)
		return -EBADF;
	r = set_dir(&current->fs->cwd, dentry_get(f->dentry));
	file_put(f);
	return r;
}

long sys_chroot(const uint64_t a[6])
{
	struct dentry *d;
	int r = sys_find(CWD, a[0], W_FOLLOW, &d);

	if (r == 0 && !capable_root()) {
		dentry_put(d);
		r = -EPERM;
	}
	return r < 0 ? r : set_dir(&current->fs->root, d);
}

long sys_umask(const uint64_t a[6])
{
	uint32_t old = current->umask;

	current->umask = (uint32_t)a[0] & 0777;
	return old;
}

/* Makes every missing directory of @path, as mkdir -p. */
static int make_path(const char *path)
{
	const struct new_node node = {.mode = S_IFDIR | 0755};
	char *copy = kstrdup(path);
	int r = copy ? 0 : -ENOMEM;

	for (char *end = copy; r == 0 && *end;) {
		struct walk w;
		struct dentry *d = NULL;
		char kept;

		while (*end == '/')
			end++;
		while (*end && *end != '/')
			end++;
		kept = *end;
		*end = '\0';
		r = walk_init(&w, AT_FDCWD, copy, W_FOLLOW);
		if (r == 0)
			r = walk_parent(&w);
		if (r == 0)
			r = walk_last(&w, &d);
		if (r == -ENOENT && !name_is_special(&w))
			r = name_create(&w, &node, NULL);
		dentry_put(d);
		walk_done(&w);
		*end = kept;
	}
	kfree(copy);
	return r;
}

int vfs_chdir(const char *path, bool make)
{
	uint32_t umask = current->umask;
	struct dentry *d;
	int r = path_find(AT_FDCWD, path, W_FOLLOW, &d);

	if (r == -ENOENT && make) {
		current->umask = 022;
		r = make_path(path);
		current->umask = umask;
		if (r == 0)
			r = path_find(AT_FDCWD, path, W_FOLLOW, &d);
	}
	return r < 0 ? r : (int)set_dir(&current->fs->cwd, d);
}
