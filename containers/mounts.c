// SPDX-License-Identifier: Apache-2.0
/*
 * What is mounted in a container, as tables. The new root is "/" already, and /proc, /sys
 * and /dev are directories of our own (root.c), so no path below can lead elsewhere.
 * Source: moby, oci/defaults.go; OCI runtime-spec, config-linux.md "Default Filesystems"
 * and "Default Devices".
 */
#include "containers/internal.h"

#include "base/fd.h"
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MS_SAFE (MS_NOSUID | MS_NODEV | MS_NOEXEC)

struct mount_row {
	const char *type;
	const char *target;
	unsigned long flags;
	const char *options;
	mode_t make_mode; /* mkdir the target first; 0 = it is there */
};

static const struct mount_row mount_rows[] = {
    {"proc", "/proc", MS_SAFE, NULL, 0},
    {"sysfs", "/sys", MS_SAFE | MS_RDONLY, NULL, 0},
    {"tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k", 0},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5",
     0755},
    {"mqueue", "/dev/mqueue", MS_SAFE, NULL, 0755},
    {"tmpfs", "/dev/shm", MS_SAFE, "mode=1777,size=65536k", 0755},
};

static const struct {
	const char *path;
	unsigned int major;
	unsigned int minor;
} device_rows[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

static const struct {
	const char *path;
	const char *target;
} link_rows[] = {
    {"/dev/fd", "/proc/self/fd"},       {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/core", "/proc/kcore"},       {"/dev/ptmx", "pts/ptmx"},
};

/* Docker's lists. A path that this kernel does not have is left out. */
static const char *const read_only_paths[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const char *const masked_paths[] = {
    "/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
    "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
    "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap",
};

static int mount_all(struct ctr_plan *plan)
{
	plan->step = "mount /proc, /sys and /dev";
	for (size_t i = 0; i < ARRAY_SIZE(mount_rows); i++) {
		const struct mount_row *row = &mount_rows[i];

		if (row->make_mode && mkdir(row->target, row->make_mode) < 0)
			return -errno;
		if (mount(row->type, row->target, row->type, row->flags, row->options) < 0)
			return -errno;
	}
	return 0;
}

static int fill_dev(struct ctr_plan *plan)
{
	plan->step = "make the device nodes";
	for (size_t i = 0; i < ARRAY_SIZE(device_rows); i++)
		if (mknod(device_rows[i].path, S_IFCHR | 0666,
			  makedev(device_rows[i].major, device_rows[i].minor)) < 0)
			return -errno;
	plan->step = "make the links in /dev";
	for (size_t i = 0; i < ARRAY_SIZE(link_rows); i++)
		if (symlink(link_rows[i].target, link_rows[i].path) < 0)
			return -errno;
	return 0;
}

static int mount_console(struct ctr_plan *plan)
{
	if (plan->console_fd < 0)
		return 0;
	plan->step = "make /dev/console";
	if (mknod("/dev/console", S_IFREG | 0600, 0) < 0)
		return -errno;
	return il_move_mount(plan->console_fd, AT_FDCWD, "/dev/console");
}

static int make_read_only(struct ctr_plan *plan)
{
	plan->step = "make parts of /proc read-only";
	for (size_t i = 0; i < ARRAY_SIZE(read_only_paths); i++) {
		const char *path = read_only_paths[i];

		if (mount(path, path, NULL, MS_BIND, NULL) < 0) {
			if (errno == ENOENT)
				continue;
			return -errno;
		}
		if (mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_SAFE, NULL) < 0)
			return -errno;
	}
	return 0;
}

/* A file is covered by /dev/null, a directory by an empty one that is read-only. */
static int mask(struct ctr_plan *plan)
{
	plan->step = "mask parts of /proc and /sys";
	for (size_t i = 0; i < ARRAY_SIZE(masked_paths); i++) {
		const char *path = masked_paths[i];

		if (mount("/dev/null", path, NULL, MS_BIND, NULL) == 0 || errno == ENOENT)
			continue;
		if (errno != ENOTDIR)
			return -errno;
		if (mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0k") < 0)
			return -errno;
	}
	return 0;
}

int ctr_mounts_make(struct ctr_plan *plan)
{
	int r;

	if ((r = mount_all(plan)) < 0 || (r = fill_dev(plan)) < 0 ||
	    (r = mount_console(plan)) < 0 || (r = make_read_only(plan)) < 0)
		return r;
	return mask(plan);
}
