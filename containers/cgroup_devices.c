// SPDX-License-Identifier: Apache-2.0
/*
 * Docker's device rules: any node may be made (a container has CAP_MKNOD), but only the
 * harmless ones can be opened. On v1 the devices controller, on v2 a BPF program.
 * The policy is the same for every container, so all share it: on v1 one cgroup, on v2
 * the program is attached once, to the parent.
 * Source: runc, libcontainer/specconv AllowedDevices.
 */
#include "containers/cgroup.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Change CGROUP_DEVICE_POLICY when these change: a host may still have the old cgroup. */
static const char *const v1_rules[] = {
    "c *:* m",     "b *:* m",                /* make any node */
    "c 1:3 rwm",   "c 1:5 rwm", "c 1:7 rwm", /* null, zero, full */
    "c 1:8 rwm",   "c 1:9 rwm",              /* random, urandom */
    "c 5:0 rwm",   "c 5:1 rwm", "c 5:2 rwm", /* tty, console, ptmx */
    "c 136:* rwm",                           /* pts */
};

/* Filled under a private name and then renamed: nobody meets a half-made policy. */
static int make_policy_v1(const char *root, struct il_err *err)
{
	_cleanup_(freep) char *folder = il_strf("%s/devices/" CGROUP_FOLDER, root);
	_cleanup_(freep) char *tmp = il_strf("%s/devices/" CGROUP_FOLDER "/new-%d", root, getpid());
	_cleanup_(freep) char *final = il_strf("%s/devices/" CGROUP_DEVICE_POLICY, root);
	_cleanup_(closep) int dir = -1;
	int r;

	if (!folder || !tmp || !final)
		return il_fail(err, ENOMEM, "device policy");
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return errno == ENOENT ? -ENOENT : il_fail(err, errno, "make cgroup '%s'", folder);
	if (mkdir(tmp, 0755) < 0 && errno != EEXIST)
		return il_fail(err, errno, "make cgroup '%s'", tmp);
	dir = il_open(AT_FDCWD, tmp, O_DIRECTORY | O_PATH, 0);
	r = dir < 0 ? dir : il_write_str(dir, "devices.deny", "a");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(v1_rules); i++)
		r = il_write_str(dir, "devices.allow", v1_rules[i]);
	if (r == 0 && rename(tmp, final) < 0)
		r = -errno;
	if (r < 0)
		rmdir(tmp);
	/* Somebody else was first: theirs is as good. */
	if (r == -EEXIST || r == -ENOTEMPTY)
		r = 0;
	return r < 0 ? il_fail(err, -r, "set the device rules in cgroup '%s'", tmp) : 0;
}

int cgroup_device_policy_v1(const char *root, struct il_err *err)
{
	_cleanup_(freep) char *path = il_strf("%s/devices/" CGROUP_DEVICE_POLICY, root);
	struct stat st;

	if (!path)
		return il_fail(err, ENOMEM, "device policy");
	return stat(path, &st) == 0 ? 0 : make_policy_v1(root, err);
}

/* ---- v2 ---- */

#define LOAD(dst, field)                                                                           \
	{                                                                                          \
		.code = BPF_LDX | BPF_W | BPF_MEM, .dst_reg = (dst), .src_reg = BPF_REG_1,         \
		.off = (field)                                                                     \
	}
#define ALU(op, dst, value)                                                                        \
	{                                                                                          \
		.code = BPF_ALU | (op) | BPF_K, .dst_reg = (dst), .imm = (value)                   \
	}
#define COPY(dst, src)                                                                             \
	{                                                                                          \
		.code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = (dst), .src_reg = (src)              \
	}
#define JUMP(op, dst, value, to)                                                                   \
	{                                                                                          \
		.code = BPF_JMP | (op) | BPF_K, .dst_reg = (dst), .imm = (value), .off = (to)      \
	}
#define EXIT()                                                                                     \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

/* r2 type, r3 access, r4 major, r5 minor; jumps name how many instructions they skip. */
static const struct bpf_insn v2_rules[] = {
    /*  0 */ LOAD(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type)),
    /*  1 */ COPY(BPF_REG_3, BPF_REG_2),
    /*  2 */ ALU(BPF_AND, BPF_REG_2, 0xffff),
    /*  3 */ ALU(BPF_RSH, BPF_REG_3, 16),
    /*  4 */ LOAD(BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, major)),
    /*  5 */ LOAD(BPF_REG_5, offsetof(struct bpf_cgroup_dev_ctx, minor)),
    /* Making a node, and nothing else, is always allowed. */
    /*  6 */ JUMP(BPF_JEQ, BPF_REG_3, BPF_DEVCG_ACC_MKNOD, 11),
    /*  7 */ JUMP(BPF_JNE, BPF_REG_2, BPF_DEVCG_DEV_CHAR, 12),
    /*  8 */ JUMP(BPF_JEQ, BPF_REG_4, 136, 9),
    /*  9 */ JUMP(BPF_JEQ, BPF_REG_4, 5, 6),
    /* 10 */ JUMP(BPF_JNE, BPF_REG_4, 1, 9),
    /* 11 */ JUMP(BPF_JEQ, BPF_REG_5, 3, 6),
    /* 12 */ JUMP(BPF_JEQ, BPF_REG_5, 5, 5),
    /* 13 */ JUMP(BPF_JLT, BPF_REG_5, 7, 6),
    /* 14 */ JUMP(BPF_JLE, BPF_REG_5, 9, 3),
    /* 15 */ JUMP(BPF_JA, 0, 0, 4),
    /* 16 */ JUMP(BPF_JLE, BPF_REG_5, 2, 1),
    /* 17 */ JUMP(BPF_JA, 0, 0, 2),
    /* 18 */ {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
    /* 19 */ EXIT(),
    /* 20 */ {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
    /* 21 */ EXIT(),
};

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int attached_count(int dir)
{
	union bpf_attr attr = {0};

	attr.query.target_fd = (uint32_t)dir;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	int r = sys_bpf(BPF_PROG_QUERY, &attr);
	return r < 0 ? r : (int)attr.query.prog_cnt;
}

int cgroup_device_policy_v2(int dir, struct il_err *err)
{
	union bpf_attr attr = {0};
	_cleanup_(closep) int prog = -1;
	int r = attached_count(dir);

	if (r != 0)
		return r > 0 ? 0 : il_fail(err, -r, "ask for the device rules of the cgroup");
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)v2_rules;
	attr.insn_cnt = ARRAY_SIZE(v2_rules);
	attr.license = (uint64_t)(uintptr_t) "Apache-2.0";
	prog = sys_bpf(BPF_PROG_LOAD, &attr);
	if (prog < 0)
		return il_fail(err, -prog, "load the device rules as a BPF program");
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)dir;
	attr.attach_bpf_fd = (uint32_t)prog;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	r = sys_bpf(BPF_PROG_ATTACH, &attr);
	return r < 0 ? il_fail(err, -r, "attach the device rules to the cgroup") : 0;
}
