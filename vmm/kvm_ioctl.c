// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm_ioctl.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

_Static_assert(offsetof(struct cpuid_table, entries) == offsetof(struct kvm_cpuid2, entries),
	       "KVM's layout");

static const struct {
	int cap;
	const char *name;
} needed_caps[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ"},
    {KVM_CAP_XCRS, "KVM_CAP_XCRS"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
};

int kvm_open(const char *path, struct il_err *err)
{
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return il_refuse(
		    err, ENOENT,
		    "'%s' is not there: load the kvm_intel or kvm_amd module, and turn "
		    "on virtualisation in the firmware",
		    path);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return il_refuse(err, errno,
				 "no permission to open '%s': add your user to the group that owns "
				 "it (usually kvm), or run as root",
				 path);
	if (fd < 0)
		return il_fail(err, errno, "open '%s'", path);

	int version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version < 0)
		return il_fail(err, errno, "KVM_GET_API_VERSION on '%s'", path);
	if (version != KVM_API_VERSION)
		return il_refuse(err, ENOTSUP, "KVM API version %d, need %d", version,
				 KVM_API_VERSION);
	return steal_fd(&fd);
}

const char *kvm_missing(int kvm_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(needed_caps); i++)
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed_caps[i].cap) <= 0)
			return needed_caps[i].name;
	return NULL;
}

int kvm_vcpu_map_size(int kvm_fd, struct il_err *err)
{
	int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (size < 0)
		return il_fail(err, errno, "KVM_GET_VCPU_MMAP_SIZE");
	if ((size_t)size < sizeof(struct kvm_run))
		return il_refuse(err, EIO, "KVM_GET_VCPU_MMAP_SIZE gives %d bytes", size);
	return size;
}

int kvm_create_vm(int kvm_fd, struct il_err *err)
{
	int fd = ioctl(kvm_fd, KVM_CREATE_VM, 0); /* KVM opens it CLOEXEC */

	return fd < 0 ? il_fail(err, errno, "KVM_CREATE_VM") : fd;
}

int kvm_create_vcpu(int vm_fd, struct il_err *err)
{
	int fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0);

	return fd < 0 ? il_fail(err, errno, "KVM_CREATE_VCPU") : fd;
}

int kvm_set_slot(int vm_fd, const struct kvm_slot *slot, struct il_err *err)
{
	struct kvm_userspace_memory_region region = {
	    .slot = slot->number,
	    .flags = slot->readonly ? KVM_MEM_READONLY : 0,
	    .guest_phys_addr = slot->gpa,
	    .memory_size = slot->size,
	    .userspace_addr = (uintptr_t)slot->hva,
	};

	if (ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return il_fail(err, errno, "KVM_SET_USER_MEMORY_REGION slot %u", slot->number);
	return 0;
}

int kvm_get_supported_cpuid(int kvm_fd, struct cpuid_table *ret, struct il_err *err)
{
	ret->nent = CPUID_TABLE_MAX;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, ret) < 0)
		return il_fail(err, errno, "KVM_GET_SUPPORTED_CPUID");
	return 0;
}

int kvm_set_cpuid(int vcpu_fd, const struct cpuid_table *cpuid, struct il_err *err)
{
	if (ioctl(vcpu_fd, KVM_SET_CPUID2, cpuid) < 0)
		return il_fail(err, errno, "KVM_SET_CPUID2");
	return 0;
}

int kvm_set_xcr0(int vcpu_fd, uint64_t xcr0, struct il_err *err)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = xcr0}};

	if (ioctl(vcpu_fd, KVM_SET_XCRS, &xcrs) < 0)
		return il_fail(err, errno, "KVM_SET_XCRS 0x%llx", (unsigned long long)xcr0);
	return 0;
}

int kvm_get_tsc_khz(int vcpu_fd, struct il_err *err)
{
	int khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);

	return khz < 0 ? il_fail(err, errno, "KVM_GET_TSC_KHZ") : khz;
}

int kvm_set_sregs(int vcpu_fd, const struct kvm_sregs *sregs, struct il_err *err)
{
	if (ioctl(vcpu_fd, KVM_SET_SREGS, sregs) < 0)
		return il_fail(err, errno, "KVM_SET_SREGS");
	return 0;
}

int kvm_set_msrs(int vcpu_fd, const struct kvm_msr_entry *rows, uint32_t n, struct il_err *err)
{
	struct { /* struct kvm_msrs with room */
		uint32_t nmsrs, pad;
		struct kvm_msr_entry rows[KVM_MSRS_MAX];
	} msrs = {.nmsrs = n};

	if (n > KVM_MSRS_MAX)
		return il_refuse(err, EINVAL, "too many MSRs: %u", n);
	memcpy(msrs.rows, rows, n * sizeof(rows[0]));
	int done = ioctl(vcpu_fd, KVM_SET_MSRS, &msrs);
	if (done < 0)
		return il_fail(err, errno, "KVM_SET_MSRS");
	if ((uint32_t)done != n)
		return il_refuse(err, EIO, "KVM refuses MSR 0x%x", rows[done].index);
	return 0;
}

int kvm_run_vcpu(int vcpu_fd)
{
	return ioctl(vcpu_fd, KVM_RUN, 0) < 0 ? -errno : 0;
}
