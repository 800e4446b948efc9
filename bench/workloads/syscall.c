// SPDX-License-Identifier: Apache-2.0
/*
 * `syscall [N]`: the time of N thousand getppid calls (default 1000), the cheapest call
 * that no libc caches. Prints the total ("ns") and the time of one in picoseconds.
 */
#include "workload.h"

#include <sys/syscall.h>

int main(int argc, char **argv)
{
	long n = argument(argc, argv, 1000, 1000000);
	uint64_t begin, taken;

	if (n < 1)
		return 2;
	begin = now_ns();
	for (long i = 0; i < n * 1000; i++)
		syscall(SYS_getppid);
	taken = now_ns() - begin;
	put_number("ns", taken);
	put_number("ps_per_call", taken / (uint64_t)n);
	return 0;
}
