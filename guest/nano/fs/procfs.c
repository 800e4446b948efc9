// SPDX-License-Identifier: Apache-2.0
/* /proc: the rows, and what concerns the whole system. */
#include "guest/nano/fs/tabfs.h"

#define NS_PER_CS 10000000u

static void two_digits(struct text *t, uint64_t ns)
{
	text_printf(t, "%lu.%02lu", (unsigned long)(ns / 1000000000u),
		    (unsigned long)(ns / NS_PER_CS % 100));
}

static void show_uptime(struct text *t)
{
	uint64_t up = clock_boot_ns();
	uint64_t busy = process_cpu_ns();

	two_digits(t, up);
	text_printf(t, " ");
	two_digits(t, up > busy ? up - busy : 0);
	text_printf(t, "\n");
}

static void show_version(struct text *t)
{
	text_printf(t, "Linux version %s (isolab) %s\n", KERNEL_RELEASE, KERNEL_VERSION);
}

static void show_loadavg(struct text *t)
{
	text_printf(t, "0.00 0.00 0.00 1/1 1\n");
}

static void show_meminfo(struct text *t)
{
	unsigned long total = ram_total_pages() * (PAGE_SIZE / 1024);
	unsigned long free = ram_free_pages() * (PAGE_SIZE / 1024);
	static const char *const zero[] = {"Buffers",  "Cached",   "SwapCached",
					   "Active",   "Inactive", "SwapTotal",
					   "SwapFree", "Dirty",    "Writeback"};

	text_printf(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\n", total, free);
	text_printf(t, "MemAvailable:   %8lu kB\n", free);
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		text_printf(t, "%s:%*s%8u kB\n", zero[i], (int)(15 - strlen(zero[i])), "", 0u);
}

/* Reads cpuid leaf @leaf into @r: eax ebx ecx edx. */
static void cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(0));
}

static void cpu_family(struct text *t)
{
	uint32_t r[4];
	uint32_t family;
	uint32_t model;

	cpuid(1, r);
	family = (r[0] >> 8) & 15;
	model = (r[0] >> 4) & 15;
	if (family == 15)
		family += (r[0] >> 20) & 255;
	if (family >= 6)
		model |= ((r[0] >> 16) & 15) << 4;
	text_printf(t, "cpu family\t: %u\nmodel\t\t: %u\n", family, model);
	text_printf(t, "stepping\t: %u\n", r[0] & 15);
}

static void cpu_flags(struct text *t)
{
	static const char edx[] = "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov "
				  "pat pse36 pn clflush - dts acpi mmx fxsr sse sse2 ss ht tm ia64 "
				  "pbe ";
	static const char ecx[] =
	    "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid "
	    "sdbg fma cx16 xtpr pdcm - pcid dca sse4_1 sse4_2 x2apic movbe "
	    "popcnt tsc_deadline_timer aes xsave - avx f16c rdrand hypervisor ";
	uint32_t r[4];

	cpuid(1, r);
	text_printf(t, "flags\t\t: lm");
	for (int word = 0; word < 2; word++) {
		const char *name = word ? ecx : edx;
		uint32_t bits = word ? r[2] : r[3];

		for (; *name; bits >>= 1) {
			const char *end = strchr(name, ' ');

			if ((bits & 1) && *name != '-')
				text_printf(t, " %.*s", (int)(end - name), name);
			name = end + 1;
		}
	}
	text_printf(t, "\n");
}

static void show_cpuinfo(struct text *t)
{
	uint32_t r[4];
	char brand[49];

	cpuid(0, r);
	text_printf(t, "processor\t: 0\nvendor_id\t: %.4s%.4s%.4s\n", (char *)&r[1], (char *)&r[3],
		    (char *)&r[2]);
	cpu_family(t);
	for (uint32_t i = 0; i < 3; i++) {
		cpuid(0x80000002u + i, r);
		memcpy(brand + 16 * i, r, 16);
	}
	brand[48] = '\0';
	text_printf(t, "model name\t: %s\n", brand);
	text_printf(t, "physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n");
	cpu_flags(t);
	text_printf(t, "\n");
}

