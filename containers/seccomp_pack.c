// SPDX-License-Identifier: Apache-2.0
#include "containers/seccomp_default.h"

#include "base/macros.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>

#define X32_BIT 0x40000000u

/* Above every call number of Linux: all that comes later is treated alike. */
#define CALLS_END 1024

/* A verdict that stands for "look at the arguments"; no real one has these bits. */
#define BY_ARGS 0x00000bad

#define RANGES_MAX 512
#define CODE_MAX   BPF_MAXINSNS

uint32_t seccomp_eval(const struct seccomp_program *program, const struct seccomp_data *data,
		      bool *ret_used_arg)
{
	uint32_t a = 0;
	bool used_arg = false;

	for (unsigned int pc = 0; pc < program->count; pc++) {
		const struct sock_filter *f = &program->insns[pc];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f->k > sizeof(*data) - sizeof(a))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + f->k, sizeof(a));
			used_arg |= f->k >= offsetof(struct seccomp_data, args);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > f->k ? f->jt : f->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= f->k ? f->jt : f->jf;
			break;
		case BPF_RET | BPF_K:
			if (ret_used_arg)
				*ret_used_arg = used_arg;
			return f->k;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* Calls from @first to the next range's first have one verdict. */
struct range {
	uint32_t first;
	uint32_t verdict; /* or BY_ARGS, for exactly one call */
};

/* A branch of the jump at @at that goes to a leaf: the code of range @range, put behind. */
struct to_leaf {
	unsigned int at;
	unsigned int range;
	bool upper; /* jt, else jf */
};

struct packer {
	const struct seccomp_program *from;
	uint64_t caps;
	struct range ranges[RANGES_MAX];
	unsigned int range_count;
	struct to_leaf to_leafs[RANGES_MAX];
	unsigned int to_leaf_count;
	struct sock_filter code[CODE_MAX];
	unsigned int len;
	bool overflow;
};

static void emit(struct packer *p, struct sock_filter insn)
{
	if (p->len == CODE_MAX)
		p->overflow = true;
	else
		p->code[p->len++] = insn;
}

static void emit_jump(struct packer *p, unsigned int op, uint32_t k, unsigned int jt,
		      unsigned int jf)
{
	if (jt > UINT8_MAX || jf > UINT8_MAX)
		p->overflow = true;
	emit(p, (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | op | BPF_K), k, (uint8_t)jt,
					     (uint8_t)jf));
}

static void emit_ret(struct packer *p, uint32_t verdict)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

static void find_ranges(struct packer *p, uint32_t arch, uint32_t base)
{
	p->range_count = 0;
	for (uint32_t nr = 0; nr <= CALLS_END; nr++) {
		struct seccomp_data data = {.nr = (int)(base | nr), .arch = arch};
		bool by_args = false;
		uint32_t verdict = seccomp_eval(p->from, &data, &by_args);
		struct range *last = p->range_count ? &p->ranges[p->range_count - 1] : NULL;

		if (by_args)
			verdict = BY_ARGS;
		if (last && last->verdict == verdict && !by_args)
			continue;
		if (p->range_count == RANGES_MAX) {
			p->overflow = true;
			return;
		}
		p->ranges[p->range_count++] = (struct range){base | nr, verdict};
	}
}

/* Does one of the rule's names stand for this number? */
static bool rule_names(const struct seccomp_rule *rule, uint32_t scmp_arch, uint32_t nr)
{
	char *name = seccomp_syscall_resolve_num_arch(scmp_arch, (int)nr);
	size_t len = name ? strlen(name) : 0;
	bool found = false;

	for (const char *at = rule->names; name && !found && *at;) {
		size_t n = strcspn(at, " ");

		found = n == len && memcmp(at, name, n) == 0;
		at += n + (at[n] == ' ');
	}
	free(name);
	return found;
}

/* The kernel gives 64-bit arguments, little-endian. */
static void emit_load_arg(struct packer *p, const struct seccomp_rule *rule, bool high)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     (uint32_t)offsetof(struct seccomp_data, args) +
						 8 * rule->arg + (high ? 4u : 0u)));
}

/*
 * As libseccomp: both halves must be equal where arguments are @wide; a low half that is the
 * forbidden one is forbidden with any high half, which the kernel may well ignore.
 */
static void emit_condition(struct packer *p, const struct seccomp_rule *rule, bool wide)
{
	const uint32_t low = (uint32_t)rule->value, high = (uint32_t)(rule->value >> 32);

	if (rule->cond == COND_MASK_ZERO) {
		emit_load_arg(p, rule, false);
		emit(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, low));
		emit_jump(p, BPF_JEQ, 0, 0, 1);
		emit_ret(p, SECCOMP_RET_ALLOW);
		/* No flag of ours is in the high half. */
		p->overflow |= high != 0;
		return;
	}
	if (rule->cond == COND_EQ && wide) {
		emit_load_arg(p, rule, true);
		emit_jump(p, BPF_JEQ, high, 0, 3);
	}
	emit_load_arg(p, rule, false);
	emit_jump(p, BPF_JEQ, low, rule->cond == COND_EQ ? 0 : 1, rule->cond == COND_EQ ? 1 : 0);
	emit_ret(p, SECCOMP_RET_ALLOW);
}

