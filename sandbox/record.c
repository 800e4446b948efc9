// SPDX-License-Identifier: Apache-2.0
#include "sandbox/record.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"
#include "base/json.h"

void sandbox_record_done(struct sandbox_record *rec)
{
	free(rec->name);
	free(rec->kind);
	free(rec->image);
	free(rec->image_id);
	json_decref(rec->command);
	*rec = (struct sandbox_record){0};
}

json_t *sandbox_record_to_json(const struct sandbox_record *rec)
{
	return json_pack("{s:s s:s s:s s:s s:s s:O s:I s:i s:b s:b s:s s:i s:I}", "id", rec->id,
			 "name", rec->name, "kind", rec->kind, "image", rec->image, "image_id",
			 rec->image_id, "command", rec->command, "created_ns",
			 (json_int_t)rec->created_ns, "supervisor", (int)rec->supervisor,
			 "auto_remove", rec->auto_remove, "named", rec->named, "status",
			 rec->exited ? "exited" : "running", "exit_status", rec->exit_status,
			 "finished_ns", (json_int_t)rec->finished_ns);
}

static int copy_str(const json_t *json, const char *key, char **ret, struct il_err *err)
{
	const char *text = NULL;
	int r = il_json_str(json, "state", key, &text, err);

	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : il_fail(err, ENOMEM, "read the state");
}

static int get_command(const json_t *json, struct sandbox_record *rec, struct il_err *err)
{
	json_t *command = NULL;
	int r = il_json_arr(json, "state", "command", &command, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < json_array_size(command); i++)
		if (!json_is_string(json_array_get(command, i)))
			return il_refuse(err, EINVAL, "state.command[%zu] is not a string", i);
	rec->command = json_incref(command);
	return 0;
}

static int get_numbers(const json_t *json, struct sandbox_record *rec, struct il_err *err)
{
	uint64_t pid = 0;
	uint64_t status = 0;
	int r = il_json_u64(json, "state", "created_ns", &rec->created_ns, err);

	if (r == 0)
		r = il_json_u64(json, "state", "finished_ns", &rec->finished_ns, err);
	if (r == 0)
		r = il_json_u64(json, "state", "supervisor", &pid, err);
	if (r == 0)
		r = il_json_u64(json, "state", "exit_status", &status, err);
	if (r == 0 && (pid > INT_MAX || status > 255))
		r = il_refuse(err, EINVAL, "state: a number is out of range");
	rec->supervisor = (pid_t)pid;
	rec->exit_status = (int)status;
	return r;
}

int sandbox_record_from_json(const json_t *json, struct sandbox_record *ret, struct il_err *err)
{
	_cleanup_(sandbox_record_done) struct sandbox_record rec = {0};
	const char *text = NULL;
	int r = il_json_str(json, "state", "id", &text, err);

	if (r < 0)
		return r;
	if (!sandbox_id_is_valid(text))
		return il_refuse(err, EINVAL, "state.id is not an instance id");
	memcpy(rec.id, text, sizeof(rec.id));
	if ((r = copy_str(json, "name", &rec.name, err)) < 0 ||
	    (r = copy_str(json, "kind", &rec.kind, err)) < 0 ||
	    (r = copy_str(json, "image", &rec.image, err)) < 0 ||
	    (r = copy_str(json, "image_id", &rec.image_id, err)) < 0 ||
	    (r = get_command(json, &rec, err)) < 0 || (r = get_numbers(json, &rec, err)) < 0 ||
	    (r = il_json_str(json, "state", "status", &text, err)) < 0)
		return r;
	/* The name becomes part of a path when its reservation is removed. */
	if ((r = sandbox_name_check(rec.name, err)) < 0)
		return r;
	rec.exited = strcmp(text, "exited") == 0;
	rec.auto_remove = json_is_true(json_object_get(json, "auto_remove"));
	rec.named = json_is_true(json_object_get(json, "named"));
	*ret = rec;
	rec = (struct sandbox_record){0};
	return 0;
}

int sandbox_id_new(char *id, struct il_err *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[SANDBOX_ID_LEN / 2];

	/* Up to 256 bytes come whole once the kernel's pool is ready (getrandom(2)). */
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return il_fail(err, errno, "get random bytes");
	for (size_t i = 0; i < SANDBOX_ID_LEN / 2; i++) {
		id[2 * i] = digits[raw[i] >> 4];
		id[2 * i + 1] = digits[raw[i] & 15];
	}
	id[SANDBOX_ID_LEN] = '\0';
	return 0;
}

bool sandbox_id_is_valid(const char *text)
{
	return strlen(text) == SANDBOX_ID_LEN && strspn(text, "0123456789abcdef") == SANDBOX_ID_LEN;
}

int sandbox_name_check(const char *name, struct il_err *err)
{
	static const char first[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char more[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	size_t len = strlen(name);

	if (len == 0 || len > SANDBOX_NAME_MAX || !strchr(first, name[0]) ||
	    strspn(name, more) != len)
		return il_refuse(err, EINVAL,
				 "'%s' is not a name: use up to %d of a-z A-Z 0-9 _ . -, "
				 "beginning with a letter or digit",
				 name, SANDBOX_NAME_MAX);
	return 0;
}

char *sandbox_name_for_id(const char *id)
{
	static const char *const moods[] = {
	    "agile", "brave", "calm",  "clever", "eager", "fair",  "gentle", "happy",
	    "jolly", "keen",  "light", "lucid",  "merry", "noble", "quick",  "quiet",
	};
	static const char *const people[] = {
	    "babbage", "bohr",     "curie",  "dijkstra", "euler",   "fermi",
	    "gauss",   "hamilton", "hopper", "lovelace", "noether", "pascal",
	    "perlman", "ritchie",  "turing", "wing",
	};
	unsigned int mood = (unsigned char)id[SANDBOX_ID_LEN - 1] % ARRAY_SIZE(moods);
	unsigned int who = (unsigned char)id[SANDBOX_ID_LEN - 2] % ARRAY_SIZE(people);

	return il_strf("%s_%s_%.4s", moods[mood], people[who], id);
}