static void show_stat(struct text *t)
{
	unsigned long user = process_cpu_ns() / NS_PER_CS;
	unsigned long up = clock_boot_ns() / NS_PER_CS;
	unsigned long boot = (clock_realtime_ns() - clock_boot_ns()) / 1000000000u;

	for (int i = 0; i < 2; i++)
		text_printf(t, "cpu%s %lu 0 0 %lu 0 0 0 0 0 0\n", i ? "0" : " ", user,
			    up > user ? up - user : 0);
	text_printf(t, "intr 0\nctxt 0\nbtime %lu\nprocesses 1\nprocs_running 1\n", boot);
	text_printf(t, "procs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
}

static void show_filesystems(struct text *t)
{
	text_printf(t, "nodev\ttmpfs\nnodev\tproc\nnodev\tsysfs\nnodev\toverlay\n\terofs\n");
}

static void show_hostname(struct text *t)
{
	text_printf(t, "%s\n", kernel_hostname());
}

static void show_domainname(struct text *t)
{
	text_printf(t, "(none)\n");
}

static void show_osrelease(struct text *t)
{
	text_printf(t, "%s\n", KERNEL_RELEASE);
}

static void show_ostype(struct text *t)
{
	text_printf(t, "Linux\n");
}

static void show_osversion(struct text *t)
{
	text_printf(t, "%s\n", KERNEL_VERSION);
}

static void show_cmdline(struct text *t)
{
	text_printf(t, "\n");
}

static void show_0(struct text *t)
{
	text_printf(t, "0\n");
}

static void show_1(struct text *t)
{
	text_printf(t, "1\n");
}

static void show_2(struct text *t)
{
	text_printf(t, "2\n");
}

static void show_40(struct text *t)
{
	text_printf(t, "40\n");
}

static void show_256(struct text *t)
{
	text_printf(t, "256\n");
}

static void show_32768(struct text *t)
{
	text_printf(t, "32768\n");
}

static void show_65530(struct text *t)
{
	text_printf(t, "65530\n");
}

static void show_65534(struct text *t)
{
	text_printf(t, "65534\n");
}

static void show_65536(struct text *t)
{
	text_printf(t, "65536\n");
}

static void show_1048576(struct text *t)
{
	text_printf(t, "1048576\n");
}

static void put_uuid(struct text *t, const uint8_t b[16])
{
	for (int i = 0; i < 16; i++)
		text_printf(t, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	text_printf(t, "\n");
}

/* RFC 4122 version 4 */
static void show_uuid(struct text *t)
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	put_uuid(t, b);
}

static void show_boot_id(struct text *t)
{
	static uint8_t id[16];
	static bool made;

	if (!made) {
		random_bytes(id, sizeof(id));
		id[6] = (id[6] & 0x0f) | 0x40;
		id[8] = (id[8] & 0x3f) | 0x80;
		made = true;
	}
	put_uuid(t, id);
}

#define DIR(where, what, n)                                                                        \
	{                                                                                          \
		.in = where, .dir = what, .name = n, .mode = S_IFDIR | 0555                        \
	}
#define TEXT(where, n, fn)                                                                         \
	{                                                                                          \
		.in = where, .name = n, .mode = S_IFREG | 0444, .show = fn                         \
	}
#define KNOB(where, n, fn)                                                                         \
	{                                                                                          \
		.in = where, .name = n, .mode = S_IFREG | 0644, .show = fn, .accept = true         \
	}
#define LINK(where, n, to)                                                                         \
	{                                                                                          \
		.in = where, .name = n, .mode = S_IFLNK | 0777, .link = to                         \
	}

const struct tab_row proc_rows[] = {
    {.in = TAB_NOWHERE, .dir = TAB_PROC, .name = "/", .mode = S_IFDIR | 0555},
    {TAB_PROC, .dir = TAB_SELF, .name = "1", .mode = S_IFDIR | 0555},
    LINK(TAB_PROC, "self", "1"),
    LINK(TAB_PROC, "thread-self", "1/task/1"),
    LINK(TAB_PROC, "mounts", "self/mounts"),
    TEXT(TAB_PROC, "cmdline", show_cmdline),
    TEXT(TAB_PROC, "cpuinfo", show_cpuinfo),
    TEXT(TAB_PROC, "filesystems", show_filesystems),
    TEXT(TAB_PROC, "loadavg", show_loadavg),
    TEXT(TAB_PROC, "meminfo", show_meminfo),
    TEXT(TAB_PROC, "stat", show_stat),
    TEXT(TAB_PROC, "uptime", show_uptime),
    TEXT(TAB_PROC, "version", show_version),
    DIR(TAB_PROC, TAB_PROC_SYS, "sys"),
    DIR(TAB_PROC_SYS, TAB_PROC_KERNEL, "kernel"),
    DIR(TAB_PROC_SYS, TAB_PROC_VM, "vm"),
    DIR(TAB_PROC_SYS, TAB_PROC_FS, "fs"),
    TEXT(TAB_PROC_KERNEL, "hostname", show_hostname),
    TEXT(TAB_PROC_KERNEL, "domainname", show_domainname),
    TEXT(TAB_PROC_KERNEL, "osrelease", show_osrelease),
    TEXT(TAB_PROC_KERNEL, "ostype", show_ostype),
    TEXT(TAB_PROC_KERNEL, "version", show_osversion),
    TEXT(TAB_PROC_KERNEL, "pid_max", show_32768),
    TEXT(TAB_PROC_KERNEL, "threads-max", show_1),
    TEXT(TAB_PROC_KERNEL, "ngroups_max", show_65536),
    TEXT(TAB_PROC_KERNEL, "cap_last_cap", show_40),
    TEXT(TAB_PROC_KERNEL, "randomize_va_space", show_2),
    TEXT(TAB_PROC_KERNEL, "overflowuid", show_65534),
    TEXT(TAB_PROC_KERNEL, "overflowgid", show_65534),
    DIR(TAB_PROC_KERNEL, TAB_PROC_RANDOM, "random"),
    TEXT(TAB_PROC_RANDOM, "uuid", show_uuid),
    TEXT(TAB_PROC_RANDOM, "boot_id", show_boot_id),
    TEXT(TAB_PROC_RANDOM, "entropy_avail", show_256),
    TEXT(TAB_PROC_VM, "overcommit_memory", show_1),
    TEXT(TAB_PROC_VM, "max_map_count", show_65530),
    TEXT(TAB_PROC_VM, "mmap_min_addr", show_65536),
    TEXT(TAB_PROC_VM, "swappiness", show_0),
    TEXT(TAB_PROC_FS, "pipe-max-size", show_65536),
    TEXT(TAB_PROC_FS, "nr_open", show_1048576),
    TEXT(TAB_PROC_FS, "file-max", show_1048576),
    TEXT(TAB_SELF, "cmdline", self_cmdline),
    {TAB_SELF, .name = "environ", .mode = S_IFREG | 0400, .show = self_environ},
    {TAB_SELF, .name = "auxv", .mode = S_IFREG | 0400, .show = self_auxv},
    KNOB(TAB_SELF, "comm", self_comm),
    TEXT(TAB_SELF, "maps", self_maps),
    TEXT(TAB_SELF, "status", self_status),
    TEXT(TAB_SELF, "stat", self_stat),
    TEXT(TAB_SELF, "statm", self_statm),
    TEXT(TAB_SELF, "limits", self_limits),
    TEXT(TAB_SELF, "mounts", self_mounts),
    TEXT(TAB_SELF, "mountinfo", self_mountinfo),
    TEXT(TAB_SELF, "oom_score", show_0),
    KNOB(TAB_SELF, "oom_score_adj", show_0),
    {TAB_SELF, .name = "exe", .mode = S_IFLNK | 0777, .ops = &proc_exe_ops},
    {TAB_SELF, .name = "cwd", .mode = S_IFLNK | 0777, .ops = &proc_cwd_ops},
    {TAB_SELF, .name = "root", .mode = S_IFLNK | 0777, .ops = &proc_root_ops},
    {TAB_SELF, .dir = TAB_SELF_FD, .name = "fd", .mode = S_IFDIR | 0500, .ops = &proc_fd_ops},
    {TAB_SELF, .dir = TAB_SELF_FDINFO, .name = "fdinfo", .mode = S_IFDIR | 0555,
     .ops = &proc_fdinfo_ops},
    DIR(TAB_SELF, TAB_SELF_TASK, "task"),
    DIR(TAB_SELF_TASK, TAB_SELF_TASK_1, "1"),
    KNOB(TAB_SELF_TASK_1, "comm", self_comm),
    TEXT(TAB_SELF_TASK_1, "cmdline", self_cmdline),
    TEXT(TAB_SELF_TASK_1, "maps", self_maps),
    TEXT(TAB_SELF_TASK_1, "stat", self_stat),
    TEXT(TAB_SELF_TASK_1, "statm", self_statm),
    TEXT(TAB_SELF_TASK_1, "status", self_status),
    {0},
};
