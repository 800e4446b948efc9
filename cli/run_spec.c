// SPDX-License-Identifier: Apache-2.0
/* What the options of `isolab run` and the image's config mean for the workload. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/run.h"
#include "containers/container.h"
#include "runner/workload_build.h"
#include "sandbox/env.h"
#include "sandbox/record.h"
#include "sandbox/user.h"

#define HOSTNAME_MAX  64 /* uname(2) */
#define RLIMITS_MAX   RLIM_NLIMITS
#define DEFAULT_UMASK 022
#define DEFAULT_PATH  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static size_t count(char *const *strings)
{
	size_t n = 0;

	while (strings && strings[n])
		n++;
	return n;
}

static void append(const char **argv, size_t *n, char *const *strings)
{
	for (; strings && *strings; strings++)
		argv[(*n)++] = *strings;
}

const char **run_command(const struct run_context *ctx)
{
	const char *entrypoint = ctx->args->entrypoint;
	char *const *first = entrypoint ? NULL : ctx->image->entrypoint;
	char *const *rest = ctx->command;
	size_t n = 0;

	/* docker's rule: an entrypoint of the user's own drops the image's command. */
	if (!rest[0])
		rest = entrypoint ? NULL : ctx->image->cmd;
	const char **argv = calloc(count(first) + count(rest) + 2, sizeof(*argv));
	if (!argv)
		return NULL;
	if (entrypoint && entrypoint[0])
		argv[n++] = entrypoint;
	append(argv, &n, first);
	append(argv, &n, rest);
	return argv;
}

/* ---- capabilities ---- */

static int cap_bit(const char *name, uint64_t *ret, struct il_err *err)
{
	char full[64];
	cap_value_t value = 0;
	bool prefixed = strncasecmp(name, "cap_", 4) == 0;

	snprintf(full, sizeof(full), "%s%s", prefixed ? "" : "cap_", name);
	if (cap_from_name(full, &value) < 0 || value < 0 || value > 63)
		return il_refuse(err, EINVAL, "there is no capability '%s'", name);
	*ret = 1ull << value;
	return 0;
}

/* All bits of @list; *ret_all: "ALL" was among them. */
static int cap_bits(const struct opt_list *list, uint64_t *ret, bool *ret_all, struct il_err *err)
{
	*ret = 0;
	*ret_all = false;
	for (size_t i = 0; i < list->n; i++) {
		uint64_t bit = 0;

		if (strcasecmp(list->items[i], "all") == 0) {
			*ret_all = true;
			continue;
		}
		int r = cap_bit(list->items[i], &bit, err);
		if (r < 0)
			return r;
		*ret |= bit;
	}
	return 0;
}

int run_caps(const struct opt_list *add, const struct opt_list *drop, uint64_t *ret,
	     struct il_err *err)
{
	uint64_t added = 0;
	uint64_t dropped = 0;
	bool add_all = false;
	bool drop_all = false;
	int r = cap_bits(add, &added, &add_all, err);

	if (r == 0)
		r = cap_bits(drop, &dropped, &drop_all, err);
	if (r < 0)
		return r;
	uint64_t every = (1ull << (CAP_LAST_CAP + 1)) - 1;
	if (add_all)
		*ret = every & ~dropped;
	else if (drop_all)
		*ret = added;
	else
		*ret = (ctr_caps_default & ~dropped) | added;
	return 0;
}

/* ---- options of kinds ---- */

static bool opt_is(const char *text, const char *name, bool *ret_value)
{
	size_t len = strlen(name);

	if (strncmp(text, name, len) != 0)
		return false;
	const char *value = text + len;
	*ret_value = strcmp(value, "=false") != 0 && strcmp(value, ":false") != 0;
	return value[0] == '\0' || !*ret_value || strcmp(value, "=true") == 0 ||
	       strcmp(value, ":true") == 0;
}

