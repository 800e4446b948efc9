// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "image/import.h"
#include "image/reference.h"

#define NESTING_MAX   4   /* indexes inside indexes */
#define DOCUMENTS_MAX 256 /* indexes read for one import */

/* The search for the one manifest. */
struct search {
	struct img_bundle *bundle;
	const char *ref;
	unsigned int documents;
	bool found;
	bool ambiguous;
	struct img_desc manifest;
	struct il_buf names;  /* of the images to choose from */
	struct il_buf others; /* platforms passed over */
};

static int read_checked(struct img_bundle *bundle, const struct img_desc *desc, const char *what,
			char **ret, size_t *ret_len, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	struct img_desc got = {0};
	char path[IMG_BLOB_PATH_MAX];

	img_blob_path(&desc->digest, path);
	int r = img_bundle_read(bundle, path, &text, ret_len, err);
	if (r < 0)
		return il_wrap(err, r == -ENOENT ? -EINVAL : r, "%s", what);
	img_digest_of(text, *ret_len, &got.digest);
	got.size = *ret_len;
	r = img_desc_check(what, desc, &got, err);
	if (r == 0)
		*ret = steal_ptr(text);
	return r;
}

static bool ref_matches(const struct img_desc *d, const char *ref)
{
	return !ref || (d->ref_name && img_ref_same(d->ref_name, ref)) ||
	       (d->image_name && img_ref_same(d->image_name, ref));
}

static void take(struct search *s, const struct img_desc *d, const char *name)
{
	if (s->found && img_digest_eq(&s->manifest.digest, &d->digest))
		return;
	il_buf_printf(&s->names, "%s%.120s", s->names.len ? ", " : "", name);
	if (s->found) {
		s->ambiguous = true;
		return;
	}
	s->found = true;
	s->manifest = *d;
	s->manifest.ref_name = NULL; /* stays with the index it came from */
	s->manifest.image_name = NULL;
}

static int search_index(struct search *s, const struct img_index *index, const char *name,
			int depth, struct il_err *err);

static int search_nested(struct search *s, const struct img_desc *d, const char *name, int depth,
			 struct il_err *err)
{
	_cleanup_(img_index_done) struct img_index nested = {0};
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;

	if (depth >= NESTING_MAX)
		return il_refuse(err, EINVAL, "image indexes are nested deeper than %d",
				 NESTING_MAX);
	if (++s->documents > DOCUMENTS_MAX)
		return il_refuse(err, EINVAL, "more than %d image indexes", DOCUMENTS_MAX);
	int r = read_checked(s->bundle, d, "an image index", &text, &len, err);
	if (r == 0)
		r = img_index_parse(text, len, "an image index", &nested, err);
	return r < 0 ? r : search_index(s, &nested, name, depth + 1, err);
}

/*
 * Every image at the top counts as a choice of its own; inside an index for several
 * platforms the first one that fits is taken (OCI image-spec image-index.md).
 */
static int search_index(struct search *s, const struct img_index *index, const char *name,
			int depth, struct il_err *err)
{
	for (size_t i = 0; i < index->n; i++) {
		const struct img_desc *d = &index->manifests[i];
		const char *own = d->image_name ? d->image_name : d->ref_name;
		bool top = depth == 0;

		if (top && !ref_matches(d, s->ref))
			continue;
		if (!d->platform_ok) {
			il_buf_printf(&s->others, "%s%s", s->others.len ? ", " : "", d->platform);
			continue;
		}
		const char *label = top ? (own ? own : "(without a name)") : name;
		if (d->kind == IMG_KIND_INDEX) {
			int r = search_nested(s, d, label, depth, err);
			if (r < 0)
				return r;
		} else if (d->kind == IMG_KIND_MANIFEST) {
			take(s, d, label);
			if (!top)
				return 0;
		} else {
			il_buf_printf(&s->others, "%s%s", s->others.len ? ", " : "", d->media_type);
		}
	}
	return 0;
}

static int conclude(struct search *s, struct il_err *err)
{
	if (il_buf_check(&s->names) < 0 || il_buf_check(&s->others) < 0)
		return il_fail(err, ENOMEM, "read the image index");
	if (s->ambiguous)
		return il_refuse(err, EINVAL,
				 "it holds several images (%.300s): choose one with --ref",
				 s->names.data);
	if (s->found)
		return 0;
	if (s->ref && !s->others.len)
		return il_refuse(err, EINVAL, "it holds no image named '%.200s'", s->ref);
	return il_refuse(err, EINVAL, "it holds no image for linux/amd64%s%.200s%s",
			 s->others.len ? " (only " : "", s->others.len ? s->others.data : "",
			 s->others.len ? ")" : "");
}

static int find_manifest(struct img_bundle *bundle, const char *ref, struct img_desc *ret,
			 struct il_err *err)
{
	_cleanup_(img_index_done) struct img_index index = {0};
	_cleanup_(freep) char *text = NULL;
	struct search s = {.bundle = bundle, .ref = ref};
	size_t len = 0;
	int r = img_bundle_read(bundle, "index.json", &text, &len, err);

	if (r == 0)
		r = img_index_parse(text, len, "index.json", &index, err);
	if (r == 0)
		r = search_index(&s, &index, "", 0, err);
	if (r == 0)
		r = conclude(&s, err);
	il_buf_done(&s.names);
	il_buf_done(&s.others);
	if (r == 0)
		*ret = s.manifest;
	return r;
}

static int stage_blob(struct img_bundle *bundle, const struct img_desc *desc, const char *what,
		      struct il_err *err)
{
	char path[IMG_BLOB_PATH_MAX];
	struct img_desc unused = {0};

	img_blob_path(&desc->digest, path);
	return img_bundle_blob(bundle, path, what, desc, &unused, err);
}

int img_import_oci(struct img_stage *stage, struct img_bundle *bundle, const char *ref,
		   struct img_incoming *ret, struct il_err *err)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	_cleanup_(freep) char *text = NULL;
	struct img_desc desc;
	size_t len = 0;
	int r = find_manifest(bundle, ref, &desc, err);

	if (r == 0)
		r = read_checked(bundle, &desc, "the manifest", &text, &len, err);
	if (r == 0)
		r = img_manifest_parse(text, len, "the manifest", &manifest, err);
	if (r == 0)
		r = stage_blob(bundle, &manifest.config, "the image config", err);
	for (size_t i = 0; r == 0 && i < manifest.nlayers; i++) {
		char what[32];

		snprintf(what, sizeof(what), "layer %zu", i + 1);
		r = stage_blob(bundle, &manifest.layers[i], what, err);
	}
	if (r < 0)
		return r;
	ret->manifest = desc;
	return img_stage_write(stage, text, len, &ret->manifest, err);
}
