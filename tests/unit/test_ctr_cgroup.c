// SPDX-License-Identifier: Apache-2.0
/* The cgroup code against directories that look like cgroup file systems. */
#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "containers/cgroup.h"
#include "containers/container.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char root[64];

static void make_root(void)
{
	strncpy(root, "/tmp/isolab-cgroup.XXXXXX", sizeof(root) - 1);
	cr_assert_not_null(mkdtemp(root));
}

static void remove_root(void)
{
	cr_assert_eq(il_remove_tree(AT_FDCWD, root), 0);
}

/* A kernel would make the files of a new cgroup; here they are there beforehand. */
static void put(const char *name)
{
	_cleanup_(freep) char *path = il_strf("%s/%s", root, name);
	_cleanup_(freep) char *dir = il_strf("%s", path);

	*strrchr(dir, '/') = '\0';
	cr_assert_eq(il_mkdir_p(dir, 0755), 0);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	cr_assert_geq(fd, 0);
	close(fd);
}

static void expect(const char *name, const char *want)
{
	_cleanup_(freep) char *path = il_strf("%s/%s", root, name);
	_cleanup_(freep) char *text = NULL;

	cr_assert_eq(il_read_file(AT_FDCWD, path, 4096, &text, NULL), 0, "%s", path);
	cr_assert_str_eq(text, want, "%s: '%s'", name, text);
}

TestSuite(ctr_cgroup, .init = make_root, .fini = remove_root);

Test(ctr_cgroup, nothing_mounted_is_no_cgroups)
{
	cr_assert_null(cgroup_detect(root));
}

Test(ctr_cgroup, v1_is_found_by_its_controllers)
{
	put("memory/tasks");
	cr_assert_eq(cgroup_detect(root), &cgroup_v1_ops);
}

Test(ctr_cgroup, v1_pids_alone_will_do)
{
	put("pids/tasks");
	cr_assert_eq(cgroup_detect(root), &cgroup_v1_ops);
}

Test(ctr_cgroup, v1_writes_the_limits)
{
	const struct ctr_limits limits = {
	    .memory_bytes = 64u << 20, .cpu_milli = 1500, .pids_max = 7};
	struct il_err err = {0};
	struct cgroup cg;

	put("memory/isolab/" ID "/memory.limit_in_bytes");
	put("memory/isolab/" ID "/memory.memsw.limit_in_bytes");
	put("cpu/isolab/" ID "/cpu.cfs_period_us");
	put("cpu/isolab/" ID "/cpu.cfs_quota_us");
	put("pids/isolab/" ID "/pids.max");
	cgroup_init(&cg, &cgroup_v1_ops, root, ID);
	cr_assert_eq(cgroup_v1_ops.make(&cg, &limits, &err), 0, "%s", err.msg);
	cgroup_close(&cg);
	expect("memory/isolab/" ID "/memory.limit_in_bytes", "67108864");
	expect("memory/isolab/" ID "/memory.memsw.limit_in_bytes", "134217728");
	expect("cpu/isolab/" ID "/cpu.cfs_period_us", "100000");
	expect("cpu/isolab/" ID "/cpu.cfs_quota_us", "150000");
	expect("pids/isolab/" ID "/pids.max", "7");
	cr_assert_not(cg.made[CGROUP_CONTROLLER_MAX - 1], "there is no devices controller");
}

Test(ctr_cgroup, v1_without_swap_accounting_still_limits_memory)
{
	const struct ctr_limits limits = {.memory_bytes = 64u << 20};
	struct il_err err = {0};
	struct cgroup cg;

	put("memory/isolab/" ID "/memory.limit_in_bytes");
	cgroup_init(&cg, &cgroup_v1_ops, root, ID);
	cr_assert_eq(cgroup_v1_ops.make(&cg, &limits, &err), 0, "%s", err.msg);
	expect("memory/isolab/" ID "/memory.limit_in_bytes", "67108864");
}

Test(ctr_cgroup, v1_missing_controller_matters_only_when_asked_for)
{
	const struct ctr_limits none = {0}, cpu = {.cpu_milli = 500};
	struct il_err err = {0};
	struct cgroup cg;

	put("memory/tasks");
	cgroup_init(&cg, &cgroup_v1_ops, root, ID);
	cr_assert_eq(cgroup_v1_ops.make(&cg, &none, &err), 0, "%s", err.msg);
	cr_assert(cg.made[0]);
	cr_assert_not(cg.made[1]);
	cr_assert_eq(cgroup_v1_ops.remove(root, ID, &err), 0, "%s", err.msg);

	cgroup_init(&cg, &cgroup_v1_ops, root, ID);
	cr_assert_eq(cgroup_v1_ops.make(&cg, &cpu, &err), -ENOTSUP);
	cr_assert_not_null(strstr(err.msg, "no 'cpu' cgroup controller"), "%s", err.msg);
	/* And the memory cgroup that it had made is gone again. */
	_cleanup_(freep) char *left = il_strf("%s/memory/isolab/" ID, root);
	cr_assert_neq(access(left, F_OK), 0);
}

Test(ctr_cgroup, v1_device_rules_are_written_once_and_shared)
{
	struct il_err err = {0};
	struct stat st;

	cr_assert_eq(cgroup_device_policy_v1(root, &err), -ENOENT);
	cr_assert_eq(err.code, 0, "no devices controller is not an error: %s", err.msg);
	put("devices/" CGROUP_DEVICE_POLICY "/tasks");
	cr_assert_eq(cgroup_device_policy_v1(root, &err), 0, "%s", err.msg);
	_cleanup_(freep) char *folder = il_strf("%s/devices/isolab", root);
	cr_assert_eq(stat(folder, &st), 0);
	cr_assert_eq(st.st_nlink, 3, "one cgroup in it");
}

