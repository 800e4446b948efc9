/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine a result was measured on: everything that is known to move such figures.
 * `isolab doctor` shows the same facts.
 */
#ifndef IL_BENCH_HOST_H
#define IL_BENCH_HOST_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct host_kvm {
	bool available;
	char reason[160];    /* why not, with the remedy; "" when available */
	const char *flavour; /* "kvm_intel", "kvm_amd", "kvm_pvm", or "unknown"; static */
	bool ring0_emulated; /* guest kernel code is emulated one instruction at a time */
};

/*
 * host_kvm_probe: can this user open /dev/kvm, and what is behind it?
 * The flavour is the loaded vendor module. kvm_pvm virtualises with page tables only, so
 * that it must emulate what a guest does in ring 0; user-mode guest code runs natively.
 */
void host_kvm_probe(struct host_kvm *ret);

/* host_cgroup_mode: "v1", "v2", "hybrid" or "none" (no cgroup file system mounted). */
const char *host_cgroup_mode(void);

/*
 * host_describe: the `host` object of docs/bench-json.md. What can't be read is null.
 * Returns 0 and an owned reference in *ret, or -ENOMEM.
 */
int host_describe(json_t **ret, struct il_err *err) IL_MUST_CHECK;

#endif
