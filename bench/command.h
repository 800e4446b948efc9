/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the harness: its argument list, how it is started, and the plain way to run
 * one that is not measured (preparing, cleaning up).
 */
#ifndef IL_BENCH_COMMAND_H
#define IL_BENCH_COMMAND_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A growable, NULL-ended list of owned strings; a failed allocation sticks. */
struct strv {
	char **v; /* owned; NULL while empty */
	size_t n;
	size_t cap;
	bool failed;
};

void strv_done(struct strv *s); /* frees; also a scope closer */
void strv_add(struct strv *s, const char *text);
void strv_addf(struct strv *s, const char *fmt, ...) IL_PRINTF(2, 3);
void strv_add_all(struct strv *s, const char *const *items); /* until NULL */
int strv_check(const struct strv *s) IL_MUST_CHECK;          /* 0 or -ENOMEM */

/* What to start. */
struct command {
	struct strv argv;       /* argv[0] is an absolute path */
	const char *const *env; /* borrowed; NULL = the harness's own */
	const char *chroot_dir; /* borrowed; enter this root first; NULL = none */
	int mount_ns;           /* borrowed fd of a mount namespace to enter first; -1 = none */
	int keep_fd;            /* borrowed CLOEXEC fd that the program inherits; -1 = none */
	bool nothing;           /* start no program: the child ends at once (null subject) */
};

#define COMMAND_INIT                                                                               \
	{                                                                                          \
		.mount_ns = -1, .keep_fd = -1                                                      \
	}

void command_done(struct command *c); /* frees; also a scope closer */

/*
 * command_spawn: start @c in a process group of its own with the given descriptors as 0,
 * 1 and 2 (-1 = /dev/null). Returns when the program is being executed: vfork semantics,
 * whose cost doesn't grow with the memory of the harness.
 * @ret_pidfd  receives an owned pidfd of it; may be NULL
 * Returns the pid; or -errno of the failing step: -ENOENT no such program, ...
 */
pid_t command_spawn(const struct command *c, const int stdio[3], int *ret_pidfd,
		    struct il_err *err) IL_MUST_CHECK;

/*
 * command_run: run to the end, not measured.
 * @timeout_ns  then it is killed and the result is -ETIMEDOUT
 * @output      receives up to 1 MiB of stdout and stderr together; may be NULL
 *
 * Runs to its end also when a signal asked the harness to stop: clean-up uses it.
 * Returns 0 when it ended with status 0, -EPROTO with the last line of its output in @err
 * when not, or -errno of starting it.
 */
int command_run(const struct command *c, uint64_t timeout_ns, struct il_buf *output,
		struct il_err *err) IL_MUST_CHECK;

/* command_runv: command_run for a fixed list: command_runv(t, out, err, "tar", "-c", NULL). */
int command_runv(uint64_t timeout_ns, struct il_buf *output, struct il_err *err, const char *file,
		 ...) IL_MUST_CHECK;

/* command_find: the absolute path of @name in PATH and the system's sbin directories. */
int command_find(const char *name, char **ret_path, struct il_err *err) IL_MUST_CHECK;

/* command_last_line: the last non-empty line of @text, shortened to @size - 1, printable. */
void command_last_line(const char *text, char *line, size_t size);

#endif
