// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 30 /* where the help text starts */
#define HELP_WIDTH  96

static const char *unit_of(const struct opt_row *row)
{
	if (row->unit)
		return row->unit;
	if (row->choices)
		return row->choices;
	switch (row->type) {
	case OPT_FLAG:
	case OPT_REFUSED:
	case OPT_TYPE_MAX:
		return NULL;
	case OPT_SIZE:
		return "SIZE";
	case OPT_DURATION:
		return "TIME";
	case OPT_U64:
	case OPT_MILLI:
		return "N";
	case OPT_STRING:
	case OPT_OPTIONAL:
	case OPT_CHOICE:
	case OPT_LIST:
		break;
	}
	return "VALUE";
}

/* Appends @text in lines of HELP_WIDTH, each but the first indented to the column. */
static void wrap_text(struct il_buf *out, const char *text, size_t column)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > HELP_COLUMN && column + n + 1 > HELP_WIDTH) {
			il_buf_printf(out, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
		} else if (column > HELP_COLUMN) {
			il_buf_str(out, " ");
			column++;
		}
		il_buf_add(out, text, n);
		column += n;
		text += n + strspn(text + n, " ");
	}
	il_buf_str(out, "\n");
}

static void help_row(struct il_buf *out, const struct opt_row *row)
{
	char left[160];
	char text[512];
	const char *unit = unit_of(row);
	bool optional = row->type == OPT_OPTIONAL;
	int n = snprintf(left, sizeof(left), "  %c%c%c --%s%s%s%s", row->short_name ? '-' : ' ',
			 row->short_name ? row->short_name : ' ', row->short_name ? ',' : ' ',
			 row->name,
			 !unit      ? ""
			 : optional ? "[="
				    : " ",
			 unit ? unit : "", optional ? "]" : "");

	snprintf(text, sizeof(text), "%s%s%s%s", row->help, row->def ? " (default: " : "",
		 row->def ? row->def : "", row->def ? ")" : "");
	il_buf_str(out, left);
	if (n + 2 > HELP_COLUMN)
		il_buf_printf(out, "\n%*s", HELP_COLUMN, "");
	else
		il_buf_printf(out, "%*s", HELP_COLUMN - n, "");
	wrap_text(out, text, HELP_COLUMN);
}

void opt_help(struct il_buf *out, const struct opt_row *rows)
{
	for (const struct opt_row *row = rows; row && row->name; row++)
		if (!row->hidden && row->type != OPT_REFUSED)
			help_row(out, row);
}

/* In roff a leading dot is a request, a backslash an escape, a bare dash a hyphen. */
void opt_roff_text(struct il_buf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			il_buf_str(out, "\\e");
		else if (*text == '-')
			il_buf_str(out, "\\-");
		else
			il_buf_add(out, text, 1);
	}
}

static void roff_row(struct il_buf *out, const struct opt_row *row)
{
	const char *unit = unit_of(row);
	bool optional = row->type == OPT_OPTIONAL;

	il_buf_str(out, ".TP\n");
	if (row->short_name)
		il_buf_printf(out, "\\fB\\-%c\\fR, ", row->short_name);
	il_buf_str(out, "\\fB\\-\\-");
	opt_roff_text(out, row->name);
	il_buf_str(out, "\\fR");
	if (unit) {
		il_buf_str(out, optional ? "[=\\fI" : " \\fI");
		opt_roff_text(out, unit);
		il_buf_str(out, optional ? "\\fR]" : "\\fR");
	}
	il_buf_str(out, "\n\\&");
	opt_roff_text(out, row->help);
	if (row->def) {
		il_buf_str(out, " (default: ");
		opt_roff_text(out, row->def);
		il_buf_str(out, ")");
	}
	il_buf_str(out, "\n");
}

void opt_roff(struct il_buf *out, const struct opt_row *rows)
{
	for (const struct opt_row *row = rows; row && row->name; row++)
		if (!row->hidden && row->type != OPT_REFUSED)
			roff_row(out, row);
}
