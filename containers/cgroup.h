/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of containers: ROOT/CONTROLLER/isolab/ID on cgroup v1, ROOT/isolab/ID on
 * v2, where ROOT is /sys/fs/cgroup except in tests. The two versions are two ops tables.
 */
#ifndef IL_CONTAINERS_CGROUP_H
#define IL_CONTAINERS_CGROUP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_ROOT   "/sys/fs/cgroup"
#define CGROUP_FOLDER "isolab"

/* The period of the CPU quota, in microseconds: the kernel's and docker's default. */
#define CGROUP_CPU_PERIOD_US 100000u

/* memory, cpu, pids, devices */
#define CGROUP_CONTROLLER_MAX 4

struct ctr_limits;

/* One container's cgroup while it is being started. */
struct cgroup {
	const struct cgroup_ops *ops;        /* NULL = this host has no cgroups */
	const char *root;                    /* borrowed */
	const char *id;                      /* borrowed */
	int dir_fd;                          /* v2: owned, for clone3; -1 = none */
	bool made[CGROUP_CONTROLLER_MAX];    /* v1: which controllers it has a directory in */
	int root_fds[CGROUP_CONTROLLER_MAX]; /* v1, the child's: roots of the hierarchies */
};

struct cgroup_ops {
	const char *name;
	/* Make the directories and set the limits. Undone on failure. */
	int (*make)(struct cgroup *cg, const struct ctr_limits *limits, struct il_err *err);
	/*
	 * In the child, raw calls only (base/raw.h). hold: get at the hierarchies while they
	 * are in reach, maybe before make is done; join: enter, after it is done. Both NULL
	 * when clone3 puts the child into dir_fd (CLONE_INTO_CGROUP).
	 */
	int (*hold)(struct cgroup *cg);
	int (*join)(const struct cgroup *cg);
	/* Kill what is in there and remove the directories; not there is success. */
	int (*remove)(const char *root, const char *id, struct il_err *err);
	/* Bytes charged now. */
	int (*memory)(const char *root, const char *id, uint64_t *ret_bytes);
};

extern const struct cgroup_ops cgroup_v1_ops;
extern const struct cgroup_ops cgroup_v2_ops;

/*
 * cgroup_detect: the ops for the hierarchy mounted at @root; NULL when none is: then a
 * container runs without a cgroup, and cannot have limits.
 */
const struct cgroup_ops *cgroup_detect(const char *root);

/* cgroup_init: no cgroup yet. @ops may be NULL. cgroup_close: close what make opened. */
void cgroup_init(struct cgroup *cg, const struct cgroup_ops *ops, const char *root, const char *id);
void cgroup_close(struct cgroup *cg);

/* cgroup_has_devices: will docker's device rules be in force in it? */
bool cgroup_has_devices(const struct cgroup *cg);

/* ---- shared by the two versions ---- */

/* cgroup_write_u64: write "@value" to the file @name of @dir. 0 or -errno. */
int cgroup_write_u64(int dir, const char *name, uint64_t value) IL_MUST_CHECK;

/* cgroup_read_u64: the number in @name of @dir. 0, -EINVAL for no number, or -errno. */
int cgroup_read_u64(int dir, const char *name, uint64_t *ret) IL_MUST_CHECK;

/*
 * cgroup_rmdir: remove the cgroup directory @path (absolute), killing the processes in it
 * until that works, for at most 5 seconds. Not there is success. Returns 0 or -errno.
 */
int cgroup_rmdir(const char *path) IL_MUST_CHECK;

/* Where the device rules are on v1, below the controller's root. */
#define CGROUP_DEVICE_POLICY CGROUP_FOLDER "/device-policy-1"

/*
 * cgroup_device_policy_v1: make the one cgroup of the devices controller that all
 * containers share, with docker's rules, unless it is there.
 * Returns 0, -ENOENT when there is no devices controller, or -errno.
 */
int cgroup_device_policy_v1(const char *root, struct il_err *err) IL_MUST_CHECK;

/*
 * cgroup_v2_set_limits: write the @limits that are not 0 to the files of @dir.
 * Returns 0, -ENOTSUP when the controller is missing, or -errno.
 */
int cgroup_v2_set_limits(int dir, const struct ctr_limits *limits,
			 struct il_err *err) IL_MUST_CHECK;

/*
 * cgroup_device_policy_v2: docker's rules as a BPF program on the cgroup directory @dir and
 * all below it, unless it has a program already. 0 or -errno.
 */
int cgroup_device_policy_v2(int dir, struct il_err *err) IL_MUST_CHECK;

#endif
