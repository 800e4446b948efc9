// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "bench/stats.h"

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-9 * (1 + fabs(b));
}

Test(stats_quantile, is_type_7)
{
	/* R: quantile(c(1, 2, 3, 4, 10), c(.25, .5, .9)) */
	const double v[] = {1, 2, 3, 4, 10};

	cr_assert(near(stats_quantile(v, 5, 0.25), 2));
	cr_assert(near(stats_quantile(v, 5, 0.5), 3));
	cr_assert(near(stats_quantile(v, 5, 0.9), 7.6));
	cr_assert(near(stats_quantile(v, 5, 0), 1));
	cr_assert(near(stats_quantile(v, 5, 1), 10));
	cr_assert(near(stats_quantile(v, 1, 0.99), 1));
}

Test(stats_summarize, known_values_in_any_order)
{
	const double v[] = {9, 2, 5, 4, 12, 7, 8, 11, 9, 3, 7, 4, 12, 5, 4, 10, 9, 6, 9, 4};
	struct stats_summary s;

	cr_assert_eq(stats_summarize(v, 20, 1, &s), 0);
	cr_assert_eq(s.n, 20);
	cr_assert(near(s.mean, 7));
	cr_assert(near(s.median, 7));
	cr_assert(near(s.min, 2));
	cr_assert(near(s.max, 12));
	cr_assert(near(s.stddev, sqrt(178.0 / 19)));
	cr_assert(near(s.p90, 11.1));
	cr_assert(s.ci_low <= s.median && s.median <= s.ci_high);
	/* The sample is spread: an interval of no width would be a broken bootstrap. */
	cr_assert(s.ci_low < s.ci_high);
	cr_assert(s.ci_low >= 4 && s.ci_high <= 9.5);
}

Test(stats_summarize, one_value_and_none)
{
	const double v[] = {3};
	struct stats_summary s = {.n = 77};

	cr_assert_eq(stats_summarize(v, 0, 1, &s), -EINVAL);
	cr_assert_eq(s.n, 77, "a failure leaves the result alone");
	cr_assert_eq(stats_summarize(v, 1, 1, &s), 0);
	cr_assert(near(s.stddev, 0) && near(s.ci_low, 3) && near(s.ci_high, 3));
}

Test(stats_summarize, same_seed_same_interval)
{
	double v[50];
	struct stats_summary a, b, c;

	for (int i = 0; i < 50; i++)
		v[i] = (i * 37) % 50 + 0.25 * i;
	cr_assert_eq(stats_summarize(v, 50, 5, &a), 0);
	cr_assert_eq(stats_summarize(v, 50, 5, &b), 0);
	cr_assert_eq(stats_summarize(v, 50, 6, &c), 0);
	cr_assert(a.ci_low == b.ci_low && a.ci_high == b.ci_high);
	cr_assert(near(a.median, c.median));
}

Test(stats_summarize, interval_covers_the_true_median_about_95_times_in_100)
{
	struct stats_rng rng = {99};
	int covered = 0;

	for (int t = 0; t < 200; t++) {
		double v[41];
		struct stats_summary s;

		/* Uniform in [0, 1): the median is one half. */
		for (int i = 0; i < 41; i++)
			v[i] = (double)(stats_rng_next(&rng) >> 11) / 9007199254740992.0;
		cr_assert_eq(stats_summarize(v, 41, (uint64_t)t, &s), 0);
		covered += s.ci_low <= 0.5 && 0.5 <= s.ci_high;
	}
	cr_assert(covered >= 180 && covered <= 199, "covered %d of 200", covered);
}

Test(stats_ratio, of_medians_with_interval)
{
	double a[60], b[60];
	struct stats_ratio r;

	for (int i = 0; i < 60; i++) {
		a[i] = 200 + i % 7;
		b[i] = 100 + i % 5;
	}
	cr_assert_eq(stats_ratio(a, 60, b, 60, 1, &r), 0);
	cr_assert(near(r.value, 203.0 / 102));
	cr_assert(r.ci_low < r.value && r.value < r.ci_high);
	cr_assert(r.ci_low > 1.9 && r.ci_high < 2.1);
	cr_assert_eq(stats_ratio(a, 0, b, 60, 1, &r), -EINVAL);
	cr_assert_eq(stats_ratio(a, 60, b, 0, 1, &r), -EINVAL);
	memset(b, 0, sizeof(b));
	cr_assert_eq(stats_ratio(a, 60, b, 60, 1, &r), -EINVAL, "no division by zero");
}

Test(stats_outliers, marks_the_far_value_only)
{
	const double v[] = {10, 11, 10, 12, 11, 10, 11, 60};
	const double flat[] = {5, 5, 5, 5, 9};
	bool out[8];

	cr_assert_eq(stats_outliers(v, 8, out), 1);
	cr_assert(out[7] && !out[0] && !out[3]);
	cr_assert_eq(stats_outliers(flat, 5, out), 0, "a MAD of zero marks nothing");
	cr_assert_eq(stats_outliers(v, 2, out), 0);
}

Test(stats_slope, one_bad_point_does_not_bend_it)
{
	const double x[] = {0, 20, 40, 60, 80, 100};
	double y[] = {5000, 5200, 5400, 5600, 5800, 6000};
	struct stats_ratio r;

	cr_assert_eq(stats_slope(x, y, 6, 1, &r), 0);
	cr_assert(near(r.value, 10) && near(r.ci_low, 10) && near(r.ci_high, 10));
	y[3] = 9000;
	cr_assert_eq(stats_slope(x, y, 6, 1, &r), 0);
	cr_assert(r.value > 9 && r.value < 12, "%f", r.value);
	cr_assert(r.ci_low <= r.value && r.value <= r.ci_high);
}

Test(stats_slope, needs_two_different_x)
{
	const double x[] = {3, 3, 3}, y[] = {1, 2, 3};
	struct stats_ratio r;

	cr_assert_eq(stats_slope(x, y, 3, 1, &r), -EINVAL);
	cr_assert_eq(stats_slope(x, y, 1, 1, &r), -EINVAL);
}

Test(stats_shuffle, is_a_permutation_and_seeded)
{
	size_t a[10], b[10];
	struct stats_rng ra = {4}, rb = {4};
	unsigned int seen = 0;

	for (size_t i = 0; i < 10; i++)
		a[i] = b[i] = i;
	stats_shuffle(&ra, a, 10);
	stats_shuffle(&rb, b, 10);
	for (size_t i = 0; i < 10; i++)
		seen |= 1u << a[i];
	cr_assert_eq(seen, 0x3ffu);
	cr_assert_eq(memcmp(a, b, sizeof(a)), 0);
	stats_shuffle(&ra, a, 10);
	cr_assert_neq(memcmp(a, b, sizeof(a)), 0);
}
