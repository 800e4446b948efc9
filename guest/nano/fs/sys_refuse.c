// SPDX-License-Identifier: Apache-2.0
/*
 * Calls that are known and refused, with the errno that programs expect where a kernel has
 * not the feature or does not grant it.
 */
#include "guest/nano/fs/sys.h"

#define REFUSE(call, error)                                                                        \
	long sys_##call(const uint64_t a[6])                                                       \
	{                                                                                          \
		(void)a;                                                                           \
		return -(error);                                                                   \
	}

/* As a container without CAP_SYS_ADMIN is answered. */
REFUSE(mount, EPERM)
REFUSE(umount2, EPERM)
REFUSE(pivot_root, EPERM)
REFUSE(swapon, EPERM)
REFUSE(swapoff, EPERM)
REFUSE(quotactl, EPERM)
REFUSE(open_tree, EPERM)
REFUSE(move_mount, EPERM)
REFUSE(fsopen, EPERM)
REFUSE(fsmount, EPERM)
REFUSE(mount_setattr, EPERM)
REFUSE(acct, EPERM)
REFUSE(open_by_handle_at, EPERM)
REFUSE(fanotify_init, EPERM)

REFUSE(name_to_handle_at, EOPNOTSUPP)

/* As a kernel built without them. */
REFUSE(inotify_init, ENOSYS)
REFUSE(inotify_init1, ENOSYS)
REFUSE(inotify_add_watch, ENOSYS)
REFUSE(inotify_rm_watch, ENOSYS)
REFUSE(signalfd, ENOSYS)
REFUSE(signalfd4, ENOSYS)
REFUSE(timerfd_create, ENOSYS)
