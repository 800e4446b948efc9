/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content digests: "sha256:" and 64 lower-case hex digits, the only algorithm of the store.
 */
#ifndef IL_IMAGE_DIGEST_H
#define IL_IMAGE_DIGEST_H

#include "base/err.h"

#include <nettle/sha2.h>
#include <stdbool.h>

#define IMG_DIGEST_PREFIX "sha256:"
#define IMG_HEX_LEN       64
#define IMG_DIGEST_LEN    (7 + IMG_HEX_LEN)

struct img_digest {
	char text[IMG_DIGEST_LEN + 1]; /* "" = none */
};

/*
 * img_digest_parse: check @text and copy it.
 * Returns 0, or -EINVAL (no digest, wrong length or digits, or another algorithm).
 * Source: OCI image-spec descriptor.md, Digests.
 */
int img_digest_parse(const char *text, struct img_digest *ret, struct il_err *err) IL_MUST_CHECK;

/* img_digest_hex: the 64 digits behind the algorithm's name; borrowed from @d. */
static inline const char *img_digest_hex(const struct img_digest *d)
{
	return d->text + sizeof(IMG_DIGEST_PREFIX) - 1;
}

bool img_digest_eq(const struct img_digest *a, const struct img_digest *b);

/* A running hash. Embedded: nothing to free. */
struct img_hash {
	struct sha256_ctx ctx;
};

void img_hash_init(struct img_hash *h);
void img_hash_add(struct img_hash *h, const void *data, size_t len);
void img_hash_end(struct img_hash *h, struct img_digest *ret);

/* img_digest_of: the digest of one block of memory. */
void img_digest_of(const void *data, size_t len, struct img_digest *ret);

/*
 * img_chain_id: the identity of a stack of layers.
 * @diff_ids  digests of the uncompressed layers, lowest first; @n at least 1
 * Source: OCI image-spec config.md, Layer ChainID.
 */
void img_chain_id(const struct img_digest *diff_ids, size_t n, struct img_digest *ret);

#endif
