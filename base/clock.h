/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_BASE_CLOCK_H
#define IL_BASE_CLOCK_H

#include <stdint.h>

#define IL_NS_PER_US 1000ull
#define IL_NS_PER_MS 1000000ull
#define IL_NS_PER_S  1000000000ull

/* il_now_ns: CLOCK_MONOTONIC in nanoseconds, the one clock of every timeline event. */
uint64_t il_now_ns(void);

/* il_wall_ns: CLOCK_REALTIME in nanoseconds since the epoch, for dates in state files. */
uint64_t il_wall_ns(void);

#endif
