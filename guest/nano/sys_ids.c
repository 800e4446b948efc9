// SPDX-License-Identifier: Apache-2.0
/*
 * Process, user and group ids. Source: credentials(7) and the calls' own pages.
 */
#include "guest/nano/sys.h"

#include <linux/capability.h>

#define NO_ID 0xffffffffu

#define GETTER(name, field)                                                                        \
	long sys_##name(const uint64_t *a)                                                         \
	{                                                                                          \
		(void)a;                                                                           \
		return (long)current->field;                                                       \
	}
GETTER(getpid, pid)
GETTER(getppid, ppid)
GETTER(getpgrp, pgid)
GETTER(getuid, uid)
GETTER(geteuid, euid)
GETTER(getgid, gid)
GETTER(getegid, egid)

static bool is_self(uint64_t pid)
{
	return (int)pid == 0 || (int)pid == current->pid;
}

long sys_getpgid(const uint64_t *a)
{
	return is_self(a[0]) ? current->pgid : -ESRCH;
}

long sys_getsid(const uint64_t *a)
{
	return is_self(a[0]) ? current->sid : -ESRCH;
}

/* Pid 1 leads its session and group: it can join no other. */
long sys_setpgid(const uint64_t *a)
{
	if ((int)a[1] < 0)
		return -EINVAL;
	return is_self(a[0]) ? -EPERM : -ESRCH;
}

long sys_setsid(const uint64_t *a)
{
	(void)a;
	return -EPERM;
}

static long put_three(const uint64_t *a, uint32_t r, uint32_t e, uint32_t s)
{
	if (copy_to_user(a[0], &r, 4) || copy_to_user(a[1], &e, 4) || copy_to_user(a[2], &s, 4))
		return -EFAULT;
	return 0;
}

long sys_getresuid(const uint64_t *a)
{
	return put_three(a, current->uid, current->euid, current->suid);
}

long sys_getresgid(const uint64_t *a)
{
	return put_three(a, current->gid, current->egid, current->sgid);
}

/* One kind of ids of the process; users and groups follow the same rules. */
struct ids {
	uint32_t *real, *effective, *saved, *fs;
};

static struct ids user_ids(void)
{
	struct process *p = current;

	return (struct ids){&p->uid, &p->euid, &p->suid, &p->fsuid};
}

static struct ids group_ids(void)
{
	struct process *p = current;

	return (struct ids){&p->gid, &p->egid, &p->sgid, &p->fsgid};
}

static bool privileged(void)
{
	return current->euid == 0;
}

/* May an unprivileged process take @id? */
static bool allowed(const struct ids *i, uint32_t id)
{
	return id == NO_ID || id == *i->real || id == *i->effective || id == *i->saved;
}

static long set_res(const struct ids *i, uint32_t r, uint32_t e, uint32_t s)
{
	if (!privileged() && (!allowed(i, r) || !allowed(i, e) || !allowed(i, s)))
		return -EPERM;
	if (r != NO_ID)
		*i->real = r;
	if (e != NO_ID)
		*i->effective = e;
	if (s != NO_ID)
		*i->saved = s;
	*i->fs = *i->effective;
	return 0;
}

static long set_re(const struct ids *i, uint32_t r, uint32_t e)
{
	uint32_t old_real = *i->real;
	bool save = r != NO_ID || (e != NO_ID && e != old_real);

	if (!privileged() &&
	    ((r != NO_ID && r != *i->real && r != *i->effective) || !allowed(i, e)))
		return -EPERM;
	if (r != NO_ID)
		*i->real = r;
	if (e != NO_ID)
		*i->effective = e;
	if (save)
		*i->saved = *i->effective;
	*i->fs = *i->effective;
	return 0;
}

static long set_one(const struct ids *i, uint32_t id)
{
	if (id == NO_ID)
		return -EINVAL;
	return privileged() ? set_res(i, id, id, id) : set_res(i, NO_ID, id, NO_ID);
}

static long set_fs(const struct ids *i, uint32_t id)
{
	uint32_t old = *i->fs;

	if (id != NO_ID && (privileged() || allowed(i, id) || id == old))
		*i->fs = id;
	return old;
}

#define SETTERS(u, ids_of)                                                                         \
	long sys_set##u##id(const uint64_t *a)                                                     \
	{                                                                                          \
		struct ids i = ids_of();                                                           \
		return set_one(&i, (uint32_t)a[0]);                                                \
	}                                                                                          \
	long sys_setre##u##id(const uint64_t *a)                                                   \
	{                                                                                          \
		struct ids i = ids_of();                                                           \
		return set_re(&i, (uint32_t)a[0], (uint32_t)a[1]);                                 \
	}                                                                                          \
	long sys_setres##u##id(const uint64_t *a)                                                  \
	{                                                                                          \
		struct ids i = ids_of();                                                           \
		return set_res(&i, (uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2]);                \
	}                                                                                          \
	long sys_setfs##u##id(const uint64_t *a)                                                   \
	{                                                                                          \
		struct ids i = ids_of();                                                           \
		return set_fs(&i, (uint32_t)a[0]);                                                 \
	}
SETTERS(u, user_ids)
SETTERS(g, group_ids)

long sys_getgroups(const uint64_t *a)
{
	uint32_t n = current->ngroups;

	if ((int)a[0] < 0)
		return -EINVAL;
	if ((int)a[0] == 0)
		return n;
	if (a[0] < n)
		return -EINVAL;
	return copy_to_user(a[1], current->groups, n * 4) ? -EFAULT : (long)n;
}

long sys_setgroups(const uint64_t *a)
{
	if (!privileged())
		return -EPERM;
	if (a[0] > NGROUPS_KEPT)
		return -EINVAL;
	if (copy_from_user(current->groups, a[1], a[0] * 4))
		return -EFAULT;
	current->ngroups = (uint32_t)a[0];
	return 0;
}

/* Docker's default set, for uid 0; nothing for the others. */
#define ROOT_CAPS 0x00000000a80425fbull

static long cap_version(uint64_t head_at, uint32_t *ret_pid)
{
	uint32_t head[2], version = _LINUX_CAPABILITY_VERSION_3;

	if (copy_from_user(head, head_at, sizeof(head)))
		return -EFAULT;
	*ret_pid = head[1];
	if (head[0] == _LINUX_CAPABILITY_VERSION_3 || head[0] == _LINUX_CAPABILITY_VERSION_2)
		return 2;
	if (head[0] == _LINUX_CAPABILITY_VERSION_1)
		return 1;
	return copy_to_user(head_at, &version, sizeof(version)) ? -EFAULT : -EINVAL;
}

long sys_capget(const uint64_t *a)
{
	uint32_t pid, caps = privileged() ? (uint32_t)ROOT_CAPS : 0;
	uint32_t data[6] = {caps, caps, 0, 0, 0, 0};
	long words = cap_version(a[0], &pid);

	if (words < 0)
		return a[1] || words != -EINVAL ? words : 0;
	if (!is_self(pid))
		return -ESRCH;
	return a[1] ? copy_to_user(a[1], data, (size_t)words * 12) : 0;
}

long sys_capset(const uint64_t *a)
{
	uint32_t pid;
	long words = cap_version(a[0], &pid);

	if (words < 0)
		return words;
	return privileged() ? 0 : -EPERM;
}
