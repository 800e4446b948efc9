// SPDX-License-Identifier: Apache-2.0
/* A workload block of foreign bytes: what workload_check accepts must be safe to read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runner/runner.h"
#include "runner/workload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink;

static int fake_exec(void *ctx, const char *path, const struct workload *w)
{
	(void)ctx;
	(void)w;
	sink += strlen(path);
	return -2; /* ENOENT: go on searching PATH */
}

static int fake_rlimit(void *ctx, const struct workload_rlimit *limit)
{
	(void)ctx;
	sink += limit->resource + (size_t)limit->hard;
	return 0;
}

static int fake_ids(void *ctx, uint32_t uid, uint32_t gid, const uint32_t *groups, uint32_t n)
{
	(void)ctx;
	sink += uid + gid;
	for (uint32_t i = 0; i < n; i++)
		sink += groups[i];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct runner_ops ops = {
	    .set_rlimit = fake_rlimit, .set_ids = fake_ids, .exec = fake_exec};
	const char *step = NULL;
	/* A heap copy: 8-aligned, and the sanitizer sees reads behind its end. */
	struct workload *w = malloc(size ? size : 1);

	if (!w)
		return 0;
	memcpy(w, data, size);
	if (size >= sizeof(*w)) {
		/* Let the fuzzer get past the constants without having to guess them. */
		w->magic = WORKLOAD_MAGIC;
		w->version = WORKLOAD_VERSION;
		if (w->size > size)
			w->size = (uint32_t)size;
	}
	if (workload_check(w, size) == 0) {
		for (uint32_t i = 0; i < w->argc; i++)
			sink += strlen(workload_arg(w, i));
		for (uint32_t i = 0; i < w->envc; i++)
			sink += strlen(workload_env(w, i));
		sink += strlen(workload_str(w, w->cwd_off));
		sink += strlen(workload_str(w, w->hostname_off));
		(void)!runner_run(w, &ops, NULL, &step);
	}
	free(w);
	return 0;
}
