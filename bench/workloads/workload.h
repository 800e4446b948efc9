/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the measured programs share. They use read, write, clock_gettime, mmap and exit
 * only, so that every kind can run them, and no stdio, so that they stay small.
 *
 * A line "ns N" on stdout is the time the program took by its own clock; the harness keeps
 * it as the metric workload_ns.
 */
#ifndef IL_BENCH_WORKLOADS_WORKLOAD_H
#define IL_BENCH_WORKLOADS_WORKLOAD_H

#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* put: write all of @text; the process ends with 1 when its output is gone. */
static inline void put(const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(1, text, len);

		if (n <= 0)
			_exit(1);
		text += n;
		len -= (size_t)n;
	}
}

/* put_number: a line "NAME VALUE", in one write. */
static inline void put_number(const char *name, uint64_t value)
{
	char line[64];
	char digits[24];
	size_t nd = 0;
	size_t len = strlen(name);

	memcpy(line, name, len);
	line[len++] = ' ';
	do {
		digits[nd++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (nd)
		line[len++] = digits[--nd];
	line[len++] = '\n';
	line[len] = '\0';
	put(line);
}

/* argument: argv[1] as a number in [1, max], or @fallback; -1 when it is not one. */
static inline long argument(int argc, char **argv, long fallback, long max)
{
	long v = 0;

	if (argc < 2)
		return fallback;
	for (const char *p = argv[1]; *p; p++) {
		if (*p < '0' || *p > '9' || v > max)
			return -1;
		v = v * 10 + (*p - '0');
	}
	return v >= 1 && v <= max ? v : -1;
}

#endif
