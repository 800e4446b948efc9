// SPDX-License-Identifier: Apache-2.0
/*
 * A result file from a stranger: whatever it holds, it is refused with a sentence or shown
 * by all three writers, and nothing in it steers a terminal.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "bench/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_table(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 && text[i] != '\n')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_auto_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct il_err err = {0};
	char *text = NULL;
	size_t len = 0;

	if (!json)
		return 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return 0;
	int r = report_table(json, out, /* color= */ false, &err);
	fclose(out);
	if (r == 0)
		check_table(text, len);
	if ((r < 0) != (err.code != 0) || (r < 0 && len > 0))
		abort();
	free(text);
	const json_t *const docs[] = {json};
	if (r == 0 && report_csv(docs, 1, "/dev/null", &err) < 0 && err.code != EINVAL)
		abort();
	il_err_clear(&err);
	if (r == 0 && report_html(docs, 1, "/dev/null", &err) < 0)
		abort();
	return 0;
}