static void emit_by_args(struct packer *p, uint32_t scmp_arch, uint32_t nr)
{
	for (size_t i = 0; i < seccomp_default_rule_count; i++) {
		const struct seccomp_rule *rule = &seccomp_default_rules[i];

		if (rule->cond != COND_NONE && seccomp_rule_applies(rule, p->caps) &&
		    rule_names(rule, scmp_arch, nr))
			emit_condition(p, rule, scmp_arch == SCMP_ARCH_X86_64);
	}
	emit_ret(p, SECCOMP_RET_ERRNO | SECCOMP_DEFAULT_ERRNO);
}

static void set_branch(struct packer *p, unsigned int at, bool upper)
{
	unsigned int distance = p->len - at - 1;

	if (distance > UINT8_MAX)
		p->overflow = true;
	else if (upper)
		p->code[at].jt = (uint8_t)distance;
	else
		p->code[at].jf = (uint8_t)distance;
}

/* Ranges [from, to), at least two: the jump, then the lower half, then the upper. */
static void emit_tree(struct packer *p, unsigned int from, unsigned int to)
{
	const unsigned int middle = from + (to - from) / 2;
	const unsigned int at = p->len;

	emit_jump(p, BPF_JGE, p->ranges[middle].first, 0, 0);
	for (int upper = 0; upper < 2 && !p->overflow; upper++) {
		unsigned int first = upper ? middle : from;
		unsigned int end = upper ? to : middle;

		if (end - first == 1) {
			p->to_leafs[p->to_leaf_count++] = (struct to_leaf){at, first, upper};
			continue;
		}
		set_branch(p, at, upper);
		emit_tree(p, first, end);
	}
}

/* One return per verdict, however many ranges have it. */
static void emit_leafs(struct packer *p, uint32_t scmp_arch)
{
	for (unsigned int i = 0; i < p->to_leaf_count && !p->overflow; i++) {
		const struct range *range = &p->ranges[p->to_leafs[i].range];
		unsigned int first = 0;

		/* Was it put already, for an earlier branch? Then this branch is set too. */
		while (p->ranges[p->to_leafs[first].range].verdict != range->verdict)
			first++;
		if (first < i && range->verdict != BY_ARGS)
			continue;
		for (unsigned int j = i; j < p->to_leaf_count; j++) {
			const struct to_leaf *to = &p->to_leafs[j];

			if (j == i || (range->verdict != BY_ARGS &&
				       p->ranges[to->range].verdict == range->verdict))
				set_branch(p, to->at, to->upper);
		}
		if (range->verdict == BY_ARGS)
			emit_by_args(p, scmp_arch, range->first);
		else
			emit_ret(p, range->verdict);
	}
}

static void emit_arch(struct packer *p, uint32_t scmp_arch, uint32_t arch, uint32_t base)
{
	find_ranges(p, arch, base);
	p->to_leaf_count = 0;
	if (p->range_count < 2)
		p->overflow = true;
	if (p->overflow)
		return;
	emit_tree(p, 0, p->range_count);
	emit_leafs(p, scmp_arch);
}

/* A far jump at @at to here. */
static void land(struct packer *p, unsigned int at)
{
	p->code[at].k = p->len - at - 1;
}

int seccomp_pack(const struct seccomp_program *libseccomp, uint64_t caps,
		 struct seccomp_program *ret, struct il_err *err)
{
	_cleanup_(freep) struct packer *p = calloc(1, sizeof(*p));
	const struct seccomp_data unknown = {.arch = 0};
	unsigned int to_x86, to_x32;

	if (!p)
		return il_fail(err, ENOMEM, "pack the seccomp filter");
	p->from = libseccomp;
	p->caps = caps;
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, arch)));
	emit_jump(p, BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	to_x86 = p->len;
	emit(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr)));
	emit_jump(p, BPF_JGE, X32_BIT, 0, 1);
	to_x32 = p->len;
	emit(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	emit_arch(p, SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 0);
	land(p, to_x32);
	emit_arch(p, SCMP_ARCH_X32, AUDIT_ARCH_X86_64, X32_BIT);
	land(p, to_x86);
	emit_jump(p, BPF_JEQ, AUDIT_ARCH_I386, 1, 0);
	emit_ret(p, seccomp_eval(libseccomp, &unknown, NULL));
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					     offsetof(struct seccomp_data, nr)));
	emit_arch(p, SCMP_ARCH_X86, AUDIT_ARCH_I386, 0);
	if (p->overflow)
		return il_refuse(err, E2BIG, "the seccomp profile does not fit the packed form");
	ret->insns = malloc(p->len * sizeof(p->code[0]));
	if (!ret->insns)
		return il_fail(err, ENOMEM, "pack the seccomp filter");
	memcpy(ret->insns, p->code, p->len * sizeof(p->code[0]));
	ret->count = (unsigned short)p->len;
	return 0;
}
