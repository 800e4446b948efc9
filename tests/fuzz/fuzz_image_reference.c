// SPDX-License-Identifier: Apache-2.0
/* Image names: what is accepted has a normal form, which is accepted as itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) char *text = strndup((const char *)data, size);
	struct img_ref ref;
	struct img_ref again;
	struct il_err err = {0};

	if (!text)
		return 0;
	int r = img_ref_parse(text, &ref, &err);
	if ((r < 0) != (err.code != 0))
		abort();
	if (r < 0)
		return 0;
	_cleanup_(freep) char *name = img_ref_name(&ref);
	_cleanup_(freep) char *repository = img_ref_repository(&ref);
	if (!name || !repository || strlen(ref.domain) + 1 + strlen(ref.path) > IMG_REF_NAME_MAX)
		abort();
	if (strstr(ref.path, "..") || img_ref_parse(name, &again, NULL) < 0 ||
	    strcmp(ref.path, again.path) != 0 || strcmp(ref.domain, again.domain) != 0 ||
	    strcmp(ref.tag, again.tag) != 0)
		abort();
	return 0;
}
