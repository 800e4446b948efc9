// SPDX-License-Identifier: Apache-2.0
/*
 * The root file system: an overlay of the image (lower, shared, never written) and a
 * directory of the container's own (upper).
 *
 * The image is hostile: its /proc, /etc and so on may be symbolic links to anywhere. So the
 * directories that are mounted on or written to are made in the upper, where nothing of the
 * image is, before there is an overlay; there they hide what the image has of that name.
 *
 * Everything here runs in the child beside its parent: raw calls only.
 */
#include "containers/internal.h"

#include "base/raw.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#define ESCAPED ":,\\"

/* Below the state directory: a tmpfs that is only seen by the child. */
#define SCRATCH "scratch"

char *ctr_overlay_options(const char *rootfs, bool keep_files)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	il_buf_str(&b, keep_files ? "upperdir=upper,workdir=work,lowerdir="
				  : "upperdir=" SCRATCH "/upper,workdir=" SCRATCH
				    "/work,lowerdir=");
	for (const char *p = rootfs; *p; p++) {
		if (strchr(ESCAPED, *p))
			il_buf_add(&b, "\\", 1);
		il_buf_add(&b, p, 1);
	}
	return il_buf_steal(&b);
}

static int make_dir(int dir, const char *name, mode_t mode)
{
	int r = il_raw_mkdirat(dir, name, mode);

	return r == -EEXIST ? 0 : r;
}

static int open_dir(int dir, const char *name)
{
	return il_raw_openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* A container may have left anything under the name, if files are kept: replace it. */
static int write_new(int dir, const char *name, const struct il_buf *content)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
	int fd = il_raw_openat(dir, name, flags, 0644);

	if (fd == -EEXIST && il_raw_unlinkat(dir, name, 0) == 0)
		fd = il_raw_openat(dir, name, flags, 0644);
	if (fd < 0)
		return fd;
	long n = content->len ? il_raw_write(fd, content->data, content->len) : 0;
	il_raw_close(fd);
	return n < 0 ? (int)n : (size_t)n == content->len ? 0 : -ENOSPC;
}

static int write_etc_files(const struct ctr_plan *plan, int etc)
{
	int r;

	if ((r = write_new(etc, "hosts", &plan->etc.hosts)) < 0 ||
	    (r = write_new(etc, "resolv.conf", &plan->etc.resolv)) < 0)
		return r;
	return write_new(etc, "hostname", &plan->etc.hostname);
}

/* The merged directory shows the upper's mode and owner, so they are copied. */
static int write_etc(struct ctr_plan *plan, int upper)
{
	struct stat st = {0};
	int lower = il_raw_openat(AT_FDCWD, plan->cfg->rootfs, O_PATH | O_DIRECTORY, 0);
	int r;

	plan->step = "open the image's root";
	if (lower < 0)
		return lower;
	bool is_dir =
	    il_raw_fstatat(lower, "etc", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	il_raw_close(lower);
	plan->step = "make /etc";
	if ((r = make_dir(upper, "etc", is_dir ? st.st_mode & 07777 : 0755)) < 0)
		return r;
	int etc = open_dir(upper, "etc");
	if (etc < 0)
		return etc;
	r = is_dir && (st.st_uid || st.st_gid)
		? il_raw_fchownat(etc, "", st.st_uid, st.st_gid, AT_EMPTY_PATH)
		: 0;
	plan->step = "write /etc/hosts, resolv.conf and hostname";
	if (r == 0)
		r = write_etc_files(plan, etc);
	il_raw_close(etc);
	return r;
}

static int fill_upper(struct ctr_plan *plan, int upper)
{
	int r;

	plan->step = "make the writable layer";
	if ((r = make_dir(upper, "proc", 0755)) < 0 || (r = make_dir(upper, "sys", 0755)) < 0 ||
	    (r = make_dir(upper, "dev", 0755)) < 0)
		return r;
	return write_etc(plan, upper);
}

/* In the state directory, which the scratch tmpfs lies in. */
static int make_upper(struct ctr_plan *plan)
{
	int scratch = open_dir(AT_FDCWD, SCRATCH);
	int at = plan->cfg->keep_files ? AT_FDCWD : scratch;
	int r, upper;

	if (scratch < 0)
		return scratch;
	if ((r = make_dir(at, "upper", 0755)) == 0 && (r = make_dir(at, "work", 0700)) == 0 &&
	    (r = make_dir(scratch, "empty", 0755)) == 0)
		r = make_dir(scratch, "root", 0700);
	upper = r < 0 ? r : open_dir(at, "upper");
	if (upper >= 0) {
		r = fill_upper(plan, upper);
		il_raw_close(upper);
	} else {
		r = upper;
	}
	il_raw_close(scratch);
	return r;
}

/* Mounts of scratch directories, for after the change of root. */
static int clone_scratch(struct ctr_plan *plan)
{
	plan->step = "prepare the masks";
	plan->empty_fd = il_raw_open_tree(AT_FDCWD, SCRATCH "/empty", OPEN_TREE_CLONE);
	if (plan->empty_fd < 0)
		return plan->empty_fd;
	return 0;
}

/*
 * Over the whole state directory, unless the files to keep are in there: a directory on a
 * disk is dearer than a tmpfs.
 */
static int mount_scratch(struct ctr_plan *plan)
{
	bool keep = plan->cfg->keep_files;
	int r = keep ? make_dir(AT_FDCWD, SCRATCH, 0700) : 0;

	if (r == 0)
		r = il_raw_mount("tmpfs", keep ? SCRATCH : plan->cfg->state_dir, "tmpfs", 0,
				 "mode=0755");
	if (r < 0 || keep)
		return r;
	/* Into the new mount, and where the paths with SCRATCH in them are right. */
	if ((r = il_raw_chdir(plan->cfg->state_dir)) < 0)
		return r;
	return make_dir(AT_FDCWD, SCRATCH, 0700);
}

static int mount_root(struct ctr_plan *plan)
{
	unsigned long flags = plan->nodev ? MS_NODEV : 0;
	int r;

	plan->step = "mount a tmpfs in the state directory";
	if ((r = mount_scratch(plan)) < 0)
		return r;
	plan->step = "make the writable layer";
	if ((r = make_upper(plan)) < 0 || (r = clone_scratch(plan)) < 0)
		return r;
	if (plan->cfg->workload->flags & WORKLOAD_RO_ROOT)
		flags |= MS_RDONLY;
	plan->step = "mount the overlay root";
	return il_raw_mount("overlay", SCRATCH "/root", "overlay", flags, plan->overlay_options);
}

int ctr_root_enter(struct ctr_plan *plan)
{
	int r;

	/* Nothing done here may reach the host's mount tree, nor the other way round. */
	plan->step = "make the mount tree private";
	if ((r = il_raw_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) < 0)
		return r;
	plan->step = "enter the state directory";
	if ((r = il_raw_chdir(plan->cfg->state_dir)) < 0)
		return r;
	if ((r = mount_root(plan)) < 0)
		return r;
	plan->step = "change the root";
	if ((r = il_raw_chdir(SCRATCH "/root")) < 0)
		return r;
	/* The old root comes to lie upon the new one, at ".", and is taken off. */
	if ((r = il_raw_pivot_root(".", ".")) < 0 || (r = il_raw_umount(".", MNT_DETACH)) < 0)
		return r;
	return il_raw_chdir("/");
}
