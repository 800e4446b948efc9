// SPDX-License-Identifier: Apache-2.0
#include "sandbox/process_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/sys.h"

/* Character devices every program may count on. Numbers: Linux admin-guide/devices.txt. */
static const struct node {
	const char *name;
	unsigned int major;
	unsigned int minor;
} nodes[] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

/* The image decides what /dev is; a link there must not lead us out of the copy. */
static int open_dev(int root_fd, struct il_err *err)
{
	if (mkdirat(root_fd, "dev", 0755) < 0 && errno != EEXIST)
		return il_fail(err, errno, "make 'dev' in the root copy");
	int fd = il_open_in_root(root_fd, "dev", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return fd < 0 ? il_fail(err, -fd, "open 'dev' in the root copy") : fd;
}

static int make_nodes(const char *root, struct il_err *err)
{
	_cleanup_(closep) int root_fd = il_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0);

	if (root_fd < 0)
		return il_fail(err, -root_fd, "open '%s'", root);
	_cleanup_(closep) int dev_fd = open_dev(root_fd, err);
	if (dev_fd < 0)
		return dev_fd;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		const struct node *n = &nodes[i];

		unlinkat(dev_fd, n->name, 0);
		if (mknodat(dev_fd, n->name, S_IFCHR | 0666, makedev(n->major, n->minor)) < 0 ||
		    fchmodat(dev_fd, n->name, 0666, 0) < 0)
			return il_fail(err, errno, "make the device node '%s/dev/%s'", root,
				       n->name);
	}
	if (mkdirat(dev_fd, "shm", 01777) == 0 && fchmodat(dev_fd, "shm", 01777, 0) < 0)
		return il_fail(err, errno, "make '%s/dev/shm'", root);
	return 0;
}

static int copy_root(const char *from, const char *to, struct il_err *err)
{
	/* A byte copy where the file system cannot share blocks; slow once per image. */
	const char *const argv[] = {"cp", "-a", "--reflink=auto", "-T", "--", from, to, NULL};
	int r = il_spawn_wait(argv, err);

	if (r == 0)
		r = make_nodes(to, err);
	return r < 0 ? il_wrap(err, r, "copy '%s' for the process kind", from) : 0;
}

/* Under the lock: make the copy beside its final name, then rename. */
static int make_root(const struct sandbox_run *run, const char *dir, const char *path,
		     struct il_err *err)
{
	_cleanup_(freep) char *source = NULL;
	_cleanup_(freep) char *half = il_strf("%s.half", path);
	_cleanup_(closep) int lock_fd = -1;
	_cleanup_(closep) int dir_fd = -1;
	int r = il_mkdir_p(dir, 0700);

	if (r < 0)
		return il_fail(err, -r, "make '%s'", dir);
	dir_fd = il_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (dir_fd < 0)
		return il_fail(err, -dir_fd, "open '%s'", dir);
	lock_fd = il_lock_file(dir_fd, ".lock", /* wait= */ true);
	if (lock_fd < 0)
		return il_fail(err, -lock_fd, "lock '%s/.lock'", dir);
	if (access(path, F_OK) == 0)
		return 0;
	if (!half)
		return il_fail(err, ENOMEM, "copy the image");
	r = img_rootfs(run->store, run->image, &source, err);
	if (r == 0 && (r = il_remove_tree(AT_FDCWD, half)) < 0)
		il_fail(err, -r, "remove the half-made '%s'", half);
	if (r == 0)
		r = copy_root(source, half, err);
	if (r == 0 && rename(half, path) < 0)
		r = il_fail(err, errno, "rename '%s'", half);
	if (r < 0 && il_remove_tree(AT_FDCWD, half) < 0)
		return r;
	return r;
}

int process_root(const struct sandbox_run *run, char **ret_path, struct il_err *err)
{
	const char *colon = strchr(run->image->chain_id, ':');
	_cleanup_(freep) char *dir = il_strf("%s/process-roots", run->root);
	_cleanup_(freep) char *path =
	    dir ? il_strf("%s/%s", dir, colon ? colon + 1 : run->image->chain_id) : NULL;

	if (!path)
		return il_fail(err, ENOMEM, "find the image's root copy");
	if (access(path, F_OK) < 0) {
		int r = make_root(run, dir, path, err);
		if (r < 0)
			return r;
	}
	*ret_path = steal_ptr(path);
	return 0;
}
