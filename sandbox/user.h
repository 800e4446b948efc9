/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the workload runs as: docker's --user, resolved by the image's own /etc/passwd and
 * /etc/group, which are hostile input.
 */
#ifndef IL_SANDBOX_USER_H
#define IL_SANDBOX_USER_H

#include "base/err.h"

#include <stdint.h>

#define SANDBOX_GROUPS_MAX 64

struct sandbox_user {
	uint32_t uid;
	uint32_t gid;
	uint32_t groups[SANDBOX_GROUPS_MAX]; /* supplementary ones from /etc/group */
	uint32_t ngroups;
	char home[256]; /* of the passwd entry; "/" without one */
};

/*
 * sandbox_user_resolve: @text is "", USER, UID, USER:GROUP, UID:GID or a mixture; "" is
 * root. Numbers need no entry; without an explicit group the passwd entry's one is taken
 * (0 without an entry), and the groups that list the user are added, as docker does.
 * @rootfs  the image's directory
 *
 * Returns 0; -ENOENT when a name has no entry; -EINVAL; else -errno of opening @rootfs.
 */
int sandbox_user_resolve(const char *rootfs, const char *text, struct sandbox_user *ret,
			 struct il_err *err) IL_MUST_CHECK;

/*
 * The same from the files' contents, either of which may be NULL (no such file); for tests
 * and the fuzzer.
 */
int sandbox_user_parse(const char *passwd, const char *group, const char *text,
		       struct sandbox_user *ret, struct il_err *err) IL_MUST_CHECK;

#endif
