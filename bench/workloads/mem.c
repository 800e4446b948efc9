// SPDX-License-Identifier: Apache-2.0
/*
 * Touches every page of `mem [MIB]` (default 64) twice: the first pass pays for the page
 * faults, the second does not. Prints the time of the first ("ns") and of the second.
 */
#include "workload.h"

#include <sys/mman.h>

static uint64_t touch(volatile unsigned char *p, size_t len)
{
	uint64_t begin = now_ns();

	for (size_t i = 0; i < len; i += 4096)
		p[i] = (unsigned char)(p[i] + 1);
	return now_ns() - begin;
}

int main(int argc, char **argv)
{
	long mib = argument(argc, argv, 64, 1L << 20);
	size_t len;
	unsigned char *p;

	if (mib < 0)
		return 2;
	len = (size_t)mib << 20;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 1;
	put_number("ns", touch(p, len));
	put_number("second_ns", touch(p, len));
	return 0;
}
