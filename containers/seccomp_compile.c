// SPDX-License-Identifier: Apache-2.0
#include "containers/seccomp_default.h"

#include "base/macros.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_LEN 64
#define X32_BIT      0x40000000u

static void ctx_releasep(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
	*ctx = NULL;
}

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The newest call of the profile in each of the two number spaces. */
struct newest {
	int x86_64;
	int x86;
};

static void note_newest(struct newest *newest, const char *name)
{
	int native = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86_64, name);
	int compat = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, name);

	newest->x86_64 = IL_MAX(newest->x86_64, native);
	newest->x86 = IL_MAX(newest->x86, compat);
}

static int add_call(scmp_filter_ctx ctx, const struct seccomp_rule *rule, int nr)
{
	uint32_t action = rule->error ? SCMP_ACT_ERRNO((uint32_t)rule->error) : SCMP_ACT_ALLOW;

	switch (rule->cond) {
	case COND_NONE:
		return seccomp_rule_add(ctx, action, nr, 0);
	case COND_EQ:
		return seccomp_rule_add(ctx, action, nr, 1,
					SCMP_CMP64(rule->arg, SCMP_CMP_EQ, rule->value, 0));
	case COND_NE:
		return seccomp_rule_add(ctx, action, nr, 1,
					SCMP_CMP64(rule->arg, SCMP_CMP_NE, rule->value, 0));
	case COND_MASK_ZERO:
		return seccomp_rule_add(ctx, action, nr, 1,
					SCMP_CMP64(rule->arg, SCMP_CMP_MASKED_EQ, rule->value, 0));
	}
	return -EINVAL;
}

/* A name that this libseccomp does not know stays out, as in runc: it gets ENOSYS. */
static int add_rule(scmp_filter_ctx ctx, const struct seccomp_rule *rule, struct newest *newest,
		    struct il_err *err)
{
	char name[NAME_MAX_LEN];

	for (const char *p = rule->names; *p;) {
		size_t len = strcspn(p, " ");

		if (len >= sizeof(name))
			return il_refuse(err, EINVAL, "seccomp profile: name too long: '%s'", p);
		memcpy(name, p, len);
		name[len] = '\0';
		p += len + (p[len] == ' ');
		int nr = seccomp_syscall_resolve_name(name);
		if (nr == __NR_SCMP_ERROR)
			continue;
		int r = add_call(ctx, rule, nr);
		if (r < 0)
			return il_fail(err, -r, "seccomp rule for '%s'", name);
		note_newest(newest, name);
	}
	return 0;
}

static int add_arches(scmp_filter_ctx ctx, struct il_err *err)
{
	static const uint32_t arches[] = {SCMP_ARCH_X86, SCMP_ARCH_X32};

	for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
		int r = seccomp_arch_add(ctx, arches[i]);

		if (r < 0 && r != -EEXIST)
			return il_fail(err, -r, "seccomp architecture");
	}
	return 0;
}

/*
 * In front of libseccomp's program: a call newer than the profile fails with ENOSYS. An
 * x32 number has X32_BIT and passes on.
 */
static void put_prefix(struct sock_filter *out, const struct newest *newest)
{
	const struct sock_filter prefix[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 6),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 4, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (unsigned int)newest->x86_64, 2, 3),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (unsigned int)newest->x86, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	memcpy(out, prefix, sizeof(prefix));
}

#define PREFIX_LEN 9

static int export_program(scmp_filter_ctx ctx, const struct newest *newest,
			  struct seccomp_program *ret, struct il_err *err)
{
	_cleanup_(fd_closep) int fd = memfd_create("seccomp", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return il_fail(err, errno, "seccomp: memory file");
	int r = seccomp_export_bpf(ctx, fd);
	if (r < 0)
		return il_fail(err, -r, "seccomp: export the filter");
	if (fstat(fd, &st) < 0)
		return il_fail(err, errno, "seccomp: size of the filter");
	size_t len = (size_t)st.st_size;
	size_t count = len / sizeof(struct sock_filter) + PREFIX_LEN;
	if (count > BPF_MAXINSNS)
		return il_refuse(err, E2BIG, "seccomp filter of %zu instructions", count);
	ret->insns = calloc(count, sizeof(struct sock_filter));
	if (!ret->insns)
		return il_fail(err, ENOMEM, "seccomp filter");
	put_prefix(ret->insns, newest);
	if (pread(fd, ret->insns + PREFIX_LEN, len, 0) != (ssize_t)len) {
		seccomp_program_done(ret);
		return il_fail(err, EIO, "seccomp: read the filter");
	}
	ret->count = (unsigned short)count;
	return 0;
}

int seccomp_compile(uint64_t caps, struct seccomp_program *ret, struct il_err *err)
{
	_cleanup_(ctx_releasep) scmp_filter_ctx ctx =
	    seccomp_init(SCMP_ACT_ERRNO(SECCOMP_DEFAULT_ERRNO));
	struct newest newest = {0};

	if (!ctx)
		return il_fail(err, ENOMEM, "seccomp filter");
	int r = add_arches(ctx, err);
	for (size_t i = 0; r == 0 && i < seccomp_default_rule_count; i++)
		if (seccomp_rule_applies(&seccomp_default_rules[i], caps))
			r = add_rule(ctx, &seccomp_default_rules[i], &newest, err);
	return r < 0 ? r : export_program(ctx, &newest, ret, err);
}

void seccomp_program_done(struct seccomp_program *program)
{
	freep(&program->insns);
	program->count = 0;
}
