// SPDX-License-Identifier: Apache-2.0
/* Looking at the store: the list of images, and one of them in detail. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "image/reference.h"
#include "image/rootfs.h"

void img_documents_done(struct img_documents *docs)
{
	img_manifest_done(&docs->manifest);
	img_config_done(&docs->config);
	free(docs->config_text);
	*docs = (struct img_documents){0};
}

static int load_documents(const struct img_store *store, const json_t *entry,
			  struct img_documents *d, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	struct img_digest digest;
	size_t len = 0;
	int r = img_digest_parse(img_index_entry_digest(entry), &digest, err);

	if (r == 0)
		r = img_blob_read(store, &digest, &text, &len, err);
	if (r == 0)
		r = img_manifest_parse(text, len, "the manifest", &d->manifest, err);
	if (r == 0)
		r = img_blob_read(store, &d->manifest.config.digest, &d->config_text,
				  &d->config_len, err);
	if (r == 0)
		r = img_config_parse(d->config_text, d->config_len, "the image config", &d->config,
				     err);
	if (r < 0)
		return r;
	if (d->config.ndiff_ids != d->manifest.nlayers)
		return il_refuse(err, EINVAL, "the config names %zu layers, the manifest %zu",
				 d->config.ndiff_ids, d->manifest.nlayers);
	d->size_bytes = len + d->manifest.config.size;
	for (size_t i = 0; i < d->manifest.nlayers; i++)
		d->size_bytes += d->manifest.layers[i].size;
	return 0;
}

int img_documents_load(const struct img_store *store, const json_t *entry,
		       struct img_documents *ret, struct il_err *err)
{
	_cleanup_(img_documents_done) struct img_documents docs = {0};
	int r = load_documents(store, entry, &docs, err);

	if (r < 0)
		return il_wrap(err, r, "image '%s'", img_index_entry_name(entry));
	*ret = docs;
	docs = (struct img_documents){0};
	return 0;
}

/* ---- list --------------------------------------------------------------------------- */

static void summary_done(struct img_summary *s)
{
	free(s->name);
	free(s->repository);
	free(s->tag);
	free(s->digest);
	free(s->config_digest);
	free(s->created);
}

void img_list_free(struct img_summary *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		summary_done(&list[i]);
	free(list);
}

static int fill_summary(const struct img_store *store, const json_t *entry, struct img_summary *s)
{
	_cleanup_(img_documents_done) struct img_documents docs = {0};
	const char *name = img_index_entry_name(entry);
	struct img_ref ref = {0};
	bool sound = img_documents_load(store, entry, &docs, NULL) == 0;

	bool named = img_ref_parse(name, &ref, NULL) == 0;
	s->name = strdup(name);
	s->repository = named ? img_ref_repository(&ref) : strdup(name);
	s->tag = strdup(ref.tag);
	s->digest = strdup(img_index_entry_digest(entry));
	s->config_digest = strdup(sound ? docs.manifest.config.digest.text : "");
	s->created = strdup(docs.config.created ? docs.config.created : "");
	s->size_bytes = docs.size_bytes;
	return s->name && s->repository && s->tag && s->digest && s->config_digest && s->created
		   ? 0
		   : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	const struct img_summary *x = a;
	const struct img_summary *y = b;
	int r = strcmp(x->repository, y->repository);

	return r ? r : strcmp(x->tag, y->tag);
}

int img_list(struct img_store *store, struct img_summary **ret, size_t *ret_n, struct il_err *err)
{
	json_auto_t *index = NULL;
	json_t *entry;
	size_t i;
	int r = img_index_load(store, &index, err);

	if (r < 0)
		return r;
	size_t n = json_array_size(img_index_entries(index));
	struct img_summary *list = calloc(IL_MAX(n, (size_t)1), sizeof(*list));
	if (!list)
		return il_fail(err, ENOMEM, "list the images");
	json_array_foreach(img_index_entries(index), i, entry)
	{
		if (fill_summary(store, entry, &list[i]) < 0) {
			img_list_free(list, n);
			return il_fail(err, ENOMEM, "list the images");
		}
	}
	qsort(list, n, sizeof(*list), by_name);
	*ret = list;
	*ret_n = n;
	return 0;
}

/* ---- inspect ------------------------------------------------------------------------ */

/* Bytes on disk of a tree; what cannot be read counts as nothing. */
static uint64_t tree_bytes(int dirfd, const char *name, int depth)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	uint64_t sum = (uint64_t)st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode) || depth <= 0)
		return st.st_nlink > 1 && !S_ISDIR(st.st_mode) ? sum / st.st_nlink : sum;
	int fd = il_open(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : il_fdopendir(fd);
	if (!dir)
		return sum;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			sum += tree_bytes(fd, e->d_name, depth - 1);
	return sum;
}

