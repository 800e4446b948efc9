// SPDX-License-Identifier: Apache-2.0
/* isolab import: tell the format, stage the blobs, unpack, publish. */
#include "image/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/reference.h"
#include "image/rootfs.h"

enum format {
	FORMAT_OCI,
	FORMAT_DOCKER,
	FORMAT_ROOT,
};

/* ---- which format ------------------------------------------------------------------- */

struct seen {
	bool layout;
	bool index;
	bool manifest;
};

static void note_name(struct seen *seen, const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	seen->layout |= strcmp(path, "oci-layout") == 0;
	seen->index |= strcmp(path, "index.json") == 0;
	seen->manifest |= strcmp(path, "manifest.json") == 0;
}

static enum format conclude_format(const struct seen *seen)
{
	if (seen->layout && seen->index)
		return FORMAT_OCI;
	return seen->manifest ? FORMAT_DOCKER : FORMAT_ROOT;
}

static int format_of_archive(int fd, const char *what, enum format *ret, struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	struct archive_entry *e = NULL;
	struct seen seen = {0};
	int r = img_stream_open(fd, what, &stream, err);

	if (r < 0)
		return r;
	while ((r = img_stream_next(stream, &e, err)) > 0) {
		const char *path = archive_entry_pathname(e);

		if (path)
			note_name(&seen, path);
		/* Nothing that comes later can change the answer. */
		if (seen.layout && seen.index)
			break;
	}
	if (r < 0)
		return r;
	*ret = conclude_format(&seen);
	return 0;
}

/* ---- staging ------------------------------------------------------------------------ */

static int stage_bundle(struct img_stage *stage, struct img_bundle *bundle, enum format format,
			const char *ref, struct img_incoming *ret, struct il_err *err)
{
	if (format == FORMAT_DOCKER)
		return img_import_docker(stage, bundle, ref, ret, err);
	return img_import_oci(stage, bundle, ref, ret, err);
}

static int stage_archive(struct img_stage *stage, int fd, const char *what, const char *ref,
			 struct img_incoming *ret, struct il_err *err)
{
	_cleanup_(img_bundle_closep) struct img_bundle *bundle = NULL;
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	enum format format = FORMAT_ROOT;
	int r = format_of_archive(fd, what, &format, err);

	if (r < 0)
		return r;
	if (format == FORMAT_ROOT)
		return img_import_tarball(stage, fd, what, ret, err);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return il_fail(err, errno, "read %s", what);
	r = img_stream_open(fd, what, &stream, err);
	if (r == 0)
		r = img_bundle_archive(stage, stream, &bundle, err);
	if (r < 0)
		return r;
	r = stage_bundle(stage, bundle, format, ref, ret, err);
	return r < 0 ? il_wrap(err, r, "%s", what) : 0;
}

static int stage_directory(struct img_stage *stage, int dirfd, const char *ref,
			   struct img_incoming *ret, struct il_err *err)
{
	_cleanup_(img_bundle_closep) struct img_bundle *bundle = NULL;

	if (faccessat(dirfd, "oci-layout", F_OK, 0) < 0 ||
	    faccessat(dirfd, "index.json", F_OK, 0) < 0)
		return img_import_directory(stage, dirfd, ret, err);
	int r = img_bundle_dir(stage, dirfd, &bundle, err);
	return r < 0 ? r : stage_bundle(stage, bundle, FORMAT_OCI, ref, ret, err);
}

/* A pipe (`docker save X | isolab import X -`) is read twice or more: keep a copy. */
static int spool(struct img_stage *stage, int fd, const char *what, struct il_err *err)
{
	struct img_desc copy = {0};
	int r = img_stage_copy(stage, fd, what, NULL, &copy, err);

	if (r < 0)
		return r;
	int again = img_stage_open(stage, &copy.digest, err);
	/* Without a name it is no blob, and its space is given back when it is closed. */
	if (again >= 0)
		unlinkat(stage->fd, img_digest_hex(&copy.digest), 0);
	return again;
}

static int stage_path(struct img_stage *stage, const char *path, const char *ref,
		      struct img_incoming *ret, struct il_err *err)
{
	char what[IL_ERR_MSG_MAX];
	struct stat st;
	const char *real = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
	_cleanup_(closep) int fd = il_open(AT_FDCWD, real, O_RDONLY, 0);
	_cleanup_(closep) int spooled = -1;

	if (fd < 0 || fstat(fd, &st) < 0)
		return il_fail(err, fd < 0 ? -fd : errno, "open '%.200s'", path);
	snprintf(what, sizeof(what), "'%.200s'", path);
	if (S_ISDIR(st.st_mode)) {
		int r = stage_directory(stage, fd, ref, ret, err);
		return r < 0 ? il_wrap(err, r, "%s", what) : 0;
	}
	if (S_ISREG(st.st_mode))
		return stage_archive(stage, fd, what, ref, ret, err);
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
		return il_refuse(err, EINVAL, "%s is neither a file nor a directory", what);
	spooled = spool(stage, fd, what, err);
	return spooled < 0 ? spooled : stage_archive(stage, spooled, what, ref, ret, err);
}

