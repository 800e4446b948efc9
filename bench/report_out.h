/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a finished report goes.
 */
#ifndef IL_BENCH_REPORT_OUT_H
#define IL_BENCH_REPORT_OUT_H

#include "base/buf.h"
#include "base/err.h"

/*
 * rep_write_out: write the finished text of @b to @path: "-" is standard output, a device
 * or pipe is written into, anything else is replaced by rename, so that a reader never
 * sees half a report. Returns 0 or -errno (-ENOMEM when @b failed).
 */
int rep_write_out(const struct il_buf *b, const char *path, struct il_err *err) IL_MUST_CHECK;

#endif
