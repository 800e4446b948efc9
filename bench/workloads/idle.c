// SPDX-License-Identifier: Apache-2.0
/*
 * Says "ready", then answers every line on its input with "alive" until the input ends:
 * the instance that bench memory and bench density keep and probe.
 */
#include "workload.h"

int main(void)
{
	char buf[256];
	ssize_t n;

	put("ready\n");
	while ((n = read(0, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n')
				put("alive\n");
		}
	}
	return n < 0;
}
