// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "runner/workload_build.h"

static const char *const argv[] = {"sh", "-c", "echo hi", NULL};
static const char *const env[] = {"PATH=/bin", "A=", NULL};
static const uint32_t groups[] = {5, 6, 7};
static const struct workload_rlimit limits[] = {{.resource = 7, .soft = 10, .hard = 20}};

static const struct workload_spec spec = {
    .argv = argv,
    .env = env,
    .cwd = "/work",
    .hostname = "box",
    .uid = 1,
    .gid = 2,
    .groups = groups,
    .ngroups = 3,
    .rlimits = limits,
    .nrlimits = 1,
    .umask = 022,
    .flags = WORKLOAD_TTY,
    .tty_rows = 24,
    .tty_cols = 80,
};

static struct workload *build(const struct workload_spec *s)
{
	struct workload *w = NULL;
	struct il_err err = {0};

	cr_assert_eq(workload_build(s, &w, &err), 0, "%s", err.msg);
	return w;
}

Test(workload_build, block_holds_what_was_given)
{
	struct workload *w = build(&spec);

	cr_assert_eq(workload_check(w, w->size), 0);
	cr_assert_eq(w->argc, 3);
	cr_assert_str_eq(workload_arg(w, 2), "echo hi");
	cr_assert_str_eq(workload_env(w, 1), "A=");
	cr_assert_str_eq(workload_str(w, w->cwd_off), "/work");
	cr_assert_str_eq(workload_str(w, w->hostname_off), "box");
	cr_assert_eq(memcmp((char *)w + w->groups_off, groups, sizeof(groups)), 0);
	cr_assert_eq(memcmp((char *)w + w->rlimits_off, limits, sizeof(limits)), 0);
	free(w);
}

Test(workload_build, the_least_there_can_be)
{
	struct workload_spec least = {.argv = (const char *const[]){"", NULL}};
	struct workload *w = build(&least);

	cr_assert_eq(workload_check(w, w->size), 0);
	cr_assert_str_eq(workload_str(w, w->cwd_off), "/");
	free(w);
}

Test(workload_build, refuses_nothing_and_too_much)
{
	struct workload_spec none = {.argv = (const char *const[]){NULL}};
	struct workload *w = NULL;
	char *big = malloc(WORKLOAD_SIZE_MAX + 1);

	cr_assert_eq(workload_build(&none, &w, NULL), -EINVAL);
	memset(big, 'a', WORKLOAD_SIZE_MAX);
	big[WORKLOAD_SIZE_MAX] = '\0';
	struct workload_spec much = {.argv = (const char *const[]){big, NULL}};
	cr_assert_eq(workload_build(&much, &w, NULL), -E2BIG);
	cr_assert_null(w);
	free(big);
}

/* One field of a sound block made wrong. */
struct damage {
	const char *what;
	size_t field; /* offset of a uint32_t in the header */
	uint32_t value;
};

Test(workload_check, refuses_each_damaged_field)
{
#define AT(f) #f, offsetof(struct workload, f)
	static const struct damage rows[] = {
	    {AT(magic), 0},
	    {AT(version), 2},
	    {AT(size), 71},
	    {AT(size), UINT32_MAX},
	    {AT(size), WORKLOAD_SIZE_MAX + 1},
	    {AT(argc), 0},
	    {AT(argc), UINT32_MAX},
	    {AT(argc), 1u << 30},
	    {AT(argv_off), 0},
	    {AT(argv_off), 73},
	    {AT(argv_off), UINT32_MAX - 3},
	    {AT(envc), UINT32_MAX},
	    {AT(env_off), UINT32_MAX & ~3u},
	    {AT(cwd_off), 0},
	    {AT(cwd_off), UINT32_MAX},
	    {AT(hostname_off), 71},
	    {AT(ngroups), UINT32_MAX},
	    {AT(groups_off), 74},
	    {AT(nrlimits), UINT32_MAX / 24 + 2},
	    {AT(rlimits_off), 76},
	    {AT(rlimits_off), UINT32_MAX & ~7u},
	};
#undef AT

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct workload *w = build(&spec);
		uint32_t len = w->size;

		memcpy((char *)w + rows[i].field, &rows[i].value, sizeof(uint32_t));
		cr_assert_eq(workload_check(w, len), -EINVAL, "%s = %u", rows[i].what,
			     rows[i].value);
		free(w);
	}
}

Test(workload_check, refuses_truncation_at_every_length)
{
	struct workload *w = build(&spec);

	for (uint32_t len = 0; len < w->size; len++)
		cr_assert_eq(workload_check(w, len), -EINVAL, "%u bytes", len);
	free(w);
}

Test(workload_check, last_string_must_end)
{
	struct workload *w = build(&spec);

	((char *)w)[w->size - 1] = 'x';
	cr_assert_eq(workload_check(w, w->size), -EINVAL);
	free(w);
}

Test(workload_check, string_offset_outside)
{
	struct workload *w = build(&spec);
	uint32_t off = w->size;

	memcpy((char *)w + w->argv_off + 4, &off, sizeof(off));
	cr_assert_eq(workload_check(w, w->size), -EINVAL);
	free(w);
}
