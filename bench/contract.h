/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_BENCH_CONTRACT_H
#define IL_BENCH_CONTRACT_H

#include "base/err.h"

#include <jansson.h>

/*
 * contract_check: does @doc, one document, say what docs/bench-json.md promises? Members,
 * types, and that figures agree with each other: counts with samples, order of quantiles,
 * no failed start in a summary, nothing measured of a skipped subject. The harness checks
 * each of its documents with it, and so do the tests.
 * Returns 0, or -EINVAL with the JSON path of the first thing that is wrong.
 */
int contract_check(const json_t *doc, struct il_err *err) IL_MUST_CHECK;

#endif
