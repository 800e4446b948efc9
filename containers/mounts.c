// SPDX-License-Identifier: Apache-2.0
/*
 * What is mounted in a container, as tables. The new root is "/" already, and /proc, /sys
 * and /dev are directories of our own (root.c), so no path below can lead elsewhere.
 * Source: moby, oci/defaults.go; OCI runtime-spec, config-linux.md "Default Filesystems"
 * and "Default Devices".
 */
#include "containers/internal.h"

#include "base/raw.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

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
    {"tmpfs", "/dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k", 0},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5",
     0755},
    {"mqueue", "/dev/mqueue", MS_SAFE, NULL, 0755},
    {"tmpfs", "/dev/shm", MS_SAFE, "mode=1777,size=65536k", 0755},
};

static const struct mount_row sys_row = {"sysfs", "/sys", MS_SAFE | MS_RDONLY, NULL, 0};

static const struct mount_row cgroup_v2_row = {"cgroup2", "/sys/fs/cgroup", MS_SAFE | MS_RDONLY,
					       NULL, 0};

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

/* Files are covered by /dev/null, directories by an empty one. */
static const char *const masked_files[] = {
    "/proc/interrupts", "/proc/kcore",       "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
};

static const char *const masked_dirs[] = {"/proc/asound", "/proc/acpi", "/proc/scsi"};

static const char *const masked_sys_dirs[] = {"/sys/firmware", "/sys/devices/virtual/powercap"};

static int mount_row(const struct mount_row *row)
{
	int r = row->make_mode ? il_raw_mkdirat(AT_FDCWD, row->target, row->make_mode) : 0;

	return r < 0 ? r
		     : il_raw_mount(row->type, row->target, row->type, row->flags, row->options);
}

static int mount_all(struct ctr_plan *plan)
{
	int r = 0;

	plan->step = "mount /proc and /dev";
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(mount_rows); i++)
		r = mount_row(&mount_rows[i]);
	return r;
}

static int fill_dev(struct ctr_plan *plan)
{
	int r = 0;

	plan->step = "make the device nodes";
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(device_rows); i++)
		r = il_raw_mknodat(AT_FDCWD, device_rows[i].path, S_IFCHR | 0666,
				   makedev(device_rows[i].major, device_rows[i].minor));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(link_rows); i++)
		r = il_raw_symlinkat(link_rows[i].target, AT_FDCWD, link_rows[i].path);
	return r;
}

static int mount_console(struct ctr_plan *plan)
{
	int r;

	if (plan->console_fd < 0)
		return 0;
	plan->step = "make /dev/console";
	if ((r = il_raw_mknodat(AT_FDCWD, "/dev/console", S_IFREG | 0600, 0)) < 0)
		return r;
	return il_raw_move_mount(plan->console_fd, AT_FDCWD, "/dev/console");
}

static int make_read_only(struct ctr_plan *plan)
{
	int r = 0;

	plan->step = "make parts of /proc read-only";
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(read_only_paths); i++) {
		const char *path = read_only_paths[i];

		r = il_raw_mount(path, path, NULL, MS_BIND, NULL);
		if (r == 0)
			r = il_raw_mount(NULL, path, NULL,
					 MS_BIND | MS_REMOUNT | MS_RDONLY | MS_SAFE, NULL);
		else if (r == -ENOENT)
			r = 0;
	}
	return r;
}

static int mask_files(struct ctr_plan *plan)
{
	int r = 0;

	plan->step = "mask parts of /proc";
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(masked_files); i++) {
		r = il_raw_mount("/dev/null", masked_files[i], NULL, MS_BIND, NULL);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* The first takes the detached mount of the empty directory, the others are copies of it. */
static int mask_dirs(struct ctr_plan *plan, const char *const *paths, size_t count)
{
	int r = 0;

	plan->step = "mask directories of /proc and /sys";
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (!plan->empty_path) {
			r = il_raw_move_mount(plan->empty_fd, AT_FDCWD, paths[i]);
			if (r == 0)
				r = il_raw_mount(NULL, paths[i], NULL,
						 MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
			if (r == 0)
				plan->empty_path = paths[i];
		} else {
			r = il_raw_mount(plan->empty_path, paths[i], NULL, MS_BIND, NULL);
		}
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

int ctr_mounts_make(struct ctr_plan *plan)
{
	int r;

	if ((r = mount_all(plan)) < 0 || (r = fill_dev(plan)) < 0 ||
	    (r = mount_console(plan)) < 0 || (r = make_read_only(plan)) < 0 ||
	    (r = mask_files(plan)) < 0)
		return r;
	return mask_dirs(plan, masked_dirs, ARRAY_SIZE(masked_dirs));
}

/* v1: a directory of mount points, and each hierarchy with the namespace's part of it. */
static int mount_cgroup_v1(struct ctr_plan *plan)
{
	const char *const names[] = {"memory", plan->v1_cpu_shared ? "cpu,cpuacct" : "cpu", "pids"};
	int r = il_raw_mount("tmpfs", "/sys/fs/cgroup", "tmpfs", MS_SAFE, "mode=755");
	if (r == 0)
		r = il_raw_chdir("/sys/fs/cgroup");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(names); i++) {
		if ((r = il_raw_mkdirat(AT_FDCWD, names[i], 0755)) < 0)
			break;
		r = il_raw_mount("cgroup", names[i], "cgroup", MS_SAFE | MS_RDONLY, names[i]);
		/* Not on this host; or not as a v1 hierarchy, which EPERM says from in here. */
		if (r == -EINVAL || r == -ENOENT || r == -EBUSY || r == -EPERM)
			r = 0;
	}
	if (r == 0 && plan->v1_cpu_shared)
		r = il_raw_symlinkat(names[1], AT_FDCWD, "cpu");
	if (r == 0)
		r = il_raw_mount(NULL, "/sys/fs/cgroup", NULL,
				 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_SAFE, NULL);
	return r;
}

int ctr_mounts_sys(struct ctr_plan *plan)
{
	int r;

	plan->step = "mount /sys";
	if ((r = mount_row(&sys_row)) < 0)
		return r;
	plan->step = "mount /sys/fs/cgroup";
	if (plan->cgroup.ops == &cgroup_v2_ops)
		r = mount_row(&cgroup_v2_row);
	else if (plan->cgroup.ops)
		r = mount_cgroup_v1(plan);
	return r < 0 ? r : mask_dirs(plan, masked_sys_dirs, ARRAY_SIZE(masked_sys_dirs));
}
