// SPDX-License-Identifier: Apache-2.0
#include "bench/report_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Append to a path, cutting what does not fit. */
static void append_path(struct rep_where *w, const char *text)
{
	size_t len = strlen(w->path);
	size_t add = strnlen(text, sizeof(w->path) - 1 - len);

	memcpy(w->path + len, text, add);
	w->path[len + add] = '\0';
}

struct rep_where rep_below(const char *path, const char *key)
{
	struct rep_where w = {.path = ""};

	append_path(&w, path);
	append_path(&w, ".");
	append_path(&w, key);
	return w;
}

struct rep_where rep_at(const char *path, const char *key, size_t index)
{
	struct rep_where w = rep_below(path, key);
	char number[24];

	snprintf(number, sizeof(number), "[%zu]", index);
	append_path(&w, number);
	return w;
}

int rep_wrong(struct il_err *err, const char *path, const char *key, const char *want)
{
	return il_refuse(err, EINVAL, "%s.%.64s: expected %s", path, key, want);
}

/* An optional number: missing or null is NAN. */
int rep_get_num(const json_t *obj, const char *path, const char *key, double *ret,
		struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NAN;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_number(v))
		return rep_wrong(err, path, key, "a number");
	*ret = json_number_value(v);
	return 0;
}

/* An optional string: missing or null is NULL. */
int rep_get_str(const json_t *obj, const char *path, const char *key, const char **ret,
		struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return rep_wrong(err, path, key, "a string");
	*ret = json_string_value(v);
	return 0;
}

int rep_get_typed(const json_t *obj, const char *path, const char *key, json_type type,
		  const json_t **ret, struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (json_typeof(v) != type)
		return rep_wrong(err, path, key, type == JSON_ARRAY ? "an array" : "an object");
	*ret = v;
	return 0;
}

int rep_get_bool(const json_t *obj, const char *path, const char *key, bool *ret,
		 struct il_err *err)
{
	const json_t *v = json_object_get(obj, key);

	*ret = false;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_boolean(v))
		return rep_wrong(err, path, key, "true or false");
	*ret = json_is_true(v);
	return 0;
}

/* An optional [low, high]; the ends may be null. */
int rep_get_interval(const json_t *obj, const char *path, const char *key, double ret[2],
		     struct il_err *err)
{
	const json_t *v = NULL;
	int r = rep_get_typed(obj, path, key, JSON_ARRAY, &v, err);

	ret[0] = ret[1] = NAN;
	if (r < 0 || !v)
		return r;
	if (json_array_size(v) != 2)
		return rep_wrong(err, path, key, "two numbers, [low, high]");
	for (size_t i = 0; i < 2; i++) {
		const json_t *end = json_array_get(v, i);

		if (!json_is_number(end) && !json_is_null(end))
			return rep_wrong(err, path, key, "two numbers, [low, high]");
		ret[i] = json_is_number(end) ? json_number_value(end) : NAN;
	}
	return 0;
}

int rep_get_nums(const json_t *obj, const char *path, const struct rep_num_field *fields, size_t n,
		 struct il_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = rep_get_num(obj, path, fields[i].key, fields[i].to, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int rep_get_strs(const json_t *obj, const char *path, const struct rep_str_field *fields, size_t n,
		 struct il_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int r = rep_get_str(obj, path, fields[i].key, fields[i].to, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int rep_check_object(const json_t *e, const char *path, struct il_err *err)
{
	if (!json_is_object(e))
		return il_refuse(err, EINVAL, "%s: expected an object", path);
	return 0;
}

int rep_get_list(const json_t *obj, const char *path, const char *key, struct rep_list *list,
		 struct il_err *err)
{
	const json_t *array = NULL;
	int r = rep_get_typed(obj, path, key, JSON_ARRAY, &array, err);

	if (r < 0 || !array)
		return r;
	list->items = calloc(json_array_size(array) + 1, list->item_size);
	if (!list->items)
		return il_fail(err, ENOMEM, "read the result");
	for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
		const json_t *e = json_array_get(array, i);
		struct rep_where w = rep_at(path, key, i);

		list->count = i + 1; /* a half read item counts: it may own something */
		r = rep_check_object(e, w.path, err);
		if (r == 0)
			r = list->read(e, w.path, (char *)list->items + i * list->item_size, err);
	}
	return r;
}
