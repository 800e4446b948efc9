/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store on disk, for the files of image/ only:
 *
 *   ROOT/images/oci-layout, index.json, blobs/sha256/HEX   an OCI image layout
 *   ROOT/images/roots/CHAIN          unpacked layers, by the hex of their chain ID
 *   ROOT/images/erofs/CHAIN.erofs    the same as an EROFS image
 *   ROOT/images/tmp/                 work in progress of the holder of the lock
 *   ROOT/images/lock                 flock'ed by whoever changes anything
 *
 * Readers take no lock: everything appears whole, by rename. An open image holds a
 * shared flock on its manifest's blob, which tells `rmi` that it is in use.
 */
#ifndef IL_IMAGE_STORE_H
#define IL_IMAGE_STORE_H

#include "image/image.h"
#include "image/manifest.h"

#include <stdbool.h>

struct img_store {
	char *path; /* absolute, of ROOT/images */
	int fd;     /* the same, O_PATH */
	img_progress_fn progress;
	void *progress_ctx;
};

/* img_store_say: pass a line on to the progress callback, if there is one. */
void img_store_say(const struct img_store *store, const char *fmt, ...) IL_PRINTF(2, 3);

/*
 * A staging area: the store's lock, and a private directory in which everything is made
 * before it is moved to its place. img_stage_done removes what was not moved, and unlocks.
 */
struct img_stage {
	struct img_store *store;
	int lock_fd;
	int fd; /* of the directory */
	char name[32];
};

/* An empty stage, for a declaration with img_stage_done as its scope closer. */
#define IMG_STAGE_INIT ((struct img_stage){.lock_fd = -1, .fd = -1})

/* img_stage_begin: wait for the lock, clear what a killed command left, make the directory. */
int img_stage_begin(struct img_store *store, struct img_stage *ret,
		    struct il_err *err) IL_MUST_CHECK;
void img_stage_done(struct img_stage *stage);

/*
 * img_stage_copy: copy everything from @src_fd into a staged blob, hashing it on the way.
 * @what    names the source in messages
 * @expect  digest and size that the content must have; NULL = any
 * @ret     receives digest and size; media_type is left alone
 * Returns 0, -EINVAL (content differs from @expect), -EFBIG (over IMG_BLOB_MAX), or -errno.
 */
int img_stage_copy(struct img_stage *stage, int src_fd, const char *what,
		   const struct img_desc *expect, struct img_desc *ret,
		   struct il_err *err) IL_MUST_CHECK;

/* img_desc_check: does content @got have the size and digest of @expect? 0 or -EINVAL. */
int img_desc_check(const char *what, const struct img_desc *expect, const struct img_desc *got,
		   struct il_err *err) IL_MUST_CHECK;

/* img_stage_write: the same as img_stage_copy from memory. */
int img_stage_write(struct img_stage *stage, const void *data, size_t len, struct img_desc *ret,
		    struct il_err *err) IL_MUST_CHECK;

/* img_stage_adopt: make file @name of the staging directory the blob @digest. */
int img_stage_adopt(struct img_stage *stage, const char *name, const struct img_digest *digest,
		    struct il_err *err) IL_MUST_CHECK;

/* img_stage_has: is this blob staged, or in the store with this very size? */
bool img_stage_has(const struct img_stage *stage, const struct img_desc *desc);

/* img_stage_open: open a blob, staged or stored. Owned fd or -errno. */
int img_stage_open(const struct img_stage *stage, const struct img_digest *digest,
		   struct il_err *err) IL_MUST_CHECK;

/* img_stage_read: a whole blob of at most IMG_JSON_MAX bytes; owned. */
int img_stage_read(const struct img_stage *stage, const struct img_digest *digest, char **ret,
		   size_t *ret_len, struct il_err *err) IL_MUST_CHECK;

/*
 * img_stage_commit: move every staged blob into the store. Needs disk space for names only.
 */
int img_stage_commit(struct img_stage *stage, struct il_err *err) IL_MUST_CHECK;

/* img_blob_path: "blobs/sha256/HEX" into @ret (a buffer of IMG_BLOB_PATH_MAX bytes). */
#define IMG_BLOB_PATH_MAX (sizeof("blobs/sha256/") + IMG_HEX_LEN)
void img_blob_path(const struct img_digest *digest, char *ret);

/* img_blob_read: a stored JSON document, with a message naming the blob. Owned text. */
int img_blob_read(const struct img_store *store, const struct img_digest *digest, char **ret,
		  size_t *ret_len, struct il_err *err) IL_MUST_CHECK;

/* img_index_load: the store's index.json; a new one when there is none yet. Owned. */
int img_index_load(const struct img_store *store, json_t **ret, struct il_err *err) IL_MUST_CHECK;

/* img_index_entries: its "manifests" array, borrowed; never NULL after img_index_load. */
json_t *img_index_entries(const json_t *index);

/* img_index_entry_name / _digest: borrowed from the entry; "" when it has none. */
const char *img_index_entry_name(const json_t *entry);
const char *img_index_entry_digest(const json_t *entry);

/*
 * img_index_find: the entry that a user's word names: a reference, or a unique prefix of an
 * image ID. Returns 0 and a borrowed entry; -ENOENT, -EINVAL with a sentence.
 */
int img_index_find(const struct img_store *store, const json_t *index, const char *text,
		   const json_t **ret, struct il_err *err) IL_MUST_CHECK;

/* img_index_save: replace index.json; the caller holds the stage. */
int img_index_save(struct img_stage *stage, const json_t *index, struct il_err *err) IL_MUST_CHECK;

/*
 * img_sweep: remove every blob, root and EROFS image that no name and no running instance
 * needs. The caller holds the stage. @ret_freed receives bytes of blobs removed; may be NULL.
 */
int img_sweep(struct img_stage *stage, uint64_t *ret_freed, struct il_err *err) IL_MUST_CHECK;

/* An image's documents, parsed: what list and inspect look at. */
struct img_documents {
	struct img_manifest manifest;
	struct img_config config;
	char *config_text; /* owned */
	size_t config_len;
	uint64_t size_bytes;
};

/* img_documents_load: read and parse them. 0, or -EINVAL damaged, -ENOMEM, -errno. */
int img_documents_load(const struct img_store *store, const json_t *entry,
		       struct img_documents *ret, struct il_err *err) IL_MUST_CHECK;
void img_documents_done(struct img_documents *docs);

#endif
