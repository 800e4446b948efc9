// SPDX-License-Identifier: Apache-2.0
/* Index, manifest and config of an image; the first byte tells which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int try_index(const char *text, size_t len, struct il_err *err)
{
	_cleanup_(img_index_done) struct img_index index = {0};
	int r = img_index_parse(text, len, "index", &index, err);

	if (r == 0 && index.n > IMG_INDEX_MAX)
		abort();
	return r;
}

static int try_manifest(const char *text, size_t len, struct il_err *err)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	int r = img_manifest_parse(text, len, "manifest", &manifest, err);

	if (r == 0 && (manifest.nlayers == 0 || manifest.nlayers > IMG_LAYERS_MAX))
		abort();
	for (size_t i = 0; r == 0 && i < manifest.nlayers; i++)
		if (strlen(manifest.layers[i].digest.text) != IMG_DIGEST_LEN)
			abort();
	return r;
}

static int try_config(const char *text, size_t len, struct il_err *err)
{
	_cleanup_(img_config_done) struct img_config config = {0};
	int r = img_config_parse(text, len, "config", &config, err);

	if (r == 0 && (!config.env || !config.cmd || !config.entrypoint || !config.user ||
		       !config.workdir || !config.created))
		abort();
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const tries[])(const char *, size_t,
				    struct il_err *) = {try_index, try_manifest, try_config};
	struct il_err err = {0};

	if (size == 0)
		return 0;
	int r = tries[data[0] % ARRAY_SIZE(tries)]((const char *)data + 1, size - 1, &err);
	if ((r < 0) != (err.code != 0))
		abort();
	return 0;
}
