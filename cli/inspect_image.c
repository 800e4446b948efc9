// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "cli/image_cli.h"
#include "cli/inspect.h"
#include "image/image.h"

int cli_inspect_image(const struct cli *cli, const char *name, json_t **ret, struct il_err *err)
{
	_cleanup_(img_store_closep) struct img_store *store = NULL;
	_cleanup_(img_closep) struct img_image *image = NULL;
	int r = cli_open_store(cli, &store, err);

	if (r == 0)
		r = img_open(store, name, &image, err);
	if (r < 0)
		return r;
	*ret = json_pack("{s:s s:s s:s s:I}", "Id", image->config_digest, "Name", image->name,
			 "Digest", image->digest, "Size", (json_int_t)image->size_bytes);
	return *ret ? 0 : il_fail(err, ENOMEM, "inspect '%s'", name);
}