/* ---- publishing --------------------------------------------------------------------- */

/* Unpacks the staged image unless its layers are there, and gives its chain ID. */
static int unpack_staged(struct img_stage *stage, const struct img_incoming *incoming,
			 struct img_digest *ret_chain, bool *ret_built, struct il_err *err)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	_cleanup_(img_config_done) struct img_config config = {0};
	_cleanup_(freep) char *manifest_text = NULL;
	_cleanup_(freep) char *config_text = NULL;
	char path[IMG_ROOT_PATH_MAX];
	size_t len = 0;
	int r = img_stage_read(stage, &incoming->manifest.digest, &manifest_text, &len, err);

	if (r == 0)
		r = img_manifest_parse(manifest_text, len, "the manifest", &manifest, err);
	if (r == 0)
		r = img_stage_read(stage, &manifest.config.digest, &config_text, &len, err);
	if (r == 0)
		r = img_config_parse(config_text, len, "the image config", &config, err);
	if (r < 0)
		return r;
	if (config.ndiff_ids != manifest.nlayers)
		return il_refuse(err, EINVAL, "the config names %zu layers, the manifest %zu",
				 config.ndiff_ids, manifest.nlayers);
	img_chain_id(config.diff_ids, config.ndiff_ids, ret_chain);
	img_root_path(ret_chain->text, path);
	*ret_built = faccessat(stage->store->fd, path, F_OK, 0) < 0;
	return *ret_built ? img_root_build(stage, &manifest, &config, err) : 0;
}

static int set_entry(json_t *index, const char *name, const struct img_desc *manifest)
{
	json_t *entries = img_index_entries(index);
	json_t *entry = img_desc_json(manifest->media_type, &manifest->digest, manifest->size);
	json_t *old;
	size_t i;

	if (!entry || json_object_set_new(entry, "annotations",
					  json_pack("{s:s}", IMG_REF_ANNOTATION, name)) < 0) {
		json_decref(entry);
		return -ENOMEM;
	}
	json_array_foreach(entries, i, old)
	{
		if (strcmp(img_index_entry_name(old), name) == 0)
			return json_array_set_new(entries, i, entry) < 0 ? -ENOMEM : 0;
	}
	return json_array_append_new(entries, entry) < 0 ? -ENOMEM : 0;
}

static int publish_index(struct img_stage *stage, const char *name,
			 const struct img_incoming *incoming, struct il_err *err)
{
	json_auto_t *index = NULL;
	int r = img_index_load(stage->store, &index, err);

	if (r < 0)
		return r;
	if (set_entry(index, name, &incoming->manifest) < 0)
		return il_fail(err, ENOMEM, "write the image index");
	return img_index_save(stage, index, err);
}

static int publish(struct img_stage *stage, const char *name, const struct img_incoming *incoming,
		   struct il_err *err)
{
	struct img_digest chain;
	bool built = false;
	int r = unpack_staged(stage, incoming, &chain, &built, err);

	if (r < 0)
		return r;
	/* After a power cut the index must not name what is not on the disk yet. */
	if (syncfs(stage->fd) < 0)
		return il_fail(err, errno, "write the image to disk");
	if (built)
		r = img_root_publish(stage, chain.text, err);
	if (r == 0)
		r = img_stage_commit(stage, err);
	if (r == 0)
		r = publish_index(stage, name, incoming, err);
	/* What was replaced goes; after a failure, what was already moved in. */
	int swept = img_sweep(stage, NULL, r == 0 ? err : NULL);
	return r < 0 ? r : swept;
}

static int check_given_digest(const struct img_ref *ref, const struct img_incoming *incoming,
			      struct il_err *err)
{
	if (ref->digest.text[0] == '\0' || img_digest_eq(&ref->digest, &incoming->manifest.digest))
		return 0;
	return il_refuse(err, EINVAL, "the image's digest is %s, not the one in the name",
			 incoming->manifest.digest.text);
}

int img_import(struct img_store *store, const char *name, const char *path, const char *ref,
	       struct il_err *err)
{
	_cleanup_(img_stage_done) struct img_stage stage = IMG_STAGE_INIT;
	struct img_incoming incoming = {0};
	struct img_ref parsed;
	int r = img_ref_parse(name, &parsed, err);

	if (r < 0)
		return r;
	_cleanup_(freep) char *full = img_ref_name(&parsed);
	if (!full)
		return il_fail(err, ENOMEM, "import '%s'", path);
	r = img_stage_begin(store, &stage, err);
	if (r == 0)
		r = stage_path(&stage, path, ref, &incoming, err);
	if (r == 0)
		r = check_given_digest(&parsed, &incoming, err);
	if (r < 0)
		return r;
	r = publish(&stage, full, &incoming, err);
	return r < 0 ? il_wrap(err, r, "'%.200s'", path) : 0;
}
