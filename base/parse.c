// SPDX-License-Identifier: Apache-2.0
#include "base/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"b", 1},
    {"k", 1ull << 10},
    {"kb", 1ull << 10},
    {"kib", 1ull << 10},
    {"m", 1ull << 20},
    {"mb", 1ull << 20},
    {"mib", 1ull << 20},
    {"g", 1ull << 30},
    {"gb", 1ull << 30},
    {"gib", 1ull << 30},
    {"t", 1ull << 40},
    {"tb", 1ull << 40},
    {"tib", 1ull << 40},
};

static const struct unit duration_units[] = {
    {"", IL_NS_PER_S},         {"ns", 1},          {"us", IL_NS_PER_US},
    {"ms", IL_NS_PER_MS},      {"s", IL_NS_PER_S}, {"m", 60 * IL_NS_PER_S},
    {"h", 3600 * IL_NS_PER_S},
};

static int out_of_range(const char *text, uint64_t min, uint64_t max, struct il_err *err)
{
	return il_refuse(err, ERANGE, "'%s' is not between %" PRIu64 " and %" PRIu64, text, min,
			 max);
}

int il_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct il_err *err)
{
	char *end = NULL;

	if (text[0] < '0' || text[0] > '9')
		return il_refuse(err, EINVAL, "'%s' is not a whole number", text);
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*end != '\0')
		return il_refuse(err, EINVAL, "'%s' is not a whole number", text);
	if (errno == ERANGE || v < min || v > max)
		return out_of_range(text, min, max, err);
	*ret = v;
	return 0;
}

int il_parse_double(const char *text, double min, double max, double *ret, struct il_err *err)
{
	char *end = NULL;

	if (strspn(text, "0123456789.") != strlen(text) || text[0] == '\0')
		return il_refuse(err, EINVAL, "'%s' is not a decimal number", text);
	double v = strtod(text, &end);
	if (*end != '\0' || !isfinite(v))
		return il_refuse(err, EINVAL, "'%s' is not a decimal number", text);
	if (v < min || v > max)
		return il_refuse(err, ERANGE, "'%s' is not between %g and %g", text, min, max);
	*ret = v;
	return 0;
}

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/* Splits "NUMBER[.FRACTION]UNIT"; a fraction is allowed where the result stays exact enough. */
static int parse_scaled(const char *text, const struct unit *units, size_t n_units, uint64_t *ret)
{
	char number[32];
	size_t len = strspn(text, "0123456789.");
	const struct unit *unit = find_unit(units, n_units, text + len);
	uint64_t whole = 0;

	if (len == 0 || len >= sizeof(number) || !unit)
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	if (strchr(number, '.')) {
		double v = 0;

		if (il_parse_double(number, 0, 1e18, &v, NULL) < 0)
			return -EINVAL;
		v *= (double)unit->factor;
		if (v >= 1.8e19)
			return -ERANGE;
		*ret = (uint64_t)v;
		return 0;
	}
	int r = il_parse_u64(number, 0, UINT64_MAX, &whole, NULL);
	if (r < 0)
		return r;
	if (__builtin_mul_overflow(whole, unit->factor, ret))
		return -ERANGE;
	return 0;
}

int il_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret, struct il_err *err)
{
	uint64_t v = 0;
	int r = parse_scaled(text, size_units, ARRAY_SIZE(size_units), &v);

	if (r == -EINVAL)
		return il_refuse(err, EINVAL, "'%s' is not a size like 512k, 64m or 1g", text);
	if (r < 0 || v < min || v > max)
		return out_of_range(text, min, max, err);
	*ret = v;
	return 0;
}

int il_parse_duration(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns,
		      struct il_err *err)
{
	uint64_t v = 0;
	int r = parse_scaled(text, duration_units, ARRAY_SIZE(duration_units), &v);

	if (r == -EINVAL)
		return il_refuse(err, EINVAL, "'%s' is not a duration like 250ms, 5s or 2m", text);
	if (r < 0 || v < min_ns || v > max_ns)
		return il_refuse(err, ERANGE, "'%s' is not between %gs and %gs", text,
				 (double)min_ns / 1e9, (double)max_ns / 1e9);
	*ret_ns = v;
	return 0;
}
