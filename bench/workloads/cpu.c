// SPDX-License-Identifier: Apache-2.0
/*
 * A fixed amount of integer and floating-point work in registers: `cpu [ROUNDS]`, in
 * millions (default 200, about a fifth of a second). Prints the time by its own clock and
 * a checksum, so that the same answer can be demanded of every kind.
 */
#include "workload.h"

/* xorshift64 (Marsaglia 2003), a dependent chain that no compiler shortens. */
static uint64_t integer_work(uint64_t rounds)
{
	uint64_t x = 88172645463325252ull;

	for (uint64_t i = 0; i < rounds; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

/* Iterates the logistic map: multiplications and additions, each needing the last. */
static double float_work(uint64_t rounds)
{
	double x = 0.4;

	for (uint64_t i = 0; i < rounds; i++)
		x = 3.9 * x * (1.0 - x);
	return x;
}

int main(int argc, char **argv)
{
	long millions = argument(argc, argv, 200, 1000000);
	uint64_t sum, begin;
	double f;

	if (millions < 0)
		return 2;
	begin = now_ns();
	sum = integer_work((uint64_t)millions * 500000u);
	f = float_work((uint64_t)millions * 500000u / 4);
	sum ^= (uint64_t)(f * 1e15);
	put_number("ns", now_ns() - begin);
	put_number("sum", sum);
	return 0;
}