Test(ctr_cgroup, remove_is_idempotent)
{
	struct il_err err = {0};

	put("memory/tasks");
	cr_assert_eq(cgroup_v1_ops.remove(root, ID, &err), 0, "%s", err.msg);
	cr_assert_eq(cgroup_v2_ops.remove(root, ID, &err), 0, "%s", err.msg);
}

Test(ctr_cgroup, memory_is_read_where_it_is)
{
	uint64_t bytes = 0;

	cr_assert_eq(cgroup_v2_ops.memory(root, ID, &bytes), -ENOENT);
	put("isolab/" ID "/memory.current");
	cr_assert_lt(cgroup_v2_ops.memory(root, ID, &bytes), 0, "an empty file is no number");
	_cleanup_(freep) char *path = il_strf("%s/isolab/" ID "/memory.current", root);
	cr_assert_eq(il_write_str(AT_FDCWD, path, "12345\n"), 0);
	cr_assert_eq(cgroup_v2_ops.memory(root, ID, &bytes), 0);
	cr_assert_eq(bytes, 12345);
}

Test(ctr_cgroup, v2_writes_the_limits)
{
	const struct ctr_limits limits = {
	    .memory_bytes = 64u << 20, .cpu_milli = 250, .pids_max = 9};
	struct il_err err = {0};

	put("isolab/" ID "/memory.max");
	put("isolab/" ID "/cpu.max");
	put("isolab/" ID "/pids.max");
	_cleanup_(freep) char *path = il_strf("%s/isolab/" ID, root);
	_cleanup_(closep) int dir = il_open(AT_FDCWD, path, O_DIRECTORY | O_RDONLY, 0);
	cr_assert_eq(cgroup_v2_set_limits(dir, &limits, &err), 0, "%s", err.msg);
	expect("isolab/" ID "/memory.max", "67108864");
	expect("isolab/" ID "/cpu.max", "25000 100000");
	expect("isolab/" ID "/pids.max", "9");
}

Test(ctr_cgroup, v2_missing_controller_is_named)
{
	const struct ctr_limits limits = {.pids_max = 9};
	struct il_err err = {0};

	_cleanup_(closep) int dir = il_open(AT_FDCWD, root, O_DIRECTORY | O_RDONLY, 0);
	cr_assert_eq(cgroup_v2_set_limits(dir, &limits, &err), -ENOTSUP);
	cr_assert_not_null(strstr(err.msg, "pids.max"), "%s", err.msg);
}

/* In a child: enter the cgroup and try devices. Returns how many things are not as wanted. */
static int count_wrong_verdicts(int dir, const char *scratch)
{
	static const struct {
		unsigned int type, major, minor;
		bool allowed;
	} rows[] = {
	    {S_IFCHR, 1, 3, true},     {S_IFCHR, 1, 5, true},    {S_IFCHR, 1, 7, true},
	    {S_IFCHR, 1, 8, true},     {S_IFCHR, 1, 9, true},    {S_IFCHR, 5, 2, true},
	    {S_IFCHR, 1, 1, false},    {S_IFCHR, 1, 4, false},   {S_IFCHR, 1, 11, false},
	    {S_IFCHR, 10, 200, false}, {S_IFCHR, 4, 64, false},  {S_IFBLK, 1, 3, false},
	    {S_IFBLK, 7, 0, false},    {S_IFBLK, 254, 0, false},
	};
	int wrong = il_write_str(dir, "cgroup.procs", "0") < 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unlink(scratch);
		wrong +=
		    mknod(scratch, rows[i].type | 0600, makedev(rows[i].major, rows[i].minor)) < 0;
		int fd = open(scratch, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		/* An absent driver is ENXIO, which is no refusal. */
		wrong += (fd < 0 && errno == EPERM) == rows[i].allowed;
		if (fd >= 0)
			close(fd);
	}
	unlink(scratch);
	return wrong;
}

/* In a child, with a cgroup v2 tree mounted for it alone. 255: not possible here. */
static int check_device_rules(void)
{
	_cleanup_(freep) char *scratch = il_strf("%s/node", root);
	_cleanup_(freep) char *tree = il_strf("%s/tree", root);
	_cleanup_(freep) char *mine = il_strf("%s/tree/isolab-unit-%d", root, getpid());
	struct il_err err = {0};
	int status = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mkdir(tree, 0755) < 0 || mount("none", tree, "cgroup2", 0, NULL) < 0 ||
	    mkdir(mine, 0755) < 0)
		return 255;
	_cleanup_(closep) int dir = il_open(AT_FDCWD, mine, O_DIRECTORY | O_RDONLY, 0);
	bool attached = cgroup_device_policy_v2(dir, &err) == 0;
	bool again = cgroup_device_policy_v2(dir, &err) == 0;
	pid_t pid = attached && again ? fork() : -1;
	if (pid == 0)
		_exit(count_wrong_verdicts(dir, scratch));
	if (pid > 0)
		waitpid(pid, &status, 0);
	rmdir(mine);
	return pid < 0 ? 254 : WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

Test(ctr_cgroup, v2_device_rules_decide_as_docker_does)
{
	int status = -1;

	/* A process of one thread may change its mount namespace. */
	pid_t pid = fork();
	if (pid == 0)
		_exit(check_device_rules());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 255) {
		remove_root(); /* a skipped test has no .fini */
		cr_skip_test("needs root and cgroup v2");
	}
	cr_assert_eq(WEXITSTATUS(status), 0, "%d verdicts wrong", WEXITSTATUS(status));
}
