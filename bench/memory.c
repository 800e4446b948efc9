// SPDX-License-Identifier: Apache-2.0
#include "bench/session.h"
#include <errno.h>
int memory_run(struct bench_session *s IL_UNUSED, json_t **ret IL_UNUSED, struct il_err *err)
{
	return il_refuse(err, ENOTSUP, "not yet");
}
int density_run(struct bench_session *s IL_UNUSED, json_t **ret IL_UNUSED, struct il_err *err)
{
	return il_refuse(err, ENOTSUP, "not yet");
}
