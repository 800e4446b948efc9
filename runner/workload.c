// SPDX-License-Identifier: Apache-2.0
/* No libc in here: guest/nano compiles this file too. */
#include "runner/workload.h"

#include <asm-generic/errno-base.h>
#include <stdbool.h>

/* Is [off, off + count * each) inside the block, and aligned? */
static bool array_fits(const struct workload *w, uint32_t off, uint32_t count, uint32_t each)
{
	return off % (each >= 8 ? 8 : 4) == 0 && off >= sizeof(*w) && off <= w->size &&
	       (uint64_t)count * each <= w->size - off;
}

static bool string_fits(const struct workload *w, uint32_t off)
{
	const char *block = (const char *)w;

	if (off < sizeof(*w))
		return false;
	for (; off < w->size; off++)
		if (block[off] == '\0')
			return true;
	return false;
}

static bool strings_fit(const struct workload *w, uint32_t off, uint32_t count)
{
	const uint32_t *offs = (const void *)((const char *)w + off);

	if (!array_fits(w, off, count, sizeof(uint32_t)))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (!string_fits(w, offs[i]))
			return false;
	return true;
}

int workload_check(const void *block, size_t len)
{
	const struct workload *w = block;

	if (len < sizeof(*w) || (uintptr_t)block % 8 != 0)
		return -EINVAL;
	if (w->magic != WORKLOAD_MAGIC || w->version != WORKLOAD_VERSION)
		return -EINVAL;
	if (w->size < sizeof(*w) || w->size > len || w->size > WORKLOAD_SIZE_MAX)
		return -EINVAL;
	if (w->argc == 0 || !strings_fit(w, w->argv_off, w->argc) ||
	    !strings_fit(w, w->env_off, w->envc))
		return -EINVAL;
	if (!string_fits(w, w->cwd_off) || !string_fits(w, w->hostname_off))
		return -EINVAL;
	if (!array_fits(w, w->groups_off, w->ngroups, sizeof(uint32_t)) ||
	    !array_fits(w, w->rlimits_off, w->nrlimits, sizeof(struct workload_rlimit)))
		return -EINVAL;
	return 0;
}
