// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "sandbox/instance.h"
#include "sandbox/state.h"

static char root[64];

static void setup(void)
{
	snprintf(root, sizeof(root), "/tmp/isolab-unit-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static void teardown(void)
{
	char run[128];
	char target[128];

	/* ROOT/run may lead into a tmpfs. */
	snprintf(run, sizeof(run), "%s/run", root);
	ssize_t n = readlink(run, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		cr_expect_eq(il_remove_tree(AT_FDCWD, target), 0);
	}
	cr_expect_eq(il_remove_tree(AT_FDCWD, root), 0);
}

TestSuite(instance, .init = setup, .fini = teardown);

static const char *const command[] = {"sh", "-c", "x\xff", NULL};

static int create(struct sandbox_instance *inst, const char *name, bool rm, struct il_err *err)
{
	struct sandbox_new what = {
	    .root = root,
	    .name = name,
	    .kind = "null",
	    .image = "docker.io/library/demo:latest",
	    .image_id = "sha256:0",
	    .command = command,
	    .auto_remove = rm,
	};

	cr_assert_eq(sandbox_instance_init_id(inst, err), 0);
	return sandbox_instance_create(inst, &what, err);
}

static size_t count(bool all)
{
	struct sandbox_list list = {0};
	struct il_err err = {0};

	cr_assert_eq(sandbox_list_get(root, all, &list, &err), 0, "%s", err.msg);
	size_t n = list.n;
	sandbox_list_done(&list);
	return n;
}

Test(instance, a_life_with_rm_leaves_nothing)
{
	struct sandbox_instance inst;
	struct il_err err = {0};

	cr_assert_eq(create(&inst, NULL, true, &err), 0, "%s", err.msg);
	cr_assert_eq(count(false), 1);
	cr_assert_eq(access(inst.dir, F_OK), 0);
	cr_assert_eq(sandbox_instance_finish(&inst, 0, &err), 0, "%s", err.msg);
	cr_assert_neq(access(inst.dir, F_OK), 0);
	cr_assert_eq(count(true), 0);
	sandbox_instance_done(&inst);
}

Test(instance, a_life_without_rm_is_kept_and_removed)
{
	struct sandbox_instance inst;
	struct sandbox_record rec = {0};
	struct il_err err = {0};
	char prefix[8] = "";

	cr_assert_eq(create(&inst, "one", false, &err), 0, "%s", err.msg);
	memcpy(prefix, inst.rec.id, 7);
	cr_assert_eq(sandbox_instance_finish(&inst, 42, &err), 0, "%s", err.msg);
	cr_assert_eq(count(false), 0);
	cr_assert_eq(count(true), 1);
	cr_assert_eq(sandbox_find(root, prefix, &rec, &err), 0, "%s", err.msg);
	cr_assert(rec.exited);
	cr_assert_eq(rec.exit_status, 42);
	cr_assert_str_eq(rec.name, "one");
	cr_assert_str_eq(json_string_value(json_array_get(rec.command, 2)), "x?",
			 "JSON holds UTF-8 only");
	cr_assert_eq(sandbox_remove(root, &rec, &err), 0, "%s", err.msg);
	cr_assert_eq(count(true), 0);
	sandbox_record_done(&rec);
	sandbox_instance_done(&inst);
	/* The name is free again. */
	cr_assert_eq(create(&inst, "one", true, &err), 0, "%s", err.msg);
	cr_assert_eq(sandbox_instance_finish(&inst, 0, &err), 0);
	sandbox_instance_done(&inst);
}

Test(instance, names_are_unique)
{
	struct sandbox_instance a;
	struct sandbox_instance b;
	struct il_err err = {0};

	cr_assert_eq(create(&a, "same", true, &err), 0, "%s", err.msg);
	cr_assert_eq(create(&b, "same", true, &err), -EEXIST);
	cr_assert_not_null(strstr(err.msg, "the name 'same' is in use"));
	cr_assert_eq(count(true), 1, "the loser left nothing");
	sandbox_instance_done(&b);
	cr_assert_eq(sandbox_instance_finish(&a, 0, &err), 0);
	sandbox_instance_done(&a);
}

Test(instance, a_running_one_is_busy_and_can_be_waited_for)
{
	struct sandbox_instance inst;
	struct sandbox_record rec = {0};
	struct il_err err = {0};

	cr_assert_eq(create(&inst, "busy", false, &err), 0, "%s", err.msg);
	cr_assert_eq(sandbox_find(root, "busy", &rec, &err), 0, "%s", err.msg);
	cr_assert_eq(sandbox_remove(root, &rec, &err), -EBUSY);
	il_err_clear(&err);
	cr_assert_eq(sandbox_stop_wait(root, &rec, 1000000, &err), -ETIMEDOUT);
	il_err_clear(&err);
	cr_assert_eq(sandbox_instance_finish(&inst, 0, &err), 0);
	cr_assert_eq(sandbox_stop_wait(root, &rec, 1000000, &err), 0);
	cr_assert_eq(sandbox_signal(root, &rec, SIGTERM, &err), -ESRCH);
	sandbox_record_done(&rec);
	sandbox_instance_done(&inst);
}

/* A supervisor that is killed: a child that makes an instance and dies. */
static void kill_supervisor(const char *name, bool rm)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sandbox_instance inst;

		if (create(&inst, name, rm, NULL) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	cr_assert(WIFSIGNALED(status));
}

Test(instance, a_killed_supervisor_with_rm_is_swept)
{
	kill_supervisor("gone", true);
	cr_assert_eq(count(true), 0);
}

Test(instance, a_killed_supervisor_without_rm_is_kept_as_killed)
{
	struct sandbox_record rec = {0};
	struct il_err err = {0};

	kill_supervisor("kept", false);
	cr_assert_eq(count(false), 0);
	cr_assert_eq(sandbox_find(root, "kept", &rec, &err), 0, "%s", err.msg);
	cr_assert(rec.exited);
	cr_assert_eq(rec.exit_status, 137);
	sandbox_record_done(&rec);
}

Test(instance, a_killed_supervisors_name_is_free)
{
	struct sandbox_instance inst;
	struct il_err err = {0};

	kill_supervisor("name", true);
	cr_assert_eq(create(&inst, "name", true, &err), 0, "%s", err.msg);
	cr_assert_eq(sandbox_instance_finish(&inst, 0, &err), 0);
	sandbox_instance_done(&inst);
}

static void write_record(const char *id, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/exited/%s", root, id);
	cr_assert_eq(il_mkdir_p(path, 0700), 0);
	strncat(path, "/" STATE_FILE, sizeof(path) - strlen(path) - 1);
	cr_assert_eq(il_write_file_atomic(AT_FDCWD, path, text, strlen(text), 0600), 0);
}

Test(instance, damaged_records_are_not_listed_and_harm_nobody)
{
	char id[SANDBOX_ID_LEN + 1];

	cr_assert_eq(state_make_dirs(root), 0);
	for (int i = 0; i < 3; i++) {
		static const char *const texts[] = {"", "{\"id\": 1}", "[[[[[["};

		cr_assert_eq(sandbox_id_new(id, NULL), 0);
		write_record(id, texts[i]);
	}
	cr_assert_eq(count(true), 0);
}

Test(instance, a_fresh_directory_without_a_record_is_left_alone)
{
	char id[SANDBOX_ID_LEN + 1];
	char path[256];

	cr_assert_eq(state_make_dirs(root), 0);
	cr_assert_eq(sandbox_id_new(id, NULL), 0);
	snprintf(path, sizeof(path), "%s/run/%s", root, id);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(count(true), 0);
	cr_assert_eq(access(path, F_OK), 0);
}

Test(instance, state_in_somebody_elses_directory_is_refused)
{
	char path[128];

	cr_assert_eq(state_make_dirs(root), 0);
	snprintf(path, sizeof(path), "%s/kept", root);
	cr_assert_eq(chmod(path, 0777), 0);
	cr_assert_eq(state_open_dir(root, STATE_DIR_KEPT), -ENOENT);
}

Test(record, round_trip)
{
	struct sandbox_record rec = {
	    .name = strdup("n"),
	    .kind = strdup("nano"),
	    .image = strdup("i"),
	    .image_id = strdup("sha256:1"),
	    .command = json_pack("[s,s]", "a", "b"),
	    .created_ns = 1764000000000000000,
	    .supervisor = 77,
	    .named = true,
	    .exited = true,
	    .exit_status = 255,
	    .finished_ns = 5,
	};
	struct sandbox_record copy = {0};
	struct il_err err = {0};

	cr_assert_eq(sandbox_id_new(rec.id, NULL), 0);
	json_t *json = sandbox_record_to_json(&rec);
	cr_assert_eq(sandbox_record_from_json(json, &copy, &err), 0, "%s", err.msg);
	cr_assert_str_eq(copy.id, rec.id);
	cr_assert_str_eq(copy.kind, "nano");
	cr_assert(copy.named && copy.exited && !copy.auto_remove);
	cr_assert_eq(copy.exit_status, 255);
	cr_assert_eq(copy.supervisor, 77);
	cr_assert_eq(copy.created_ns, rec.created_ns);
	json_decref(json);
	sandbox_record_done(&rec);
	sandbox_record_done(&copy);
}

Test(record, refuses_each_bad_member)
{
	static const struct {
		const char *key;
		const char *value; /* JSON; NULL = member missing */
	} rows[] = {
	    {"id", "\"../../etc\""}, {"id", NULL},          {"name", "\"../x\""},
	    {"name", "\"\""},        {"command", "[1]"},    {"command", "{}"},
	    {"supervisor", "-1"},    {"supervisor", "1e9"}, {"supervisor", "99999999999"},
	    {"exit_status", "256"},  {"status", "1"},       {"created_ns", "\"x\""},
	    {"kind", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sandbox_record rec = {0};
		json_t *json = json_pack(
		    "{s:s s:s s:s s:s s:s s:[s] s:i s:i s:i s:i s:s}", "id",
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "name", "n",
		    "kind", "k", "image", "i", "image_id", "d", "command", "c", "created_ns", 1,
		    "finished_ns", 1, "supervisor", 1, "exit_status", 1, "status", "exited");

		cr_assert_eq(sandbox_record_from_json(json, &rec, NULL), 0);
		sandbox_record_done(&rec);
		if (rows[i].value)
			json_object_set_new(json, rows[i].key,
					    json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(json, rows[i].key);
		cr_assert_lt(sandbox_record_from_json(json, &rec, NULL), 0, "%s = %s", rows[i].key,
			     rows[i].value ? rows[i].value : "(missing)");
		json_decref(json);
	}
}

Test(names, rules_and_made_up_ones)
{
	static const char *const good[] = {"a", "A1", "0", "a_b.c-d"};
	static const char *const bad[] = {"", "-a", ".", "..", "_a", "a/b", "a b", "\xc3\xa9"};
	char id[SANDBOX_ID_LEN + 1];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		cr_assert_eq(sandbox_name_check(good[i], NULL), 0, "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_eq(sandbox_name_check(bad[i], NULL), -EINVAL, "%s", bad[i]);
	for (int i = 0; i < 50; i++) {
		cr_assert_eq(sandbox_id_new(id, NULL), 0);
		cr_assert(sandbox_id_is_valid(id));
		char *name = sandbox_name_for_id(id);
		cr_assert_eq(sandbox_name_check(name, NULL), 0, "%s", name);
		free(name);
	}
}
