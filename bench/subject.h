/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be measured: isolab's kinds and the peers, behind one table of functions. A
 * peer is one row of peers.c and one file peer_NAME.c.
 */
#ifndef IL_BENCH_SUBJECT_H
#define IL_BENCH_SUBJECT_H

#include "bench/bench.h"
#include "bench/command.h"
#include "bench/launch.h"

#define SUBJECTS_MAX 32

struct img_image;
struct img_store;
struct subject;

/* What subjects are prepared from. */
struct bench_env {
	const struct bench_options *options;
	char *work;                   /* owned; private directory, removed at the end */
	char *self;                   /* owned; path of this very binary */
	char *rootfs;                 /* owned; a copy of the image's root for the peers, which
					 may write to it; NULL when no subject needs one */
	struct img_store *store;      /* owned */
	struct img_image *image;      /* owned */
	const char *const *image_env; /* borrowed from image; NULL-ended */
	uint64_t cpus;                /* of the host: the CPU limit is set to it, so that the
					 limit is configured but throttles nobody */
	int null_fd;                  /* owned; /dev/null */
};

/* One start to be made. */
struct start {
	char id[48];           /* unique on the host, for tools that want a name */
	char *const *workload; /* NULL-ended */
	bool idle;             /* keeps running until its stdin ends */
	int timeline_fd;       /* inherited by the command, which writes its trace there; -1 */
};

/* Every function may be NULL = nothing to do, but command. */
struct driver {
	const char *name;
	const char *type;        /* "kind" or "peer" */
	const char *description; /* what the figures include, for the result */
	const char *alias;       /* another name for it; may be NULL */
	bool needs_rootfs;
	bool no_instances;           /* startup only */
	const char *version_argv[3]; /* program and option whose first line is the version */

	/* Can it run here, for this user? 0, or -errno with the reason in words. */
	int (*probe)(const struct bench_env *env, const struct subject *s, struct il_err *err);
	/* Make what its starts share. On failure, cleanup is called too. */
	int (*prepare)(const struct bench_env *env, struct subject *s, struct il_err *err);
	/* The command of one start. @ret is COMMAND_INIT. */
	int (*command)(const struct bench_env *env, const struct subject *s,
		       const struct start *start, struct command *ret, struct il_err *err);
	/* Remove what a start that was killed left. Must accept that nothing was left. */
	void (*remove)(const struct bench_env *env, const struct subject *s, const char *id);
	/* Undo prepare, also half of it. */
	void (*cleanup)(const struct bench_env *env, struct subject *s);
};

struct subject {
	const struct driver *driver;
	char name[32];
	char version[128];
	char description[320];
	char *skipped; /* owned; why it can't run here */
	char *program; /* owned; path of the peer's program; may be NULL */
	void *state;   /* the driver's, owned by it */
	bool prepared; /* cleanup is due */
	bool broken;   /* every start so far failed: not tried any more */
};

struct subjects {
	struct subject list[SUBJECTS_MAX];
	size_t n;
};

/* The rows of peers.c, ended by NULL; and what isolab's own kinds share. */
extern const struct driver *const peer_drivers[];
extern const struct driver kind_driver;

/* peer_find: the row with this name or alias, or NULL. */
const struct driver *peer_find(const char *name);

/*
 * subjects_parse: fill the list from "--as" and "--peers" words.
 * Returns 0, or -EINVAL naming the unknown word and the known ones.
 */
int subjects_parse(const char *as, const char *peers, struct subjects *ret,
		   struct il_err *err) IL_MUST_CHECK;

/*
 * subjects_prepare: probe and prepare each; one that can't is skipped, not an error.
 * Returns 0, or -EINTR.
 */
int subjects_prepare(const struct bench_env *env, struct subjects *s,
		     struct il_err *err) IL_MUST_CHECK;

/* subjects_cleanup: undo subjects_prepare and free; safe on a half-made list. */
void subjects_cleanup(const struct bench_env *env, struct subjects *s);

/* subject_skip: mark as skipped for the sentence in @err. */
void subject_skip(struct subject *s, const struct il_err *err);

/* start_init: a start with a new id. */
void start_init(struct start *start, char *const *workload);

/* peer_need_program / peer_need_root: parts of probes. 0 or -errno with the reason. */
int peer_need_program(struct subject *s, const char *program, struct il_err *err) IL_MUST_CHECK;
int peer_need_root(struct il_err *err) IL_MUST_CHECK;

#endif
