/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words and numbers for the reports: strings from a result file made safe for a terminal,
 * quantities in a unit that suits a whole column, tables that fit a terminal.
 */
#ifndef IL_BENCH_REPORT_TEXT_H
#define IL_BENCH_REPORT_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdio.h>

#define REP_WIDTH 80 /* columns of a terminal */

/* One unit of a quantity: a value is divided by @scale and followed by @name. */
struct rep_unit {
	const char *name;
	double scale;
};

/*
 * rep_unit_pick: the unit in which values between @low and @high (of the metric @name:
 * "_ns" is time, "_bytes" is size, anything else has no unit) read best. The extremes may
 * be NAN, 0 or far apart: the unit suits their geometric mean.
 */
struct rep_unit rep_unit_pick(const char *name, double low, double high);

/*
 * rep_text_number: append @value with three significant digits and at most three
 * decimals ("0.031", "2.10", "712", "12345"); "-" for NAN.
 */
void rep_text_number(struct il_buf *b, double value);

/* rep_text_quantity: append @value of the metric @name in its own best unit ("2.10 ms"). */
void rep_text_quantity(struct il_buf *b, const char *name, double value);

/*
 * rep_text_safe: append @text without what could steer a terminal: control characters,
 * line ends and bidirectional overrides become '?'. NULL appends nothing.
 */
void rep_text_safe(struct il_buf *b, const char *text);

/* rep_text_cut: the same, at most @width columns of it; a '~' stands for what is cut off. */
void rep_text_cut(struct il_buf *b, const char *text, size_t width);

/* rep_text_width: columns of UTF-8 @text, one per code point. */
size_t rep_text_width(const char *text);

/* rep_text_wrap: print @text at @indent, in lines of at most REP_WIDTH columns. */
void rep_text_wrap(FILE *out, const char *text, size_t indent);

/*
 * A table: rows of owned strings. The first column is left-aligned and is the one cut when
 * the table would be wider than REP_WIDTH; the others are right-aligned.
 */
struct rep_table {
	size_t columns;
	char **cells; /* owned, row by row */
	size_t count; /* cells */
	size_t cap;
	bool failed; /* memory was out: the table must not be printed */
};

void rep_table_done(struct rep_table *t);

/* rep_table_cell: append the next cell and empty @b. */
void rep_table_cell(struct rep_table *t, struct il_buf *b);
/* rep_table_str: append the next cell: safe text. */
void rep_table_str(struct rep_table *t, const char *text);
/* rep_table_num: append the next cell: @value / @unit, or "-". */
void rep_table_num(struct rep_table *t, double value, struct rep_unit unit);
/* rep_table_count: append the next cell: a whole number, or "-" for NAN. */
void rep_table_count(struct rep_table *t, double value);
/* rep_table_range: append the next cell: "low-high", or "-" when an end is missing. */
void rep_table_range(struct rep_table *t, double low, double high, struct rep_unit unit);

/*
 * rep_table_print: print it; the first @heads rows are headings.
 * Returns 0 or -ENOMEM.
 */
int rep_table_print(const struct rep_table *t, size_t heads, bool color, FILE *out) IL_MUST_CHECK;

#endif