static int security_opts(const struct opt_list *list, struct sandbox_options *ret,
			 struct il_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *text = list->items[i];
		bool value = true;

		if (strcmp(text, "seccomp=unconfined") == 0 ||
		    strcmp(text, "seccomp:unconfined") == 0)
			ret->seccomp = false;
		else if (opt_is(text, "no-new-privileges", &value))
			ret->no_new_privs = value;
		else
			return il_refuse(err, EINVAL,
					 "option '--security-opt': '%s' is not supported: "
					 "seccomp=unconfined, no-new-privileges[=false]",
					 text);
	}
	return 0;
}

int run_options(const struct run_args *args, bool debug, struct sandbox_options *ret,
		struct il_err *err)
{
	*ret = (struct sandbox_options){
	    .memory_bytes = args->memory_bytes,
	    .cpu_milli = args->cpu_milli,
	    .pids_max = args->pids_max,
	    .caps_changed = args->cap_add.n || args->cap_drop.n,
	    .seccomp = true,
	    .no_new_privs = true,
	    .read_only = args->read_only,
	    .hostname_set = args->hostname != NULL,
	    .debug = debug,
	};
	if (args->network)
		ret->net = strcmp(args->network, "host") == 0 ? SANDBOX_NET_HOST : SANDBOX_NET_NONE;
	int r = run_caps(&args->cap_add, &args->cap_drop, &ret->caps, err);
	return r < 0 ? r : security_opts(&args->security_opt, ret, err);
}

/* ---- resource limits ---- */

static const struct {
	const char *name;
	uint32_t resource;
} rlimits[] = {
    {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},         {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},       {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},     {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},           {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

static int rlimit_value(const char *text, size_t len, uint64_t *ret)
{
	char number[24];

	if (len == 0 || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	if (strcmp(number, "-1") == 0 || strcmp(number, "unlimited") == 0) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	return il_parse_u64(number, 0, UINT64_MAX, ret, NULL);
}

int run_ulimit(const char *text, struct workload_rlimit *ret, struct il_err *err)
{
	size_t len = strcspn(text, "=");
	const char *soft = text[len] ? text + len + 1 : "";
	size_t soft_len = strcspn(soft, ":");
	const char *hard = soft[soft_len] ? soft + soft_len + 1 : soft;
	struct workload_rlimit limit = {.resource = RLIM_NLIMITS};

	for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++)
		if (strlen(rlimits[i].name) == len && memcmp(rlimits[i].name, text, len) == 0)
			limit.resource = rlimits[i].resource;
	if (limit.resource == RLIM_NLIMITS || rlimit_value(soft, soft_len, &limit.soft) < 0 ||
	    rlimit_value(hard, strlen(hard), &limit.hard) < 0 || limit.soft > limit.hard)
		return il_refuse(err, EINVAL,
				 "option '--ulimit': '%s' is not NAME=SOFT[:HARD], as nofile=1024",
				 text);
	*ret = limit;
	return 0;
}

static int read_rlimits(const struct run_args *args, struct workload_rlimit *rows, uint32_t *ret_n,
			struct il_err *err)
{
	*ret_n = 0;
	for (size_t i = 0; i < args->ulimit.n; i++) {
		if (*ret_n == RLIMITS_MAX)
			return il_refuse(err, EINVAL, "option '--ulimit' is given too often");
		int r = run_ulimit(args->ulimit.items[i], &rows[*ret_n], err);
		if (r < 0)
			return r;
		++*ret_n;
	}
	return 0;
}

/* ---- the rest of the block ---- */

static int build_env(const struct run_context *ctx, const char *hostname, const char *home,
		     struct sandbox_env *env, struct il_err *err)
{
	const struct run_args *args = ctx->args;
	int r = 0;

	sandbox_env_set(env, "PATH=" DEFAULT_PATH);
	sandbox_env_default(env, "HOSTNAME", hostname);
	if (args->tty)
		sandbox_env_set(env, "TERM=xterm");
	for (size_t i = 0; ctx->image->env && ctx->image->env[i]; i++)
		sandbox_env_set(env, ctx->image->env[i]);
	for (size_t i = 0; r == 0 && i < args->env_file.n; i++)
		r = sandbox_env_file(env, args->env_file.items[i], err);
	for (size_t i = 0; r == 0 && i < args->env.n; i++)
		r = sandbox_env_user(env, args->env.items[i], err);
	sandbox_env_default(env, "HOME", home);
	return r < 0 ? r : sandbox_env_check(env, err);
}

static int find_hostname(const struct run_context *ctx, char *hostname, struct il_err *err)
{
	const char *wanted = ctx->args->hostname;

	if (ctx->kind->shares_hostname) {
		if (gethostname(hostname, HOSTNAME_MAX + 1) < 0)
			return il_fail(err, errno, "get the host's name");
		hostname[HOSTNAME_MAX] = '\0';
		return 0;
	}
	if (wanted && (wanted[0] == '\0' || strlen(wanted) > HOSTNAME_MAX || strchr(wanted, '/') ||
		       strpbrk(wanted, " \t\n")))
		return il_refuse(err, EINVAL,
				 "option '--hostname': '%s' is not a host name of up to %d bytes",
				 wanted, HOSTNAME_MAX);
	snprintf(hostname, HOSTNAME_MAX + 1, "%.*s", wanted ? HOSTNAME_MAX : SANDBOX_SHORT_ID_LEN,
		 wanted ? wanted : ctx->id);
	return 0;
}

static const char *find_workdir(const struct run_context *ctx, struct il_err *err)
{
	const char *dir = ctx->args->workdir;

	if (!dir)
		return ctx->image->workdir && ctx->image->workdir[0] ? ctx->image->workdir : "/";
	if (dir[0] != '/') {
		il_refuse(err, EINVAL,
			  "option '-w, --workdir': '%s' is not an absolute path in the image", dir);
		return NULL;
	}
	return dir;
}

static void find_terminal_size(struct workload_spec *spec)
{
	struct winsize size;

	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
			spec->tty_rows = size.ws_row;
			spec->tty_cols = size.ws_col;
			return;
		}
	}
}

