// SPDX-License-Identifier: Apache-2.0
#include "containers/caps.h"
#include "containers/internal.h"
#include "containers/seccomp_default.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <string.h>
#include <sys/syscall.h>

#define X32_BIT 0x40000000u

static uint32_t verdict(const struct seccomp_program *program, uint32_t arch, uint32_t nr,
			uint64_t arg)
{
	struct seccomp_data data = {.nr = (int)nr, .arch = arch, .args = {arg}};

	return seccomp_eval(program, &data, NULL);
}

static struct seccomp_program compile(uint64_t caps)
{
	struct seccomp_program program = {0};
	struct il_err err = {0};

	cr_assert_eq(seccomp_compile(caps, &program, &err), 0, "%s", err.msg);
	return program;
}

static struct seccomp_program built_in(void)
{
	struct sock_fprog prog = ctr_filter_default();

	return (struct seccomp_program){.insns = prog.filter, .count = prog.len};
}

static uint32_t ask(const char *name, uint64_t arg)
{
	struct seccomp_program program = built_in();

	return verdict(&program, AUDIT_ARCH_X86_64, (uint32_t)seccomp_syscall_resolve_name(name),
		       arg);
}

static const uint32_t eperm = SECCOMP_RET_ERRNO | EPERM;
static const uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;

/* Arguments at both sides of every condition of the profile. */
static const uint64_t probes[] = {
    0,           1,           2,           8,          16,         40,
    41,          0x20000,     0x20008,     0x20009,    0xffffffff, 0xfffffffe,
    0x7e020000,  0x02000000,  0x00020000,  0x10000000, 0x01200011, 0x003d0f00,
    0x100000000, 0x100000028, 0x100000008, 0x80000000, ~0ull,
};

/* Here the packed filter is stricter on purpose; see conditions_on_arguments. */
static bool is_wide_vsock(uint32_t arch, uint32_t nr, uint64_t arg)
{
	return arch == AUDIT_ARCH_X86_64 && nr == SYS_socket && arg == 0x100000028;
}

static void check_same(const struct seccomp_program *a, const struct seccomp_program *b,
		       uint32_t arch, uint32_t base)
{
	for (uint32_t nr = 0; nr < 1100; nr++)
		for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
			if (is_wide_vsock(arch, nr, probes[i]))
				continue;
			cr_assert_eq(verdict(a, arch, base | nr, probes[i]),
				     verdict(b, arch, base | nr, probes[i]),
				     "arch %x call %u arg %llx: %x, %x", arch, nr,
				     (unsigned long long)probes[i],
				     verdict(a, arch, base | nr, probes[i]),
				     verdict(b, arch, base | nr, probes[i]));
		}
}

Test(ctr_seccomp, built_in_filter_decides_as_libseccomp_does)
{
	struct seccomp_program full = compile(ctr_caps_default);
	struct seccomp_program packed = built_in();

	check_same(&full, &packed, AUDIT_ARCH_X86_64, 0);
	check_same(&full, &packed, AUDIT_ARCH_X86_64, X32_BIT);
	check_same(&full, &packed, AUDIT_ARCH_I386, 0);
	cr_assert_eq(verdict(&full, AUDIT_ARCH_AARCH64, 1, 0),
		     verdict(&packed, AUDIT_ARCH_AARCH64, 1, 0));
	cr_assert_neq(verdict(&packed, AUDIT_ARCH_AARCH64, 1, 0), SECCOMP_RET_ALLOW);
	cr_assert_lt(packed.count, full.count / 2);
	seccomp_program_done(&full);
}

Test(ctr_seccomp, packing_is_exact_for_other_capability_sets)
{
	const uint64_t sets[] = {0, 1ull << CAP_SYS_ADMIN, 1ull << CAP_SYS_PTRACE,
				 (1ull << 41) - 1};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct seccomp_program full = compile(sets[i]);
		struct seccomp_program packed = {0};
		struct il_err err = {0};

		cr_assert_eq(seccomp_pack(&full, sets[i], &packed, &err), 0, "%s", err.msg);
		check_same(&full, &packed, AUDIT_ARCH_X86_64, 0);
		check_same(&full, &packed, AUDIT_ARCH_I386, 0);
		seccomp_program_done(&packed);
		seccomp_program_done(&full);
	}
}

