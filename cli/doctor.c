// SPDX-License-Identifier: Apache-2.0
/* isolab doctor: what this host can run, each line with the reason and the remedy. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "bench/host.h"
#include "cli/verb.h"
#include "sandbox/kind.h"

#define LOW_DISK_BYTES (1ull << 30)
#define LOW_PID_MAX    8192
#define LOW_NOFILE     1024

enum status {
	STATUS_OK,
	STATUS_WARN,    /* works, but not as well as it could */
	STATUS_MISSING, /* something cannot run */
};

static const char *const status_names[] = {"ok", "warn", "missing"};

struct result {
	enum status status;
	char reason[IL_ERR_MSG_MAX];
	char remedy[256]; /* "" = none is needed */
};

/* A check gets a result that says "ok" and nothing else. */
struct check {
	const char *name;
	void (*run)(const struct cli *cli, struct result *ret);
};

static void IL_PRINTF(3, 4) say(struct result *r, enum status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->reason, sizeof(r->reason), fmt, ap);
	va_end(ap);
	r->status = status;
}

static void remedy(struct result *r, const char *text)
{
	snprintf(r->remedy, sizeof(r->remedy), "%s", text);
}

/* First line of a small file into @buf; false when it cannot be read. */
static bool read_line(const char *path, char *buf, size_t size)
{
	_cleanup_(closep) int fd = il_open(AT_FDCWD, path, O_RDONLY, 0);
	ssize_t n = fd < 0 ? -1 : il_read_full(fd, buf, size - 1);

	if (n < 0)
		return false;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

static bool read_number(const char *path, uint64_t *ret)
{
	char text[32];

	return read_line(path, text, sizeof(text)) &&
	       il_parse_u64(text, 0, UINT64_MAX, ret, NULL) == 0;
}

/* Is @program in PATH, or where administration programs are? Its path goes to @buf. */
static bool find_program(const char *program, char *buf, size_t size)
{
	const char *path = getenv("PATH");
	char dirs[4096];

	snprintf(dirs, sizeof(dirs), "%s:/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "");
	char *rest = NULL;
	for (char *dir = strtok_r(dirs, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
		int n = snprintf(buf, size, "%s/%s", dir, program);

		if (n > 0 && (size_t)n < size && access(buf, X_OK) == 0)
			return true;
	}
	return false;
}

static bool has_filesystem(const char *name)
{
	_cleanup_(freep) char *text = NULL;
	char word[32];

	if (il_read_file(AT_FDCWD, "/proc/filesystems", 65536, &text, NULL) < 0)
		return false;
	snprintf(word, sizeof(word), "\t%s\n", name);
	return strstr(text, word) != NULL;
}

/* ---- the checks ---- */

static void check_kernel(const struct cli *cli IL_UNUSED, struct result *r)
{
	struct utsname u;

	if (uname(&u) < 0)
		say(r, STATUS_WARN, "unknown");
	else
		say(r, STATUS_OK, "Linux %s on %s", u.release, u.machine);
}

static void check_user(const struct cli *cli IL_UNUSED, struct result *r)
{
	if (geteuid() == 0) {
		say(r, STATUS_OK, "root");
		return;
	}
	say(r, STATUS_WARN, "user %u: process and container need root", (unsigned int)geteuid());
	remedy(r, "run isolab as root (sudo isolab ...)");
}

static void check_state(const struct cli *cli, struct result *r)
{
	char path[4096];
	struct statvfs fs;
	size_t len = (size_t)snprintf(path, sizeof(path), "%s", cli->root);

	/* The directory may not exist yet: ask for the nearest parent that does. */
	while (len > 1 && len < sizeof(path) && access(path, F_OK) < 0) {
		while (len > 1 && path[len - 1] != '/')
			len--;
		path[len > 1 ? --len : len] = '\0';
	}
	if (statvfs(path, &fs) < 0 || access(path, W_OK) < 0) {
		say(r, STATUS_MISSING, "%s: %s", path, strerror(errno));
		remedy(r, "choose another state directory with --root or $ISOLAB_ROOT");
		return;
	}
	uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	say(r, free_bytes < LOW_DISK_BYTES ? STATUS_WARN : STATUS_OK, "%s, %.1f GiB free",
	    cli->root, (double)free_bytes / (1ull << 30));
	if (r->status != STATUS_OK)
		remedy(r, "free some space, or choose another directory with --root");
}

static void check_kvm(const struct cli *cli IL_UNUSED, struct result *r)
{
	struct host_kvm kvm;

	host_kvm_probe(&kvm);
	if (!kvm.available) {
		say(r, STATUS_MISSING, "%s", kvm.reason);
		remedy(r,
		       "load the module (modprobe kvm_intel or kvm_amd), switch virtualisation on "
		       "in the firmware, and let this user open /dev/kvm (group kvm)");
		return;
	}
	if (!kvm.ring0_emulated) {
		say(r, STATUS_OK, "%s, guest kernels run natively", kvm.flavour);
		return;
	}
	say(r, STATUS_WARN,
	    "%s emulates ring 0, one instruction at a time: nano VMs, whose kernel runs in ring "
	    "3, are fast; Linux guests would not boot",
	    kvm.flavour);
	remedy(r,
	       "none is needed for nano; hardware virtualisation (VT-x, AMD-V) for Linux guests");
}

static void check_cgroup(const struct cli *cli IL_UNUSED, struct result *r)
{
	static const char *const v1[] = {"memory", "cpu", "pids"};
	const char *mode = host_cgroup_mode();
	char list[512] = "";
	char path[128];

	if (strcmp(mode, "none") == 0) {
		say(r, STATUS_WARN, "no cgroups at /sys/fs/cgroup: resources cannot be limited");
		remedy(r, "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return;
	}
	if (strcmp(mode, "v2") == 0) {
		read_line("/sys/fs/cgroup/cgroup.controllers", list, sizeof(list));
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(v1); i++) {
			size_t len = strlen(list);

			snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/tasks", v1[i]);
			if (access(path, F_OK) == 0)
				snprintf(list + len, sizeof(list) - len, "%s%s", len ? " " : "",
					 v1[i]);
		}
	}
	bool whole = strstr(list, "memory") && strstr(list, "cpu") && strstr(list, "pids");
	say(r, whole ? STATUS_OK : STATUS_WARN, "%s, controllers: %s", mode,
	    list[0] ? list : "none");
	if (!whole)
		remedy(r, "switch on the memory, cpu and pids controllers (kernel command line: "
			  "cgroup_enable=memory)");
}

static void check_userns(const struct cli *cli IL_UNUSED, struct result *r)
{
	uint64_t max = 0;
	uint64_t unprivileged = 1;

	if (!read_number("/proc/sys/user/max_user_namespaces", &max) || max == 0) {
		say(r, STATUS_WARN, "user namespaces are off");
		remedy(r, "sysctl user.max_user_namespaces=15000");
		return;
	}
	read_number("/proc/sys/kernel/unprivileged_userns_clone", &unprivileged);
	say(r, STATUS_OK, "up to %llu, %s", (unsigned long long)max,
	    unprivileged ? "also for unprivileged users" : "for root only");
}

static void check_overlay(const struct cli *cli IL_UNUSED, struct result *r)
{
	if (has_filesystem("overlay")) {
		say(r, STATUS_OK, "built in or loaded");
		return;
	}
	say(r, STATUS_WARN, "not loaded: a container's start has to load it");
	remedy(r, "modprobe overlay");
}

static void check_erofs(const struct cli *cli IL_UNUSED, struct result *r)
{
	if (has_filesystem("erofs"))
		say(r, STATUS_OK, "built in or loaded");
	else
		say(r, STATUS_OK, "not in the kernel; not needed, nano reads its images itself");
}

static void check_mkfs(const struct cli *cli IL_UNUSED, struct result *r)
{
	char path[512];

	if (find_program("mkfs.erofs", path, sizeof(path))) {
		say(r, STATUS_OK, "%s", path);
		return;
	}
	say(r, STATUS_MISSING, "not found: the first nano VM of an image needs it");
	remedy(r, "apt-get install erofs-utils");
}

static void check_seccomp(const struct cli *cli IL_UNUSED, struct result *r)
{
	char line[256];

	if (read_line("/proc/sys/kernel/seccomp/actions_avail", line, sizeof(line)) &&
	    strstr(line, "errno")) {
		say(r, STATUS_OK, "filters are supported");
		return;
	}
	say(r, STATUS_MISSING, "this kernel has no seccomp filters");
	remedy(r, "use a kernel with CONFIG_SECCOMP_FILTER, or --security-opt seccomp=unconfined");
}

static void check_limits(const struct cli *cli IL_UNUSED, struct result *r)
{
	uint64_t pid_max = 0;
	struct rlimit files = {0};

	read_number("/proc/sys/kernel/pid_max", &pid_max);
	getrlimit(RLIMIT_NOFILE, &files);
	say(r, STATUS_OK, "pid_max %llu, open files %llu", (unsigned long long)pid_max,
	    (unsigned long long)files.rlim_cur);
	if (pid_max >= LOW_PID_MAX && files.rlim_cur >= LOW_NOFILE)
		return;
	r->status = STATUS_WARN;
	remedy(r, "for density runs: sysctl kernel.pid_max=4194304; ulimit -n 65536");
}

static void check_memory(const struct cli *cli IL_UNUSED, struct result *r)
{
	char thp[64] = "unknown";
	char ksm[16] = "unknown";

	read_line("/sys/kernel/mm/transparent_hugepage/enabled", thp, sizeof(thp));
	read_line("/sys/kernel/mm/ksm/run", ksm, sizeof(ksm));
	say(r, STATUS_OK, "transparent huge pages %s, KSM %s", thp,
	    strcmp(ksm, "1") == 0   ? "on"
	    : strcmp(ksm, "0") == 0 ? "off"
				    : ksm);
}

static void check_peers(const struct cli *cli IL_UNUSED, struct result *r)
{
	static const char *const peers[] = {"bwrap",  "runc",   "crun",
					    "podman", "docker", "systemd-nspawn"};
	char path[512];
	size_t len = 0;
	bool all = true;

	say(r, STATUS_OK, "none");
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		if (!find_program(peers[i], path, sizeof(path))) {
			all = false;
			continue;
		}
		int n = snprintf(r->reason + len, sizeof(r->reason) - len, "%s%s", len ? " " : "",
				 peers[i]);
		len += n > 0 ? (size_t)n : 0;
	}
	if (!all)
		remedy(r, "'make peers' installs all that isolab compares with");
}

static const struct check checks[] = {
    {"kernel", check_kernel},     {"user", check_user},      {"state directory", check_state},
    {"kvm", check_kvm},           {"cgroups", check_cgroup}, {"user namespaces", check_userns},
    {"overlayfs", check_overlay}, {"erofs", check_erofs},    {"mkfs.erofs", check_mkfs},
    {"seccomp", check_seccomp},   {"limits", check_limits},  {"memory", check_memory},
    {"peers", check_peers},
};

/* ---- output ---- */

struct doctor_args {
	bool json;
};

static const struct opt_row doctor_rows[] = {
    {.name = "json", OPT_FLAG_AT(struct doctor_args, json), .help = "Print JSON"},
    OPT_END,
};

struct report {
	bool as_json;
	struct il_buf text;
	json_t *checks; /* owned array */
};

static int add(struct report *rep, const char *name, const struct result *r)
{
	const char *status = status_names[r->status];

	if (rep->as_json)
		return json_array_append_new(
		    rep->checks, json_pack("{s:s s:s s:s s:s}", "name", name, "status", status,
					   "reason", r->reason, "remedy", r->remedy));
	il_buf_printf(&rep->text, "%-8s %-16s %s\n", status, name, r->reason);
	if (r->remedy[0])
		il_buf_printf(&rep->text, "%-8s %-16s -> %s\n", "", "", r->remedy);
	return 0;
}

/* A kind's own probe; its message holds the reason and the remedy. */
static int add_kind(struct report *rep, const struct sandbox_kind *kind, bool *ret_runs)
{
	struct il_err err = {0};
	struct result r = {0};
	char name[64];

	*ret_runs = kind->probe(&err) == 0;
	say(&r, *ret_runs ? STATUS_OK : STATUS_MISSING, "%s",
	    *ret_runs ? kind->description : err.msg);
	snprintf(name, sizeof(name), "--as %s", kind->name);
	return add(rep, name, &r);
}

static int collect(const struct cli *cli, struct report *rep, bool *ret_basic)
{
	int r = 0;

	*ret_basic = true;
	for (size_t i = 0; r == 0 && sandbox_kinds[i]; i++) {
		bool runs = false;

		if (sandbox_kinds[i]->no_image)
			continue;
		r = add_kind(rep, sandbox_kinds[i], &runs);
		/* Every host can have these two; KVM depends on the hardware. */
		if (!runs && (sandbox_kinds[i] == &sandbox_kind_process ||
			      sandbox_kinds[i] == &sandbox_kind_container))
			*ret_basic = false;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(checks); i++) {
		struct result result = {0};

		checks[i].run(cli, &result);
		r = add(rep, checks[i].name, &result);
	}
	return r;
}

static int run_doctor(const struct cli *cli, const void *args, int argc IL_UNUSED,
		      char **argv IL_UNUSED, struct il_err *err)
{
	const struct doctor_args *a = args;
	json_auto_t *list = json_array();
	struct report rep = {.as_json = a->json, .checks = list};
	bool basic = false;

	if (!list || collect(cli, &rep, &basic) < 0) {
		il_buf_done(&rep.text);
		return il_fail(err, ENOMEM, "describe the host");
	}
	if (a->json) {
		json_auto_t *top = json_pack("{s:b s:O}", "basic_kinds_run", basic, "checks", list);
		_cleanup_(freep) char *text = top ? json_dumps(top, JSON_INDENT(2)) : NULL;

		if (!text)
			return il_fail(err, ENOMEM, "describe the host");
		il_buf_printf(&rep.text, "%s\n", text);
	}
	int r = cli_print(&rep.text, err);
	return r < 0 ? r : basic ? CLI_OK : CLI_FAILED;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .group = VERB_OTHER,
    .usage = "[OPTIONS]",
    .summary = "Tell what this host can run, and what to do about the rest",
    .notes = "The exit status is 0 when the process and the container kind can run here.",
    .options = doctor_rows,
    .args_size = sizeof(struct doctor_args),
    .run = run_doctor,
};
