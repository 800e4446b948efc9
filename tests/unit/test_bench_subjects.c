// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "bench/host.h"
#include "bench/oci_config.h"
#include "bench/subject.h"

Test(peers_table, every_row_is_complete_and_no_name_twice)
{
	for (size_t i = 0; peer_drivers[i]; i++) {
		const struct driver *d = peer_drivers[i];

		cr_assert(d->name && d->name[0]);
		cr_assert_str_eq(d->type, "peer", "%s", d->name);
		cr_assert(d->description && strlen(d->description) > 20, "%s", d->name);
		cr_assert_lt(strlen(d->description), 320, "%s: cut in the result", d->name);
		cr_assert_not_null((void *)(uintptr_t)d->command, "%s", d->name);
		cr_assert(!d->prepare || d->cleanup, "%s prepares but does not clean up", d->name);
		cr_assert_eq(peer_find(d->name), d, "%s is named twice", d->name);
		if (d->alias)
			cr_assert_eq(peer_find(d->alias), d, "%s is named twice", d->alias);
	}
	cr_assert_null(peer_find("all"));
	cr_assert_null(peer_find("none"));
}

Test(subjects_parse, lists_all_and_none)
{
	struct subjects s;
	size_t rows = 0;

	while (peer_drivers[rows])
		rows++;
	cr_assert_eq(subjects_parse("none", "all", &s, NULL), 0);
	cr_assert_eq(s.n, rows);
	cr_assert_eq(subjects_parse("none", "none", &s, NULL), 0);
	cr_assert_eq(s.n, 0);
	cr_assert_eq(subjects_parse("process,container,process", "runc, crun", &s, NULL), 0);
	cr_assert_eq(s.n, 4);
	cr_assert_str_eq(s.list[0].name, "process");
	cr_assert_str_eq(s.list[3].name, "crun");
}

Test(subjects_parse, kind_and_peer_of_the_same_name_stay_apart)
{
	struct subjects s;

	/* "process" and "null" exist on both sides. */
	cr_assert_eq(subjects_parse("process,null", "process,null", &s, NULL), 0);
	cr_assert_eq(s.n, 4);
	for (size_t i = 0; i < s.n; i++)
		for (size_t j = i + 1; j < s.n; j++)
			cr_assert_str_neq(s.list[i].name, s.list[j].name);
}

Test(subjects_parse, unknown_word_is_refused_with_the_known_ones)
{
	struct subjects s;
	struct il_err err = {0};

	cr_assert_eq(subjects_parse("process,vm", "none", &s, &err), -EINVAL);
	cr_assert(strstr(err.msg, "'vm'") && strstr(err.msg, "container"), "%s", err.msg);
	il_err_clear(&err);
	cr_assert_eq(subjects_parse("none", "runk", &s, &err), -EINVAL);
	cr_assert(strstr(err.msg, "'runk'") && strstr(err.msg, "runc"), "%s", err.msg);
}

Test(start_init, ids_differ)
{
	struct start a, b;
	char *const workload[] = {NULL};

	start_init(&a, workload);
	start_init(&b, workload);
	cr_assert_str_neq(a.id, b.id);
	cr_assert_eq(a.timeline_fd, -1);
}

Test(oci_config, has_dockers_defaults)
{
	char rootfs[] = "/some/root", program[] = "/bin/true";
	char *const workload[] = {program, NULL};
	const char *const env[] = {"A=b", NULL};
	struct bench_options o = {.memory_bytes = 64 << 20};
	struct bench_env e = {.options = &o, .rootfs = rootfs, .image_env = env, .cpus = 3};
	json_auto_t *doc = NULL;
	json_t *linux_part, *seccomp, *rule;
	size_t i, allowed = 0;

	cr_assert_eq(oci_config(&e, workload, &doc, NULL), 0);
	linux_part = json_object_get(doc, "linux");
	seccomp = json_object_get(linux_part, "seccomp");
	cr_assert_eq(json_array_size(json_object_get(linux_part, "namespaces")), 6);
	cr_assert_str_eq(json_string_value(json_object_get(seccomp, "defaultAction")),
			 "SCMP_ACT_ERRNO");
	json_array_foreach(json_object_get(seccomp, "syscalls"), i, rule) allowed +=
	    json_array_size(json_object_get(rule, "names"));
	/* Docker allows some 300 calls; an empty list would start nothing, or anything. */
	cr_assert(allowed > 250 && allowed < 500, "%zu", allowed);
	json_t *resources = json_object_get(linux_part, "resources");
	json_t *cpu = json_object_get(resources, "cpu");
	cr_assert_eq(
	    json_integer_value(json_object_get(json_object_get(resources, "memory"), "limit")),
	    64 << 20);
	cr_assert_eq(json_integer_value(json_object_get(cpu, "quota")), 300000);
	json_t *bounding = json_object_get(
	    json_object_get(json_object_get(doc, "process"), "capabilities"), "bounding");
	cr_assert_eq(json_array_size(bounding), 14);
}

Test(host_describe, has_the_documented_members)
{
	static const char *const members[] = {
	    "cpu_model",  "cpus",     "memory_bytes", "kernel",      "distribution",
	    "hypervisor", "kvm",      "cgroup_mode",  "mitigations", "thp",
	    "ksm",        "governor", "smt",          "pid_max",     "root_filesystem"};
	json_auto_t *host = NULL;
	json_t *kvm;

	cr_assert_eq(host_describe(&host, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		cr_assert_not_null(json_object_get(host, members[i]), "%s", members[i]);
	cr_assert_gt(json_integer_value(json_object_get(host, "memory_bytes")), 1 << 20);
	kvm = json_object_get(host, "kvm");
	cr_assert(json_is_boolean(json_object_get(kvm, "available")));
	cr_assert(json_is_true(json_object_get(kvm, "available")) ==
		  json_is_null(json_object_get(kvm, "reason")));
}
