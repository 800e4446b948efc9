/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optional members of a result file, with their types checked. A missing or null member is
 * no error: it reads as NAN, NULL or false. A wrong type is -EINVAL, with a sentence that
 * names the member by its JSON path. @path is the path of @obj.
 */
#ifndef IL_BENCH_REPORT_READ_H
#define IL_BENCH_REPORT_READ_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

/* A path as "document.subjects[2].summary"; a hostile key can be long: it is cut. */
struct rep_where {
	char path[200];
};

struct rep_where rep_below(const char *path, const char *key);
struct rep_where rep_at(const char *path, const char *key, size_t index);

/* rep_wrong: record that @key of @path is not @want ("a number"). Returns -EINVAL. */
int rep_wrong(struct il_err *err, const char *path, const char *key, const char *want);

/* rep_check_object: -EINVAL unless @e, found at @path, is an object. */
int rep_check_object(const json_t *e, const char *path, struct il_err *err) IL_MUST_CHECK;

int rep_get_num(const json_t *obj, const char *path, const char *key, double *ret,
		struct il_err *err) IL_MUST_CHECK;
int rep_get_bool(const json_t *obj, const char *path, const char *key, bool *ret,
		 struct il_err *err) IL_MUST_CHECK;
/* The string is borrowed from @obj. */
int rep_get_str(const json_t *obj, const char *path, const char *key, const char **ret,
		struct il_err *err) IL_MUST_CHECK;
/* An array or object, borrowed from @obj. */
int rep_get_typed(const json_t *obj, const char *path, const char *key, json_type type,
		  const json_t **ret, struct il_err *err) IL_MUST_CHECK;
/* [low, high]; the ends may be null. */
int rep_get_interval(const json_t *obj, const char *path, const char *key, double ret[2],
		     struct il_err *err) IL_MUST_CHECK;

/* Several members in one go. */
struct rep_num_field {
	const char *key;
	double *to;
};
struct rep_str_field {
	const char *key;
	const char **to;
};
int rep_get_nums(const json_t *obj, const char *path, const struct rep_num_field *fields, size_t n,
		 struct il_err *err) IL_MUST_CHECK;
int rep_get_strs(const json_t *obj, const char *path, const struct rep_str_field *fields, size_t n,
		 struct il_err *err) IL_MUST_CHECK;

typedef int (*rep_read_fn)(const json_t *e, const char *path, void *item, struct il_err *err);

/* An array of objects that becomes an array of structs. */
struct rep_list {
	size_t item_size;
	rep_read_fn read; /* reads one from the object @e into zeroed memory */
	void *items;      /* out: owned by the caller after any result; NULL: no such array */
	size_t count;     /* out */
};
int rep_get_list(const json_t *obj, const char *path, const char *key, struct rep_list *list,
		 struct il_err *err) IL_MUST_CHECK;

#endif
