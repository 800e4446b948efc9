// SPDX-License-Identifier: Apache-2.0
/* Prints one line and ends: its first byte is the moment a program does useful work. */
#include "workload.h"

int main(void)
{
	put("hello\n");
	return 0;
}
