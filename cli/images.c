// SPDX-License-Identifier: Apache-2.0
/* isolab images, rmi: list the store's images, remove some. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/image_cli.h"
#include "cli/verb.h"
#include "image/digest.h"
#include "image/reference.h"

#define SHORT_ID 12

struct images_args {
	bool all;
	bool quiet;
	bool no_trunc;
	bool digests;
	bool json;
	const char *format;
};

static const struct opt_row images_options[] = {
    {.name = "all",
     .short_name = 'a',
     OPT_FLAG_AT(struct images_args, all),
     .hidden = true,
     .help = "Accepted for docker's sake: there are no intermediate images"},
    {.name = "quiet",
     .short_name = 'q',
     OPT_FLAG_AT(struct images_args, quiet),
     .help = "Print image IDs only"},
    {.name = "no-trunc", OPT_FLAG_AT(struct images_args, no_trunc), .help = "Print whole IDs"},
    {.name = "digests",
     OPT_FLAG_AT(struct images_args, digests),
     .help = "Print the digests of the manifests, too"},
    {.name = "format",
     OPT_CHOICE_AT(struct images_args, format),
     .choices = "table|json",
     .def = "table",
     .unit = "FORMAT",
     .help = "Print a table or a JSON array"},
    {.name = "json", OPT_FLAG_AT(struct images_args, json), .help = "The same as --format json"},
    OPT_END,
};

/* ---- how people like to read it ----------------------------------------------------- */

/* Two or four digits at *p, which moves on; -1 when there are none. */
static int take_digits(const char **p, size_t n)
{
	int v = 0;

	if (strspn(*p, "0123456789") < n)
		return -1;
	for (; n > 0; n--)
		v = v * 10 + *(*p)++ - '0';
	return v;
}

/* The same behind the character @before. */
static int take_field(const char **p, char before)
{
	return *(*p)++ == before ? take_digits(p, 2) : -1;
}

/* Seconds since the epoch of an RFC 3339 time, or -1. Source: RFC 3339 section 5.6. */
static int64_t parse_time(const char *text)
{
	const char *p = text;
	struct tm tm = {.tm_year = take_digits(&p, 4) - 1900};

	if (strlen(text) < sizeof("2024-01-01T00:00:00"))
		return -1;
	tm.tm_mon = take_field(&p, '-') - 1;
	tm.tm_mday = take_field(&p, '-');
	tm.tm_hour = take_field(&p, 'T');
	tm.tm_min = take_field(&p, ':');
	tm.tm_sec = take_field(&p, ':');
	if (tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0)
		return -1;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	int64_t t = timegm(&tm);
	if (*p == 'Z' || *p == 'z')
		return t;
	int sign = *p == '-' ? 1 : -1; /* local time minus the offset is UTC */
	if (*p != '+' && *p != '-')
		return -1;
	p++;
	int hours = take_digits(&p, 2);
	int minutes = hours < 0 ? -1 : take_field(&p, ':');
	return minutes < 0 ? -1 : t + sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
}

/* docker's words: "2 hours ago". */
static void print_age(struct il_buf *out, const char *created)
{
	static const struct {
		int64_t seconds;
		const char *one;
		const char *many;
	} units[] = {
	    {31536000, "About a year ago", "years"}, {2592000, "4 weeks ago", "months"},
	    {604800, "7 days ago", "weeks"},         {86400, "24 hours ago", "days"},
	    {3600, "About an hour ago", "hours"},    {60, "About a minute ago", "minutes"},
	};
	int64_t t = parse_time(created);
	int64_t age = (int64_t)(il_wall_ns() / IL_NS_PER_S) - t;

	if (t < 0) {
		il_buf_str(out, "N/A");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (age >= 2 * units[i].seconds) {
			il_buf_printf(out, "%" PRId64 " %s ago", age / units[i].seconds,
				      units[i].many);
			return;
		}
		if (age >= units[i].seconds) {
			il_buf_str(out, units[i].one);
			return;
		}
	}
	il_buf_str(out, "Less than a minute ago");
}

