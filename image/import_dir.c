// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "image/import.h"

int img_import_directory(struct img_stage *stage, int dirfd, struct img_incoming *ret,
			 struct il_err *err)
{
	(void)stage;
	(void)dirfd;
	(void)ret;
	return il_refuse(err, ENOTSUP, "importing a directory is not supported yet");
}
