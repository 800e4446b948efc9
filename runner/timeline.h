/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timeline of one instance: when what happened, on the host's CLOCK_MONOTONIC.
 * A VM's events are stamped by its monitor when they arrive, never by the guest's clock.
 *
 * Freestanding. The struct has no pointers: a container shares it with its not yet
 * exec'd child through a MAP_SHARED page, where each side writes events of its own.
 */
#ifndef IL_RUNNER_TIMELINE_H
#define IL_RUNNER_TIMELINE_H

#include <stdint.h>

/* In the order in which they normally happen. */
enum timeline_event {
	TL_REQUEST,         /* the command was entered (or the harness launched it) */
	TL_PREPARED,        /* image resolved, root file system there, instance recorded */
	TL_ISOLATION_BEGIN, /* first call that makes namespaces or the VM */
	TL_ISOLATION_MADE,  /* namespaces cloned / VM, memory and vCPU made */
	TL_ROOT_READY,      /* mounts done / guest kernel has its root */
	TL_RUNNER_ENTERED,  /* the runner's first instruction in the isolated world */
	TL_CONFINED,        /* container: cgroup, capabilities, seccomp in force */
	TL_EXECED,          /* the workload's execve succeeded */
	TL_READY,           /* first byte of the workload's output seen outside */
	TL_EXITED,          /* the workload's exit seen outside */
	TL_REAPED,          /* nothing of the instance is left but its record */
	TL_EVENT_MAX,
};

struct timeline {
	uint64_t ns[TL_EVENT_MAX]; /* 0 = has not happened */
};

/* timeline_name: the event's name in traces and JSON ("request", "isolation-begin", ...). */
const char *timeline_name(enum timeline_event event);

#endif
