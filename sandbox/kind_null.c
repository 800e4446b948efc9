// SPDX-License-Identifier: Apache-2.0
/* The null kind starts nothing: what it costs is what isolab and the harness cost. */
#include "base/clock.h"
#include "sandbox/kind.h"

static int null_probe(struct il_err *err)
{
	(void)err;
	return 0;
}

static int null_check(const struct sandbox_options *options, struct il_err *err)
{
	(void)options;
	(void)err;
	return 0;
}

static int null_run(struct sandbox_run *run, int *ret_status, struct il_err *err)
{
	(void)err;
	run->timeline->ns[TL_EXITED] = il_now_ns();
	*ret_status = 0;
	return 0;
}

const struct sandbox_kind sandbox_kind_null = {
    .name = "null",
    .description = "nothing is started: measures isolab itself",
    .probe = null_probe,
    .check = null_check,
    .run = null_run,
    .no_image = true,
};
