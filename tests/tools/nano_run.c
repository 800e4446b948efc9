// SPDX-License-Identifier: Apache-2.0
/*
 * nano_run: start a program of an EROFS image in a nano VM, with nothing around it.
 * Usage: nano_run [-d] [-t] [-n REPEATS] [-m MIB] IMAGE.erofs PROGRAM [ARG...]
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

static struct workload *make_workload(int argc, char **argv)
{
	static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
					  "HOME=/root"};
	size_t cap = 65536, at = sizeof(struct workload);
	struct workload *w = calloc(1, cap);
	uint32_t *off;

	*w = (struct workload){.magic = WORKLOAD_MAGIC,
			       .version = WORKLOAD_VERSION,
			       .argc = (uint32_t)argc,
			       .envc = 2,
			       .umask = 022};
	w->argv_off = (uint32_t)at;
	at += 4 * (size_t)argc;
	w->env_off = (uint32_t)at;
	at += 4 * 2;
	w->groups_off = w->rlimits_off = (uint32_t)(at = (at + 7) & ~7ul);
	off = (uint32_t *)(void *)((char *)w + w->argv_off);
	for (int i = 0; i < argc; i++) {
		off[i] = (uint32_t)at;
		at += (size_t)snprintf((char *)w + at, cap - at, "%s", argv[i]) + 1;
	}
	off = (uint32_t *)(void *)((char *)w + w->env_off);
	for (int i = 0; i < 2; i++) {
		off[i] = (uint32_t)at;
		at += (size_t)snprintf((char *)w + at, cap - at, "%s", env[i]) + 1;
	}
	w->cwd_off = (uint32_t)at;
	at += (size_t)snprintf((char *)w + at, cap - at, "/") + 1;
	w->hostname_off = (uint32_t)at;
	at += (size_t)snprintf((char *)w + at, cap - at, "nano") + 1;
	w->size = (uint32_t)at;
	return w;
}

static int once(const char *image, const struct workload *w, bool debug, uint64_t mib, bool show)
{
	struct timeline t = {0};
	struct nano_config cfg = {.kvm_path = "/dev/kvm",
				  .erofs_path = image,
				  .workload = w,
				  .memory_bytes = mib << 20,
				  .debug = debug,
				  .stdio = {0, 1, 2},
				  .timeline = &t};
	struct nano_vm *vm = NULL;
	struct il_err err = {0};
	int status = 0, r;
	uint64_t begin = il_now_ns();

	r = nano_create(&cfg, &vm, &err);
	if (r == 0)
		r = nano_run(vm, &status, &err);
	nano_destroy(vm);
	uint64_t end = il_now_ns();
	if (show)
		for (int i = 0; i < TL_EVENT_MAX; i++)
			if (t.ns[i])
				dprintf(2, "%-16s %8.0f us\n", timeline_name(i),
					(double)(t.ns[i] - begin) / 1e3);
	if (show)
		dprintf(2, "all              %8.0f us\n", (double)(end - begin) / 1e3);
	if (r < 0) {
		dprintf(2, "nano_run: %s\n", err.msg);
		return r == -ENOENT ? 127 : r == -EACCES ? 126 : 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	bool debug = false, show = false;
	int opt, repeats = 1, r = 0;
	uint64_t mib = 256;

	while ((opt = getopt(argc, argv, "+dtn:m:")) != -1) {
		if (opt == 'd')
			debug = true;
		else if (opt == 't')
			show = true;
		else if (opt == 'n')
			repeats = (int)strtol(optarg, NULL, 10);
		else if (opt == 'm')
			mib = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind < 2)
		return 2;
	il_log_set_level(IL_LOG_DEBUG);
	struct workload *w = make_workload(argc - optind - 1, argv + optind + 1);
	for (int i = 0; i < repeats; i++)
		r = once(argv[optind], w, debug, mib, show);
	return r;
}
