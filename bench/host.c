// SPDX-License-Identifier: Apache-2.0
#include "bench/host.h"

#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "bench/procs.h"

#define FILE_KEPT ((size_t)256 << 10)

static const char *const kvm_modules[] = {"kvm_intel", "kvm_amd", "kvm_pvm"};

void host_kvm_probe(struct host_kvm *ret)
{
	_cleanup_(closep) int fd = il_open(AT_FDCWD, "/dev/kvm", O_RDWR, 0);
	char path[64];

	*ret = (struct host_kvm){.available = fd >= 0, .flavour = "unknown"};
	if (fd == -ENOENT)
		snprintf(ret->reason, sizeof(ret->reason),
			 "there is no /dev/kvm: enable virtualisation in the firmware and load "
			 "kvm_intel or kvm_amd");
	else if (fd < 0)
		snprintf(ret->reason, sizeof(ret->reason),
			 "open /dev/kvm: %s: join the group that owns it (usually kvm)",
			 strerror(-fd));
	for (size_t i = 0; i < ARRAY_SIZE(kvm_modules); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", kvm_modules[i]);
		if (access(path, F_OK) == 0)
			ret->flavour = kvm_modules[i];
	}
	ret->ring0_emulated = strcmp(ret->flavour, "kvm_pvm") == 0;
}

const char *host_cgroup_mode(void)
{
	struct statfs fs;

	if (statfs("/sys/fs/cgroup", &fs) < 0)
		return "none";
	if (fs.f_type == CGROUP2_SUPER_MAGIC)
		return "v2";
	if (fs.f_type != TMPFS_MAGIC)
		return "none";
	if (statfs("/sys/fs/cgroup/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return "hybrid";
	return "v1";
}

/* The first line of a file as a JSON string; null when it can't be read. */
static json_t *line_of(const char *path)
{
	_cleanup_(freep) char *text = NULL;
	char line[256];

	if (il_read_file(AT_FDCWD, path, FILE_KEPT, &text, NULL) < 0)
		return json_null();
	snprintf(line, sizeof(line), "%.*s", (int)IL_MIN(strcspn(text, "\n"), (size_t)255), text);
	json_t *j = json_string(line);
	return j ? j : json_null(); /* not UTF-8 */
}

/* "always [madvise] never" -> "madvise" */
static json_t *chosen_word(const char *path)
{
	_cleanup_(freep) char *text = NULL;

	if (il_read_file(AT_FDCWD, path, FILE_KEPT, &text, NULL) < 0)
		return json_null();
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
	return close ? json_stringn(open + 1, (size_t)(close - open - 1)) : json_null();
}

/* What follows "KEY" and @sep and blanks in a file of such lines; quotes are taken off. */
static json_t *value_of(const char *path, const char *key, char sep)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = strlen(key);

	if (il_read_file(AT_FDCWD, path, FILE_KEPT, &text, NULL) < 0)
		return json_null();
	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (strncmp(p, key, len) != 0)
			continue;
		const char *v = p + len + strspn(p + len, " \t");
		if (*v != sep)
			continue;
		v += 1 + strspn(v + 1, " \t\"");
		json_t *j = json_stringn(v, strcspn(v, "\"\n"));
		return j ? j : json_null();
	}
	return json_null();
}

static json_t *number_of(const char *path)
{
	json_t *line = line_of(path);
	uint64_t v = 0;
	bool ok = json_is_string(line) &&
		  il_parse_u64(json_string_value(line), 0, INT64_MAX, &v, NULL) == 0;

	json_decref(line);
	return ok ? json_integer((json_int_t)v) : json_null();
}

/* Leaf 1 says whether there is a hypervisor, leaf 0x40000000 which (Linux cpuid.h). */
static json_t *hypervisor(void)
{
	unsigned int a, b, c, d;
	char name[13] = "";
	static const struct {
		const char *signature, *name;
	} known[] = {{"KVMKVMKVM", "kvm"},
		     {"Microsoft Hv", "hyperv"},
		     {"VMwareVMware", "vmware"},
		     {"XenVMMXenVMM", "xen"},
		     {"TCGTCGTCGTCG", "qemu-tcg"}};

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 31)))
		return json_string("none");
	__cpuid(0x40000000, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].signature, name) == 0)
			return json_string(known[i].name);
	return json_string("unknown");
}

static json_t *mitigations(void)
{
	static const char base[] = "/sys/devices/system/cpu/vulnerabilities";
	_cleanup_(closedirp) DIR *dir = opendir(base);
	json_t *all = json_object();
	struct dirent *d;
	char path[sizeof(base) + 260];

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, d->d_name);
		json_object_set_new(all, d->d_name, line_of(path));
	}
	return all;
}

/* The type of the last file system mounted at "/": field 3 of its line. */
static json_t *root_filesystem(void)
{
	_cleanup_(freep) char *text = NULL;
	char type[64] = "";

	if (il_read_file(AT_FDCWD, "/proc/self/mounts", FILE_KEPT, &text, NULL) < 0)
		return json_null();
	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		char dir[256], found[64];

		if (sscanf(p, "%*s %255s %63s", dir, found) == 2 && strcmp(dir, "/") == 0)
			memcpy(type, found, sizeof(type));
	}
	return type[0] ? json_string(type) : json_null();
}

static json_t *kvm(void)
{
	struct host_kvm k;

	host_kvm_probe(&k);
	return json_pack("{s:b, s:s?, s:s, s:b}", "available", k.available, "reason",
			 k.available ? NULL : k.reason, "flavour", k.flavour, "ring0_emulated",
			 k.ring0_emulated);
}

int host_describe(json_t **ret, struct il_err *err)
{
	json_auto_t *h = json_object();
	struct utsname u;
	uint64_t total = 0;
	int r = procs_mem_total(&total, err);

	if (r < 0)
		return r;
	uname(&u);
	json_object_set_new(h, "cpu_model", value_of("/proc/cpuinfo", "model name", ':'));
	json_object_set_new(h, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(h, "microcode", value_of("/proc/cpuinfo", "microcode", ':'));
	json_object_set_new(h, "memory_bytes", json_integer((json_int_t)total));
	json_object_set_new(h, "kernel", json_string(u.release));
	json_object_set_new(h, "distribution", value_of("/etc/os-release", "PRETTY_NAME", '='));
	json_object_set_new(h, "hypervisor", hypervisor());
	json_object_set_new(h, "kvm", kvm());
	json_object_set_new(h, "cgroup_mode", json_string(host_cgroup_mode()));
	json_object_set_new(h, "mitigations", mitigations());
	json_object_set_new(h, "thp", chosen_word("/sys/kernel/mm/transparent_hugepage/enabled"));
	json_object_set_new(h, "ksm", line_of("/sys/kernel/mm/ksm/run"));
	json_object_set_new(h, "governor",
			    line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
	json_object_set_new(h, "no_turbo",
			    line_of("/sys/devices/system/cpu/intel_pstate/no_turbo"));
	json_object_set_new(h, "smt", line_of("/sys/devices/system/cpu/smt/control"));
	json_object_set_new(h, "pid_max", number_of("/proc/sys/kernel/pid_max"));
	json_object_set_new(h, "root_filesystem", root_filesystem());
	if (json_object_size(h) != 17)
		return il_fail(err, ENOMEM, "describe the host");
	*ret = json_incref(h);
	return 0;
}
