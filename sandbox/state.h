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
#define STATE_DIR_RUN       "run"
#define STATE_DIR_EXITED    "exited"
#define STATE_DIR_NAMES     "names"
#define STATE_STATUS_KILLED 137 /* 128 + SIGKILL: what a killed supervisor's instance gets */

/* state_open_dir: open ROOT/@sub as a directory. Owned fd or -errno. */
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

/* state_keep: move ROOT/run/ID to ROOT/exited/ID. 0 or -errno. */
int state_keep(const char *root, const char *id) IL_MUST_CHECK;

/* state_drop: remove @sub/ID with everything in it, and its name's reservation. */
int state_drop(const char *root, const char *sub, const struct sandbox_record *rec) IL_MUST_CHECK;

/* state_sweep_id: clean up ROOT/run/ID if its supervisor was killed. */
void state_sweep_id(const char *root, int run_fd, const char *id);

#endif
