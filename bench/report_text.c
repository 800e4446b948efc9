// SPDX-License-Identifier: Apache-2.0
#include "bench/report_text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const struct rep_unit time_units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
static const struct rep_unit size_units[] = {
    {"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"TiB", 1099511627776.0}};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The largest unit of which @value is at least one. */
static struct rep_unit fit(const struct rep_unit *units, size_t n, double value)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (value >= units[i].scale)
			best = i;
	return units[best];
}

struct rep_unit rep_unit_pick(const char *name, double low, double high)
{
	double a = fabs(low);
	double b = fabs(high);

	if (!(a > 0))
		a = b;
	if (!(b > 0))
		b = a;
	double middle = a > 0 && b > 0 ? sqrt(a) * sqrt(b) : 0;
	if (ends_with(name, "_ns"))
		return fit(time_units, ARRAY_SIZE(time_units), middle);
	if (ends_with(name, "_bytes"))
		return fit(size_units, ARRAY_SIZE(size_units), middle);
	return (struct rep_unit){"", 1};
}

void rep_text_number(struct il_buf *b, double value)
{
	double size = fabs(value);

	if (!isfinite(value))
		il_buf_str(b, "-");
	else if (size >= 1e7)
		il_buf_printf(b, "%.3g", value);
	else if (size == 0)
		il_buf_str(b, "0");
	else
		il_buf_printf(b, "%.*f",
			      size >= 99.95    ? 0
			      : size >= 9.995  ? 1
			      : size >= 0.9995 ? 2
					       : 3,
			      value);
}

void rep_text_quantity(struct il_buf *b, const char *name, double value)
{
	struct rep_unit unit = rep_unit_pick(name, value, value);

	rep_text_number(b, value / unit.scale);
	if (*unit.name && isfinite(value))
		il_buf_printf(b, " %s", unit.name);
}

/* Length in bytes of the code point at @p; the text is valid UTF-8 (jansson checks it). */
static size_t code_point(const unsigned char *p, unsigned int *ret)
{
	size_t len = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	unsigned int c = *p < 0x80 ? *p : *p & (0xffu >> (len + 1));

	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*ret = 0xfffd;
			return i;
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	*ret = c;
	return len;
}

static bool steers_terminal(unsigned int c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe0fff) || c == 0xfffd;
}

void rep_text_safe(struct il_buf *b, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (p && *p) {
		unsigned int c = 0;
		size_t len = code_point(p, &c);

		if (steers_terminal(c))
			il_buf_str(b, "?");
		else
			il_buf_add(b, p, len);
		p += len;
	}
}

size_t rep_text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

/* Bytes of the first @width code points of @text. */
static size_t prefix_bytes(const char *text, size_t width)
{
	size_t i = 0;

	while (text[i] && (width > 0 || (text[i] & 0xc0) == 0x80)) {
		width -= (text[i] & 0xc0) != 0x80;
		i++;
	}
	return i;
}

void rep_text_cut(struct il_buf *b, const char *text, size_t width)
{
	_cleanup_(il_buf_done) struct il_buf safe = {0};

	rep_text_safe(&safe, text);
	b->failed |= safe.failed;
	if (!safe.data)
		return;
	if (rep_text_width(safe.data) <= width) {
		il_buf_str(b, safe.data);
		return;
	}
	il_buf_add(b, safe.data, prefix_bytes(safe.data, width - 1));
	il_buf_str(b, "~");
}

void rep_text_wrap(FILE *out, const char *text, size_t indent)
{
	size_t room = REP_WIDTH - indent;

	while (*text == ' ')
		text++;
	while (*text) {
		size_t take = prefix_bytes(text, room);

		if (text[take] && text[take] != ' ')
			for (size_t i = take; i > 0; i--)
				if (text[i] == ' ') {
					take = i;
					break;
				}
		fprintf(out, "%*s%.*s\n", (int)indent, "", (int)take, text);
		text += take;
		while (*text == ' ')
			text++;
	}
}

void rep_table_done(struct rep_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct rep_table){0};
}

void rep_table_cell(struct rep_table *t, struct il_buf *b)
{
	char *text = il_buf_steal(b);

	if (text && t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		char **bigger = reallocarray(t->cells, cap, sizeof(*bigger));

		if (bigger) {
			t->cells = bigger;
			t->cap = cap;
		}
	}
	if (!text || t->count == t->cap) {
		free(text);
		t->failed = true;
		return;
	}
	t->cells[t->count++] = text;
}

void rep_table_str(struct rep_table *t, const char *text)
{
	struct il_buf b = {0};

	rep_text_safe(&b, text);
	rep_table_cell(t, &b);
}

void rep_table_num(struct rep_table *t, double value, struct rep_unit unit)
{
	struct il_buf b = {0};

	rep_text_number(&b, value / unit.scale);
	rep_table_cell(t, &b);
}

void rep_table_count(struct rep_table *t, double value)
{
	struct il_buf b = {0};

	if (isfinite(value))
		il_buf_printf(&b, fabs(value) < 1e9 ? "%.0f" : "%.3g", value);
	else
		il_buf_str(&b, "-");
	rep_table_cell(t, &b);
}

void rep_table_range(struct rep_table *t, double low, double high, struct rep_unit unit)
{
	struct il_buf b = {0};

	rep_text_number(&b, isfinite(high) ? low / unit.scale : NAN);
	if (isfinite(low) && isfinite(high)) {
		il_buf_str(&b, low < 0 || high < 0 ? ".." : "-");
		rep_text_number(&b, high / unit.scale);
	}
	rep_table_cell(t, &b);
}

static size_t column_width(const struct rep_table *t, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < t->count; i += t->columns)
		width = IL_MAX(width, rep_text_width(t->cells[i]));
	return width;
}

static void print_row(const struct rep_table *t, size_t row, const size_t *widths, FILE *out)
{
	for (size_t c = 0; c < t->columns; c++) {
		const char *text = t->cells[row * t->columns + c];
		size_t width = rep_text_width(text);
		size_t pad = width < widths[c] ? widths[c] - width : 0;

		if (c > 0)
			fprintf(out, "  %*s%s", (int)pad, "", text);
		else if (width <= widths[0])
			fprintf(out, "%s%*s", text, (int)pad, "");
		else
			fprintf(out, "%.*s~", (int)prefix_bytes(text, widths[0] - 1), text);
	}
}

int rep_table_print(const struct rep_table *t, size_t heads, bool color, FILE *out)
{
	if (t->failed || t->columns == 0 || t->count % t->columns != 0)
		return -ENOMEM;

	_cleanup_(freep) size_t *widths = calloc(t->columns, sizeof(*widths));
	if (!widths)
		return -ENOMEM;
	size_t total = 2 * (t->columns - 1);
	for (size_t c = 0; c < t->columns; c++)
		total += widths[c] = column_width(t, c);
	if (total > REP_WIDTH)
		widths[0] -= IL_MIN(total - REP_WIDTH, widths[0] - IL_MIN(widths[0], (size_t)8));
	for (size_t row = 0; row < t->count / t->columns; row++) {
		bool head = row < heads;

		fputs(color && head ? "\033[1m" : "", out);
		print_row(t, row, widths, out);
		fputs(color && head ? "\033[0m\n" : "\n", out);
	}
	return 0;
}
