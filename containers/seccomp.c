// SPDX-License-Identifier: Apache-2.0
#include "containers/internal.h"
#include "containers/seccomp_default.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "containers/seccomp_default_bpf.h"

_Static_assert(ARRAY_SIZE(seccomp_default_insns) <= BPF_MAXINSNS, "the kernel's limit");

struct sock_fprog ctr_filter_default(void)
{
	/* The kernel only reads it; the field is not const by tradition. */
	return (struct sock_fprog){
	    .len = ARRAY_SIZE(seccomp_default_insns),
	    .filter = (struct sock_filter *)(uintptr_t)seccomp_default_insns,
	};
}

int ctr_filter_get(uint64_t caps, struct sock_fprog *ret, struct il_err *err)
{
	static struct seccomp_program last;
	static uint64_t last_caps;

	if (caps == ctr_caps_default) {
		*ret = ctr_filter_default();
		return 0;
	}
	if (!last.insns || last_caps != caps) {
		struct seccomp_program full = {0}, made = {0};
		int r = seccomp_compile(caps, &full, err);

		if (r == 0)
			r = seccomp_pack(&full, caps, &made, err);
		seccomp_program_done(&full);
		if (r < 0)
			return r;
		seccomp_program_done(&last);
		last = made;
		last_caps = caps;
	}
	*ret = (struct sock_fprog){.len = last.count, .filter = last.insns};
	return 0;
}

int ctr_filter_load(const struct ctr_plan *plan)
{
	if (plan->filter.len == 0)
		return 0;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &plan->filter) < 0 ? -errno : 0;
}
