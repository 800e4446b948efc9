/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances on disk. No daemon: a directory per instance below the state root,
 *
 *	ROOT/run/ID/state.json     --rm, while its supervisor lives, or if it was killed
 *	ROOT/kept/ID/state.json    the same without --rm
 *	ROOT/exited/ID/state.json  afterwards, without --rm
 *	ROOT/names/NAME -> ID      names given by --name, reserved by symlink(2)
 *
 * The supervisor holds flock(2) on the directory ID for its life. A directory in run/ or
 * kept/ whose lock is free belongs to a supervisor that was killed: whoever finds it
 * (sandbox_sweep) takes the lock and cleans it up.
 */
#ifndef IL_SANDBOX_INSTANCE_H
#define IL_SANDBOX_INSTANCE_H

#include "sandbox/record.h"

/* An instance that the calling process supervises. */
struct sandbox_instance {
	struct sandbox_record rec;
	const char *root; /* the state directory; borrowed */
	char *dir;        /* owned absolute path of the instance's own directory */
	int dir_fd;       /* holds the lock; -1 = there is no directory (any more) */
};

/* What a new instance is. Everything is borrowed for the call. */
struct sandbox_new {
	const char *root;
	const char *name; /* NULL = make one up */
	const char *kind;
	const char *image;
	const char *image_id;
	const char *const *command; /* ends in NULL */
	bool auto_remove;
};

/* sandbox_instance_init_id: give *inst an id and make it empty otherwise. 0 or -errno. */
int sandbox_instance_init_id(struct sandbox_instance *inst, struct il_err *err) IL_MUST_CHECK;

/*
 * sandbox_instance_create: make the directory, lock it and record the instance as running.
 * @inst  has its id from sandbox_instance_init_id
 *
 * Returns 0; -EEXIST when the name is taken (by an instance that is not just the leftover
 * of a killed supervisor: such a one is cleaned away first); -EINVAL for a bad name; else
 * -errno. Nothing stays on failure.
 */
int sandbox_instance_create(struct sandbox_instance *inst, const struct sandbox_new *what,
			    struct il_err *err) IL_MUST_CHECK;

/*
 * sandbox_instance_finish: the workload is gone. Removes everything of the instance when
 * it was made with --rm, else records the exit status and keeps it.
 * Returns 0 or -errno. Unlocks.
 */
int sandbox_instance_finish(struct sandbox_instance *inst, int exit_status,
			    struct il_err *err) IL_MUST_CHECK;

/* sandbox_instance_done: free memory and the lock; removes nothing. Also a scope closer. */
void sandbox_instance_done(struct sandbox_instance *inst);

/* ---- looking at all instances ---- */

struct sandbox_list {
	struct sandbox_record *items; /* owned; newest first */
	size_t n;
};

/*
 * sandbox_list_get: the records of all running instances, and with @all of the kept ones.
 * Cleans up after killed supervisors on the way.
 */
int sandbox_list_get(const char *root, bool all, struct sandbox_list *ret,
		     struct il_err *err) IL_MUST_CHECK;
void sandbox_list_done(struct sandbox_list *list); /* also a scope closer */

/*
 * sandbox_find: the instance that @text names: its name, id, or the unique beginning of
 * its id.
 * Returns 0 and an owned record; -ENOENT none; -EEXIST several; else -errno.
 */
int sandbox_find(const char *root, const char *text, struct sandbox_record *ret,
		 struct il_err *err) IL_MUST_CHECK;

/* sandbox_remove: remove a kept instance. 0; -EBUSY if it is running; else -errno. */
int sandbox_remove(const char *root, const struct sandbox_record *rec,
		   struct il_err *err) IL_MUST_CHECK;

/*
 * sandbox_signal: ask the instance's supervisor to deliver @sig to the workload.
 * Returns 0; -ESRCH when the instance does not run; else -errno.
 */
int sandbox_signal(const char *root, const struct sandbox_record *rec, int sig,
		   struct il_err *err) IL_MUST_CHECK;

/*
 * sandbox_stop_wait: wait until the instance's supervisor is gone.
 * Returns 0; -ETIMEDOUT after @timeout_ns.
 */
int sandbox_stop_wait(const char *root, const struct sandbox_record *rec, uint64_t timeout_ns,
		      struct il_err *err) IL_MUST_CHECK;

/*
 * sandbox_sweep: clean up after supervisors that were killed.
 * @limit  look at no more than this many instances; 0 = at all
 *
 * Best effort: what cannot be cleaned is told at debug level and tried again next time.
 */
void sandbox_sweep(const char *root, size_t limit);

/*
 * The signal by which sandbox_signal asks: queued with the wanted signal, plus this
 * number, as its value, so that a plain kill(1) of that signal means only itself.
 */
#define SANDBOX_ASK_SIGNAL (SIGRTMAX)
#define SANDBOX_ASK_MAGIC  0x15010000

#endif
