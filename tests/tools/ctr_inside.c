// SPDX-License-Identifier: Apache-2.0
/*
 * What a container looks like from the inside, for tests/functional/container.bats:
 *
 *     ctr-inside calls          errno of system calls that a container may not make
 *     ctr-inside fds            open file descriptors
 *     ctr-inside eat MIB        touch so much memory, then print "ate"
 *     ctr-inside fork COUNT     keep COUNT children alive at once; prints how many there were
 *     ctr-inside open PATH      errno of opening it for reading
 *     ctr-inside parent         pid of the parent
 *     ctr-inside fault KIND     do what the processor refuses: null, code, divide, undefined,
 *                               port, halt, trap, noncanonical
 *     ctr-inside deep MIB       use so much stack, then print "deep"
 */
#include "base/parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *result(long r)
{
	return r >= 0 ? "allowed" : strerrorname_np(errno);
}

static int show_calls(void)
{
	static const struct {
		const char *name;
		long nr;
		long arg;
	} calls[] = {
	    {"unshare", SYS_unshare, CLONE_NEWNS},
	    {"mount", SYS_mount, 0},
	    {"umount2", SYS_umount2, 0},
	    {"pivot_root", SYS_pivot_root, 0},
	    {"fsopen", SYS_fsopen, 0},
	    {"open_tree", SYS_open_tree, 0},
	    {"setns", SYS_setns, -1},
	    {"keyctl", SYS_keyctl, 0},
	    {"add_key", SYS_add_key, 0},
	    {"bpf", SYS_bpf, 0},
	    {"perf_event_open", SYS_perf_event_open, 0},
	    {"userfaultfd", SYS_userfaultfd, 0},
	    {"io_uring_setup", SYS_io_uring_setup, 1},
	    {"init_module", SYS_init_module, 0},
	    {"kexec_load", SYS_kexec_load, 0},
	    {"reboot", SYS_reboot, 0},
	    {"swapon", SYS_swapon, 0},
	    {"open_by_handle_at", SYS_open_by_handle_at, -1},
	    {"sethostname", SYS_sethostname, 0},
	    {"clone3", SYS_clone3, 0},
	    {"vsock", SYS_socket, AF_VSOCK},
	    {"getpid", SYS_getpid, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		printf("%s %s\n", calls[i].name,
		       result(syscall(calls[i].nr, calls[i].arg, 0, 0, 0, 0)));
	return 0;
}

static int show_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	if (!d)
		return 1;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && (e->d_name[0] - '0' != dirfd(d) || e->d_name[1]))
			puts(e->d_name);
	closedir(d);
	return 0;
}

static int eat(uint64_t mib)
{
	for (uint64_t i = 0; i < mib; i++) {
		volatile char *p = malloc(1 << 20);

		for (size_t at = 0; p && at < 1 << 20; at += 4096)
			p[at] = 1;
	}
	puts("ate");
	return 0;
}

static int fork_many(uint64_t count)
{
	uint64_t made = 0;

	for (; made < count; made++) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			pause();
	}
	printf("%llu\n", (unsigned long long)made);
	fflush(stdout);
	kill(-1, SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}

static int fault(const char *kind)
{
	static const volatile unsigned char data = 0xc3;
	volatile uintptr_t address = 0;

	if (strcmp(kind, "null") == 0)
		*(volatile char *)address = 1;
	else if (strcmp(kind, "code") == 0) /* data is not executable */
		((void (*)(void))(uintptr_t)&data)();
	else if (strcmp(kind, "divide") == 0)
		__asm__ volatile("div %0" ::"r"(0u) : "eax", "edx");
	else if (strcmp(kind, "undefined") == 0)
		__asm__ volatile("ud2");
	else if (strcmp(kind, "port") == 0)
		__asm__ volatile("out %%al, $0x80" ::"a"(0));
	else if (strcmp(kind, "halt") == 0)
		__asm__ volatile("hlt");
	else if (strcmp(kind, "trap") == 0)
		__asm__ volatile("int3");
	else if (strcmp(kind, "noncanonical") == 0)
		__asm__ volatile("mov %0, (%0)" ::"r"(1ul << 63) : "memory");
	puts("no fault");
	return 0;
}

static int deep(uint64_t mib)
{
	volatile char frame[64 << 10];

	for (size_t at = 0; at < sizeof(frame); at += 4096)
		frame[at] = 1;
	return mib == 0 ? puts("deep") < 0 : deep(mib - 1) + frame[0] - 1;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	uint64_t n = 0;

	if (strcmp(verb, "calls") == 0)
		return show_calls();
	if (strcmp(verb, "fds") == 0)
		return show_fds();
	if (strcmp(verb, "parent") == 0)
		return printf("%d\n", getppid()) < 0;
	if (strcmp(verb, "open") == 0 && argc == 3)
		return puts(result(open(argv[2], O_RDONLY | O_NONBLOCK))) < 0;
	if (strcmp(verb, "fault") == 0 && argc == 3)
		return fault(argv[2]);
	if (argc == 3 && il_parse_u64(argv[2], 0, 1u << 20, &n, NULL) == 0) {
		if (strcmp(verb, "eat") == 0)
			return eat(n);
		if (strcmp(verb, "fork") == 0)
			return fork_many(n);
		if (strcmp(verb, "deep") == 0)
			return deep(n * 16);
	}
	fprintf(stderr, "usage: see the head of tests/tools/ctr_inside.c\n");
	return 2;
}
