// SPDX-License-Identifier: Apache-2.0
/*
 * The page is the template of bench/web/report.html with its @@name@@ places filled. What
 * comes from the result goes in at two places only: as JSON in a script element that no
 * browser runs, and as escaped text. The page's script puts it on screen as text nodes.
 */
#include "bench/report.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "bench/report_headline.h"
#include "bench/report_model.h"
#include "bench/report_out.h"
#include "bench/report_web.h"

static void add_html(struct il_buf *b, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '&')
			il_buf_str(b, "&amp;");
		else if (*p == '<')
			il_buf_str(b, "&lt;");
		else if (*p == '>')
			il_buf_str(b, "&gt;");
		else if (*p == '"')
			il_buf_str(b, "&quot;");
		else
			il_buf_add(b, p, 1);
	}
}

/*
 * JSON inside a script element: the characters that could end the element or open a
 * comment occur in strings only, so that \u escapes keep the meaning. U+2028 and U+2029
 * are escaped already (JSON_ENSURE_ASCII).
 */
static void add_json(struct il_buf *b, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "<>&");

		il_buf_add(b, text, n);
		text += n;
		if (*text)
			il_buf_printf(b, "\\u%04x", (unsigned int)(unsigned char)*text++);
	}
}

/* The data of the page: {"results": [DOCUMENT, ...], "headlines": [TEXT, ...]}; owned. */
static json_t *page_data(const struct rep_set *set)
{
	json_auto_t *results = json_array();
	json_auto_t *headlines = json_array();

	for (size_t i = 0; i < set->count; i++) {
		_cleanup_(il_buf_done) struct il_buf b = {0};
		/* The reference count is all that changes. */
		json_t *doc = json_incref((json_t *)(uintptr_t)set->docs[i].json);

		rep_headline(&b, &set->docs[i], "\u00d7");
		if (json_array_append_new(results, doc) < 0 || il_buf_check(&b) < 0 ||
		    json_array_append_new(headlines, json_string(b.data ? b.data : "")) < 0)
			return NULL;
	}
	return json_pack("{s:O, s:O, s:s}", "results", results, "headlines", headlines, "made_by",
			 "isolab " IL_VERSION);
}

static int make_data(const struct rep_set *set, struct il_buf *ret, struct il_err *err)
{
	json_auto_t *data = page_data(set);
	_cleanup_(freep) char *text =
	    data ? json_dumps(data, JSON_ENSURE_ASCII | JSON_COMPACT) : NULL;

	if (!text)
		return il_fail(err, ENOMEM, "make the page");
	add_json(ret, text);
	return 0;
}

/* What readers without JavaScript get: the terminal's tables. */
static int make_table(const json_t *const *docs, size_t n, struct il_buf *ret, struct il_err *err)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return il_fail(err, ENOMEM, "make the page");
	for (size_t i = 0; r == 0 && i < n; i++) {
		fputs(i > 0 ? "\n" : "", out);
		r = report_table(docs[i], out, /* color= */ false, err);
	}
	if (fclose(out) != 0 && r == 0)
		r = il_fail(err, ENOMEM, "make the page");
	if (r == 0)
		add_html(ret, text);
	return r;
}

struct part {
	const char *name;
	const char *text;
};

static const char *find_part(const struct part *parts, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(parts[i].name) == len && memcmp(parts[i].name, name, len) == 0)
			return parts[i].text;
	return NULL;
}

/* Copy @template; each @@name@@ of a known part is replaced by its text, once, unread. */
static void fill(struct il_buf *out, const char *template, const struct part *parts, size_t n)
{
	const char *p = template;

	for (;;) {
		const char *open = strstr(p, "@@");
		const char *close = open ? strstr(open + 2, "@@") : NULL;

		if (!close)
			break;
		const char *text = find_part(parts, n, open + 2, (size_t)(close - open - 2));
		il_buf_add(out, p, (size_t)(open - p));
		il_buf_str(out, text ? text : "");
		p = close + 2;
	}
	il_buf_str(out, p);
}

static void make_title(const struct rep_set *set, struct il_buf *ret)
{
	il_buf_str(ret, "isolab:");
	for (size_t i = 0; i < set->count && i < 6; i++) {
		il_buf_str(ret, i ? ", " : " ");
		add_html(ret, set->docs[i].measure);
	}
	il_buf_str(ret, set->count > 6 ? ", ..." : "");
}

int report_html(const json_t *const *docs, size_t n, const char *path, struct il_err *err)
{
	_cleanup_(rep_set_done) struct rep_set set = {0};
	_cleanup_(il_buf_done) struct il_buf data = {0};
	_cleanup_(il_buf_done) struct il_buf table = {0};
	_cleanup_(il_buf_done) struct il_buf title = {0};
	_cleanup_(il_buf_done) struct il_buf page = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = rep_set_add(&set, docs[i], err);
	if (r == 0)
		r = make_data(&set, &data, err);
	if (r == 0)
		r = make_table(docs, n, &table, err);
	if (r < 0)
		return r;
	make_title(&set, &title);
	if (il_buf_check(&data) < 0 || il_buf_check(&table) < 0 || il_buf_check(&title) < 0)
		return il_fail(err, ENOMEM, "make the page");
	const struct part parts[] = {
	    {"title", title.data},
	    {"css", report_web_css},
	    {"table", table.data ? table.data : ""},
	    {"data", data.data},
	    {"early", report_web_early},
	    {"chartjs", report_web_chartjs},
	    {"format", report_web_format},
	    {"charts", report_web_charts},
	    {"page", report_web_page},
	};
	fill(&page, report_web_html, parts, ARRAY_SIZE(parts));
	return rep_write_out(&page, path, err);
}
