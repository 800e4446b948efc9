/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of an instance: what is kept of it on disk, as state.json.
 */
#ifndef IL_SANDBOX_RECORD_H
#define IL_SANDBOX_RECORD_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_ID_LEN       64 /* hex digits */
#define SANDBOX_SHORT_ID_LEN 12
#define SANDBOX_NAME_MAX     128

struct sandbox_record {
	char id[SANDBOX_ID_LEN + 1];
	char *name;          /* owned, as the rest */
	char *kind;          /* "container" */
	char *image;         /* full reference */
	char *image_id;      /* config digest */
	json_t *command;     /* array of strings */
	uint64_t created_ns; /* wall clock, since the epoch */
	pid_t supervisor;    /* the process that ran or runs it */
	bool auto_remove;    /* --rm */
	bool named;          /* the name was given by the user: it is reserved in names/ */
	bool exited;
	int exit_status; /* as `run` exits with; valid when exited */
	uint64_t finished_ns;
};

/* sandbox_record_done: free what @rec owns; @rec is empty again. Also a scope closer. */
void sandbox_record_done(struct sandbox_record *rec);

/* sandbox_record_to_json: returns a new reference, or NULL when memory is out. */
json_t *sandbox_record_to_json(const struct sandbox_record *rec) IL_MUST_CHECK;

/*
 * sandbox_record_from_json: fill *ret from a state file's content, which is checked.
 * Returns 0, or -EINVAL naming the bad member, or -ENOMEM; *ret is then empty.
 */
int sandbox_record_from_json(const json_t *json, struct sandbox_record *ret,
			     struct il_err *err) IL_MUST_CHECK;

/* sandbox_id_new: a random id of SANDBOX_ID_LEN hex digits and a NUL. 0 or -errno. */
int sandbox_id_new(char *id, struct il_err *err) IL_MUST_CHECK;

/* sandbox_id_is_valid: exactly SANDBOX_ID_LEN lower-case hex digits. */
bool sandbox_id_is_valid(const char *text);

/* sandbox_name_check: docker's rule, [a-zA-Z0-9][a-zA-Z0-9_.-]*. 0 or -EINVAL. */
int sandbox_name_check(const char *name, struct il_err *err) IL_MUST_CHECK;

/* sandbox_name_for_id: an owned name to remember an id by ("calm_fermi_3f2a"), or NULL. */
char *sandbox_name_for_id(const char *id) IL_MUST_CHECK;

#endif
