// SPDX-License-Identifier: Apache-2.0
/* The supervisor's side of an instance's state: make it, finish it. */
#include "sandbox/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "sandbox/state.h"

int sandbox_instance_init_id(struct sandbox_instance *inst, struct il_err *err)
{
	*inst = (struct sandbox_instance){.dir_fd = -1};
	return sandbox_id_new(inst->rec.id, err);
}

void sandbox_instance_done(struct sandbox_instance *inst)
{
	closep(&inst->dir_fd);
	freep(&inst->dir);
	sandbox_record_done(&inst->rec);
}

/* JSON is UTF-8, command lines need not be: foreign bytes become '?' in the record. */
static json_t *json_text(const char *text)
{
	json_t *j = json_string(text);
	char *copy = j ? NULL : strdup(text);

	if (j || !copy)
		return j;
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	j = json_string(copy);
	free(copy);
	return j;
}

static int fill_record(struct sandbox_record *rec, const struct sandbox_new *what)
{
	rec->name = what->name ? strdup(what->name) : sandbox_name_for_id(rec->id);
	rec->kind = strdup(what->kind);
	rec->image = strdup(what->image);
	rec->image_id = strdup(what->image_id);
	rec->command = json_array();
	rec->created_ns = il_wall_ns();
	rec->supervisor = getpid();
	rec->auto_remove = what->auto_remove;
	rec->named = what->name != NULL;
	if (!rec->name || !rec->kind || !rec->image || !rec->image_id || !rec->command)
		return -ENOMEM;
	for (size_t i = 0; what->command[i]; i++)
		if (json_array_append_new(rec->command, json_text(what->command[i])) < 0)
			return -ENOMEM;
	return 0;
}

/* The state directories are made when it shows that they are missing. */
static int open_parent(const char *root, const char *sub)
{
	int fd = state_open_dir(root, sub);

	if (fd != -ENOENT)
		return fd;
	int r = state_make_dirs(root);
	return r < 0 ? r : state_open_dir(root, sub);
}

/* Reserve the name; a reservation without an instance is a killed command's. */
static int reserve_name(const char *root, const struct sandbox_record *rec, struct il_err *err)
{
	_cleanup_(freep) char *path = il_strf("%s/" STATE_DIR_NAMES "/%s", root, rec->name);
	char holder[SANDBOX_ID_LEN + 1];

	if (!path)
		return il_fail(err, ENOMEM, "reserve the name '%s'", rec->name);
	for (int tries = 0; tries < 3; tries++) {
		if (symlink(rec->id, path) == 0)
			return 0;
		if (errno != EEXIST)
			return il_fail(err, errno, "reserve the name '%s'", rec->name);
		ssize_t n = readlink(path, holder, sizeof(holder) - 1);
		if (n < 0)
			continue;
		holder[n] = '\0';
		if (state_sweep_name(root, holder))
			return il_refuse(err, EEXIST,
					 "the name '%s' is in use by %.12s: take another, or "
					 "remove it with 'isolab rm %s'",
					 rec->name, holder, rec->name);
		unlink(path);
	}
	return il_refuse(err, EEXIST, "the name '%s' is in use", rec->name);
}

static int make_and_lock(struct sandbox_instance *inst, const char *root, struct il_err *err)
{
	const char *sub = state_live_dir(&inst->rec);
	const char *id = inst->rec.id;
	_cleanup_(closep) int parent_fd = open_parent(root, sub);

	if (parent_fd < 0)
		return il_fail(err, -parent_fd, "open the state directory '%s/%s'", root, sub);
	inst->dir = il_strf("%s/%s/%s", root, sub, id);
	if (!inst->dir)
		return il_fail(err, ENOMEM, "make the instance directory");
	if (mkdirat(parent_fd, id, 0700) < 0)
		return il_fail(err, errno, "make the instance directory '%s'", inst->dir);
	/* A sweeper may hold the lock for a moment; it leaves fresh directories alone. */
	inst->dir_fd = state_lock_instance(parent_fd, id, /* wait= */ true);
	if (inst->dir_fd >= 0)
		return 0;
	int r = il_fail(err, -inst->dir_fd, "lock '%s'", inst->dir);
	inst->dir_fd = -1;
	unlinkat(parent_fd, id, AT_REMOVEDIR);
	return r;
}

int sandbox_instance_create(struct sandbox_instance *inst, const struct sandbox_new *what,
			    struct il_err *err)
{
	int r = what->name ? sandbox_name_check(what->name, err) : 0;

	if (r < 0)
		return r;
	if (fill_record(&inst->rec, what) < 0)
		return il_fail(err, ENOMEM, "record the instance");
	inst->root = what->root;
	r = make_and_lock(inst, what->root, err);
	if (r < 0)
		return r;
	if (inst->rec.named)
		r = reserve_name(what->root, &inst->rec, err);
	if (r == 0) {
		r = state_save(inst->dir_fd, &inst->rec, /* fresh= */ true);
		if (r < 0)
			il_fail(err, -r, "write '%s/" STATE_FILE "'", inst->dir);
	}
	if (r < 0) {
		/* Only a reservation of our own is removed. */
		int r2 = state_drop(what->root, state_live_dir(&inst->rec), &inst->rec);
		(void)r2;
		closep(&inst->dir_fd);
	}
	return r;
}

/* Mostly the record is all there is in the directory. */
static int remove_own(struct sandbox_instance *inst)
{
	const struct sandbox_record *rec = &inst->rec;

	if (!rec->named && unlinkat(inst->dir_fd, STATE_FILE, 0) == 0 && rmdir(inst->dir) == 0)
		return 0;
	return state_drop(inst->root, state_live_dir(rec), rec);
}

int sandbox_instance_finish(struct sandbox_instance *inst, int exit_status, struct il_err *err)
{
	struct sandbox_record *rec = &inst->rec;
	int r = 0;

	if (inst->dir_fd < 0)
		return 0;
	rec->exited = true;
	rec->exit_status = exit_status;
	rec->finished_ns = il_wall_ns();
	if (rec->auto_remove) {
		r = remove_own(inst);
		if (r < 0)
			il_fail(err, -r, "remove the instance directory '%s'", inst->dir);
	} else {
		r = state_save(inst->dir_fd, rec, /* fresh= */ false);
		if (r == 0)
			r = state_keep(inst->root, rec->id);
		if (r < 0)
			il_fail(err, -r, "record the end of the instance in '%s'", inst->dir);
	}
	closep(&inst->dir_fd);
	return r;
}
