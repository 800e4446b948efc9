// SPDX-License-Identifier: Apache-2.0
/*
 * The root file system: an overlay of the image (lower, shared, never written) and a
 * directory of the container's own (upper).
 *
 * The image is hostile: its /proc, /etc and so on may be symbolic links to anywhere. So the
 * directories that are mounted on or written to are made in the upper, where nothing of the
 * image is, before there is an overlay; there they hide what the image has of that name.
 */
#include "containers/internal.h"

#include "base/fd.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ESCAPED ":,\\"

char *ctr_overlay_options(const char *rootfs, bool keep_files)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	il_buf_str(&b, "upperdir=upper,workdir=work,lowerdir=");
	for (const char *p = rootfs; *p; p++) {
		if (strchr(ESCAPED, *p))
			il_buf_add(&b, "\\", 1);
		il_buf_add(&b, p, 1);
	}
	/* Files that are dropped at the end anyway need not reach the disk. */
	if (!keep_files)
		il_buf_str(&b, ",volatile");
	return il_buf_steal(&b);
}

static int make_dir(int dir, const char *name, mode_t mode)
{
	return mkdirat(dir, name, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/* A container may have left anything under the name, if files are kept: replace it. */
static int write_new(int dir, const char *name, const struct il_buf *content)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
	int fd = il_open(dir, name, flags, 0644);

	if (fd == -EEXIST && unlinkat(dir, name, 0) == 0)
		fd = il_open(dir, name, flags, 0644);
	if (fd < 0)
		return fd;
	int r = content->len ? il_write_full(fd, content->data, content->len) : 0;
	close(fd);
	return r;
}

static int write_etc(struct ctr_plan *plan, int upper)
{
	struct stat st;
	int lower = il_open(AT_FDCWD, plan->cfg->rootfs, O_PATH | O_DIRECTORY, 0);

	plan->step = "open the image's root";
	if (lower < 0)
		return lower;
	bool is_dir = fstatat(lower, "etc", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	close(lower);
	plan->step = "make /etc";
	int r = make_dir(upper, "etc", is_dir ? st.st_mode & 07777 : 0755);
	if (r < 0)
		return r;
	_cleanup_(closep) int etc = il_open(upper, "etc", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (etc < 0)
		return etc;
	/* The merged directory shows the upper's owner. */
	if (is_dir && (st.st_uid || st.st_gid) &&
	    fchownat(etc, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0)
		return -errno;
	plan->step = "write /etc/hosts, resolv.conf and hostname";
	if ((r = write_new(etc, "hosts", &plan->etc.hosts)) < 0 ||
	    (r = write_new(etc, "resolv.conf", &plan->etc.resolv)) < 0)
		return r;
	return write_new(etc, "hostname", &plan->etc.hostname);
}

/* In the current directory. */
static int make_upper(struct ctr_plan *plan)
{
	static const char *const mount_points[] = {"proc", "sys", "dev"};
	int r;

	plan->step = "make the writable layer";
	if ((r = make_dir(AT_FDCWD, "upper", 0755)) < 0 ||
	    (r = make_dir(AT_FDCWD, "work", 0700)) < 0 ||
	    (r = make_dir(AT_FDCWD, "root", 0700)) < 0)
		return r;
	_cleanup_(closep) int upper =
	    il_open(AT_FDCWD, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (upper < 0)
		return upper;
	for (size_t i = 0; i < ARRAY_SIZE(mount_points); i++)
		if ((r = make_dir(upper, mount_points[i], 0755)) < 0)
			return r;
	return write_etc(plan, upper);
}

int ctr_root_enter(struct ctr_plan *plan)
{
	const struct ctr_config *cfg = plan->cfg;
	unsigned long flags = plan->nodev ? MS_NODEV : 0;
	int r;

	/* Nothing done here may reach the host's mount tree, nor the other way round. */
	plan->step = "make the mount tree private";
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	plan->step = "mount a tmpfs for the writable layer";
	if (!cfg->keep_files && mount("tmpfs", cfg->state_dir, "tmpfs", 0, "mode=0755") < 0)
		return -errno;
	plan->step = "enter the state directory";
	if (chdir(cfg->state_dir) < 0)
		return -errno;
	if ((r = make_upper(plan)) < 0)
		return r;
	if (cfg->workload->flags & WORKLOAD_RO_ROOT)
		flags |= MS_RDONLY;
	plan->step = "mount the overlay root";
	if (mount("overlay", "root", "overlay", flags, plan->overlay_options) < 0)
		return -errno;
	plan->step = "change the root";
	if (chdir("root") < 0)
		return -errno;
	/* The old root comes to lie upon the new one, at ".", and is taken off. */
	if ((r = il_pivot_root(".", ".")) < 0)
		return r;
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}
