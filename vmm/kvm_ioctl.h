/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KVM ioctls, one typed wrapper each; nothing else makes one.
 * All return 0 or a non-negative payload, or -errno with the request's name in @err.
 * Source: Linux Documentation/virt/kvm/api.rst, by the request's name.
 */
#ifndef IL_VMM_KVM_IOCTL_H
#define IL_VMM_KVM_IOCTL_H

#include "base/err.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * kvm_open: open the KVM device and check its API version (12).
 * Returns an owned descriptor; -ENOENT, -EACCES: see the message; -ENOTSUP: other version.
 */
int kvm_open(const char *path, struct il_err *err) IL_MUST_CHECK;

/*
 * kvm_missing: the first capability that the nano kind needs and @kvm_fd lacks, in words,
 * or NULL when all are there.
 */
const char *kvm_missing(int kvm_fd);

/* kvm_vcpu_map_size: bytes of a vCPU's kvm_run mapping. */
int kvm_vcpu_map_size(int kvm_fd, struct il_err *err) IL_MUST_CHECK;

/* kvm_create_vm, kvm_create_vcpu (number 0): owned descriptors. */
int kvm_create_vm(int kvm_fd, struct il_err *err) IL_MUST_CHECK;
int kvm_create_vcpu(int vm_fd, struct il_err *err) IL_MUST_CHECK;

/* A stretch of guest-physical memory backed by this process's memory. */
struct kvm_slot {
	uint32_t number;
	bool readonly;
	uint64_t gpa;
	uint64_t size;
	void *hva;
};
int kvm_set_slot(int vm_fd, const struct kvm_slot *slot, struct il_err *err) IL_MUST_CHECK;

#define CPUID_TABLE_MAX 256
/* struct kvm_cpuid2 with room. */
struct cpuid_table {
	uint32_t nent;
	uint32_t padding;
	struct kvm_cpuid_entry2 entries[CPUID_TABLE_MAX];
};
int kvm_get_supported_cpuid(int kvm_fd, struct cpuid_table *ret, struct il_err *err) IL_MUST_CHECK;
int kvm_set_cpuid(int vcpu_fd, const struct cpuid_table *cpuid, struct il_err *err) IL_MUST_CHECK;

int kvm_set_xcr0(int vcpu_fd, uint64_t xcr0, struct il_err *err) IL_MUST_CHECK;
int kvm_get_tsc_khz(int vcpu_fd, struct il_err *err) IL_MUST_CHECK;
int kvm_set_sregs(int vcpu_fd, const struct kvm_sregs *sregs, struct il_err *err) IL_MUST_CHECK;

#define KVM_MSRS_MAX 8
/* kvm_set_msrs: @n <= KVM_MSRS_MAX rows; -EIO when KVM takes only some of them. */
int kvm_set_msrs(int vcpu_fd, const struct kvm_msr_entry *rows, uint32_t n,
		 struct il_err *err) IL_MUST_CHECK;

/* kvm_run_vcpu: KVM_RUN. 0: an exit is described in kvm_run; -EINTR; else -errno. No message. */
int kvm_run_vcpu(int vcpu_fd) IL_MUST_CHECK;

#endif
