/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people read of a bench result (docs/bench-json.md): a terminal table, a CSV with
 * every sample, one self-contained HTML page with charts. All three take the JSON as the
 * only source and compute no statistics of their own.
 *
 * The JSON may come from a stranger: it is checked whole before anything is printed, and
 * its strings can neither reach the terminal as control sequences nor the page as HTML.
 */
#ifndef IL_BENCH_REPORT_H
#define IL_BENCH_REPORT_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The largest result file that is read, in bytes. */
#define REPORT_FILE_MAX ((size_t)256 << 20)

/*
 * report_load: read and check one result file: a document or a suite.
 * Returns 0 and an owned reference in *ret, or -errno: -EINVAL with the JSON path of what
 * is wrong, -EFBIG over REPORT_FILE_MAX, else that of reading.
 */
int report_load(const char *path, json_t **ret, struct il_err *err) IL_MUST_CHECK;

/*
 * report_table: print a document, or each of a suite, as tables of at most 80 columns.
 * @doc    borrowed
 * @color  bold headings and coloured warnings: true only when @out is a terminal
 *
 * Returns 0, -EINVAL when @doc is not a valid result (nothing is printed then), -ENOMEM,
 * or -EIO when @out took a write error.
 */
int report_table(const json_t *doc, FILE *out, bool color, struct il_err *err) IL_MUST_CHECK;

/*
 * report_csv: write all samples as one RFC 4180 table, a row per sample (or per point of a
 * memory or density curve).
 * @docs   @n documents or suites, borrowed
 * @path   replaced by rename; "-" is standard output
 *
 * Returns 0 or -errno; an existing file is left as it was on failure.
 */
int report_csv(const json_t *const *docs, size_t n, const char *path,
	       struct il_err *err) IL_MUST_CHECK;

/*
 * report_html: write the page. It needs nothing but itself: style, charts and data are
 * inside. Parameters and result as report_csv.
 */
int report_html(const json_t *const *docs, size_t n, const char *path,
		struct il_err *err) IL_MUST_CHECK;

#endif
