// SPDX-License-Identifier: Apache-2.0
/*
 * Clocks from the time-stamp counter: it runs at a constant rate, and the monitor told at
 * which of its values the host's clocks showed what.
 */
#include "guest/nano/core.h"

static uint64_t ns_per_tick; /* << 32 */
uint64_t clock_idle_ns;

void clock_init(void)
{
	uint64_t khz = boot.tsc_khz ? boot.tsc_khz : 1000000;

	ns_per_tick = (1000000ull << 32) / khz;
	hypercall(NANO_HC_EVENT, NANO_BOOTED, rdtsc(), 0);
}

uint64_t clock_boot_ns(void)
{
	int64_t ticks = (int64_t)(rdtsc() - boot.clock_tsc);

	if (ticks < 0) /* read before the monitor's stamp on another core: no time has passed */
		ticks = 0;
	return (uint64_t)((unsigned __int128)ticks * ns_per_tick >> 32);
}

uint64_t clock_monotonic_ns(void)
{
	return boot.clock_mono_ns + clock_boot_ns();
}

uint64_t clock_realtime_ns(void)
{
	return boot.clock_real_ns + clock_boot_ns();
}
