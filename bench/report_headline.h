/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one sentence that says what a result found, made from its figures.
 */
#ifndef IL_BENCH_REPORT_HEADLINE_H
#define IL_BENCH_REPORT_HEADLINE_H

#include "base/buf.h"
#include "bench/report_model.h"

/*
 * rep_headline: append the sentence for @d ("/bin/true takes 2.86 ms in a container ...").
 * @times  the sign behind a ratio: "x" on a terminal, a multiplication sign on a page
 *
 * Appends nothing when the result has no figures to speak of. Plain UTF-8 text, safe for a
 * terminal; a page must still escape it.
 */
void rep_headline(struct il_buf *b, const struct rep_doc *d, const char *times);

#endif
