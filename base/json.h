/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Glue around jansson: bounded loading, and typed member look-ups whose errors name the
 * JSON path ("config.Env[3]: expected a string, found integer"). The scope closer for a
 * json_t is jansson's own: `json_auto_t *j = NULL`.
 */
#ifndef IL_BASE_JSON_H
#define IL_BASE_JSON_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

/*
 * il_json_parse: parse a whole document; duplicate keys are refused.
 * @what  what the text is ("manifest sha256:..."), for the message
 *
 * Returns 0 and an owned reference in *ret, or -EINVAL.
 */
int il_json_parse(const char *text, size_t len, const char *what, json_t **ret,
		  struct il_err *err) IL_MUST_CHECK;

/* il_json_load: the same for a file of at most @max_len bytes; also -errno of reading it. */
int il_json_load(int dirfd, const char *path, size_t max_len, json_t **ret,
		 struct il_err *err) IL_MUST_CHECK;

/*
 * Member look-ups. @path names @obj in messages. A missing or null member is -ENOENT
 * without a message when @err is NULL, with one otherwise; a wrong type is -EINVAL.
 * Returned strings and objects are borrowed from @obj.
 */
int il_json_str(const json_t *obj, const char *path, const char *key, const char **ret,
		struct il_err *err) IL_MUST_CHECK;
int il_json_u64(const json_t *obj, const char *path, const char *key, uint64_t *ret,
		struct il_err *err) IL_MUST_CHECK;
int il_json_obj(const json_t *obj, const char *path, const char *key, json_t **ret,
		struct il_err *err) IL_MUST_CHECK;
int il_json_arr(const json_t *obj, const char *path, const char *key, json_t **ret,
		struct il_err *err) IL_MUST_CHECK;

/* il_json_save: write @j to @path by rename, indented, with a newline. 0 or -errno. */
int il_json_save(int dirfd, const char *path, const json_t *j, struct il_err *err) IL_MUST_CHECK;

#endif
