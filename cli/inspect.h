/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_CLI_INSPECT_H
#define IL_CLI_INSPECT_H

#include "cli/verb.h"

#include <jansson.h>

/*
 * cli_inspect_instance, cli_inspect_image: all that is known about what @name names.
 * Returns 0 and an owned object in *ret; -ENOENT when there is no such thing; else -errno.
 */
int cli_inspect_instance(const struct cli *cli, const char *name, json_t **ret,
			 struct il_err *err) IL_MUST_CHECK;
int cli_inspect_image(const struct cli *cli, const char *name, json_t **ret,
		      struct il_err *err) IL_MUST_CHECK;

#endif
