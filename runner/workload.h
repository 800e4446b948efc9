/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload block: what to run, as one flat, versioned, pointer-free block of memory.
 * Built once by the caller (runner/workload_build.h), then read by the runner in the
 * process, in the container and, from guest memory, by the nano guest kernel.
 *
 * Freestanding: the guest kernel includes this file.
 *
 *   +--------------------+ 0
 *   | struct workload    |
 *   +--------------------+ argv_off: argc x uint32_t, offsets of strings
 *   | offset arrays      | env_off:  envc x uint32_t
 *   +--------------------+
 *   | rlimits, groups    |
 *   +--------------------+
 *   | NUL-ended strings  |
 *   +--------------------+ size
 */
#ifndef IL_RUNNER_WORKLOAD_H
#define IL_RUNNER_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_MAGIC    0x4b4c5749u /* "IWLK" */
#define WORKLOAD_VERSION  1u
#define WORKLOAD_SIZE_MAX (4u << 20) /* argv and env of a few MiB, as ARG_MAX allows */

/* struct workload.flags */
#define WORKLOAD_TTY     (1u << 0) /* stdin, stdout and stderr are one terminal */
#define WORKLOAD_RO_ROOT (1u << 1) /* the root file system is read-only */

struct workload_rlimit {
	uint32_t resource; /* RLIMIT_* of Linux x86-64 */
	uint32_t pad;
	uint64_t soft;
	uint64_t hard;
};

/* Every *_off is an offset from the start of the block; strings end in NUL inside it. */
struct workload {
	uint32_t magic;
	uint32_t version;
	uint32_t size; /* of the whole block, in bytes */
	uint32_t flags;
	uint32_t argc; /* at least 1; argv[0] is looked up in PATH when it has no slash */
	uint32_t argv_off;
	uint32_t envc;
	uint32_t env_off;
	uint32_t cwd_off;
	uint32_t hostname_off;
	uint32_t uid;
	uint32_t gid;
	uint32_t ngroups;
	uint32_t groups_off; /* ngroups x uint32_t */
	uint32_t nrlimits;
	uint32_t rlimits_off; /* nrlimits x struct workload_rlimit, 8-aligned */
	uint32_t umask;
	uint16_t tty_rows; /* 0 = unknown */
	uint16_t tty_cols;
};

_Static_assert(sizeof(struct workload) == 72, "workload block header is part of the guest ABI");
_Static_assert(sizeof(struct workload_rlimit) == 24, "rlimit row is part of the guest ABI");

/*
 * workload_check: is this block whole and safe to read with the accessors below?
 * @block  any bytes, 8-aligned; @len bytes of them are readable
 *
 * Returns 0, or -EINVAL (as a plain number: this runs without libc).
 */
int workload_check(const void *block, size_t len);

/* Accessors; the block has passed workload_check, @i < argc / envc. Borrowed strings. */
static inline const char *workload_str(const struct workload *w, uint32_t off)
{
	return (const char *)w + off;
}

static inline const char *workload_arg(const struct workload *w, uint32_t i)
{
	return workload_str(w,
			    ((const uint32_t *)(const void *)((const char *)w + w->argv_off))[i]);
}

static inline const char *workload_env(const struct workload *w, uint32_t i)
{
	return workload_str(w, ((const uint32_t *)(const void *)((const char *)w + w->env_off))[i]);
}

#endif