/* docker's sizes: three digits, powers of 1000. */
static void print_size(struct il_buf *out, uint64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double v = (double)bytes;
	size_t i = 0;

	for (; v >= 1000 && i + 1 < ARRAY_SIZE(units); i++)
		v /= 1000;
	int decimals = i == 0 || v >= 100 ? 0 : v >= 10 ? 1 : 2;
	il_buf_printf(out, "%.*f%s", decimals, v, units[i]);
}

static const char *id_of(const struct img_summary *s, bool whole, char *buf, size_t cap)
{
	size_t prefix = sizeof(IMG_DIGEST_PREFIX) - 1;

	if (s->config_digest[0] == '\0')
		return "<damaged>";
	if (whole)
		return s->config_digest;
	snprintf(buf, cap, "%.*s", SHORT_ID, s->config_digest + prefix);
	return buf;
}

/* ---- tables ------------------------------------------------------------------------- */

enum column {
	COL_REPOSITORY,
	COL_TAG,
	COL_DIGEST,
	COL_ID,
	COL_CREATED,
	COL_SIZE,
	COL_MAX,
};

static const char *const titles[COL_MAX] = {"REPOSITORY", "TAG",     "DIGEST",
					    "IMAGE ID",   "CREATED", "SIZE"};

static void print_cell(struct il_buf *out, enum column col, const struct img_summary *s,
		       const struct images_args *args)
{
	char id[SHORT_ID + 1];

	switch (col) {
	case COL_REPOSITORY:
		il_buf_str(out, s->repository);
		break;
	case COL_TAG:
		il_buf_str(out, s->tag[0] ? s->tag : "<none>");
		break;
	case COL_DIGEST:
		il_buf_str(out, s->digest);
		break;
	case COL_ID:
		il_buf_str(out, id_of(s, args->no_trunc, id, sizeof(id)));
		break;
	case COL_CREATED:
		print_age(out, s->created);
		break;
	case COL_SIZE:
		print_size(out, s->size_bytes);
		break;
	case COL_MAX:
		break;
	}
}

static size_t cell_width(enum column col, const struct img_summary *list, size_t n,
			 const struct images_args *args)
{
	size_t width = strlen(titles[col]);

	for (size_t i = 0; i < n; i++) {
		struct il_buf cell = {0};

		print_cell(&cell, col, &list[i], args);
		width = IL_MAX(width, cell.len);
		il_buf_done(&cell);
	}
	return width;
}

static void print_table(struct il_buf *out, const struct img_summary *list, size_t n,
			const struct images_args *args)
{
	size_t widths[COL_MAX];

	for (int c = 0; c < COL_MAX; c++)
		widths[c] = cell_width((enum column)c, list, n, args);
	for (size_t row = 0; row <= n; row++) {
		for (int c = 0; c < COL_MAX; c++) {
			if (c == COL_DIGEST && !args->digests)
				continue;
			size_t start = out->len;

			if (row == 0)
				il_buf_str(out, titles[c]);
			else
				print_cell(out, (enum column)c, &list[row - 1], args);
			if (c == COL_SIZE)
				break;
			size_t used = out->len - start;
			il_buf_printf(out, "%*s", (int)(widths[c] + 3 - IL_MIN(used, widths[c])),
				      "");
		}
		il_buf_str(out, "\n");
	}
}

static int print_json(struct il_buf *out, const struct img_summary *list, size_t n,
		      struct il_err *err)
{
	json_auto_t *arr = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct img_summary *s = &list[i];

		json_array_append_new(arr, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "Name",
						     s->name, "Repository", s->repository, "Tag",
						     s->tag, "ID", s->config_digest, "Digest",
						     s->digest, "CreatedAt", s->created,
						     "SizeBytes", (json_int_t)s->size_bytes));
	}
	_cleanup_(freep) char *text = json_dumps(arr, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (!text)
		return il_fail(err, ENOMEM, "list the images");
	il_buf_printf(out, "%s\n", text);
	return 0;
}

