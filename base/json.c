// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/fd.h"

/*
 * jansson seeds its hash tables from /dev/urandom: three system calls that every start would
 * pay. The kernel has put 16 random bytes beside argv already (getauxval(3), AT_RANDOM).
 */
static void seed_hashes(void)
{
	unsigned long at = getauxval(AT_RANDOM);
	size_t seed = 0;

	if (at)
		memcpy(&seed, (const void *)at, sizeof(seed)); /* NOLINT: an address by contract */
	json_object_seed(seed); /* 0 lets jansson choose; later calls do nothing */
}

int il_json_parse(const char *text, size_t len, const char *what, json_t **ret, struct il_err *err)
{
	json_error_t je;

	seed_hashes();
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);

	if (!j)
		return il_refuse(err, EINVAL, "%s is not valid JSON: line %d, column %d: %s", what,
				 je.line, je.column, je.text);
	*ret = j;
	return 0;
}

int il_json_load(int dirfd, const char *path, size_t max_len, json_t **ret, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r = il_read_file(dirfd, path, max_len, &text, &len);

	if (r < 0)
		return il_fail(err, -r, "read '%s'", path);
	return il_json_parse(text, len, path, ret, err);
}

static const char *type_name(const json_t *j)
{
	static const char *const names[] = {
	    [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
	    [JSON_INTEGER] = "integer", [JSON_REAL] = "real",   [JSON_TRUE] = "true",
	    [JSON_FALSE] = "false",     [JSON_NULL] = "null",
	};

	return names[json_typeof(j)];
}

static int member(const json_t *obj, const char *path, const char *key, json_type want,
		  json_t **ret, struct il_err *err)
{
	json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return il_refuse(err, ENOENT, "%s.%s is missing", path, key);
	if (json_typeof(v) != want)
		return il_refuse(err, EINVAL, "%s.%s: expected %s, found %s", path, key,
				 want == JSON_STRING    ? "a string"
				 : want == JSON_INTEGER ? "an integer"
				 : want == JSON_OBJECT  ? "an object"
							: "an array",
				 type_name(v));
	*ret = v;
	return 0;
}

int il_json_str(const json_t *obj, const char *path, const char *key, const char **ret,
		struct il_err *err)
{
	json_t *v = NULL;
	int r = member(obj, path, key, JSON_STRING, &v, err);

	if (r == 0)
		*ret = json_string_value(v);
	return r;
}

int il_json_u64(const json_t *obj, const char *path, const char *key, uint64_t *ret,
		struct il_err *err)
{
	json_t *v = NULL;
	int r = member(obj, path, key, JSON_INTEGER, &v, err);

	if (r < 0)
		return r;
	if (json_integer_value(v) < 0)
		return il_refuse(err, EINVAL, "%s.%s: expected a number of at least 0", path, key);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

int il_json_obj(const json_t *obj, const char *path, const char *key, json_t **ret,
		struct il_err *err)
{
	return member(obj, path, key, JSON_OBJECT, ret, err);
}

int il_json_arr(const json_t *obj, const char *path, const char *key, json_t **ret,
		struct il_err *err)
{
	return member(obj, path, key, JSON_ARRAY, ret, err);
}

int il_json_save(int dirfd, const char *path, const json_t *j, struct il_err *err)
{
	_cleanup_(freep) char *text = json_dumps(j, JSON_INDENT(2) | JSON_PRESERVE_ORDER);

	if (!text)
		return il_fail(err, ENOMEM, "write '%s'", path);
	size_t len = strlen(text);
	text[len] = '\n'; /* over the NUL: the length is passed on */
	int r = il_write_file_atomic(dirfd, path, text, len + 1, 0600);
	if (r < 0)
		return il_fail(err, -r, "write '%s'", path);
	return 0;
}
