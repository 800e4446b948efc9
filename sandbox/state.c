// SPDX-License-Identifier: Apache-2.0
/* State on disk as other commands see it: load, list, find, remove, sweep. */
#include "sandbox/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "sandbox/kind.h"

/* A directory without a record that is younger than this is still being made. */
#define FRESH_S 2

int state_open_dir(const char *root, const char *sub)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", root, sub) >= sizeof(path))
		return -ENAMETOOLONG;
	_cleanup_(closep) int fd = il_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == geteuid() && !(st.st_mode & 022) ? steal_fd(&fd) : -ENOENT;
}

int state_lock_instance(int parent_fd, const char *id, bool wait)
{
	_cleanup_(closep) int fd = il_open(parent_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return fd;
	int r = il_lock_fd(fd, wait);
	return r < 0 ? r : steal_fd(&fd);
}

int state_save(int dir_fd, const struct sandbox_record *rec, bool fresh)
{
	json_auto_t *json = sandbox_record_to_json(rec);
	_cleanup_(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		return -ENOMEM;
	if (!fresh)
		return il_write_file_atomic(dir_fd, STATE_FILE, text, strlen(text), 0600);
	/*
	 * The first one needs no rename: readers take a record that is not whole yet for an
	 * instance that is being made.
	 */
	_cleanup_(closep) int fd = il_open(dir_fd, STATE_FILE, O_WRONLY | O_CREAT | O_EXCL, 0600);
	return fd < 0 ? fd : il_write_full(fd, text, strlen(text));
}

int state_load(int dir_fd, struct sandbox_record *ret, struct il_err *err)
{
	json_auto_t *json = NULL;
	int r = il_json_load(dir_fd, STATE_FILE, STATE_FILE_MAX, &json, err);

	return r < 0 ? r : sandbox_record_from_json(json, ret, err);
}

int state_keep(const char *root, const char *id)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if ((size_t)snprintf(from, sizeof(from), "%s/" STATE_DIR_KEPT "/%s", root, id) >=
		sizeof(from) ||
	    (size_t)snprintf(to, sizeof(to), "%s/" STATE_DIR_EXITED "/%s", root, id) >= sizeof(to))
		return -ENAMETOOLONG;
	return rename(from, to) < 0 ? -errno : 0;
}

/* Remove the reservation if it is this instance's. */
static void release_name(const char *root, const struct sandbox_record *rec)
{
	char path[PATH_MAX];
	char holder[SANDBOX_ID_LEN + 1];

	if (!rec->named || !rec->name ||
	    (size_t)snprintf(path, sizeof(path), "%s/" STATE_DIR_NAMES "/%s", root, rec->name) >=
		sizeof(path))
		return;
	ssize_t n = readlink(path, holder, sizeof(holder));
	if (n == SANDBOX_ID_LEN && memcmp(holder, rec->id, SANDBOX_ID_LEN) == 0)
		unlink(path);
}

int state_drop(const char *root, const char *sub, const struct sandbox_record *rec)
{
	_cleanup_(closep) int parent_fd = state_open_dir(root, sub);

	if (parent_fd < 0)
		return parent_fd;
	release_name(root, rec);
	return il_remove_tree(parent_fd, rec->id);
}

/* ---- sweeping ---- */

static bool is_fresh(int dir_fd)
{
	struct stat st;

	return fstat(dir_fd, &st) == 0 && time(NULL) - st.st_ctime < FRESH_S;
}

/* Is the locked directory still the one that the name leads to? */
static bool still_there(int parent_fd, const char *id, int dir_fd)
{
	struct stat a;
	struct stat b;

	return fstat(dir_fd, &a) == 0 && fstatat(parent_fd, id, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int clean_kind(const struct sandbox_record *rec, struct il_err *err)
{
	const struct sandbox_kind *kind = rec->kind ? sandbox_kind_find(rec->kind) : NULL;

	if (kind)
		return kind->clean ? kind->clean(rec->id, err) : 0;
	/* No record was written: it may be any kind's. */
	for (size_t i = 0; sandbox_kinds[i]; i++) {
		int r = sandbox_kinds[i]->clean ? sandbox_kinds[i]->clean(rec->id, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* The lock is ours, so nobody else cleans this instance. */
static int sweep_locked(const char *root, const char *sub, int dir_fd, struct sandbox_record *rec,
			struct il_err *err)
{
	int r = clean_kind(rec, err);

	if (r < 0)
		return r;
	if (!rec->kind || strcmp(sub, STATE_DIR_KEPT) != 0)
		return state_drop(root, sub, rec);
	if (!rec->exited) {
		rec->exited = true;
		rec->exit_status = STATE_STATUS_KILLED;
		rec->finished_ns = il_wall_ns();
		r = state_save(dir_fd, rec, /* fresh= */ false);
		if (r < 0)
			return r;
	}
	return state_keep(root, rec->id);
}

void state_sweep_id(const char *root, const char *sub, int parent_fd, const char *id)
{
	_cleanup_(sandbox_record_done) struct sandbox_record rec = {0};
	struct il_err err = {0};
	_cleanup_(closep) int dir_fd = state_lock_instance(parent_fd, id, /* wait= */ false);

	if (dir_fd < 0 || !still_there(parent_fd, id, dir_fd))
		return;
	if (state_load(dir_fd, &rec, NULL) < 0) {
		if (is_fresh(dir_fd))
			return;
		memcpy(rec.id, id, sizeof(rec.id));
	}
	int r = strcmp(rec.id, id) == 0 ? sweep_locked(root, sub, dir_fd, &rec, &err) : -EINVAL;
	if (r < 0)
		il_debug("cannot clean up after instance %.12s: %s, ignoring", id,
			 err.code ? err.msg : strerror(-r));
}

static const char *const live_dirs[] = {STATE_DIR_RUN, STATE_DIR_KEPT};

bool state_sweep_name(const char *root, const char *id)
{
	_cleanup_(closep) int exited_fd = state_open_dir(root, STATE_DIR_EXITED);

	if (!sandbox_id_is_valid(id))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(live_dirs); i++) {
		_cleanup_(closep) int fd = state_open_dir(root, live_dirs[i]);

		if (fd < 0)
			continue;
		state_sweep_id(root, live_dirs[i], fd, id);
		if (faccessat(fd, id, F_OK, 0) == 0)
			return true;
	}
	return exited_fd >= 0 && faccessat(exited_fd, id, F_OK, 0) == 0;
}

/* ---- walking the directories ---- */

/* Called for each instance id in a directory; a result other than 0 ends the walk. */
typedef int (*walk_fn)(void *ctx, int dir_fd, const char *id);

static int walk(const char *root, const char *sub, walk_fn fn, void *ctx)
{
	int fd = state_open_dir(root, sub);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	_cleanup_(closedirp) DIR *dir = il_fdopendir(fd);
	if (!dir)
		return -errno;
	for (;;) {
		errno = 0;
		struct dirent *e = readdir(dir);
		if (!e)
			return -errno;
		int r = sandbox_id_is_valid(e->d_name) ? fn(ctx, fd, e->d_name) : 0;
		if (r != 0)
			return r;
	}
}

struct sweep {
	const char *root;
	const char *sub;
	size_t left; /* 0 = no limit */
};

static int sweep_one(void *ctx, int dir_fd, const char *id)
{
	struct sweep *s = ctx;

	state_sweep_id(s->root, s->sub, dir_fd, id);
	return s->left && --s->left == 0;
}

void sandbox_sweep(const char *root, size_t limit)
{
	struct sweep s = {.root = root, .left = limit};

	for (size_t i = 0; i < ARRAY_SIZE(live_dirs) && (limit == 0 || s.left > 0); i++) {
		s.sub = live_dirs[i];
		int r = walk(root, live_dirs[i], sweep_one, &s);
		if (r < 0)
			il_debug("look for instances of killed supervisors: %s, ignoring",
				 strerror(-r));
	}
}

struct collect {
	struct sandbox_list list;
	size_t cap;
};

static int collect_one(void *ctx, int parent_fd, const char *id)
{
	struct collect *c = ctx;
	struct sandbox_record rec = {0};
	_cleanup_(closep) int fd = il_open(parent_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	/* Gone meanwhile, or still being made. */
	if (fd < 0 || state_load(fd, &rec, NULL) < 0)
		return 0;
	if (strcmp(rec.id, id) != 0) {
		sandbox_record_done(&rec);
		return 0;
	}
	if (c->list.n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 16;
		struct sandbox_record *items = realloc(c->list.items, cap * sizeof(*items));

		if (!items) {
			sandbox_record_done(&rec);
			return -ENOMEM;
		}
		c->list.items = items;
		c->cap = cap;
	}
	c->list.items[c->list.n++] = rec;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = ((const struct sandbox_record *)a)->created_ns;
	uint64_t y = ((const struct sandbox_record *)b)->created_ns;

	return x < y ? 1 : x > y ? -1 : 0;
}

int sandbox_list_get(const char *root, bool all, struct sandbox_list *ret, struct il_err *err)
{
	struct collect c = {0};

	sandbox_sweep(root, 0);
	int r = walk(root, STATE_DIR_RUN, collect_one, &c);
	if (r == 0)
		r = walk(root, STATE_DIR_KEPT, collect_one, &c);
	if (r == 0 && all)
		r = walk(root, STATE_DIR_EXITED, collect_one, &c);
	if (r < 0) {
		sandbox_list_done(&c.list);
		return il_fail(err, -r, "list the instances in '%s'", root);
	}
	if (c.list.n)
		qsort(c.list.items, c.list.n, sizeof(*c.list.items), newest_first);
	*ret = c.list;
	return 0;
}

void sandbox_list_done(struct sandbox_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		sandbox_record_done(&list->items[i]);
	free(list->items);
	*list = (struct sandbox_list){0};
}

/* ---- one instance ---- */

int sandbox_find(const char *root, const char *text, struct sandbox_record *ret, struct il_err *err)
{
	_cleanup_(sandbox_list_done) struct sandbox_list list = {0};
	struct sandbox_record *hit = NULL;
	size_t len = strlen(text);
	int r = sandbox_list_get(root, /* all= */ true, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++) {
		struct sandbox_record *rec = &list.items[i];

		if (strcmp(rec->name, text) == 0 || strcmp(rec->id, text) == 0) {
			hit = rec;
			break;
		}
		if (len == 0 || strncmp(rec->id, text, len) != 0)
			continue;
		if (hit)
			r = -EEXIST;
		hit = rec;
	}
	if (!hit)
		return il_refuse(err, ENOENT, "there is no instance '%s' (see 'isolab ps -a')",
				 text);
	if (r < 0 && strcmp(hit->name, text) != 0 && strcmp(hit->id, text) != 0)
		return il_refuse(err, EEXIST, "'%s' is the beginning of several instance ids",
				 text);
	*ret = *hit;
	*hit = (struct sandbox_record){0};
	return 0;
}

/* 1 = a supervisor holds the instance, 0 = not, or -errno. */
static int is_running(const char *root, const struct sandbox_record *rec)
{
	_cleanup_(closep) int parent_fd = state_open_dir(root, state_live_dir(rec));

	if (parent_fd < 0)
		return parent_fd == -ENOENT ? 0 : parent_fd;
	_cleanup_(closep) int fd = state_lock_instance(parent_fd, rec->id, /* wait= */ false);
	return fd == -EWOULDBLOCK ? 1 : fd == -ENOENT || fd >= 0 ? 0 : fd;
}

int sandbox_remove(const char *root, const struct sandbox_record *rec, struct il_err *err)
{
	_cleanup_(closep) int exited_fd = state_open_dir(root, STATE_DIR_EXITED);
	_cleanup_(closep) int dir_fd = -1;

	sandbox_sweep(root, 0);
	if (is_running(root, rec) > 0)
		return il_refuse(err, EBUSY,
				 "instance '%s' is running: stop it first, or use 'isolab rm -f'",
				 rec->name);
	if (exited_fd >= 0)
		dir_fd = state_lock_instance(exited_fd, rec->id, /* wait= */ true);
	/* Gone already is as good: somebody else removed it, or it ran with --rm. */
	if (exited_fd == -ENOENT || dir_fd == -ENOENT)
		return 0;
	int r = exited_fd < 0 ? exited_fd : dir_fd < 0 ? dir_fd : 0;
	if (r == 0)
		r = state_drop(root, STATE_DIR_EXITED, rec);
	return r < 0 ? il_fail(err, -r, "remove instance '%s'", rec->name) : 0;
}

int sandbox_signal(const char *root, const struct sandbox_record *rec, int sig, struct il_err *err)
{
	if (is_running(root, rec) <= 0)
		return il_refuse(err, ESRCH, "instance '%s' is not running", rec->name);
	/* The lock is held, so the recorded process lives and the number is still its. */
	union sigval value = {.sival_int = SANDBOX_ASK_MAGIC + sig};
	if (sigqueue(rec->supervisor, SANDBOX_ASK_SIGNAL, value) < 0)
		return il_fail(err, errno, "signal the supervisor of '%s' (process %d)", rec->name,
			       (int)rec->supervisor);
	return 0;
}

int sandbox_stop_wait(const char *root, const struct sandbox_record *rec, uint64_t timeout_ns,
		      struct il_err *err)
{
	uint64_t end = il_now_ns() + timeout_ns;

	while (is_running(root, rec) > 0) {
		if (il_now_ns() > end)
			return il_refuse(err, ETIMEDOUT, "instance '%s' does not stop", rec->name);
		nanosleep(&(struct timespec){.tv_nsec = 2 * (long)IL_NS_PER_MS}, NULL);
	}
	return 0;
}