Test(ctr_seccomp, what_docker_denies_by_default)
{
	static const char *const denied[] = {
	    "acct",
	    "add_key",
	    "bpf",
	    "clock_settime",
	    "delete_module",
	    "finit_module",
	    "init_module",
	    "ioperm",
	    "iopl",
	    "kcmp",
	    "kexec_load",
	    "keyctl",
	    "lookup_dcookie",
	    "mbind",
	    "mount",
	    "move_pages",
	    "nfsservctl",
	    "open_by_handle_at",
	    "perf_event_open",
	    "pivot_root",
	    "quotactl",
	    "reboot",
	    "request_key",
	    "setns",
	    "settimeofday",
	    "swapon",
	    "swapoff",
	    "sysfs",
	    "_sysctl",
	    "umount2",
	    "unshare",
	    "uselib",
	    "userfaultfd",
	    "ustat",
	    "io_uring_setup",
	    "fsopen",
	    "fsmount",
	    "move_mount",
	    "open_tree",
	    "mount_setattr",
	    "set_mempolicy",
	    "syslog",
	    "vhangup",
	    "sethostname",
	};

	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		if (seccomp_syscall_resolve_name(denied[i]) < 0)
			continue; /* this libseccomp has no number for it here */
		cr_assert_eq(ask(denied[i], 0), eperm, "%s", denied[i]);
	}
}

Test(ctr_seccomp, what_docker_allows_by_default)
{
	static const char *const allowed[] = {
	    "read",   "write", "openat",  "execve", "chroot", "mknod", "ptrace",
	    "setuid", "futex", "seccomp", "capset", "prctl",  "statx", "getrandom",
	};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		cr_assert_eq(ask(allowed[i], 0), SECCOMP_RET_ALLOW, "%s", allowed[i]);
}

Test(ctr_seccomp, conditions_on_arguments)
{
	cr_assert_eq(ask("clone", 0x01200011), SECCOMP_RET_ALLOW);
	cr_assert_eq(ask("clone", 0x10000000), eperm, "CLONE_NEWUSER");
	cr_assert_eq(ask("clone", 0x00020000), eperm, "CLONE_NEWNS");
	cr_assert_eq(ask("clone3", 0), enosys);
	cr_assert_eq(ask("socket", 2), SECCOMP_RET_ALLOW);
	cr_assert_eq(ask("socket", 40), eperm, "AF_VSOCK");
	/* The kernel looks at 32 bits only; libseccomp's rule for the profile lets this through. */
	cr_assert_eq(ask("socket", 0x100000028), eperm, "AF_VSOCK with a high half");
	cr_assert_eq(ask("personality", 0), SECCOMP_RET_ALLOW);
	cr_assert_eq(ask("personality", 0xffffffff), SECCOMP_RET_ALLOW);
	cr_assert_eq(ask("personality", 0x0040000), eperm, "ADDR_NO_RANDOMIZE");
}

Test(ctr_seccomp, a_call_of_tomorrow_does_not_exist)
{
	struct seccomp_program program = built_in();

	cr_assert_eq(verdict(&program, AUDIT_ARCH_X86_64, 700, 0), enosys);
	cr_assert_eq(verdict(&program, AUDIT_ARCH_I386, 700, 0), enosys);
}

/*
 * The number of calls that Docker's published profile allows on x86-64 with the default
 * capabilities, by name: a call that comes or goes must be on purpose.
 */
Test(ctr_seccomp, count_of_allowed_calls)
{
	unsigned int names = 0;

	for (size_t i = 0; i < seccomp_default_rule_count; i++) {
		const struct seccomp_rule *rule = &seccomp_default_rules[i];

		if (!seccomp_rule_applies(rule, ctr_caps_default) || rule->error ||
		    rule->cond != COND_NONE)
			continue;
		names++;
		for (const char *p = rule->names; *p; p++)
			names += *p == ' ';
	}
	cr_assert_eq(names, 358, "%u", names);
}

Test(ctr_seccomp, admin_may_mount)
{
	struct seccomp_program program = compile(ctr_caps_default | 1ull << CAP_SYS_ADMIN);

	cr_assert_eq(verdict(&program, AUDIT_ARCH_X86_64, SYS_mount, 0), SECCOMP_RET_ALLOW);
	cr_assert_eq(verdict(&program, AUDIT_ARCH_X86_64, SYS_clone, 0x10000000),
		     SECCOMP_RET_ALLOW);
	cr_assert_eq(verdict(&program, AUDIT_ARCH_X86_64, SYS_clone3, 0), SECCOMP_RET_ALLOW);
	cr_assert_eq(verdict(&program, AUDIT_ARCH_X86_64, SYS_reboot, 0), eperm);
	seccomp_program_done(&program);
}

Test(ctr_caps, default_set_is_dockers)
{
	cr_assert_eq(ctr_caps_default, 0xa80425fbull);
}
