/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nano kind's monitor: a KVM VM around our own tiny guest kernel. The calling
 * process becomes the VM: its vCPU runs in the calling thread.
 */
#ifndef IL_VMM_NANO_H
#define IL_VMM_NANO_H

#include "base/err.h"
#include "runner/timeline.h"
#include "runner/workload.h"

#include <stdbool.h>
#include <stdint.h>

/* What to start. Everything is borrowed for the life of the VM. */
struct nano_config {
	const char *kvm_path;   /* normally "/dev/kvm" */
	const char *erofs_path; /* the image; mapped shared and read-only */
	const struct workload *workload;
	uint64_t memory_bytes;     /* guest RAM, page multiple, 16 MiB to 64 GiB */
	bool debug;                /* name missing system calls once, on the host's stderr */
	int stdio[3];              /* the console's in, out and err; -1 = none */
	struct timeline *timeline; /* receives the events; not NULL */
};

struct nano_vm; /* private */

/* nano_probe: can this host run nano VMs? 0, or -errno with the reason and the remedy. */
int nano_probe(const char *kvm_path, struct il_err *err) IL_MUST_CHECK;

/*
 * nano_create: make the VM, load the guest kernel and the workload; nothing runs yet.
 * Returns 0 and an owned VM in *ret, or -errno with the failing step.
 */
int nano_create(const struct nano_config *cfg, struct nano_vm **ret,
		struct il_err *err) IL_MUST_CHECK;

/*
 * nano_run: run the VM to the workload's end.
 * @ret_status  wait(2)-style status of the workload (WIFEXITED / WIFSIGNALED hold)
 *
 * Returns 0; -ENOENT / -EACCES the workload's command was not found / not executable;
 * -EIO when the guest kernel failed (the message tells where); else -errno. Whatever the
 * guest does, the monitor returns from here.
 */
int nano_run(struct nano_vm *vm, int *ret_status, struct il_err *err) IL_MUST_CHECK;

/*
 * nano_signal: deliver Linux signal @sig to the workload. Async-signal-safe, may be called
 * from a signal handler or another thread while nano_run runs.
 */
void nano_signal(struct nano_vm *vm, int sig);

/* nano_resize: tell the guest's terminal its size. Async-signal-safe. */
void nano_resize(struct nano_vm *vm, uint16_t rows, uint16_t cols);

/* nano_destroy: close and unmap everything; accepts NULL, returns NULL. */
struct nano_vm *nano_destroy(struct nano_vm *vm);

#endif
