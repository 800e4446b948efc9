// SPDX-License-Identifier: Apache-2.0
#include "runner/workload_build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The block being filled; strings are put behind the fixed-size parts. */
struct layout {
	char *block;
	uint32_t next; /* offset of the next string */
};

static uint32_t count(const char *const *strings)
{
	uint32_t n = 0;

	while (strings && strings[n])
		n++;
	return n;
}

/* Adds the bytes of all strings to *total; sums of this many bytes cannot wrap a u64. */
static void add_sizes(const char *const *strings, uint64_t *total)
{
	for (; strings && *strings; strings++)
		*total += strlen(*strings) + 1;
}

static uint32_t put_string(struct layout *l, const char *text)
{
	uint32_t off = l->next;
	uint32_t len = (uint32_t)strlen(text) + 1;

	memcpy(l->block + off, text, len);
	l->next += len;
	return off;
}

static void put_strings(struct layout *l, uint32_t array_off, const char *const *strings)
{
	for (; strings && *strings; strings++, array_off += sizeof(uint32_t)) {
		uint32_t off = put_string(l, *strings);

		memcpy(l->block + array_off, &off, sizeof(off));
	}
}

static uint64_t block_size(const struct workload_spec *spec, uint32_t argc, uint32_t envc)
{
	uint64_t total = sizeof(struct workload);

	total += (uint64_t)spec->nrlimits * sizeof(struct workload_rlimit);
	total += ((uint64_t)argc + envc + spec->ngroups) * sizeof(uint32_t);
	add_sizes(spec->argv, &total);
	add_sizes(spec->env, &total);
	total += strlen(spec->cwd ? spec->cwd : "/") + 1;
	total += strlen(spec->hostname ? spec->hostname : "") + 1;
	return total;
}

/* Fixed parts first (rlimits need 8-alignment, which the header's size keeps), then strings. */
static void fill(const struct workload_spec *spec, struct workload *w)
{
	struct layout l = {.block = (char *)w};

	w->rlimits_off = sizeof(*w);
	w->argv_off = w->rlimits_off + spec->nrlimits * (uint32_t)sizeof(struct workload_rlimit);
	w->env_off = w->argv_off + w->argc * (uint32_t)sizeof(uint32_t);
	w->groups_off = w->env_off + w->envc * (uint32_t)sizeof(uint32_t);
	l.next = w->groups_off + spec->ngroups * (uint32_t)sizeof(uint32_t);
	if (spec->nrlimits)
		memcpy(l.block + w->rlimits_off, spec->rlimits,
		       spec->nrlimits * sizeof(struct workload_rlimit));
	if (spec->ngroups)
		memcpy(l.block + w->groups_off, spec->groups, spec->ngroups * sizeof(uint32_t));
	put_strings(&l, w->argv_off, spec->argv);
	put_strings(&l, w->env_off, spec->env);
	w->cwd_off = put_string(&l, spec->cwd ? spec->cwd : "/");
	w->hostname_off = put_string(&l, spec->hostname ? spec->hostname : "");
}

int workload_build(const struct workload_spec *spec, struct workload **ret, struct il_err *err)
{
	uint32_t argc = count(spec->argv);
	uint32_t envc = count(spec->env);
	uint64_t size = block_size(spec, argc, envc);

	if (argc == 0)
		return il_refuse(err, EINVAL, "there is no command to run");
	if (size > WORKLOAD_SIZE_MAX)
		return il_refuse(err, E2BIG, "arguments and environment exceed %u MiB",
				 WORKLOAD_SIZE_MAX >> 20);
	struct workload *w = calloc(1, size);
	if (!w)
		return il_fail(err, ENOMEM, "build the workload block");
	w->magic = WORKLOAD_MAGIC;
	w->version = WORKLOAD_VERSION;
	w->size = (uint32_t)size;
	w->flags = spec->flags;
	w->argc = argc;
	w->envc = envc;
	w->uid = spec->uid;
	w->gid = spec->gid;
	w->ngroups = spec->ngroups;
	w->nrlimits = spec->nrlimits;
	w->umask = spec->umask;
	w->tty_rows = spec->tty_rows;
	w->tty_cols = spec->tty_cols;
	fill(spec, w);
	*ret = w;
	return 0;
}
