// SPDX-License-Identifier: Apache-2.0
/* /proc/self: what concerns the process. */
#include "guest/nano/fs/tabfs.h"

#define NS_PER_CS    10000000u
#define PAGE_KB      (PAGE_SIZE / 1024)
#define RLIMIT_STACK 3

/* A range of the program's memory; what cannot be read is left out. */
static void user_range(struct text *t, uint64_t start, uint64_t end)
{
	uint8_t buf[256];

	while (start < end) {
		size_t n = end - start < sizeof(buf) ? end - start : sizeof(buf);
		size_t got = copy_from_user_part(buf, start, n);

		text_bytes(t, buf, got);
		if (got < n)
			return;
		start += n;
	}
}

void self_cmdline(struct text *t)
{
	user_range(t, current->arg_start, current->arg_end);
}

void self_environ(struct text *t)
{
	user_range(t, current->env_start, current->env_end);
}

void self_auxv(struct text *t)
{
	text_bytes(t, current->auxv, current->auxv_size);
}

void self_comm(struct text *t)
{
	text_printf(t, "%s\n", current->comm);
}

static void put_area(struct text *t, const struct mm_area *m, char *path)
{
	const struct inode *inode = m->file ? m->file->inode : NULL;
	size_t before = t->len;

	text_printf(t, "%lx-%lx %c%c%c%c %08lx 00:%02x %lu ", (unsigned long)m->start,
		    (unsigned long)m->end, m->read ? 'r' : '-', m->write ? 'w' : '-',
		    m->exec ? 'x' : '-', m->shared ? 's' : 'p', (unsigned long)m->offset,
		    inode ? (unsigned int)mount_dev((enum fs_mount)inode->mnt) : 0u,
		    inode ? (unsigned long)inode->ino : 0ul);
	if (m->file || m->name) {
		while (t->len < before + 73 && !t->failed)
			text_printf(t, " ");
		if (m->file && vfs_file_path(m->file, path, FS_PATH_MAX) > 0)
			text_bytes(t, path, strlen(path));
		else if (m->name)
			text_printf(t, "%s", m->name);
	}
	text_printf(t, "\n");
}

void self_maps(struct text *t)
{
	struct mm_area m;
	char *path = kmalloc(FS_PATH_MAX);

	t->failed = !path;
	for (uint64_t at = 0; path && mm_area_at(at, &m); at = m.end)
		put_area(t, &m, path);
	kfree(path);
}

static void put_ids(struct text *t, const char *name, const uint32_t id[4])
{
	text_printf(t, "%s:\t%u\t%u\t%u\t%u\n", name, id[0], id[1], id[2], id[3]);
}

static uint32_t fd_slots(void)
{
	int last = 0;

	for (int fd = fd_next(0); fd >= 0; fd = fd_next(fd + 1))
		last = fd + 1;
	return (uint32_t)((last + 63) & ~63);
}

