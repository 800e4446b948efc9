// SPDX-License-Identifier: Apache-2.0
/*
 * Random bytes: ChaCha20 (RFC 8439, section 2.3) keyed with the monitor's seed. The key is
 * replaced after each request, so that what was handed out can't be computed back.
 */
#include "guest/nano/core.h"

static uint32_t key[8];
static bool seeded;

static uint32_t rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t *x, int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 7);
}

static void chacha_block(uint32_t counter, uint32_t out[16])
{
	uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(&in[4], key, sizeof(key));
	in[12] = counter;
	memcpy(out, in, sizeof(in));
	for (int i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (int i = 0; i < 16; i++)
		out[i] += in[i];
}

void random_bytes(void *buf, size_t len)
{
	uint32_t block[16];
	uint32_t counter = 1;

	if (!seeded) {
		memcpy(key, boot.seed, sizeof(key));
		memset(boot.seed, 0, sizeof(boot.seed));
		seeded = true;
	}
	while (len > 0) {
		size_t n = KMIN(len, sizeof(block));

		chacha_block(counter++, block);
		memcpy(buf, block, n);
		buf = (char *)buf + n;
		len -= n;
	}
	chacha_block(0, block);
	memcpy(key, block, sizeof(key));
	memset(block, 0, sizeof(block));
}
