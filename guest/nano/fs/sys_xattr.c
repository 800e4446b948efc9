// SPDX-License-Identifier: Apache-2.0
/* Extended attributes: those of the image can be read, none can be set. */
#include "guest/nano/fs/sys.h"

#define CWD            ((uint64_t)AT_FDCWD)
#define XATTR_NAME_MAX 255u

/* The inode behind a path or descriptor argument; counted dentry. */
static int find_target(uint64_t arg, bool is_fd, unsigned int wflags, struct dentry **ret)
{
	struct file *f;
	int r;

	if (!is_fd)
		return sys_find(CWD, arg, wflags, ret);
	r = fd_get(arg, &f);
	if (r < 0)
		return r;
	*ret = dentry_get(f->dentry);
	file_put(f);
	return 0;
}

/* The @index-th attribute: 1, 0, -errno. */
static int nth(const struct inode *inode, uint32_t index, struct erofs_xattr *ret)
{
	struct erofs_inode in;
	int r;

	if (!(inode->flags & I_EROFS))
		return 0;
	r = erofs_iget(&fs_state.image, inode->low, &in);
	return r < 0 ? -EIO : erofs_xattr(&fs_state.image, &in, index, ret);
}

static bool is_named(const struct erofs_xattr *x, const char *name)
{
	size_t prefix = strlen(x->prefix);

	return strncmp(name, x->prefix, prefix) == 0 && strlen(name + prefix) == x->name_len &&
	       memcmp(name + prefix, x->name, x->name_len) == 0;
}

static long get_value(const struct inode *inode, const char *name, uint64_t to, uint64_t size)
{
	struct erofs_xattr x;
	int r;

	for (uint32_t i = 0; (r = nth(inode, i, &x)) == 1; i++) {
		if (!is_named(&x, name))
			continue;
		if (size == 0)
			return x.value_len;
		if (size < x.value_len)
			return -ERANGE;
		return copy_to_user(to, x.value, x.value_len) < 0 ? -EFAULT : (long)x.value_len;
	}
	return r < 0 ? r : -ENODATA;
}

static int name_in(struct upath *name, uint64_t addr)
{
	int r = upath_get(name, addr);

	if (r < 0)
		return r == -ENAMETOOLONG ? -ERANGE : r;
	if (name->s[0] == '\0' || strlen(name->s) > XATTR_NAME_MAX)
		return -ERANGE;
	return 0;
}

static long do_get(const uint64_t a[6], bool is_fd, unsigned int wflags)
{
	FS_CLEANUP(upath_done) struct upath name;
	struct dentry *d;
	long r = name_in(&name, a[1]);

	if (r == 0)
		r = find_target(a[0], is_fd, wflags, &d);
	if (r < 0)
		return r;
	r = get_value(d->inode, name.s, a[2], a[3]);
	dentry_put(d);
	return r;
}

/* Appends "PREFIX NAME NUL" at @to + @at. */
static long put_name(const struct erofs_xattr *x, uint64_t to)
{
	size_t prefix = strlen(x->prefix);

	if (copy_to_user(to, x->prefix, prefix) < 0 ||
	    copy_to_user(to + prefix, x->name, x->name_len) < 0 ||
	    clear_user(to + prefix + x->name_len, 1) < 0)
		return -EFAULT;
	return 0;
}

static long list_names(const struct inode *inode, uint64_t to, uint64_t size)
{
	struct erofs_xattr x;
	uint64_t done = 0;
	int r;

	for (uint32_t i = 0; (r = nth(inode, i, &x)) == 1; i++) {
		uint64_t len = strlen(x.prefix) + x.name_len + 1;

		if (size && len > size - done)
			return -ERANGE;
		if (size && put_name(&x, to + done) < 0)
			return -EFAULT;
		done += len;
	}
	return r < 0 ? r : (long)done;
}

static long do_list(const uint64_t a[6], bool is_fd, unsigned int wflags)
{
	struct dentry *d;
	long r = find_target(a[0], is_fd, wflags, &d);

	if (r < 0)
		return r;
	r = list_names(d->inode, a[1], a[2]);
	dentry_put(d);
	return r;
}

/* Setting and removing: the object must be there and the name sound, then it is refused. */
static long do_refuse(const uint64_t a[6], bool is_fd, unsigned int wflags)
{
	FS_CLEANUP(upath_done) struct upath name;
	struct dentry *d;
	long r = name_in(&name, a[1]);

	if (r == 0)
		r = find_target(a[0], is_fd, wflags, &d);
	if (r < 0)
		return r;
	r = inode_readonly(d->inode) ? -EROFS : -EOPNOTSUPP;
	dentry_put(d);
	return r;
}

long sys_getxattr(const uint64_t a[6])
{
	return do_get(a, false, W_FOLLOW);
}

long sys_lgetxattr(const uint64_t a[6])
{
	return do_get(a, false, 0);
}

long sys_fgetxattr(const uint64_t a[6])
{
	return do_get(a, true, 0);
}

long sys_listxattr(const uint64_t a[6])
{
	return do_list(a, false, W_FOLLOW);
}

long sys_llistxattr(const uint64_t a[6])
{
	return do_list(a, false, 0);
}

long sys_flistxattr(const uint64_t a[6])
{
	return do_list(a, true, 0);
}

long sys_setxattr(const uint64_t a[6])
{
	return do_refuse(a, false, W_FOLLOW);
}

long sys_lsetxattr(const uint64_t a[6])
{
	return do_refuse(a, false, 0);
}

long sys_fsetxattr(const uint64_t a[6])
{
	return do_refuse(a, true, 0);
}

long sys_removexattr(const uint64_t a[6])
{
	return do_refuse(a, false, W_FOLLOW);
}

long sys_lremovexattr(const uint64_t a[6])
{
	return do_refuse(a, false, 0);
}

long sys_fremovexattr(const uint64_t a[6])
{
	return do_refuse(a, true, 0);
}
