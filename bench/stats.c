// SPDX-License-Identifier: Apache-2.0
#include "bench/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Draws an interval may cost: bounds the time of one to about a tenth of a second. */
#define DRAWS_MAX     20000000u
#define RESAMPLES_MIN 1000u

uint64_t stats_rng_next(struct stats_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t stats_rng_below(struct stats_rng *rng, uint64_t n)
{
	uint64_t limit = UINT64_MAX - UINT64_MAX % n;
	uint64_t v;

	do
		v = stats_rng_next(rng);
	while (v >= limit);
	return v % n;
}

void stats_shuffle(struct stats_rng *rng, size_t *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)stats_rng_below(rng, i);
		size_t t = items[i - 1];

		items[i - 1] = items[j];
		items[j] = t;
	}
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double *sorted_copy(const double *values, size_t n)
{
	double *s = malloc(n * sizeof(*s));

	if (s) {
		memcpy(s, values, n * sizeof(*s));
		qsort(s, n, sizeof(*s), by_value);
	}
	return s;
}

double stats_quantile(const double *sorted, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t low = (size_t)at;

	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

static size_t resamples(size_t n)
{
	size_t fit = DRAWS_MAX / IL_MAX(n, (size_t)1);

	return IL_MAX(IL_MIN(fit, (size_t)STATS_RESAMPLES), (size_t)RESAMPLES_MIN);
}

/*
 * The median of one resample of @sorted. Drawing indices and counting them is enough: the
 * resample's order statistics follow from the counts, without sorting it.
 */
static double resampled_median(const double *sorted, size_t n, uint32_t *counts,
			       struct stats_rng *rng)
{
	size_t low_rank = (n - 1) / 2, high_rank = n / 2, seen = 0, i = 0;
	double low;

	memset(counts, 0, n * sizeof(*counts));
	for (size_t k = 0; k < n; k++)
		counts[stats_rng_below(rng, n)]++;
	while (seen + counts[i] <= low_rank)
		seen += counts[i++];
	low = sorted[i];
	while (seen + counts[i] <= high_rank)
		seen += counts[i++];
	return (low + sorted[i]) / 2;
}

static int median_interval(const double *sorted, size_t n, uint64_t seed, double *low, double *high)
{
	size_t rounds = resamples(n);
	struct stats_rng rng = {seed};
	_cleanup_(freep) double *medians = malloc(rounds * sizeof(*medians));
	_cleanup_(freep) uint32_t *counts = malloc(n * sizeof(*counts));

	if (!medians || !counts)
		return -ENOMEM;
	for (size_t r = 0; r < rounds; r++)
		medians[r] = resampled_median(sorted, n, counts, &rng);
	qsort(medians, rounds, sizeof(*medians), by_value);
	*low = stats_quantile(medians, rounds, 0.025);
	*high = stats_quantile(medians, rounds, 0.975);
	return 0;
}

int stats_summarize(const double *values, size_t n, uint64_t seed, struct stats_summary *ret)
{
	_cleanup_(freep) double *s = NULL;
	struct stats_summary out = {.n = n};
	double squares = 0;

	if (n == 0)
		return -EINVAL;
	s = sorted_copy(values, n);
	if (!s)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		out.mean += values[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		squares += (values[i] - out.mean) * (values[i] - out.mean);
	out.stddev = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
	out.min = s[0];
	out.max = s[n - 1];
	out.median = stats_quantile(s, n, 0.5);
	out.p90 = stats_quantile(s, n, 0.9);
	out.p99 = stats_quantile(s, n, 0.99);
	int r = median_interval(s, n, seed, &out.ci_low, &out.ci_high);
	if (r < 0)
		return r;
	*ret = out;
	return 0;
}

int stats_ratio(const double *a, size_t na, const double *b, size_t nb, uint64_t seed,
		struct stats_ratio *ret)
{
	if (na == 0 || nb == 0)
		return -EINVAL;
	size_t n = IL_MAX(na, nb), rounds = resamples(na + nb);
	struct stats_rng rng = {seed};
	_cleanup_(freep) double *sa = sorted_copy(a, na);
	_cleanup_(freep) double *sb = sorted_copy(b, nb);
	if (!sa || !sb)
		return -ENOMEM;
	/* A resample of b may be all minimum: only positive values keep every ratio finite. */
	if (sb[0] <= 0)
		return -EINVAL;
	_cleanup_(freep) double *ratios = malloc(rounds * sizeof(*ratios));
	_cleanup_(freep) uint32_t *counts = malloc(n * sizeof(*counts));
	if (!ratios || !counts)
		return -ENOMEM;
	for (size_t r = 0; r < rounds; r++) {
		double top = resampled_median(sa, na, counts, &rng);

		ratios[r] = top / resampled_median(sb, nb, counts, &rng);
	}
	qsort(ratios, rounds, sizeof(*ratios), by_value);
	ret->value = stats_quantile(sa, na, 0.5) / stats_quantile(sb, nb, 0.5);
	ret->ci_low = stats_quantile(ratios, rounds, 0.025);
	ret->ci_high = stats_quantile(ratios, rounds, 0.975);
	return 0;
}

int stats_outliers(const double *values, size_t n, bool *ret)
{
	_cleanup_(freep) double *s = NULL;
	double median, mad;
	int marked = 0;

	memset(ret, 0, n * sizeof(*ret));
	if (n < 3)
		return 0;
	s = sorted_copy(values, n);
	if (!s)
		return -ENOMEM;
	median = stats_quantile(s, n, 0.5);
	for (size_t i = 0; i < n; i++)
		s[i] = fabs(values[i] - median);
	qsort(s, n, sizeof(*s), by_value);
	mad = stats_quantile(s, n, 0.5);
	if (mad <= 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		ret[i] = fabs(0.6745 * (values[i] - median) / mad) > 3.5;
		marked += ret[i];
	}
	return marked;
}

/* The median slope of the points that @pick names; NAN when no two differ in x. */
static double theil_sen(const double *x, const double *y, const size_t *pick, size_t n,
			double *slopes)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			double dx = x[pick[j]] - x[pick[i]];

			if (dx != 0)
				slopes[k++] = (y[pick[j]] - y[pick[i]]) / dx;
		}
	if (k == 0)
		return (double)NAN;
	qsort(slopes, k, sizeof(*slopes), by_value);
	return stats_quantile(slopes, k, 0.5);
}

