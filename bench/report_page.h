/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words around the tables of a terminal report: title, host, what was found, notes.
 * All return 0 or -ENOMEM.
 */
#ifndef IL_BENCH_REPORT_PAGE_H
#define IL_BENCH_REPORT_PAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "bench/report_model.h"

#include <stdio.h>

/* Where a document is printed to. */
struct rep_page {
	FILE *out;
	bool color;
	const struct rep_doc *doc;
	struct il_err *err;
};

/* rep_page_line: print @b, wrapped at @indent, and empty it. */
int rep_page_line(const struct rep_page *p, struct il_buf *b, size_t indent) IL_MUST_CHECK;
/* rep_page_heading: an empty line and the heading of a table, on one line. */
void rep_page_heading(const struct rep_page *p, const char *text);

int rep_page_title(const struct rep_page *p) IL_MUST_CHECK;
int rep_page_settings(const struct rep_page *p) IL_MUST_CHECK;
int rep_page_host(const struct rep_page *p) IL_MUST_CHECK;
/* rep_page_found: the headline, if the result has one. */
int rep_page_found(const struct rep_page *p) IL_MUST_CHECK;
/* rep_page_notes: skipped subjects, first failures, warnings. */
int rep_page_notes(const struct rep_page *p) IL_MUST_CHECK;

#endif