void self_status(struct text *t)
{
	const struct process *p = current;
	const uint32_t uids[4] = {p->uid, p->euid, p->suid, p->fsuid};
	const uint32_t gids[4] = {p->gid, p->egid, p->sgid, p->fsgid};
	uint64_t pending, blocked, ignored, caught;
	struct mm_stat mm;

	mm_stats(&mm);
	signal_masks(&pending, &blocked, &ignored, &caught);
	text_printf(t, "Name:\t%s\nUmask:\t%04o\nState:\tR (running)\n", p->comm, p->umask);
	text_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p->pid, p->pid,
		    p->ppid);
	put_ids(t, "Uid", uids);
	put_ids(t, "Gid", gids);
	text_printf(t, "FDSize:\t%u\nGroups:\t", fd_slots());
	for (uint32_t i = 0; i < p->ngroups; i++)
		text_printf(t, "%u ", p->groups[i]);
	text_printf(t, "\nVmPeak:\t%8lu kB\nVmSize:\t%8lu kB\n", (unsigned long)(mm.size * PAGE_KB),
		    (unsigned long)(mm.size * PAGE_KB));
	text_printf(t, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n", (unsigned long)(mm.resident * PAGE_KB),
		    (unsigned long)(mm.resident * PAGE_KB));
	text_printf(t, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n",
		    (unsigned long)(mm.data * PAGE_KB), (unsigned long)(mm.stack * PAGE_KB),
		    (unsigned long)(mm.text * PAGE_KB));
	text_printf(t, "Threads:\t1\nSigQ:\t0/0\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n",
		    (unsigned long)0, (unsigned long)pending);
	text_printf(t, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		    (unsigned long)blocked, (unsigned long)ignored, (unsigned long)caught);
	text_printf(t, "NoNewPrivs:\t1\nSeccomp:\t0\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n");
	text_printf(t, "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

/* Source: proc(5), /proc/[pid]/stat; what has no meaning here is 0. */
void self_stat(struct text *t)
{
	const struct process *p = current;
	struct mm_stat mm;

	mm_stats(&mm);
	text_printf(t, "%d (%s) R %d %d %d %d %d ", p->pid, p->comm, p->ppid, p->pgid, p->sid,
		    console_is_tty() ? 136 << 8 : 0, console_is_tty() ? p->pgid : -1);
	text_printf(t, "0 0 0 0 0 %lu 0 0 0 20 0 1 0 %lu ",
		    (unsigned long)(process_cpu_ns() / NS_PER_CS),
		    (unsigned long)(p->start_ns / NS_PER_CS));
	text_printf(t, "%lu %lu %lu ", (unsigned long)(mm.size * PAGE_SIZE),
		    (unsigned long)mm.resident, (unsigned long)UINT64_MAX);
	text_printf(t, "0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 %lu %lu %lu %lu 0\n",
		    (unsigned long)p->arg_start, (unsigned long)p->arg_end,
		    (unsigned long)p->env_start, (unsigned long)p->env_end);
}

void self_statm(struct text *t)
{
	struct mm_stat mm;

	mm_stats(&mm);
	text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", (unsigned long)mm.size,
		    (unsigned long)mm.resident, (unsigned long)mm.shared, (unsigned long)mm.text,
		    (unsigned long)(mm.data + mm.stack));
}

static void put_limit(struct text *t, uint64_t v)
{
	if (v == UINT64_MAX)
		text_printf(t, "%-20s ", "unlimited");
	else
		text_printf(t, "%-20lu ", (unsigned long)v);
}

void self_limits(struct text *t)
{
	/* In the order of RLIMIT_*. */
	static const struct {
		const char *name;
		const char *unit;
	} rows[RLIMIT_COUNT] = {
	    {"Max cpu time", "seconds"},     {"Max file size", "bytes"},
	    {"Max data size", "bytes"},      {"Max stack size", "bytes"},
	    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
	    {"Max processes", "processes"},  {"Max open files", "files"},
	    {"Max locked memory", "bytes"},  {"Max address space", "bytes"},
	    {"Max file locks", "locks"},     {"Max pending signals", "signals"},
	    {"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
	    {"Max realtime priority", ""},   {"Max realtime timeout", "us"},
	};

	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (size_t i = 0; i < RLIMIT_COUNT; i++) {
		text_printf(t, "%-25s ", rows[i].name);
		put_limit(t, current->rlimits[i].cur);
		put_limit(t, current->rlimits[i].max);
		text_printf(t, "%-10s\n", rows[i].unit);
	}
}

struct mount_row {
	enum fs_mount mnt;
	const char *where;
	const char *type;
	const char *source;
	bool read_only;
};

static const struct mount_row mounts[] = {
    {FS_ROOT, "/", "overlay", "overlay", false}, {FS_PROC, "/proc", "proc", "proc", false},
    {FS_DEV, "/dev", "tmpfs", "tmpfs", false},   {FS_SYS, "/sys", "sysfs", "sysfs", true},
    {FS_SHM, "/dev/shm", "tmpfs", "shm", false},
};

static const char *rw(const struct mount_row *m)
{
	return m->read_only || (m->mnt == FS_ROOT && fs_state.ro_root) ? "ro" : "rw";
}

void self_mounts(struct text *t)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		text_printf(t, "%s %s %s %s,relatime 0 0\n", mounts[i].source, mounts[i].where,
			    mounts[i].type, rw(&mounts[i]));
}

void self_mountinfo(struct text *t)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		text_printf(t, "%u %u 0:%u / %s %s,relatime - %s %s %s\n", (unsigned int)(20 + i),
			    i == 4 ? 22u
			    : i    ? 20u
				   : 1u,
			    (unsigned int)mount_dev(mounts[i].mnt), mounts[i].where, rw(&mounts[i]),
			    mounts[i].type, mounts[i].source, rw(&mounts[i]));
}
