// SPDX-License-Identifier: Apache-2.0
/* The parts of a result document that every measure has (docs/bench-json.md). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "bench/contract.h"
#include "bench/host.h"
#include "bench/session.h"
#include "image/image.h"

static json_t *strings(char *const *items)
{
	json_t *a = json_array();

	for (size_t i = 0; items && items[i]; i++) {
		/* An argument that is not UTF-8 is not worth losing the result. */
		json_t *one = json_string(items[i]);

		json_array_append_new(a, one ? one : json_string("?"));
	}
	return a;
}

static json_t *date_now(void)
{
	char text[32] = "";
	time_t now = (time_t)(il_wall_ns() / IL_NS_PER_S);
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static json_t *settings(const struct bench_options *o)
{
	return json_pack("{s:I, s:I, s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "n",
			 (json_int_t)o->n, "warmup", (json_int_t)o->warmup, "concurrency",
			 (json_int_t)o->concurrency, "cold", o->cold, "seed", (json_int_t)o->seed,
			 "instances", (json_int_t)o->instances, "max", (json_int_t)o->max,
			 "floor_bytes", (json_int_t)o->floor_bytes, "max_start_ns",
			 (json_int_t)o->max_start_ns, "timeout_ns", (json_int_t)o->timeout_ns,
			 "memory_limit_bytes", (json_int_t)o->memory_bytes);
}

int result_begin(struct result *r, const struct bench_session *s, enum bench_measure measure,
		 const char *mode, char *const *workload, struct il_err *err)
{
	const struct subject *baseline = session_baseline(s);
	const struct img_image *image = s->env.image;
	json_t *host = NULL;
	int code = host_describe(&host, err);

	*r = (struct result){.begin_ns = il_now_ns()};
	if (code < 0)
		return code;
	json_t *command = strings(s->options.command_line);

	/* The caller has the words behind the verb. */
	json_array_insert_new(command, 0, json_string("isolab"));
	json_array_insert_new(command, 1, json_string("bench"));
	r->subjects = json_array();
	r->warnings = json_array();
	r->doc = json_pack(
	    "{s:s, s:i, s:s, s:s, s:s, s:o, s:i, s:o, s:o, s:{s:s, s:s, s:I}, s:o, "
	    "s:o, s:s?, s:o, s:o}",
	    "schema", "isolab-bench", "schema_version", 1, "isolab_version", IL_VERSION, "measure",
	    bench_measure_name(measure), "mode", mode, "started_at", date_now(), "duration_ns", 0,
	    "command", command, "host", host, "image", "name", image->name, "digest", image->digest,
	    "size_bytes", (json_int_t)image->size_bytes, "workload", strings(workload), "settings",
	    settings(&s->options), "baseline", baseline ? baseline->name : NULL, "subjects",
	    r->subjects, "warnings", r->warnings);
	return r->doc ? 0 : il_fail(err, ENOMEM, "make a result");
}

json_t *result_subject(struct result *r, const struct subject *subject)
{
	const char *skipped = subject->skipped;

	/* The harness's own row is a start without a program: it has no instances. */
	if (!skipped && subject->driver->no_instances &&
	    strcmp(json_string_value(json_object_get(r->doc, "measure")), "startup") != 0)
		skipped = "there is no instance of nothing: it measures the harness's start path";
	json_t *o = json_pack("{s:s, s:s, s:s?, s:s, s:s?}", "name", subject->name, "type",
			      subject->driver->type, "version",
			      subject->version[0] ? subject->version : NULL, "description",
			      subject->description, "skipped", skipped);

	json_array_append_new(r->subjects, o);
	return o;
}

void result_warn(struct result *r, const char *subject, const char *kind, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(r->warnings, json_pack("{s:s, s:s, s:s}", "subject", subject, "kind",
						     kind, "text", text));
}

int result_end(struct result *r, json_t **ret, struct il_err *err)
{
	int code;

	json_object_set_new(r->doc, "duration_ns",
			    json_integer((json_int_t)(il_now_ns() - r->begin_ns)));
	/* A document that breaks its own contract is a bug; better here than in a report. */
	code = contract_check(r->doc, err);
	if (code < 0)
		return il_wrap(err, code, "the result is not as documented (a bug)");
	*ret = r->doc;
	r->doc = NULL;
	return 0;
}

void result_done(struct result *r)
{
	json_decref(r->doc);
	r->doc = NULL;
}
