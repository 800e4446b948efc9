/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `isolab run`: its options, and what they mean for the workload (run_spec.c).
 */
#ifndef IL_CLI_RUN_H
#define IL_CLI_RUN_H

#include "cli/verb.h"
#include "sandbox/kind.h"

struct run_args {
	const char *as;
	bool interactive;
	bool tty;
	bool rm;
	const char *name;
	struct opt_list env;
	struct opt_list env_file;
	const char *workdir;
	const char *user;
	uint64_t memory_bytes;
	uint64_t cpu_milli;
	uint64_t pids_max;
	bool read_only;
	struct opt_list cap_add;
	struct opt_list cap_drop;
	struct opt_list security_opt;
	const char *hostname;
	const char *entrypoint;
	const char *network;
	struct opt_list ulimit;
	struct opt_optional timeline;
};

/* What the workload block is made from besides the options. Borrowed. */
struct run_context {
	const struct run_args *args;
	const struct sandbox_kind *kind;
	const struct img_image *image;
	const char *rootfs; /* the image's directory; NULL = look up no users */
	const char *id;
	char **command; /* words behind IMAGE, ended by NULL */
};

/*
 * run_build_workload: options and image config into an owned workload block.
 * Returns 0, or -EINVAL for an option that makes no sense, else -errno.
 */
int run_build_workload(const struct run_context *ctx, struct workload **ret,
		       struct il_err *err) IL_MUST_CHECK;

/*
 * run_command: the argv: entrypoint and command, the image's or the user's.
 * Returns an owned array of borrowed strings ended by NULL (maybe empty), or NULL when
 * memory is out.
 */
const char **run_command(const struct run_context *ctx) IL_MUST_CHECK;

/* run_options: the options that kinds understand. 0, or -EINVAL for nonsense. */
int run_options(const struct run_args *args, bool debug, struct sandbox_options *ret,
		struct il_err *err) IL_MUST_CHECK;

/*
 * run_caps: docker's rule for --cap-add and --cap-drop over its default set; names with or
 * without "CAP_", in either case, and ALL. 0, or -EINVAL naming the unknown capability.
 */
int run_caps(const struct opt_list *add, const struct opt_list *drop, uint64_t *ret,
	     struct il_err *err) IL_MUST_CHECK;

/* run_ulimit: "NAME=SOFT[:HARD]", -1 or "unlimited" for no limit. 0 or -EINVAL. */
int run_ulimit(const char *text, struct workload_rlimit *ret, struct il_err *err) IL_MUST_CHECK;

#endif
