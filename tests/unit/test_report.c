// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "bench/report.h"
#include "bench/report_headline.h"
#include "bench/report_model.h"
#include "bench/report_text.h"

#define FIXTURE "tests/fixtures/bench-suite.json"
#define DOC     "\"schema\":\"isolab-bench\",\"schema_version\":1,\"measure\":\"startup\""

static json_t *parse(const char *text)
{
	struct il_err err = {0};
	json_t *json = NULL;

	cr_assert_eq(il_json_parse(text, strlen(text), "test", &json, &err), 0, "%s", err.msg);
	return json;
}

/* What report_table prints; owned. */
static char *table_of(const json_t *json, bool color)
{
	struct il_err err = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(report_table(json, out, color, &err), 0, "%s", err.msg);
	fclose(out);
	return text;
}

static void assert_fits(const char *text)
{
	char line[4096];

	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		cr_assert_leq(rep_text_width(line), (size_t)REP_WIDTH, "%s", line);
		text += n + (text[n] == '\n');
	}
}

Test(report_text, a_unit_suits_the_whole_column)
{
	static const struct {
		const char *metric;
		double low, high;
		const char *want;
	} rows[] = {
	    {"total_ns", 8e5, 186e6, "ms"}, {"total_ns", 100, 900, "ns"},
	    {"total_ns", 4e4, 9e5, "us"},   {"total_ns", 2e9, 60e9, "s"},
	    {"pss_bytes", 1e5, 8e6, "KiB"}, {"pss_bytes", 2e6, 3e7, "MiB"},
	    {"total_ns", 0, 5e6, "ms"},     {"total_ns", NAN, NAN, "ns"},
	    {"ratio", 1, 1000, ""},         {"total_ns", 1e308, 1e308, "s"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_assert_str_eq(rep_unit_pick(rows[i].metric, rows[i].low, rows[i].high).name,
				 rows[i].want, "row %zu", i);
}

Test(report_text, three_significant_digits)
{
	static const struct {
		double value;
		const char *want;
	} rows[] = {
	    {0, "0"},        {0.0314, "0.031"},  {0.9994, "0.999"}, {0.9996, "1.00"},
	    {2.104, "2.10"}, {9.996, "10.0"},    {36.04, "36.0"},   {99.96, "100"},
	    {712.4, "712"},  {12345.6, "12346"}, {-2.5, "-2.50"},   {1e12, "1e+12"},
	    {NAN, "-"},      {INFINITY, "-"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(il_buf_done) struct il_buf b = {0};

		rep_text_number(&b, rows[i].value);
		cr_assert_str_eq(b.data, rows[i].want);
	}
}

Test(report_text, nothing_steers_the_terminal)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	rep_text_safe(&b, "a\033[31mb\r\n\x7f"
			  "c\xc2\x9b"
			  "d\xe2\x80\xae"
			  "e\xc3\xa9");
	cr_assert_str_eq(b.data, "a?[31mb???c?d?e\xc3\xa9");
}

Test(report_text, cut_counts_columns_not_bytes)
{
	_cleanup_(il_buf_done) struct il_buf b = {0};

	rep_text_cut(&b, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 4);
	cr_assert_str_eq(b.data, "\xc3\xa9\xc3\xa9\xc3\xa9~");
}

Test(report_table, the_fixture_fits_80_columns_and_says_everything)
{
	static const char *const wanted[] = {
	    "startup, warm: /usr/bin/il-true in docker.io/library/demo:latest",
	    "host: SYNTHETIC 9000",
	    "kvm_pvm (ring 0 emulated)",
	    "x process",
	    "kernel boot",
	    "skipped docker: dockerd is not installed",
	    "first failure of podman: exit status 125",
	    "warning process: median under 5 ms",
	    "MemAvailable",
	    "nano stopped: reached --max 1000",
	    "Alive at once, each by itself: 1000 containers and 1000 nano VMs; none failed.",
	};
	struct il_err err = {0};
	json_auto_t *json = NULL;

	cr_assert_eq(report_load(FIXTURE, &json, &err), 0, "%s", err.msg);
	_cleanup_(freep) char *text = table_of(json, false);
	assert_fits(text);
	cr_assert_null(strchr(text, '\033'));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		cr_assert_not_null(strstr(text, wanted[i]), "no \"%s\" in\n%s", wanted[i], text);
	/* The host is the same for all results of the suite: said once. */
	cr_assert_null(strstr(strstr(text, "host: ") + 1, "host: "));
}

Test(report_table, color_only_when_asked_for)
{
	json_auto_t *json = parse("{" DOC ",\"subjects\":[{\"name\":\"a\",\"skipped\":\"no\"}]}");
	_cleanup_(freep) char *text = table_of(json, true);

	cr_assert_not_null(strstr(text, "\033[33mskipped a: no"));
}

Test(report_table, long_and_hostile_names_stay_in_their_column)
{
	json_auto_t *json = parse(
	    "{" DOC ",\"workload\":[\"/x\\u001b]0;y\"],\"subjects\":[{\"name\":"
	    "\"a-name-that-is-much-too-long-for-any-table\\u001b[2J\",\"type\":\"kind\","
	    "\"summary\":{\"total_ns\":{\"median\":2000000,\"p90\":1,\"p99\":2,"
	    "\"median_ci95\":[1900000,2100000],\"ratio\":{\"to\":\"b\\u001b[1mbbbbbbbbbbbbb\","
	    "\"value\":1.5,\"ci95\":[1.25,1.75]}},\"\":{\"median\":1}},"
	    "\"phases\":[{\"name\":\"p\\u0007\",\"median_ns\":5}]}]}");
	_cleanup_(freep) char *text = table_of(json, false);

	assert_fits(text);
	cr_assert_null(strchr(text, '\033'));
	cr_assert_null(strchr(text, '\007'));
	cr_assert_not_null(strstr(text, "1.90-2.10"));
}

Test(report_table, phases_of_several_kinds_keep_one_order)
{
	json_auto_t *json =
	    parse("{" DOC ",\"subjects\":[{\"name\":\"a\",\"phases\":[{\"name\":\"one\"},"
		  "{\"name\":\"last\"}]},{\"name\":\"b\",\"phases\":[{\"name\":\"one\"},"
		  "{\"name\":\"two\"},{\"name\":\"last\"}]}]}");
	_cleanup_(freep) char *text = table_of(json, false);

	cr_assert_lt(strstr(text, "\none"), strstr(text, "\ntwo"));
	cr_assert_lt(strstr(text, "\ntwo"), strstr(text, "\nlast"));
}

Test(report_table, an_empty_result_is_no_error)
{
	json_auto_t *json = parse("{" DOC ",\"subjects\":[]}");
	_cleanup_(freep) char *text = table_of(json, false);

	cr_assert_not_null(strstr(text, "startup:"));
}

/* Messages name the place. */
Test(report_model, refuses_with_the_json_path)
{
	static const struct {
		const char *json, *want;
	} rows[] = {
	    {"[]", "document: expected an object"},
	    {"{}", "document.schema: expected 'isolab-bench'"},
	    {"{\"schema\":7}", "document.schema: expected a string"},
	    {"{\"schema\":\"isolab-bench\"}", "document.schema_version is missing"},
	    {"{\"schema\":\"isolab-bench\",\"schema_version\":2}", "schema_version is 2"},
	    {"{\"schema\":\"isolab-bench\",\"schema_version\":1}", "document.measure is missing"},
	    {"{" DOC "}", "document.subjects is missing"},
	    {"{" DOC ",\"subjects\":{}}", "document.subjects: expected an array"},
	    {"{" DOC ",\"subjects\":[7]}", "document.subjects[0]: expected an object"},
	    {"{" DOC ",\"subjects\":[{}]}", "document.subjects[0].name is missing"},
	    {"{" DOC ",\"subjects\":[{\"name\":\"a\"},{\"name\":\"b\",\"summary\":{\"total_ns\":"
	     "{\"median\":\"1\"}}}]}",
	     "document.subjects[1].summary.total_ns.median: expected a number"},
	    {"{" DOC ",\"subjects\":[{\"name\":\"a\",\"summary\":{\"x\":{\"median_ci95\":[1]}}}]}",
	     "summary.x.median_ci95: expected two numbers"},
	    {"{" DOC ",\"subjects\":[{\"name\":\"a\",\"samples\":[{\"metrics\":{\"x\":[]}}]}]}",
	     "document.subjects[0].samples[0].metrics.x: expected a number"},
	    {"{" DOC ",\"subjects\":[{\"name\":\"a\",\"samples\":[{\"ok\":1}]}]}",
	     "document.subjects[0].samples[0].ok: expected true or false"},
	    {"{" DOC
	     ",\"subjects\":[{\"name\":\"a\",\"density\":{\"curve\":[{\"start_ns\":\"\"}]}}]}",
	     "document.subjects[0].density.curve[0].start_ns: expected a number"},
	    {"{" DOC ",\"subjects\":[],\"host\":{\"kvm\":{\"available\":\"yes\"}}}",
	     "document.host.kvm.available: expected true or false"},
	    {"{\"schema\":\"isolab-bench-suite\",\"schema_version\":1}",
	     "suite.results is missing"},
	    {"{\"schema\":\"isolab-bench-suite\",\"schema_version\":1,\"results\":[{}]}",
	     "suite.results[0].schema: expected"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(rep_set_done) struct rep_set set = {0};
		json_auto_t *json = parse(rows[i].json);
		struct il_err err = {0};

		cr_assert_eq(rep_set_add(&set, json, &err), -EINVAL, "%s", rows[i].json);
		cr_assert_not_null(strstr(err.msg, rows[i].want), "'%s', not '%s'", err.msg,
				   rows[i].want);
	}
}

Test(report_model, prints_nothing_of_an_invalid_document)
{
	json_auto_t *json = parse("{" DOC ",\"subjects\":[{\"name\":7}]}");
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(report_table(json, out, false, NULL), -EINVAL);
	fclose(out);
	cr_assert_eq(len, 0);
	free(text);
}

static char *headline_of(const char *subjects)
{
	_cleanup_(rep_set_done) struct rep_set set = {0};
	_cleanup_(freep) char *text =
	    il_strf("{" DOC ",\"workload\":[\"/bin/true\"],\"subjects\":[%s]}", subjects);
	json_auto_t *json = parse(text);
	struct il_buf b = {0};
	struct il_err err = {0};

	cr_assert_eq(rep_set_add(&set, json, &err), 0, "%s", err.msg);
	rep_headline(&b, &set.docs[0], "x");
	return il_buf_steal(&b);
}

#define NANO                                                                                       \
	"{\"name\":\"nano\",\"type\":\"kind\",\"summary\":{\"total_ns\":{\"median\":4000000,"      \
	"\"ratio\":{\"to\":\"process\",\"value\":5}}}}"

Test(report_headline, says_what_was_found)
{
	static const struct {
		const char *subjects, *want;
	} rows[] = {
	    {"", ""},
	    {"{\"name\":\"crun\",\"type\":\"peer\",\"summary\":{\"total_ns\":{\"median\":1}}}", ""},
	    {"{\"name\":\"null\",\"type\":\"kind\",\"summary\":{\"total_ns\":{\"median\":1}}}", ""},
	    {"{\"name\":\"nano\",\"type\":\"kind\",\"skipped\":\"no /dev/kvm\"}", ""},
	    {NANO, "From launch to end, /bin/true takes 4.00 ms in a nano VM (5.00x the process)."},
	    {NANO ",{\"name\":\"crun\",\"type\":\"peer\",\"summary\":{\"total_ns\":{\"median\":"
		  "16000000}}}",
	     "From launch to end, /bin/true takes 4.00 ms in a nano VM (5.00x the process, "
	     "0.25x crun)."},
	    {"{\"name\":\"container\",\"type\":\"kind\",\"memory\":{\"slope_bytes\":524288,"
	     "\"pss_per_instance_bytes\":262144}}," NANO,
	     "One more idle instance takes 512 KiB of available memory as a container (256 KiB by "
	     "PSS)."},
	    {"{\"name\":\"nano\",\"type\":\"kind\",\"memory\":{\"slope_bytes\":-1024,"
	     "\"slope_ci95\":[-2048,1024]}}",
	     "One more idle instance takes no more than noise (95 % CI -2.00 KiB to 1.00 KiB) of "
	     "available memory as a nano VM."},
	    {"{\"name\":\"nano\",\"type\":\"kind\",\"density\":{\"max_alive\":12,\"failed\":1}}",
	     "Alive at once: 12 nano VMs; 1 failed."},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(freep) char *text = headline_of(rows[i].subjects);

		cr_assert_str_eq(text, rows[i].want);
	}
}

/* ---- files --------------------------------------------------------------------------- */

struct temp {
	char dir[64];
	char path[96];
};

static void temp_make(struct temp *t)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/isolab-report-XXXXXX");
	cr_assert_not_null(mkdtemp(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/out", t->dir);
}

static void temp_done(struct temp *t)
{
	unlink(t->path);
	cr_expect_eq(rmdir(t->dir), 0, "a file was left beside the report");
}

static char *read_out(const struct temp *t, size_t *ret_len)
{
	char *text = NULL;

	cr_assert_eq(il_read_file(AT_FDCWD, t->path, 64 << 20, &text, ret_len), 0);
	return text;
}

Test(report_csv, a_row_per_observation_quoted_by_rfc_4180)
{
	_cleanup_(temp_done) struct temp t;
	struct il_err err = {0};
	json_auto_t *json = parse(
	    "{" DOC ",\"workload\":[\"a,b\",\"c\\\"d\"],\"subjects\":["
	    "{\"name\":\"x\\ny\",\"samples\":[{\"order\":3,\"ok\":true,\"exit_status\":0,"
	    "\"metrics\":{\"total_ns\":9007199254740993,\"f\":0.5},\"events_ns\":{\"execed\":7}},"
	    "{\"order\":4,\"ok\":false,\"error\":\"no, really\",\"metrics\":{}}]},"
	    "{\"name\":\"z\",\"skipped\":\"why\",\"density\":{\"curve\":[{\"instances\":1,"
	    "\"start_ns\":5}]},\"memory\":{\"points\":[{\"instances\":2,\"pss_bytes\":6}]}}]}");

	temp_make(&t);
	cr_assert_eq(report_csv((const json_t *const[]){json}, 1, t.path, &err), 0, "%s", err.msg);
	_cleanup_(freep) char *text = read_out(&t, NULL);
	cr_assert_str_eq(
	    text,
	    "measure,mode,started_at,isolab_version,image_digest,workload,subject,type,version,"
	    "record,order,ok,exit_status,error,instances,start_ns,mem_available_bytes,pss_bytes,"
	    "cgroup_bytes,total_ns,f,event_execed_ns\r\n"
	    "startup,,,,,\"a,b c\"\"d\",\"x\ny\",,,sample,3,true,0,,,,,,,9007199254740993,0.5,7\r\n"
	    "startup,,,,,\"a,b c\"\"d\",\"x\ny\",,,sample,4,false,,\"no, really\",,,,,,,,\r\n"
	    "startup,,,,,\"a,b c\"\"d\",z,,,skipped,,,,why,,,,,,,,\r\n"
	    "startup,,,,,\"a,b c\"\"d\",z,,,memory,,,,,2,,,6,,,,\r\n"
	    "startup,,,,,\"a,b c\"\"d\",z,,,density,,,,,1,5,,,,,,\r\n");
}

Test(report_csv, refuses_a_flood_of_columns)
{
	json_auto_t *json = parse("{" DOC ",\"subjects\":[{\"name\":\"a\",\"samples\":[{}]}]}");
	json_t *subject = json_array_get(json_object_get(json, "subjects"), 0);
	json_t *metrics = json_object();
	struct il_err err = {0};
	char key[16];

	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "m%d", i);
		json_object_set_new(metrics, key, json_integer(i));
	}
	json_object_set_new(json_array_get(json_object_get(subject, "samples"), 0), "metrics",
			    metrics);
	cr_assert_eq(report_csv((const json_t *const[]){json}, 1, "/nonexistent/x", &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "more than 256 different metrics"));
}

static size_t count_of(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

Test(report_html, hostile_text_never_becomes_html)
{
	_cleanup_(temp_done) struct temp t;
	struct il_err err = {0};
	json_auto_t *json =
	    parse("{\"schema\":\"isolab-bench\",\"schema_version\":1,"
		  "\"measure\":\"</title><script>alert(1)</script>\",\"subjects\":[{\"name\":"
		  "\"</script><img src=x onerror=alert(1)>\\u2028<!--@@css@@\",\"skipped\":"
		  "\"</noscript><b>&amp;\"}]}");

	temp_make(&t);
	cr_assert_eq(report_html((const json_t *const[]){json}, 1, t.path, &err), 0, "%s", err.msg);
	_cleanup_(freep) char *text = read_out(&t, NULL);
	/* The four script elements of the template and no other. */
	cr_assert_eq(count_of(text, "<script"), 4);
	cr_assert_eq(count_of(text, "</script"), 4);
	cr_assert_eq(count_of(text, "</noscript"), 1);
	cr_assert_eq(count_of(text, "<img"), 0);
	cr_assert_eq(count_of(text, "\xe2\x80\xa8"), 0);
	cr_assert_not_null(strstr(text, "\\u003c/script\\u003e\\u003cimg src=x"));
	cr_assert_not_null(strstr(text, "<title>isolab: &lt;/title&gt;"));
	/* A placeholder in the data is data. */
	cr_assert_not_null(strstr(text, "\\u003c!--@@css@@"));
}

Test(report_html, the_page_holds_the_whole_result)
{
	_cleanup_(temp_done) struct temp t;
	struct il_err err = {0};
	json_auto_t *json = NULL;
	json_auto_t *back = NULL;

	temp_make(&t);
	cr_assert_eq(report_load(FIXTURE, &json, &err), 0, "%s", err.msg);
	cr_assert_eq(report_html((const json_t *const[]){json}, 1, t.path, &err), 0, "%s", err.msg);
	_cleanup_(freep) char *text = read_out(&t, NULL);
	const char *data = strstr(text, "id=\"data\">");
	cr_assert_not_null(data);
	data += strlen("id=\"data\">");
	cr_assert_eq(
	    il_json_parse(data, (size_t)(strstr(data, "</script>") - data), "data", &back, &err), 0,
	    "%s", err.msg);
	cr_assert(json_equal(json_object_get(back, "results"), json_object_get(json, "results")));
	cr_assert_eq(json_array_size(json_object_get(back, "headlines")), 4);
	/* Everything is inside: the page names no other place to load from. */
	cr_assert_eq(count_of(text, " src="), 0);
	cr_assert_eq(count_of(text, "<link"), 0);
	cr_assert_not_null(strstr(text, "default-src 'none'"));
	cr_assert_not_null(strstr(text, "Chart.js v"));
}

Test(report_out, a_failure_leaves_the_old_file)
{
	_cleanup_(temp_done) struct temp t;
	struct il_err err = {0};
	json_auto_t *good = parse("{" DOC ",\"subjects\":[]}");
	json_auto_t *bad = parse("{" DOC ",\"subjects\":[7]}");
	size_t before = 0;
	size_t after = 0;

	temp_make(&t);
	cr_assert_eq(report_html((const json_t *const[]){good}, 1, t.path, &err), 0);
	_cleanup_(freep) char *first = read_out(&t, &before);
	cr_assert_eq(report_html((const json_t *const[]){bad}, 1, t.path, &err), -EINVAL);
	_cleanup_(freep) char *second = read_out(&t, &after);
	cr_assert_eq(before, after);
	il_err_clear(&err);
	cr_assert_eq(report_csv((const json_t *const[]){good}, 1, "/nonexistent/dir/x", &err),
		     -ENOENT);
	cr_assert_not_null(strstr(err.msg, "write '/nonexistent/dir/x'"));
}

Test(report_load, names_the_file)
{
	struct il_err err = {0};
	json_t *json = NULL;

	cr_assert_eq(report_load("/nonexistent", &json, &err), -ENOENT);
	cr_assert_not_null(strstr(err.msg, "/nonexistent"));
	il_err_clear(&err);
	cr_assert_eq(report_load("Makefile", &json, &err), -EINVAL);
	cr_assert_not_null(strstr(err.msg, "Makefile"));
}
