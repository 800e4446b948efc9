// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "bench/contract.h"
#include "bench/startup.h"

#define HEAD                                                                                       \
	"{\"schema\":\"isolab-bench\",\"schema_version\":1,\"isolab_version\":\"0\","              \
	"\"mode\":\"warm\",\"started_at\":\"2026-01-01T00:00:00Z\",\"duration_ns\":1,"             \
	"\"command\":[],\"host\":{},\"image\":{},\"workload\":[],\"settings\":{},"                 \
	"\"baseline\":null,\"warnings\":[],"
#define SUBJECT                                                                                    \
	"\"name\":\"x\",\"type\":\"kind\",\"version\":null,\"description\":\"d\",\"skipped\":"
#define SUMMARY                                                                                    \
	"{\"n\":1,\"min\":5,\"median\":5,\"p90\":5,\"p99\":5,\"max\":5,\"mean\":5,\"stddev\":0,"   \
	"\"median_ci95\":[5,5],\"outliers\":[]}"
#define SAMPLE_OK                                                                                  \
	"{\"order\":0,\"ok\":true,\"error\":null,\"exit_status\":0,\"metrics\":{\"total_ns\":5}}"
#define SAMPLE_BAD                                                                                 \
	"{\"order\":1,\"ok\":false,\"error\":\"e\",\"exit_status\":1,\"metrics\":{\"total_ns\":1}" \
	"}"

static int check(const char *text, struct il_err *err)
{
	json_auto_t *doc = NULL;

	cr_assert_eq(il_json_parse(text, strlen(text), "test", &doc, err), 0, "%s", err->msg);
	return contract_check(doc, err);
}

#define STARTUP(failures, samples, summary)                                                        \
	HEAD "\"measure\":\"startup\",\"subjects\":[{" SUBJECT "null,\"failures\":" failures       \
	     ",\"samples\":[" samples "],\"summary\":{" summary "},\"phases\":[]}]}"

Test(contract, accepts_good_documents)
{
	struct il_err err = {0};

	cr_assert_eq(check(STARTUP("1", SAMPLE_OK "," SAMPLE_BAD, "\"total_ns\":" SUMMARY), &err),
		     0, "%s", err.msg);
	cr_assert_eq(check(STARTUP("1", SAMPLE_BAD, ""), &err), 0, "%s", err.msg);
	cr_assert_eq(
	    check(HEAD "\"measure\":\"memory\",\"subjects\":[{" SUBJECT "\"why\"}]}", &err), 0,
	    "%s", err.msg);
}

struct bad {
	const char *text, *why;
};

Test(contract, refuses_what_does_not_add_up)
{
	static const struct bad cases[] = {
	    {HEAD "\"subjects\":[]}", "measure"},
	    {HEAD "\"measure\":\"speed\",\"subjects\":[]}", "measure"},
	    {STARTUP("0", SAMPLE_BAD, ""), "failures"},
	    /* A failed start must not be what a figure is made from. */
	    {STARTUP("1", SAMPLE_BAD, "\"total_ns\":" SUMMARY), "good samples"},
	    {STARTUP("0",
		     "{\"order\":0,\"ok\":true,\"error\":null,\"exit_status\":1,"
		     "\"metrics\":{\"total_ns\":5}}",
		     ""),
	     "exit status"},
	    {STARTUP("0",
		     "{\"order\":0,\"ok\":true,\"error\":null,\"exit_status\":0,\"metrics\":{}}",
		     ""),
	     "total_ns"},
	    {HEAD "\"measure\":\"startup\",\"subjects\":[{" SUBJECT
		  "\"why\",\"samples\":[" SAMPLE_OK "]}]}",
	     "skipped"},
	    {HEAD "\"measure\":\"density\",\"subjects\":[{" SUBJECT
		  "null,\"density\":{\"curve\":[],\"max_alive\":3,\"failed\":0,"
		  "\"stop_reason\":\"\"}}]}",
	     "more alive"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct il_err err = {0};

		cr_assert_eq(check(cases[i].text, &err), -EINVAL, "case %zu", i);
		cr_assert(strstr(err.msg, cases[i].why), "case %zu: %s", i, err.msg);
	}
}

/* A session of two subjects with made-up samples: what the report makes of them. */
static struct sample sample(uint64_t order, uint64_t total_ns, bool ok)
{
	return (struct sample){
	    .order = order, .ok = ok, .total_ns = total_ns, .exit_status = ok ? 0 : 1};
}

Test(startup_report, failed_starts_are_counted_but_never_summarised)
{
	struct bench_session session = {.options = {.seed = 1, .n = 3}};
	struct sample fast[] = {sample(0, 10000000, true), sample(2, 12000000, true),
				sample(4, 11000000, true)};
	/* The failed one would be the fastest by far. */
	struct sample slow[] = {sample(1, 30000000, true), sample(3, 10, false),
				sample(5, 33000000, true)};
	struct startup_data data[2] = {{.samples = {.v = fast, .n = 3}},
				       {.samples = {.v = slow, .n = 3, .failures = 1}}};
	struct result res = {.doc = json_object()};
	struct il_err err = {0};

	session.env.options = &session.options;
	cr_assert_eq(subjects_parse("none", "exec,runc", &session.subjects, &err), 0);
	res.subjects = json_array();
	res.warnings = json_array();
	json_object_set_new(res.doc, "subjects", res.subjects);
	json_object_set_new(res.doc, "warnings", res.warnings);
	json_object_set_new(res.doc, "measure", json_string("startup"));
	cr_assert_eq(startup_report(&session, data, &res, &err), 0, "%s", err.msg);
	json_t *runc = json_array_get(res.subjects, 1);
	json_t *total = json_object_get(json_object_get(runc, "summary"), "total_ns");
	cr_assert_eq(json_integer_value(json_object_get(runc, "failures")), 1);
	cr_assert_eq(json_integer_value(json_object_get(total, "n")), 2);
	cr_assert_eq(json_integer_value(json_object_get(total, "min")), 30000000);
	cr_assert_eq(json_integer_value(json_object_get(total, "median")), 31500000);
	json_t *ratio = json_object_get(total, "ratio");
	cr_assert_str_eq(json_string_value(json_object_get(ratio, "to")), "exec");
	double value = json_real_value(json_object_get(ratio, "value"));
	cr_assert(value > 2.86 && value < 2.87, "%f", value);
	cr_assert_eq(json_array_size(json_object_get(runc, "samples")), 3);
	json_decref(res.doc);
}
