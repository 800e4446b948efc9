/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_CLI_IMAGE_CLI_H
#define IL_CLI_IMAGE_CLI_H

#include "cli/verb.h"
#include "image/image.h"

/*
 * cli_open_store: open the store below the state directory; progress of long work goes to
 * stderr, a line each. Returns 0 and an owned store, or -errno.
 */
int cli_open_store(const struct cli *cli, struct img_store **ret, struct il_err *err) IL_MUST_CHECK;

#endif