static json_t *cache_json(const struct img_store *store, const char *path)
{
	if (faccessat(store->fd, path, F_OK, 0) < 0)
		return json_null();
	_cleanup_(freep) char *full = il_strf("%s/%s", store->path, path);
	return json_pack("{s:s, s:I}", "Path", full ? full : path, "SizeBytes",
			 (json_int_t)tree_bytes(store->fd, path, 256));
}

static json_t *layers_json(const struct img_documents *docs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < docs->manifest.nlayers; i++) {
		const struct img_desc *l = &docs->manifest.layers[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "MediaType",
						      l->media_type, "Digest", l->digest.text,
						      "SizeBytes", (json_int_t)l->size, "DiffId",
						      docs->config.diff_ids[i].text));
	}
	return list;
}

static json_t *isolab_json(const struct img_store *store, const json_t *entry,
			   const struct img_documents *docs)
{
	char root[IMG_ROOT_PATH_MAX];
	char erofs[IMG_EROFS_PATH_MAX];
	struct img_digest chain;

	img_chain_id(docs->config.diff_ids, docs->config.ndiff_ids, &chain);
	img_root_path(chain.text, root);
	img_erofs_path(chain.text, erofs);
	return json_pack(
	    "{s:s, s:{s:O?, s:O, s:O}, s:s, s:o, s:s, s:o, s:o}", "Name",
	    img_index_entry_name(entry), "Manifest", "MediaType",
	    json_object_get(entry, "mediaType"), "Digest", json_object_get(entry, "digest"),
	    "SizeBytes", json_object_get(entry, "size"), "ConfigDigest",
	    docs->manifest.config.digest.text, "Layers", layers_json(docs), "ChainId", chain.text,
	    "Root", cache_json(store, root), "Erofs", cache_json(store, erofs));
}

/* Every name of the image, short ("demo:latest") in @tags, with digest in @digests. */
static void collect_names(const json_t *index, const char *digest, json_t *tags, json_t *digests)
{
	json_t *entry;
	size_t i;

	json_array_foreach(img_index_entries(index), i, entry)
	{
		struct img_ref ref;

		if (strcmp(img_index_entry_digest(entry), digest) != 0 ||
		    img_ref_parse(img_index_entry_name(entry), &ref, NULL) < 0)
			continue;
		_cleanup_(freep) char *repo = img_ref_repository(&ref);
		if (!repo)
			continue;
		if (ref.tag[0])
			json_array_append_new(tags, json_sprintf("%s:%s", repo, ref.tag));
		json_array_append_new(digests, json_sprintf("%s@%s", repo, digest));
	}
}

static json_t *inspect_json(const struct img_store *store, const json_t *index, const json_t *entry,
			    const struct img_documents *docs, const json_t *config)
{
	json_t *tags = json_array();
	json_t *digests = json_array();
	json_t *diff_ids = json_array();
	json_t *own = json_object_get(config, "config");

	collect_names(index, img_index_entry_digest(entry), tags, digests);
	for (size_t i = 0; i < docs->config.ndiff_ids; i++)
		json_array_append_new(diff_ids, json_string(docs->config.diff_ids[i].text));
	/* "o" takes the references over, also when packing fails. */
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:O?, s:s, s:s, s:I, s:{s:s, s:o}, s:o}", "Id",
			 docs->manifest.config.digest.text, "RepoTags", tags, "RepoDigests",
			 digests, "Created", docs->config.created, "Author", "", "Config", own,
			 "Architecture", "amd64", "Os", "linux", "Size",
			 (json_int_t)docs->size_bytes, "RootFS", "Type", "layers", "Layers",
			 diff_ids, "Isolab", isolab_json(store, entry, docs));
}

int img_inspect(struct img_store *store, const char *name, json_t **ret, struct il_err *err)
{
	_cleanup_(img_documents_done) struct img_documents docs = {0};
	json_auto_t *index = NULL;
	json_auto_t *config = NULL;
	const json_t *entry = NULL;
	int r = img_index_load(store, &index, err);

	if (r == 0)
		r = img_index_find(store, index, name, &entry, err);
	if (r == 0)
		r = img_documents_load(store, entry, &docs, err);
	if (r == 0)
		r = il_json_parse(docs.config_text, docs.config_len, "the image config", &config,
				  err);
	if (r < 0)
		return r;
	*ret = inspect_json(store, index, entry, &docs, config);
	return *ret ? 0 : il_fail(err, ENOMEM, "inspect '%s'", name);
}
