/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface that every kind of isolation implements: one const table per kind, in a
 * file of its own (kind_process.c, kind_container.c, kind_nano.c, kind_null.c), listed in
 * kinds.c.
 */
#ifndef IL_SANDBOX_KIND_H
#define IL_SANDBOX_KIND_H

#include "base/err.h"
#include "image/image.h"
#include "runner/timeline.h"
#include "runner/workload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

struct sandbox_instance; /* sandbox/instance.h: id, name, state directory, record */

enum sandbox_net {
	SANDBOX_NET_DEFAULT, /* what the kind does by itself: process host, others none */
	SANDBOX_NET_NONE,
	SANDBOX_NET_HOST,
};

/* Options of `run` that kinds understand; a kind refuses what it cannot honour. */
struct sandbox_options {
	uint64_t memory_bytes; /* 0 = the kind's default */
	uint64_t cpu_milli;    /* thousandths of a CPU, 0 = unlimited */
	uint64_t pids_max;     /* 0 = unlimited */
	uint64_t caps;         /* capability mask */
	bool caps_changed;     /* --cap-add or --cap-drop was given */
	bool seccomp;
	bool no_new_privs;
	bool read_only;    /* also in the workload block's flags */
	bool hostname_set; /* --hostname was given; the name is in the workload block */
	enum sandbox_net net;
	bool debug;
};

/* One run. Everything is borrowed for the call. */
struct sandbox_run {
	struct sandbox_instance *instance;
	const char *root; /* the state directory, absolute */
	struct img_store *store;
	const struct img_image *image;
	const struct workload *workload;
	struct sandbox_options options;
	bool tty;     /* stdin, stdout and stderr are to be a terminal of the instance's own */
	bool relay;   /* pass stdout through a pipe, so that its first byte is stamped */
	int stdio[3]; /* host side; -1 = /dev/null */
	struct timeline *timeline;
};

struct sandbox_kind {
	const char *name;        /* as in --as NAME */
	const char *description; /* one line for `doctor` and `run --help` */

	/* Can this kind run here, for this user? 0, or -errno with the reason and remedy. */
	int (*probe)(struct il_err *err);

	/* What of the options the kind cannot honour: 0, or -ENOTSUP naming the option. */
	int (*check)(const struct sandbox_options *options, struct il_err *err);

	/*
	 * Start, supervise (passing signals on) and wait. *ret_status is wait(2)'s.
	 * -ENOENT / -EACCES: the command is not there / not executable (127 / 126), and only
	 * that: other failures with these numbers go through sandbox_other_failure.
	 */
	int (*run)(struct sandbox_run *run, int *ret_status, struct il_err *err);

	/* Remove what a killed supervisor left outside the state directory; NULL = nothing.
	   Idempotent. */
	int (*clean)(const char *id, struct il_err *err);

	bool shares_hostname; /* the workload sees the host's name */
	bool no_image;        /* runs nothing of the image (null) */
};

/* sandbox_kinds: every kind, ended by NULL; the order is that of `doctor`. */
extern const struct sandbox_kind *const sandbox_kinds[];

/* sandbox_kind_find: the kind named @name, or NULL. */
const struct sandbox_kind *sandbox_kind_find(const char *name);

/* sandbox_other_failure: @r, but -EIO for the two that mean the command; messages stay. */
static inline int sandbox_other_failure(int r)
{
	return r == -ENOENT || r == -EACCES ? -EIO : r;
}

extern const struct sandbox_kind sandbox_kind_null;
extern const struct sandbox_kind sandbox_kind_process;
extern const struct sandbox_kind sandbox_kind_container;
extern const struct sandbox_kind sandbox_kind_nano;

#endif
