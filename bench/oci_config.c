// SPDX-License-Identifier: Apache-2.0
#include "bench/oci_config.h"

#include <errno.h>
#include <string.h>

#include "containers/container.h"
#include "containers/seccomp_default.h"

/* Docker's default capabilities. Source: moby/oci/caps/defaults.go. */
static const char *const caps[] = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

static const char *const masked[] = {"/proc/asound",      "/proc/acpi",          "/proc/kcore",
				     "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
				     "/proc/timer_stats", "/proc/sched_debug",   "/proc/scsi",
				     "/sys/firmware"};

static const char *const readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
				       "/proc/sysrq-trigger"};

static const char *const namespaces[] = {"mount", "network", "uts", "pid", "ipc", "cgroup"};

static const struct {
	const char *to, *type, *source, *options;
} mounts[] = {
    {"/proc", "proc", "proc", "nosuid,noexec,nodev"},
    {"/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"},
    {"/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {"/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"},
    {"/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev"},
    {"/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"},
    {"/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=67108864"},
};

static json_t *strings(const char *const *items, size_t n)
{
	json_t *a = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(a, json_string(items[i]));
	return a;
}

static json_t *strings_until_null(const char *const *items)
{
	size_t n = 0;

	while (items && items[n])
		n++;
	return strings(items, n);
}

/* "a,b c" split at @sep. */
static json_t *words(const char *text, char sep)
{
	json_t *a = json_array();

	while (*text) {
		const char *end = strchrnul(text, sep);

		json_array_append_new(a, json_stringn(text, (size_t)(end - text)));
		text = *end ? end + 1 : end;
	}
	return a;
}

static json_t *mount_list(void)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		json_array_append_new(a,
				      json_pack("{s:s, s:s, s:s, s:o}", "destination", mounts[i].to,
						"type", mounts[i].type, "source", mounts[i].source,
						"options", words(mounts[i].options, ',')));
	return a;
}

static json_t *namespace_list(void)
{
	json_t *a = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		json_array_append_new(a, json_pack("{s:s}", "type", namespaces[i]));
	return a;
}

static json_t *seccomp_argument(const struct seccomp_rule *r)
{
	static const char *const ops[] = {[COND_EQ] = "SCMP_CMP_EQ",
					  [COND_NE] = "SCMP_CMP_NE",
					  [COND_MASK_ZERO] = "SCMP_CMP_MASKED_EQ"};

	return json_pack("{s:i, s:I, s:I, s:s}", "index", (int)r->arg, "value",
			 (json_int_t)r->value, "valueTwo", (json_int_t)0, "op", ops[r->cond]);
}

/* The container kind's own rule table, in the words of the runtime-spec. */
static json_t *seccomp(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < seccomp_default_rule_count; i++) {
		const struct seccomp_rule *r = &seccomp_default_rules[i];
		json_t *rule;

		if (!seccomp_rule_applies(r, ctr_caps_default))
			continue;
		rule = json_pack("{s:o, s:s}", "names", words(r->names, ' '), "action",
				 r->error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
		if (r->error)
			json_object_set_new(rule, "errnoRet", json_integer(r->error));
		if (r->cond != COND_NONE)
			json_object_set_new(rule, "args", json_pack("[o]", seccomp_argument(r)));
		json_array_append_new(list, rule);
	}
	return json_pack("{s:s, s:i, s:[s, s, s], s:o}", "defaultAction", "SCMP_ACT_ERRNO",
			 "defaultErrnoRet", SECCOMP_DEFAULT_ERRNO, "architectures",
			 "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "syscalls", list);
}

static json_t *resources(const struct bench_env *env)
{
	json_int_t period = 100000, quota = (json_int_t)env->cpus * period;
	json_t *devices =
	    json_pack("[{s:b, s:s}, {s:b, s:s, s:i, s:i, s:s}, {s:b, s:s, s:i, s:i, "
		      "s:s}, {s:b, s:s, s:i, s:i, s:s}, {s:b, s:s, s:i, s:i, s:s}]",
		      "allow", 0, "access", "rwm", "allow", 1, "type", "c", "major", 1, "minor", 3,
		      "access", "rwm", "allow", 1, "type", "c", "major", 1, "minor", 5, "access",
		      "rwm", "allow", 1, "type", "c", "major", 1, "minor", 8, "access", "rwm",
		      "allow", 1, "type", "c", "major", 1, "minor", 9, "access", "rwm");

	return json_pack("{s:o, s:{s:I}, s:{s:I, s:I}, s:{s:i}}", "devices", devices, "memory",
			 "limit", (json_int_t)env->options->memory_bytes, "cpu", "quota", quota,
			 "period", period, "pids", "limit", 512);
}

static json_t *process(const struct bench_env *env, char *const *workload)
{
	json_t *all = strings(caps, ARRAY_SIZE(caps));
	json_t *p =
	    json_pack("{s:b, s:{s:i, s:i}, s:o, s:o, s:s, s:{s:o, s:O, s:O}, s:b}", "terminal", 0,
		      "user", "uid", 0, "gid", 0, "args",
		      strings_until_null((const char *const *)(uintptr_t)workload), "env",
		      strings_until_null(env->image_env), "cwd", "/", "capabilities", "bounding",
		      all, "effective", all, "permitted", all, "noNewPrivileges", 1);

	return p;
}

int oci_config(const struct bench_env *env, char *const *workload, json_t **ret, struct il_err *err)
{
	json_t *linux_part = json_pack("{s:o, s:o, s:o, s:o, s:o}", "namespaces", namespace_list(),
				       "maskedPaths", strings(masked, ARRAY_SIZE(masked)),
				       "readonlyPaths", strings(readonly, ARRAY_SIZE(readonly)),
				       "resources", resources(env), "seccomp", seccomp());
	json_t *doc =
	    json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o}", "ociVersion", "1.0.2", "process",
		      process(env, workload), "root", "path", env->rootfs, "readonly", 0,
		      "hostname", "bench", "mounts", mount_list(), "linux", linux_part);

	if (!doc)
		return il_fail(err, ENOMEM, "make an OCI config");
	*ret = doc;
	return 0;
}