/* Keeps only what `isolab images NAME[:TAG]` asks for, at the front. Returns how many. */
static size_t filter(struct img_summary *list, size_t n, const char *want)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i].repository);
		bool match = strncmp(list[i].repository, want, len) == 0 &&
			     (want[len] == '\0' ||
			      (want[len] == ':' && strcmp(want + len + 1, list[i].tag) == 0));

		if (!match)
			continue;
		struct img_summary swap = list[kept];
		list[kept++] = list[i];
		list[i] = swap;
	}
	return kept;
}

static int run_images(const struct cli *cli, const void *opaque, int argc, char **argv,
		      struct il_err *err)
{
	const struct images_args *args = opaque;
	_cleanup_(img_store_closep) struct img_store *store = NULL;
	struct img_summary *list = NULL;
	struct il_buf out = {0};
	size_t all = 0;
	int r = cli_open_store(cli, &store, err);

	if (r == 0)
		r = img_list(store, &list, &all, err);
	if (r < 0)
		return r;
	size_t n = argc > 0 ? filter(list, all, argv[0]) : all;
	if (args->json || strcmp(args->format, "json") == 0) {
		r = print_json(&out, list, n, err);
	} else if (args->quiet) {
		char id[SHORT_ID + 1];

		for (size_t i = 0; i < n; i++)
			il_buf_printf(&out, "%s\n",
				      id_of(&list[i], args->no_trunc, id, sizeof(id)));
	} else {
		print_table(&out, list, n, args);
	}
	img_list_free(list, all);
	if (r < 0) {
		il_buf_done(&out);
		return r;
	}
	return cli_print(&out, err);
}

const struct verb verb_images = {
    .name = "images",
    .nested_name = "ls",
    .group = VERB_IMAGES,
    .usage = "[OPTIONS] [REPOSITORY[:TAG]]",
    .summary = "List the images in the store",
    .notes = "SIZE is that of the stored, usually compressed, layers.",
    .options = images_options,
    .args_size = sizeof(struct images_args),
    .max_args = 1,
    .run = run_images,
};

/* ---- rmi ---------------------------------------------------------------------------- */

struct rmi_args {
	bool force;
};

static const struct opt_row rmi_options[] = {
    {.name = "force",
     .short_name = 'f',
     OPT_FLAG_AT(struct rmi_args, force),
     .help = "Remove the name also while an instance runs from the image; no error when "
	     "there is no such image"},
    OPT_END,
};

static int remove_one(struct img_store *store, const char *name, bool force, struct il_err *err)
{
	struct img_removed removed = {0};
	struct il_buf out = {0};
	int r = img_remove(store, name, force, &removed, err);

	if (r == -ENOENT && force) {
		il_err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	il_buf_printf(&out, "Untagged: %s\n", removed.name);
	if (removed.deleted)
		il_buf_printf(&out, "Deleted: %s\n", removed.digest);
	if (removed.in_use)
		il_warn("'%s' is in use: its content stays until its instances have ended and "
			"another image is imported or removed",
			name);
	img_removed_done(&removed);
	return cli_print(&out, err);
}

static int run_rmi(const struct cli *cli, const void *opaque, int argc, char **argv,
		   struct il_err *err)
{
	const struct rmi_args *args = opaque;
	_cleanup_(img_store_closep) struct img_store *store = NULL;
	int status = CLI_OK;
	int r = cli_open_store(cli, &store, err);

	/* As rm does: go on with the others, one line for each that failed. */
	for (int i = 0; r == 0 && i < argc; i++) {
		struct il_err one = {0};

		if (remove_one(store, argv[i], args->force, &one) == 0)
			continue;
		fprintf(stderr, "isolab rmi: %s\n", one.msg);
		status = CLI_FAILED;
	}
	return r < 0 ? r : status;
}

const struct verb verb_rmi = {
    .name = "rmi",
    .nested_name = "rm",
    .group = VERB_IMAGES,
    .usage = "[OPTIONS] IMAGE...",
    .summary = "Remove images from the store",
    .notes = "An IMAGE is a name, or the (short) ID of an image that has one name. Layers,\n"
	     "unpacked roots and EROFS images go when no other name needs them.",
    .options = rmi_options,
    .args_size = sizeof(struct rmi_args),
    .min_args = 1,
    .max_args = -1,
    .run = run_rmi,
};
