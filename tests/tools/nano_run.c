// SPDX-License-Identifier: Apache-2.0
/*
 * nano_run: start a program of an EROFS image in a nano VM, with nothing around it.
 * Usage: nano_run [-d] [-t] [-n REPEATS] [-m MIB] IMAGE.erofs PROGRAM [ARG...]
 *   -d  debug log    -t  print the phases' times; with -n their medians
 */
#include "base/clock.h"
#include "base/log.h"
#include "vmm/nano.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPEATS_MAX 10000
#define PHASES      5

static const char *const phase_names[PHASES] = {"made", "kernel", "exec", "program", "all"};
static uint32_t samples[PHASES][REPEATS_MAX]; /* ns */

struct builder {
	char *block;
	size_t at, cap;
};

static uint32_t put(struct builder *b, const char *text)
{
	size_t at = b->at;

	b->at += (size_t)snprintf(b->block + at, b->cap - at, "%s", text) + 1;
	return (uint32_t)at;
}

static uint32_t put_list(struct builder *b, int n, char *const *list)
{
	size_t at = b->at;
	uint32_t *off = (uint32_t *)(void *)(b->block + at);

	b->at += 4 * (size_t)n;
	for (int i = 0; i < n; i++)
		off[i] = put(b, list[i]);
	b->at = (b->at + 7) & ~7ul;
	return (uint32_t)at;
}

static struct workload *make_workload(int argc, char **argv)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", home[] = "HOME=/root";
	char *env[] = {path, home};
	struct builder b = {.block = calloc(1, 65536), .at = sizeof(struct workload), .cap = 65536};
	struct workload *w = (void *)b.block;

	if (!w)
		return NULL;
	*w = (struct workload){.magic = WORKLOAD_MAGIC,
			       .version = WORKLOAD_VERSION,
			       .argc = (uint32_t)argc,
			       .envc = 2,
			       .umask = 022};
	w->argv_off = put_list(&b, argc, argv);
	w->env_off = put_list(&b, 2, env);
	w->groups_off = w->rlimits_off = (uint32_t)b.at;
	w->cwd_off = put(&b, "/");
	w->hostname_off = put(&b, "nano");
	w->size = (uint32_t)b.at;
	return w;
}

static int once(const struct nano_config *cfg, int n)
{
	struct timeline *t = cfg->timeline;
	struct nano_vm *vm = NULL;
	struct il_err err = {0};
	int status = 0, r;
	uint64_t begin = il_now_ns(), end;

	memset(t, 0, sizeof(*t));
	r = nano_create(cfg, &vm, &err);
	if (r == 0)
		r = nano_run(vm, &status, &err);
	nano_destroy(vm);
	end = il_now_ns();
	samples[0][n] = (uint32_t)(t->ns[TL_ISOLATION_MADE] - begin);
	samples[1][n] = (uint32_t)(t->ns[TL_RUNNER_ENTERED] - t->ns[TL_ISOLATION_MADE]);
	samples[2][n] = (uint32_t)(t->ns[TL_EXECED] - t->ns[TL_RUNNER_ENTERED]);
	samples[3][n] = (uint32_t)(t->ns[TL_EXITED] - t->ns[TL_EXECED]);
	samples[4][n] = (uint32_t)(end - begin);
	if (r < 0) {
		dprintf(2, "nano_run: %s\n", err.msg);
		return r == -ENOENT ? 127 : r == -EACCES ? 126 : 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void show(int n)
{
	for (int p = 0; p < PHASES; p++) {
		qsort(samples[p], (size_t)n, sizeof(samples[p][0]), by_value);
		dprintf(2, "%s %.0f/%.0f  ", phase_names[p], samples[p][n / 10] / 1e3,
			samples[p][n / 2] / 1e3);
	}
	dprintf(2, "us (p10/median of %d)\n", n);
}

int main(int argc, char **argv)
{
	struct timeline timeline;
	struct nano_config cfg = {.kvm_path = "/dev/kvm",
				  .memory_bytes = 512ull << 20,
				  .stdio = {0, 1, 2},
				  .timeline = &timeline};
	bool times = false;
	int opt, repeats = 1, r = 0;

	while ((opt = getopt(argc, argv, "+dtn:m:")) != -1) {
		if (opt == 'd')
			cfg.debug = true;
		else if (opt == 't')
			times = true;
		else if (opt == 'n')
			repeats = (int)strtol(optarg, NULL, 10);
		else if (opt == 'm')
			cfg.memory_bytes = strtoull(optarg, NULL, 10) << 20;
		else
			return 2;
	}
	if (argc - optind < 2 || repeats < 1 || repeats > REPEATS_MAX)
		return 2;
	il_log_set_level(IL_LOG_DEBUG);
	cfg.erofs_path = argv[optind];
	cfg.workload = make_workload(argc - optind - 1, argv + optind + 1);
	if (!cfg.workload)
		return 2;
	for (int i = 0; i < repeats; i++)
		r = once(&cfg, i);
	if (times)
		show(repeats);
	return r;
}
