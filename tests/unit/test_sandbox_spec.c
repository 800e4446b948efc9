// SPDX-License-Identifier: Apache-2.0
/* What a workload is made from: users, environments, capabilities, limits, commands. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/run.h"
#include "containers/container.h"
#include "sandbox/env.h"
#include "sandbox/trace.h"
#include "sandbox/user.h"

/* ---- users ---- */

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "bob:x:1000:100:Bob:/home/bob:/bin/sh\n"
			     "broken:x:abc:1::/:\n"
			     "short\n"
			     ":x:5:5::/:\n"
			     "last:x:7:8::/l:";
static const char group[] = "root:x:0:\nusers:x:100:\naudio:x:29:ann,bob,bobby\nbad:x:x:bob\n"
			    "video:x:44:bob";

static int parse(const char *text, struct sandbox_user *u, struct il_err *err)
{
	return sandbox_user_parse(passwd, group, text, u, err);
}

Test(user, forms)
{
	static const struct {
		const char *text;
		uint32_t uid;
		uint32_t gid;
		uint32_t ngroups;
		const char *home;
	} rows[] = {
	    {"", 0, 0, 0, "/root"},
	    {"root", 0, 0, 0, "/root"},
	    {"bob", 1000, 100, 2, "/home/bob"},
	    {"1000", 1000, 100, 2, "/home/bob"},
	    {"bob:audio", 1000, 29, 0, "/home/bob"},
	    {"bob:5", 1000, 5, 0, "/home/bob"},
	    {"4242", 4242, 0, 0, "/"},
	    {"4242:4343", 4242, 4343, 0, "/"},
	    {"last", 7, 8, 0, "/l"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sandbox_user u;
		struct il_err err = {0};

		cr_assert_eq(parse(rows[i].text, &u, &err), 0, "%s: %s", rows[i].text, err.msg);
		cr_assert_eq(u.uid, rows[i].uid, "%s", rows[i].text);
		cr_assert_eq(u.gid, rows[i].gid, "%s", rows[i].text);
		cr_assert_eq(u.ngroups, rows[i].ngroups, "%s", rows[i].text);
		cr_assert_str_eq(u.home, rows[i].home, "%s", rows[i].text);
	}
}

Test(user, refuses)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
	    {"nobody", -ENOENT},       {"bob:nogroup", -ENOENT}, {"bob:", -EINVAL},
	    {"a:b:c", -EINVAL},        {"broken", -ENOENT},      {"4294967295", -EINVAL},
	    {"0:4294967295", -EINVAL}, {"-1", -ENOENT},          {"short", -ENOENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sandbox_user u;

		cr_assert_eq(parse(rows[i].text, &u, NULL), rows[i].want, "%s", rows[i].text);
	}
}

Test(user, an_image_without_files_knows_numbers_only)
{
	struct sandbox_user u;

	cr_assert_eq(sandbox_user_parse(NULL, NULL, "", &u, NULL), 0);
	cr_assert_eq(u.uid, 0);
	cr_assert_str_eq(u.home, "/");
	cr_assert_eq(sandbox_user_parse(NULL, NULL, "12:13", &u, NULL), 0);
	cr_assert_eq(sandbox_user_parse(NULL, NULL, "bob", &u, NULL), -ENOENT);
}

Test(user, a_link_in_the_image_does_not_lead_out)
{
	char dir[] = "/tmp/isolab-unit-XXXXXX";
	char path[64];
	struct sandbox_user u;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/etc", dir);
	cr_assert_eq(symlink("/etc", path), 0);
	/* The host's /etc/passwd knows "daemon"; this image knows nobody. */
	cr_assert_eq(sandbox_user_resolve(dir, "daemon", &u, NULL), -ENOENT);
	unlink(path);
	rmdir(dir);
}

/* ---- environments ---- */

Test(env, later_ones_replace_in_place)
{
	struct sandbox_env env = {0};

	sandbox_env_set(&env, "PATH=/bin");
	sandbox_env_set(&env, "A=1");
	sandbox_env_set(&env, "nonsense");
	sandbox_env_set(&env, "=x");
	sandbox_env_set(&env, "PATH=/sbin");
	sandbox_env_default(&env, "A", "2");
	sandbox_env_default(&env, "HOME", "/");
	cr_assert_eq(env.n, 3);
	cr_assert_str_eq(env.items[0], "PATH=/sbin");
	cr_assert_str_eq(env.items[1], "A=1");
	cr_assert_str_eq(env.items[2], "HOME=/");
	cr_assert_null(env.items[3]);
	cr_assert_eq(sandbox_env_check(&env, NULL), 0);
	sandbox_env_done(&env);
}