static int find_user(const struct run_context *ctx, struct sandbox_user *ret, struct il_err *err)
{
	const char *text = ctx->args->user ? ctx->args->user : ctx->image->user;

	if (!ctx->rootfs)
		return sandbox_user_parse(NULL, NULL, "", ret, err);
	int r = sandbox_user_resolve(ctx->rootfs, text ? text : "", ret, err);
	return r < 0 ? il_wrap(err, r, "user '%s'", text ? text : "") : 0;
}

int run_build_workload(const struct run_context *ctx, struct workload **ret, struct il_err *err)
{
	_cleanup_(sandbox_env_done) struct sandbox_env env = {0};
	_cleanup_(freep) const char **argv = run_command(ctx);
	struct workload_rlimit rows[RLIMITS_MAX];
	char hostname[HOSTNAME_MAX + 1];
	struct sandbox_user user;
	struct workload_spec spec = {.umask = DEFAULT_UMASK};
	int r;

	if (!argv)
		return il_fail(err, ENOMEM, "put the command together");
	if (!argv[0])
		return il_refuse(err, EINVAL,
				 "the image has no command: give one, as in 'isolab run %s sh'",
				 ctx->image->name);
	if ((r = find_user(ctx, &user, err)) < 0 || (r = find_hostname(ctx, hostname, err)) < 0 ||
	    (r = build_env(ctx, hostname, user.home, &env, err)) < 0 ||
	    (r = read_rlimits(ctx->args, rows, &spec.nrlimits, err)) < 0)
		return r;
	spec.cwd = find_workdir(ctx, err);
	if (!spec.cwd)
		return -EINVAL;
	spec.argv = argv;
	spec.env = (const char *const *)env.items;
	spec.hostname = hostname;
	spec.uid = user.uid;
	spec.gid = user.gid;
	spec.groups = user.groups;
	spec.ngroups = user.ngroups;
	spec.rlimits = rows;
	spec.flags =
	    (ctx->args->tty ? WORKLOAD_TTY : 0) | (ctx->args->read_only ? WORKLOAD_RO_ROOT : 0);
	if (ctx->args->tty)
		find_terminal_size(&spec);
	return workload_build(&spec, ret, err);
}
