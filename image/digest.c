// SPDX-License-Identifier: Apache-2.0
#include "image/digest.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int img_digest_parse(const char *text, struct img_digest *ret, struct il_err *err)
{
	size_t prefix = sizeof(IMG_DIGEST_PREFIX) - 1;
	const char *colon = strchr(text, ':');

	if (!colon)
		return il_refuse(err, EINVAL, "'%.80s' is not a digest (sha256:HEX)", text);
	if (strncmp(text, IMG_DIGEST_PREFIX, prefix) != 0)
		return il_refuse(err, EINVAL,
				 "digest algorithm '%.*s' is not supported (only sha256)",
				 (int)IL_MIN(colon - text, 32), text);
	const char *hex = text + prefix;
	if (strspn(hex, "0123456789abcdef") != IMG_HEX_LEN || hex[IMG_HEX_LEN] != '\0')
		return il_refuse(err, EINVAL,
				 "'%.80s' is not a digest: need 64 lower-case hex digits", text);
	memcpy(ret->text, text, IMG_DIGEST_LEN + 1);
	return 0;
}

bool img_digest_eq(const struct img_digest *a, const struct img_digest *b)
{
	return strcmp(a->text, b->text) == 0;
}

void img_hash_init(struct img_hash *h)
{
	sha256_init(&h->ctx);
}

void img_hash_add(struct img_hash *h, const void *data, size_t len)
{
	sha256_update(&h->ctx, len, data);
}

void img_hash_end(struct img_hash *h, struct img_digest *ret)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[SHA256_DIGEST_SIZE];
	size_t at = sizeof(IMG_DIGEST_PREFIX) - 1;

	sha256_digest(&h->ctx, sizeof(sum), sum);
	memcpy(ret->text, IMG_DIGEST_PREFIX, at);
	for (size_t i = 0; i < ARRAY_SIZE(sum); i++) {
		ret->text[at++] = digits[sum[i] >> 4];
		ret->text[at++] = digits[sum[i] & 15];
	}
	ret->text[at] = '\0';
}

void img_digest_of(const void *data, size_t len, struct img_digest *ret)
{
	struct img_hash h;

	img_hash_init(&h);
	img_hash_add(&h, data, len);
	img_hash_end(&h, ret);
}

void img_chain_id(const struct img_digest *diff_ids, size_t n, struct img_digest *ret)
{
	struct img_digest chain = diff_ids[0];

	for (size_t i = 1; i < n; i++) {
		struct img_hash h;

		img_hash_init(&h);
		img_hash_add(&h, chain.text, strlen(chain.text));
		img_hash_add(&h, " ", 1);
		img_hash_add(&h, diff_ids[i].text, strlen(diff_ids[i].text));
		img_hash_end(&h, &chain);
	}
	*ret = chain;
}
