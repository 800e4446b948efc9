/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics of samples: order statistics, bootstrap confidence intervals, outliers,
 * slopes. Nothing is dropped or trimmed here; outliers are only named.
 *
 * Quantiles are Hyndman and Fan's type 7 (linear interpolation, the default of R, NumPy
 * and spreadsheets). Intervals are percentile bootstrap intervals (Efron 1979) at 95 %,
 * from a seeded generator: the same samples and seed give the same figures.
 */
#ifndef IL_BENCH_STATS_H
#define IL_BENCH_STATS_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>

/* A small seeded generator (splitmix64, Steele et al. 2014); for order and resampling only. */
struct stats_rng {
	uint64_t state;
};

uint64_t stats_rng_next(struct stats_rng *rng);
/* stats_rng_below: uniform in [0, n), without modulo bias; n >= 1. */
uint64_t stats_rng_below(struct stats_rng *rng, uint64_t n);
/* stats_shuffle: permute @items (indices) uniformly. */
void stats_shuffle(struct stats_rng *rng, size_t *items, size_t n);

struct stats_summary {
	size_t n;
	double min, median, p90, p99, max, mean;
	double stddev; /* of the sample (n - 1); 0 for n < 2 */
	double ci_low; /* bootstrap 95 % interval of the median */
	double ci_high;
};

/* How many resamples an interval is made from when time allows. */
#define STATS_RESAMPLES 10000

/*
 * stats_summarize: describe @values.
 * @values  @n >= 1 finite numbers, any order; left as they are
 * @seed    of the bootstrap
 * Returns 0 and *ret, -EINVAL for n == 0, or -ENOMEM.
 */
int stats_summarize(const double *values, size_t n, uint64_t seed,
		    struct stats_summary *ret) IL_MUST_CHECK;

/* stats_quantile: type-7 quantile @q in [0, 1] of @sorted, ascending, @n >= 1. */
double stats_quantile(const double *sorted, size_t n, double q);

/*
 * stats_ratio: median(a) / median(b) with its bootstrap interval; the two sets are
 * resampled independently.
 * Returns 0, -EINVAL when a set is empty or b's median is not positive, or -ENOMEM.
 */
struct stats_ratio {
	double value;
	double ci_low;
	double ci_high;
};
int stats_ratio(const double *a, size_t na, const double *b, size_t nb, uint64_t seed,
		struct stats_ratio *ret) IL_MUST_CHECK;

/*
 * stats_outliers: mark values whose modified z-score, 0.6745 (x - median) / MAD, is over
 * 3.5 in size (Iglewicz and Hoaglin 1993). With a MAD of 0 nothing is marked.
 * @ret  @n flags, set by the call
 * Returns the number marked, or -ENOMEM.
 */
int stats_outliers(const double *values, size_t n, bool *ret) IL_MUST_CHECK;

/*
 * stats_slope: the Theil-Sen slope of y over x (the median of all pairwise slopes: one bad
 * point doesn't bend it), with the interval from resampling the points.
 * Returns 0, -EINVAL with fewer than two different x, or -ENOMEM.
 */
int stats_slope(const double *x, const double *y, size_t n, uint64_t seed,
		struct stats_ratio *ret) IL_MUST_CHECK;

#endif
