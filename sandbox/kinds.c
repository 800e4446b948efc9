// SPDX-License-Identifier: Apache-2.0
#include "sandbox/kind.h"

#include <string.h>

/* clang-format off */
const struct sandbox_kind *const sandbox_kinds[] = {
    &sandbox_kind_process,
    &sandbox_kind_container,
    &sandbox_kind_nano,
    &sandbox_kind_null,
    NULL,
};
/* clang-format on */

const struct sandbox_kind *sandbox_kind_find(const char *name)
{
	for (size_t i = 0; sandbox_kinds[i]; i++)
		if (strcmp(sandbox_kinds[i]->name, name) == 0)
			return sandbox_kinds[i];
	return NULL;
}
