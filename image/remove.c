// SPDX-License-Identifier: Apache-2.0
/* isolab rmi: take a name away, and what nobody needs any more. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/reference.h"
#include "image/store.h"

void img_removed_done(struct img_removed *removed)
{
	free(removed->name);
	free(removed->digest);
	*removed = (struct img_removed){0};
}

static bool manifest_in_use(const struct img_store *store, const char *digest)
{
	char path[IMG_BLOB_PATH_MAX];
	struct img_digest d;

	if (img_digest_parse(digest, &d, NULL) < 0)
		return false;
	img_blob_path(&d, path);
	_cleanup_(closep) int fd = il_open(store->fd, path, O_RDONLY, 0);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static size_t count_names(const json_t *index, const char *digest)
{
	json_t *entry;
	size_t i;
	size_t n = 0;

	json_array_foreach(img_index_entries(index), i, entry)
	{
		if (strcmp(img_index_entry_digest(entry), digest) == 0)
			n++;
	}
	return n;
}

static bool is_reference_to(const char *text, const char *entry_name)
{
	struct img_ref ref;

	if (img_ref_parse(text, &ref, NULL) < 0)
		return false;
	_cleanup_(freep) char *full = img_ref_name(&ref);
	return full && strcmp(full, entry_name) == 0;
}

/* May the name go? Fills in what will be gone with it. */
static int check_removal(const struct img_store *store, const json_t *index, const json_t *entry,
			 bool by_name, bool force, struct img_removed *ret)
{
	const char *digest = img_index_entry_digest(entry);
	size_t n = count_names(index, digest);

	if (n > 1 && !by_name)
		return -ENOTUNIQ;
	ret->in_use = n == 1 && manifest_in_use(store, digest);
	ret->deleted = n == 1 && !ret->in_use;
	return ret->in_use && !force ? -EBUSY : 0;
}

static void drop_entry(json_t *index, const json_t *entry)
{
	json_t *e;
	size_t i;

	json_array_foreach(img_index_entries(index), i, e)
	{
		if (e == entry) {
			json_array_remove(img_index_entries(index), i);
			return;
		}
	}
}

int img_remove(struct img_store *store, const char *name, bool force, struct img_removed *ret,
	       struct il_err *err)
{
	_cleanup_(img_stage_done) struct img_stage stage = IMG_STAGE_INIT;
	_cleanup_(img_removed_done) struct img_removed removed = {0};
	json_auto_t *index = NULL;
	const json_t *entry = NULL;
	int r = img_stage_begin(store, &stage, err);

	if (r == 0)
		r = img_index_load(store, &index, err);
	if (r == 0)
		r = img_index_find(store, index, name, &entry, err);
	if (r == 0)
		r = check_removal(store, index, entry,
				  is_reference_to(name, img_index_entry_name(entry)), force,
				  &removed);
	if (r == -ENOTUNIQ)
		return il_refuse(err, EINVAL, "image '%s' has several names: remove these", name);
	if (r == -EBUSY)
		return il_refuse(err, EBUSY,
				 "image '%s' is in use by a running instance: end it first (isolab "
				 "ps), or use --force to remove only the name",
				 name);
	if (r < 0)
		return r;
	removed.name = strdup(img_index_entry_name(entry));
	removed.digest = strdup(img_index_entry_digest(entry));
	if (!removed.name || !removed.digest)
		return il_fail(err, ENOMEM, "remove '%s'", name);
	drop_entry(index, entry);
	r = img_index_save(&stage, index, err);
	if (r == 0)
		r = img_sweep(&stage, &removed.freed, err);
	if (r < 0)
		return r;
	*ret = removed;
	removed = (struct img_removed){0};
	return 0;
}