int stats_slope(const double *x, const double *y, size_t n, uint64_t seed, struct stats_ratio *ret)
{
	enum { ROUNDS = 2000, POINTS_MAX = 1000 };
	struct stats_rng rng = {seed};
	size_t got = 0;

	if (n < 2 || n > POINTS_MAX)
		return -EINVAL;
	_cleanup_(freep) double *slopes = malloc(n * (n - 1) / 2 * sizeof(*slopes));
	_cleanup_(freep) double *tries = malloc(ROUNDS * sizeof(*tries));
	_cleanup_(freep) size_t *pick = malloc(n * sizeof(*pick));
	if (!slopes || !tries || !pick)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		pick[i] = i;
	double value = theil_sen(x, y, pick, n, slopes);
	if (isnan(value))
		return -EINVAL;
	for (size_t r = 0; r < ROUNDS; r++) {
		for (size_t i = 0; i < n; i++)
			pick[i] = (size_t)stats_rng_below(&rng, n);
		double s = theil_sen(x, y, pick, n, slopes);
		if (!isnan(s))
			tries[got++] = s;
	}
	ret->value = ret->ci_low = ret->ci_high = value;
	if (got) {
		qsort(tries, got, sizeof(*tries), by_value);
		ret->ci_low = stats_quantile(tries, got, 0.025);
		ret->ci_high = stats_quantile(tries, got, 0.975);
	}
	return 0;
}
