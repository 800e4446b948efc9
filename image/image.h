/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of isolab needs from the image store: open it, resolve a name to an
 * image, and get that image's root directory or EROFS file.
 */
#ifndef IL_IMAGE_IMAGE_H
#define IL_IMAGE_IMAGE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct img_store; /* private */

/* One resolved image; every pointer is owned by it. String arrays end in NULL. */
struct img_image {
	char *name;          /* full reference: docker.io/library/demo:latest */
	char *digest;        /* of the manifest, "sha256:..." */
	char *config_digest; /* the image ID */
	char *chain_id;      /* of all layers (OCI image-spec config.md, ChainID) */
	uint64_t size_bytes; /* sum of the compressed layers, config and manifest */
	char **entrypoint;   /* config.Entrypoint, maybe empty */
	char **cmd;
	char **env;
	char *workdir; /* "/" when the config has none */
	char *user;    /* "" when the config has none */
	/* Open and flock'ed (shared) while the image is open: `rmi` leaves it alone, also
	 * when its name is gone. The process that supervises an instance keeps it open. */
	int lock_fd;
};

/*
 * img_store_open: open, and create if needed, the store below @root ("ROOT/images").
 * @root  the state directory; copied
 * Returns 0 and an owned store in *ret, or -errno.
 */
int img_store_open(const char *root, struct img_store **ret, struct il_err *err) IL_MUST_CHECK;

/* img_store_close: free @store; accepts NULL, returns NULL. */
struct img_store *img_store_close(struct img_store *store);
void img_store_closep(struct img_store **store); /* the same as a scope closer */

/*
 * Gets one line without a newline about work that takes long ("unpacking layer 2 of 3 ...").
 * The default is silence; commands print it on stderr.
 */
typedef void (*img_progress_fn)(void *ctx, const char *line);
void img_store_set_progress(struct img_store *store, img_progress_fn fn, void *ctx);

/*
 * img_open: resolve @name (reference, or unique prefix of an image ID) to an image.
 * Returns 0 and an owned image in *ret; -ENOENT no such image (the message names
 * `isolab import`); -EINVAL bad reference or damaged store content; or -errno.
 */
int img_open(struct img_store *store, const char *name, struct img_image **ret,
	     struct il_err *err) IL_MUST_CHECK;
struct img_image *img_close(struct img_image *image);
void img_closep(struct img_image **image);

/*
 * img_rootfs: the image's layers as one read-only-by-agreement directory, unpacked on
 * first use (cached by chain ID; two racing callers unpack once).
 * Returns 0 and an owned absolute path in *ret_path, or -errno.
 */
int img_rootfs(struct img_store *store, const struct img_image *image, char **ret_path,
	       struct il_err *err) IL_MUST_CHECK;

/* img_erofs: the same as an uncompressed EROFS image file, made from the directory. */
int img_erofs(struct img_store *store, const struct img_image *image, char **ret_path,
	      struct il_err *err) IL_MUST_CHECK;

/*
 * img_import: put an image into the store under @name, replacing what had the name.
 * @path  an OCI layout directory, an oci-archive or docker-archive tarball, a tarball of a
 *        root file system (gzip, zstd, xz, bzip2 or plain), a root directory, "-" = stdin
 * @ref   which image, when @path holds several; NULL = the only one
 * Returns 0; -EINVAL damaged, hostile, not for linux/amd64 ...; -ENOSPC; or -errno. After a
 * failure the store is as before.
 */
int img_import(struct img_store *store, const char *name, const char *path, const char *ref,
	       struct il_err *err) IL_MUST_CHECK;

/* One name of the store, for lists; every pointer is owned by it. */
struct img_summary {
	char *name;          /* docker.io/library/demo:latest */
	char *repository;    /* short form: demo */
	char *tag;           /* "" when imported by digest only */
	char *digest;        /* of the manifest */
	char *config_digest; /* the image ID; "" when the image is damaged */
	char *created;       /* RFC 3339, "" when the config has none */
	uint64_t size_bytes; /* as in struct img_image */
};

/*
 * img_list: every name of the store, sorted. A damaged image is listed, not an error.
 * Returns 0 and an owned array in *ret (img_list_free), or -errno.
 */
int img_list(struct img_store *store, struct img_summary **ret, size_t *ret_n,
	     struct il_err *err) IL_MUST_CHECK;
void img_list_free(struct img_summary *list, size_t n);

/* What img_remove did. */
struct img_removed {
	char *name;     /* owned; the reference removed */
	char *digest;   /* owned; its manifest */
	bool deleted;   /* it was the last name: the content is gone, too */
	bool in_use;    /* (forced) the content stays until its instances have ended */
	uint64_t freed; /* bytes of blobs removed */
};

/*
 * img_remove: remove a name, and what no other name needs.
 * @name   as for img_open; an ID only when the image has one name
 * @force  also when a running instance uses the image
 * Returns 0 and *ret (img_removed_done); -ENOENT; -EBUSY in use; -EINVAL ambiguous; -errno.
 */
int img_remove(struct img_store *store, const char *name, bool force, struct img_removed *ret,
	       struct il_err *err) IL_MUST_CHECK;
void img_removed_done(struct img_removed *removed);

/*
 * img_inspect: all about an image, in the shape of `docker image inspect` (one object), and
 * under "Isolab" the manifest, the layers with digests and sizes, the chain ID and the
 * cached root directory and EROFS image.
 * Returns 0 and an owned reference in *ret; errors as img_open.
 */
int img_inspect(struct img_store *store, const char *name, json_t **ret,
		struct il_err *err) IL_MUST_CHECK;

#endif
