/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of the on-disk state that instance.c (the supervisor's side) and state.c (every
 * other command's side) share. Private to sandbox/.
 */
#ifndef IL_SANDBOX_STATE_H
#define IL_SANDBOX_STATE_H

#include "sandbox/instance.h"

#define STATE_FILE          "state.json"
#define STATE_FILE_MAX      (8u << 20) /* a record holds the whole command */
#define STATE_DIR_RUN       "run"      /* alive, --rm */
#define STATE_DIR_KEPT      "kept"     /* alive, not --rm */
#define STATE_DIR_EXITED    "exited"   /* ended, not --rm */
#define STATE_DIR_NAMES     "names"
#define STATE_STATUS_KILLED 137 /* 128 + SIGKILL: what a killed supervisor's instance gets */

/* state_live_dir: where a living instance's directory is. Static string. */
static inline const char *state_live_dir(const struct sandbox_record *rec)
{
	return rec->auto_remove ? STATE_DIR_RUN : STATE_DIR_KEPT;
}

/*
 * state_make_dirs: make the directories below @root (rundir.c). ROOT/run becomes a symbolic
 * link into a tmpfs where there is one: what lives in it never outlives a boot, and making
 * and removing a directory on disk was measured as a fifth of a process instance's whole
 * life. Returns 0 or -errno.
 */
int state_make_dirs(const char *root) IL_MUST_CHECK;

/*
 * state_open_dir: open ROOT/@sub as a directory, which must be ours and writable by nobody
 * else (ROOT/run may lead into a directory shared with others). Owned fd or -errno; -ENOENT
 * also when it is not ours, so that a new one is made.
 */
int state_open_dir(const char *root, const char *sub) IL_MUST_CHECK;

/*
 * state_lock_instance: open and flock the directory @id below @parent_fd.
 * Returns an owned fd; -EWOULDBLOCK when a supervisor holds it; -ENOENT when it is gone.
 */
int state_lock_instance(int parent_fd, const char *id, bool wait) IL_MUST_CHECK;

/* state_save: write the record into @dir_fd. @fresh: there is none yet. 0 or -errno. */
int state_save(int dir_fd, const struct sandbox_record *rec, bool fresh) IL_MUST_CHECK;

/* state_load: read the record in @dir_fd. 0 or -errno. */
int state_load(int dir_fd, struct sandbox_record *ret, struct il_err *err) IL_MUST_CHECK;

/* state_keep: move ROOT/kept/ID to ROOT/exited/ID. 0 or -errno. */
int state_keep(const char *root, const char *id) IL_MUST_CHECK;

/* state_drop: remove @sub/ID with everything in it, and its name's reservation. */
int state_drop(const char *root, const char *sub, const struct sandbox_record *rec) IL_MUST_CHECK;

/* state_sweep_id: clean up @sub/ID, open as @parent_fd, if its supervisor was killed. */
void state_sweep_id(const char *root, const char *sub, int parent_fd, const char *id);

/* state_sweep_name: the same for an id that may be in any directory. True = it lives on. */
bool state_sweep_name(const char *root, const char *id);

#endif
