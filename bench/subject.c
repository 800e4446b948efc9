// SPDX-License-Identifier: Apache-2.0
#include "bench/subject.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "bench/interrupt.h"
#include "bench/progress.h"
#include "sandbox/kind.h"

#define VERSION_TIMEOUT_NS (20 * IL_NS_PER_S)

const struct driver *peer_find(const char *name)
{
	for (size_t i = 0; peer_drivers[i]; i++) {
		const struct driver *d = peer_drivers[i];

		if (strcmp(d->name, name) == 0 || (d->alias && strcmp(d->alias, name) == 0))
			return d;
	}
	return NULL;
}

static int add(struct subjects *list, const struct driver *driver, const char *name,
	       const char *description, struct il_err *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->list[i].name, name) == 0)
			return 0; /* named twice: measured once */
	if (list->n == SUBJECTS_MAX)
		return il_refuse(err, E2BIG, "more than %d kinds and peers", SUBJECTS_MAX);
	struct subject *s = &list->list[list->n++];
	*s = (struct subject){.driver = driver};
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->description, sizeof(s->description), "%s", description);
	return 0;
}

static int add_kind(struct subjects *list, const char *word, struct il_err *err)
{
	const struct sandbox_kind *kind = sandbox_kind_find(word);
	_cleanup_(il_buf_done) struct il_buf known = {0};

	/* "null" is the harness's own row; the kind of that name is isolab's command alone. */
	if (kind)
		return add(list, &kind_driver, strcmp(word, "null") ? word : "isolab-null",
			   kind->description, err);
	for (size_t i = 0; sandbox_kinds[i]; i++)
		il_buf_printf(&known, "%s%s", i ? ", " : "", sandbox_kinds[i]->name);
	return il_refuse(err, EINVAL, "--as: unknown kind '%s' (known: %s)", word,
			 known.data ? known.data : "none");
}

static int add_peer(struct subjects *list, const char *word, struct il_err *err)
{
	const struct driver *d = peer_find(word);
	_cleanup_(il_buf_done) struct il_buf known = {0};

	if (d)
		return add(list, d, d->name, d->description, err);
	for (size_t i = 0; peer_drivers[i]; i++)
		il_buf_printf(&known, "%s%s", i ? ", " : "", peer_drivers[i]->name);
	return il_refuse(err, EINVAL, "--peers: unknown peer '%s' (known: %s, all, none)", word,
			 known.data ? known.data : "none");
}

static int parse_words(const char *text, struct subjects *list,
		       int (*each)(struct subjects *, const char *, struct il_err *),
		       struct il_err *err)
{
	char *save = NULL;
	int r = 0;

	if (strcmp(text, "none") == 0)
		return 0;
	_cleanup_(freep) char *copy = strdup(text);
	if (!copy)
		return il_fail(err, ENOMEM, "read a list");
	for (char *w = strtok_r(copy, ", ", &save); w && r == 0; w = strtok_r(NULL, ", ", &save))
		r = each(list, w, err);
	return r;
}

int subjects_parse(const char *as, const char *peers, struct subjects *ret, struct il_err *err)
{
	int r;

	ret->n = 0;
	r = parse_words(as, ret, add_kind, err);
	if (r < 0 || strcmp(peers, "all") != 0)
		return r < 0 ? r : parse_words(peers, ret, add_peer, err);
	for (size_t i = 0; peer_drivers[i] && r == 0; i++)
		r = add_peer(ret, peer_drivers[i]->name, err);
	return r;
}

void subject_skip(struct subject *s, const struct il_err *err)
{
	free(s->skipped);
	s->skipped = strdup(err->msg[0] ? err->msg : "it cannot run here");
}

/* The first line of `PROGRAM --version`; left empty when there is none. */
static void find_version(struct subject *s)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	_cleanup_(il_buf_done) struct il_buf out = {0};

	if (s->driver == &kind_driver) {
		snprintf(s->version, sizeof(s->version), "isolab " IL_VERSION);
		return;
	}
	if (!s->program || !s->driver->version_argv[0])
		return;
	strv_add(&c.argv, s->program);
	strv_add(&c.argv, s->driver->version_argv[1]);
	if (strv_check(&c.argv) == 0 && command_run(&c, VERSION_TIMEOUT_NS, &out, NULL) == 0 &&
	    out.data)
		snprintf(s->version, sizeof(s->version), "%.*s",
			 (int)IL_MIN(strcspn(out.data, "\n"), sizeof(s->version) - 1), out.data);
}

static int prepare_one(const struct bench_env *env, struct subject *s, struct il_err *err)
{
	int r = 0;

	if (s->driver->version_argv[0])
		r = peer_need_program(s, s->driver->version_argv[0], err);
	if (r == 0 && s->driver->probe)
		r = s->driver->probe(env, s, err);
	if (r < 0)
		return r;
	find_version(s);
	s->prepared = true;
	return s->driver->prepare ? s->driver->prepare(env, s, err) : 0;
}

int subjects_prepare(const struct bench_env *env, struct subjects *list, struct il_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct subject *s = &list->list[i];
		struct il_err why = {0};

		progress_step("preparing %s", s->name);
		if (prepare_one(env, s, &why) < 0)
			subject_skip(s, &why);
		int r = interrupt_check(err);
		if (r < 0)
			return r;
	}
	return 0;
}

void subjects_cleanup(const struct bench_env *env, struct subjects *list)
{
	for (size_t i = list->n; i-- > 0;) {
		struct subject *s = &list->list[i];

		if (s->prepared && s->driver->cleanup)
			s->driver->cleanup(env, s);
		free(s->skipped);
		free(s->program);
		*s = (struct subject){0};
	}
	list->n = 0;
}

void start_init(struct start *start, char *const *workload)
{
	static atomic_uint_fast64_t counter; /* starts may be made by several threads */

	*start = (struct start){.workload = workload, .timeline_fd = -1};
	snprintf(start->id, sizeof(start->id), "isolab-bench-%d-%llu", (int)getpid(),
		 (unsigned long long)atomic_fetch_add(&counter, 1));
}

int peer_need_program(struct subject *s, const char *program, struct il_err *err)
{
	if (s->program)
		return 0;
	return command_find(program, &s->program, err);
}

int peer_need_root(struct il_err *err)
{
	return geteuid() == 0 ? 0 : il_refuse(err, EPERM, "it needs root here: run as root");
}