Test(env, user_arguments)
{
	struct sandbox_env env = {0};

	setenv("ISOLAB_TEST_VAR", "here", 1);
	unsetenv("ISOLAB_TEST_NOT");
	sandbox_env_set(&env, "ISOLAB_TEST_NOT=image");
	cr_assert_eq(sandbox_env_user(&env, "ISOLAB_TEST_VAR", NULL), 0);
	cr_assert_eq(sandbox_env_user(&env, "ISOLAB_TEST_NOT", NULL), 0);
	cr_assert_eq(sandbox_env_user(&env, "E=", NULL), 0);
	cr_assert_eq(sandbox_env_user(&env, "=x", NULL), -EINVAL);
	cr_assert_eq(env.n, 2);
	cr_assert_str_eq(env.items[0], "ISOLAB_TEST_VAR=here");
	cr_assert_str_eq(env.items[1], "E=");
	sandbox_env_done(&env);
}

Test(env, files)
{
	char path[] = "/tmp/isolab-unit-XXXXXX";
	static const char text[] = "# no\n\nA=1\r\n  B=2\nC=# kept";
	struct sandbox_env env = {0};
	struct il_err err = {0};
	int fd = mkstemp(path);

	cr_assert_eq(il_write_full(fd, text, sizeof(text) - 1), 0);
	cr_assert_eq(sandbox_env_file(&env, path, &err), 0, "%s", err.msg);
	cr_assert_eq(env.n, 3);
	cr_assert_str_eq(env.items[0], "A=1");
	cr_assert_str_eq(env.items[1], "B=2");
	cr_assert_str_eq(env.items[2], "C=# kept");
	cr_assert_eq(il_write_full(fd, "\n=bad\n", 6), 0);
	cr_assert_eq(sandbox_env_file(&env, path, &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "line 6"));
	sandbox_env_done(&env);
	close(fd);
	unlink(path);
}

/* ---- capabilities and limits ---- */

static uint64_t caps(const char *add, const char *drop)
{
	const char *a[] = {add};
	const char *d[] = {drop};
	uint64_t mask = 0;
	struct il_err err = {0};

	cr_assert_eq(run_caps(&(struct opt_list){a, add != NULL},
			      &(struct opt_list){d, drop != NULL}, &mask, &err),
		     0, "%s", err.msg);
	return mask;
}

Test(caps, dockers_rule)
{
	uint64_t chown = 1ull << 0;
	uint64_t sys_admin = 1ull << 21;

	cr_assert_eq(caps(NULL, NULL), ctr_caps_default);
	cr_assert_eq(caps("SYS_ADMIN", NULL), ctr_caps_default | sys_admin);
	cr_assert_eq(caps("cap_sys_admin", NULL), ctr_caps_default | sys_admin);
	cr_assert_eq(caps(NULL, "chown"), ctr_caps_default & ~chown);
	cr_assert_eq(caps(NULL, "ALL"), 0);
	cr_assert_eq(caps("CHOWN", "all"), chown);
	cr_assert_eq(caps("ALL", "CHOWN") & chown, 0);
	cr_assert_neq(caps("ALL", "CHOWN") & sys_admin, 0);
}

Test(caps, unknown_ones_are_named)
{
	const char *bad[] = {"NOT_A_CAP"};
	struct opt_list none = {0};
	uint64_t mask = 0;
	struct il_err err = {0};

	cr_assert_eq(run_caps(&(struct opt_list){bad, 1}, &none, &mask, &err), -EINVAL);
	cr_assert_str_eq(err.msg, "there is no capability 'NOT_A_CAP'");
}

