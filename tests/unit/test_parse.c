// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>

#include "base/clock.h"
#include "base/parse.h"

Test(parse_u64, takes_the_whole_string_only)
{
	uint64_t v = 7;

	cr_assert_eq(il_parse_u64("12", 0, 100, &v, NULL), 0);
	cr_assert_eq(v, 12);
	cr_assert_eq(il_parse_u64("12x", 0, 100, &v, NULL), -EINVAL);
	cr_assert_eq(il_parse_u64("-1", 0, 100, &v, NULL), -EINVAL);
	cr_assert_eq(il_parse_u64("", 0, 100, &v, NULL), -EINVAL);
	cr_assert_eq(v, 12, "a failure leaves the result alone");
}

Test(parse_u64, range_is_inclusive_and_overflow_is_erange)
{
	uint64_t v = 0;

	cr_assert_eq(il_parse_u64("100", 0, 100, &v, NULL), 0);
	cr_assert_eq(il_parse_u64("101", 0, 100, &v, NULL), -ERANGE);
	cr_assert_eq(il_parse_u64("99999999999999999999", 0, UINT64_MAX, &v, NULL), -ERANGE);
}

Test(parse_size, knows_docker_suffixes)
{
	static const struct {
		const char *text;
		uint64_t want;
	} rows[] = {
	    {"0", 0},
	    {"512", 512},
	    {"1k", 1024},
	    {"64m", 64ull << 20},
	    {"64MiB", 64ull << 20},
	    {"2G", 2ull << 30},
	    {"1.5g", 3ull << 29},
	    {"1tb", 1ull << 40},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 1;

		cr_assert_eq(il_parse_size(rows[i].text, 0, UINT64_MAX, &v, NULL), 0, "%s",
			     rows[i].text);
		cr_assert_eq(v, rows[i].want, "%s", rows[i].text);
	}
}

Test(parse_size, refuses_nonsense)
{
	static const char *const rows[] = {"", "m", "1x", "1 m", "0x10", "-5m", "1..5m", "nan"};
	uint64_t v = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		cr_assert_eq(il_parse_size(rows[i], 0, UINT64_MAX, &v, NULL), -EINVAL, "%s",
			     rows[i]);
	cr_assert_eq(il_parse_size("99999999t", 0, UINT64_MAX, &v, NULL), -ERANGE);
}

Test(parse_duration, units)
{
	uint64_t v = 0;

	cr_assert_eq(il_parse_duration("250ms", 0, UINT64_MAX, &v, NULL), 0);
	cr_assert_eq(v, 250 * IL_NS_PER_MS);
	cr_assert_eq(il_parse_duration("2", 0, UINT64_MAX, &v, NULL), 0);
	cr_assert_eq(v, 2 * IL_NS_PER_S);
	cr_assert_eq(il_parse_duration("1.5s", 0, UINT64_MAX, &v, NULL), 0);
	cr_assert_eq(v, 1500 * IL_NS_PER_MS);
	cr_assert_eq(il_parse_duration("2d", 0, UINT64_MAX, &v, NULL), -EINVAL);
}
