// SPDX-License-Identifier: Apache-2.0
#include "containers/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(name) (1ull << CAP_##name)

const uint64_t ctr_caps_default = CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FSETID) | CAP(FOWNER) |
				  CAP(MKNOD) | CAP(NET_RAW) | CAP(SETGID) | CAP(SETUID) |
				  CAP(SETFCAP) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) |
				  CAP(SYS_CHROOT) | CAP(KILL) | CAP(AUDIT_WRITE);

uint64_t caps_available(uint64_t caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return caps;
	return caps & (data[0].permitted | (uint64_t)data[1].permitted << 32);
}

int caps_drop_bounding(uint64_t caps)
{
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (caps >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* The kernel knows no capability of this number or above. */
		return errno == EINVAL ? 0 : -errno;
	}
	return 0;
}

int caps_apply(uint64_t caps)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
	    {.effective = (uint32_t)caps, .permitted = (uint32_t)caps},
	    {.effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32)},
	};

	/* Emptying the inheritable set empties the ambient one. */
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}
