// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

#include <errno.h>

int report_csv(const json_t *const *docs IL_UNUSED, size_t n IL_UNUSED, const char *path,
	       struct il_err *err)
{
	return il_refuse(err, ENOTSUP, "write '%s': CSV is not supported yet", path);
}

int report_html(const json_t *const *docs IL_UNUSED, size_t n IL_UNUSED, const char *path,
		struct il_err *err)
{
	return il_refuse(err, ENOTSUP, "write '%s': HTML is not supported yet", path);
}