Test(ulimit, forms)
{
	struct workload_rlimit l = {0};

	cr_assert_eq(run_ulimit("nofile=10:20", &l, NULL), 0);
	cr_assert_eq(l.resource, RLIMIT_NOFILE);
	cr_assert_eq(l.soft, 10);
	cr_assert_eq(l.hard, 20);
	cr_assert_eq(run_ulimit("core=0", &l, NULL), 0);
	cr_assert_eq(l.hard, 0);
	cr_assert_eq(run_ulimit("stack=-1", &l, NULL), 0);
	cr_assert_eq(l.soft, RLIM_INFINITY);
	static const char *const bad[] = {
	    "",    "nofile", "nofile=",      "nofile=x",  "nofile=2:1",
	    "x=1", "=1",     "nofile=1:2:3", "nofile=1:", "nofile=99999999999999999999999999"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_eq(run_ulimit(bad[i], &l, NULL), -EINVAL, "%s", bad[i]);
}

/* ---- commands ---- */

static void check_command(const char *entrypoint, char **words, const char *want)
{
	char *image_entry[] = {(char[]){"entry"}, NULL};
	char *image_cmd[] = {(char[]){"cmd"}, NULL};
	struct img_image image = {.entrypoint = image_entry, .cmd = image_cmd};
	struct run_args args = {.entrypoint = entrypoint};
	struct run_context ctx = {.args = &args, .image = &image, .command = words};
	const char **argv = run_command(&ctx);
	char got[64] = "";

	for (size_t i = 0; argv[i]; i++) {
		strncat(got, i ? " " : "", sizeof(got) - strlen(got) - 1);
		strncat(got, argv[i], sizeof(got) - strlen(got) - 1);
	}
	cr_assert_str_eq(got, want);
	free(argv);
}

Test(command, dockers_rule)
{
	char *none[] = {NULL};
	char *words[] = {(char[]){"a"}, (char[]){"b"}, NULL};

	check_command(NULL, none, "entry cmd");
	check_command(NULL, words, "entry a b");
	check_command("own", none, "own");
	check_command("own", words, "own a b");
	check_command("", words, "a b");
	check_command("", none, "");
}

Test(options, security)
{
	const char *opts[] = {"seccomp=unconfined", "no-new-privileges=false"};
	struct run_args args = {.network = "host", .security_opt = {opts, 2}};
	struct sandbox_options o;

	cr_assert_eq(run_options(&(struct run_args){0}, false, &o, NULL), 0);
	cr_assert(o.seccomp && o.no_new_privs && !o.caps_changed);
	cr_assert_eq(o.net, SANDBOX_NET_DEFAULT);
	cr_assert_eq(run_options(&args, true, &o, NULL), 0);
	cr_assert(!o.seccomp && !o.no_new_privs && o.debug);
	cr_assert_eq(o.net, SANDBOX_NET_HOST);
	opts[0] = "seccomp=/some/profile.json";
	cr_assert_eq(run_options(&args, false, &o, NULL), -EINVAL);
	opts[0] = "no-new-privileges=maybe";
	cr_assert_eq(run_options(&args, false, &o, NULL), -EINVAL);
}

/* ---- timelines ---- */

static const struct timeline sample = {
    .ns = {[TL_REQUEST] = 1000000,
	   [TL_PREPARED] = 1500000,
	   [TL_ISOLATION_BEGIN] = 1500000,
	   [TL_CONFINED] = 2600000, /* after runner-entered: the order is that of time */
	   [TL_RUNNER_ENTERED] = 2500000,
	   [TL_EXITED] = 4000001,
	   [TL_REAPED] = 5000000},
};

Test(trace, json_is_valid_and_in_order)
{
	struct il_buf out = {0};
	struct trace_info info = {"container", "abc", 3};

	trace_json(&out, &sample, &info);
	json_t *j = json_loadb(out.data, out.len, 0, NULL);
	cr_assert_not_null(j);
	json_t *other = json_object_get(j, "otherData");
	cr_assert_str_eq(json_string_value(json_object_get(other, "kind")), "container");
	cr_assert_eq(json_integer_value(json_object_get(other, "exit_status")), 3);
	json_t *events = json_object_get(other, "events_ns");
	cr_assert_eq(json_object_size(events), 7, "events that did not happen are left out");
	cr_assert_eq(json_integer_value(json_object_get(events, "exited")), 4000001);
	double last = 0;
	size_t i;
	json_t *e;
	json_array_foreach(json_object_get(j, "traceEvents"), i, e)
	{
		if (strcmp(json_string_value(json_object_get(e, "ph")), "X") != 0)
			continue;
		double ts = json_number_value(json_object_get(e, "ts"));
		cr_assert_geq(ts, last);
		cr_assert_geq(json_number_value(json_object_get(e, "dur")), 0);
		last = ts;
	}
	json_decref(j);
	il_buf_done(&out);
}

Test(trace, table_counts_from_the_request)
{
	struct il_buf out = {0};

	trace_table(&out, &sample);
	cr_assert_not_null(strstr(out.data, "request               0.000      0.000\n"));
	cr_assert_not_null(strstr(out.data, "prepared              0.500      0.500\n"));
	cr_assert_lt(strstr(out.data, "runner-entered"), strstr(out.data, "confined"));
	cr_assert_not_null(strstr(out.data, "reaped                4.000      1.000\n"));
	il_buf_done(&out);
}

Test(trace, nothing_happened)
{
	struct il_buf out = {0};
	struct timeline none = {0};

	trace_json(&out, &none, &(struct trace_info){"null", "", 0});
	json_t *j = json_loadb(out.data, out.len, 0, NULL);
	cr_assert_not_null(j);
	json_decref(j);
	il_buf_done(&out);
	trace_table(&out, &none);
	il_buf_done(&out);
}
