// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "cli/image_cli.h"
#include "cli/inspect.h"
#include "image/image.h"

int cli_inspect_image(const struct cli *cli, const char *name, json_t **ret, struct il_err *err)
{
	_cleanup_(img_store_closep) struct img_store *store = NULL;
	int r = cli_open_store(cli, &store, err);

	return r < 0 ? r : img_inspect(store, name, ret, err);
}
