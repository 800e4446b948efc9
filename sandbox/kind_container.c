// SPDX-License-Identifier: Apache-2.0
/* The container kind: containers/ starts it, the supervisor watches it. */
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "containers/container.h"
#include "sandbox/instance.h"
#include "sandbox/supervise.h"

static int container_check(const struct sandbox_options *options, struct il_err *err)
{
	(void)options;
	(void)err;
	return 0;
}

static int container_run(struct sandbox_run *run, int *ret_status, struct il_err *err)
{
	static struct supervise s; /* large buffers, one run per process */
	_cleanup_(freep) char *rootfs = NULL;
	const struct sandbox_options *o = &run->options;
	const char *id = run->instance->rec.id;
	struct ctr ctr = {.pidfd = -1};
	int r = img_rootfs(run->store, run->image, &rootfs, err);

	if (r < 0)
		return sandbox_other_failure(r);
	run->timeline->ns[TL_PREPARED] = il_now_ns();
	r = supervise_begin(&s, run, err);
	if (r < 0) {
		supervise_end(&s);
		return sandbox_other_failure(r);
	}
	struct ctr_config cfg = {
	    .id = id,
	    .rootfs = rootfs,
	    .state_dir = run->instance->dir,
	    .workload = run->workload,
	    .limits = {o->memory_bytes, o->cpu_milli, o->pids_max},
	    .caps = o->caps,
	    .seccomp = o->seccomp,
	    .no_new_privs = o->no_new_privs,
	    /* As docker does: what a kept container wrote can be looked at afterwards. */
	    .keep_files = !run->instance->rec.auto_remove,
	    .net = o->net == SANDBOX_NET_HOST ? CTR_NET_HOST : CTR_NET_NONE,
	    .stdio = {s.io.child[0], s.io.child[1], s.io.child[2]},
	    .timeline = run->timeline,
	};
	r = ctr_start(&cfg, &ctr, err);
	if (r == 0) {
		r = supervise_wait(&s, ctr.pid, ctr.pidfd, ret_status, err);
		int r2 = sandbox_other_failure(ctr_destroy(id, err));
		r = r < 0 ? r : r2;
	}
	closep(&ctr.pidfd);
	supervise_end(&s);
	return r;
}

const struct sandbox_kind sandbox_kind_container = {
    .name = "container",
    .description = "namespaces, cgroup, capabilities and seccomp on the host's kernel",
    .probe = ctr_probe,
    .check = container_check,
    .run = container_run,
    .clean = ctr_destroy,
};
