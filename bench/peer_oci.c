// SPDX-License-Identifier: Apache-2.0
/*
 * runc and crun: the OCI runtimes below docker and podman, called directly with a bundle
 * that has docker's defaults (oci_config.c).
 */
#include "bench/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/json.h"
#include "bench/host.h"
#include "bench/mountns.h"
#include "bench/oci_config.h"

#define COMMAND_TIMEOUT_NS (30 * IL_NS_PER_S)

struct oci {
	char *state;    /* owned; the runtime's --root */
	char *bundle;   /* owned; directory of the last bundle made */
	char *made_for; /* owned; the workload that the bundle's config has */
	int mount_ns;   /* owned; -1 = none */
};

static int probe(const struct bench_env *env IL_UNUSED, const struct subject *s IL_UNUSED,
		 struct il_err *err)
{
	return peer_need_root(err);
}

static int prepare(const struct bench_env *env, struct subject *s, struct il_err *err)
{
	struct oci *o = calloc(1, sizeof(*o));

	if (!o)
		return il_fail(err, ENOMEM, "prepare %s", s->name);
	s->state = o;
	o->mount_ns = -1;
	o->state = il_strf("%s/%s-state", env->work, s->name);
	o->bundle = il_strf("%s/%s-bundle", env->work, s->name);
	if (!o->state || !o->bundle)
		return il_fail(err, ENOMEM, "prepare %s", s->name);
	int r = il_mkdir_p(o->bundle, 0700);
	if (r < 0)
		return il_fail(err, -r, "make '%s'", o->bundle);
	/* crun (1.8) refuses the hybrid layout; it sees one without the unified part. */
	if (strcmp(s->name, "crun") != 0 || strcmp(host_cgroup_mode(), "hybrid") != 0)
		return 0;
	size_t len = strlen(s->description);
	snprintf(s->description + len, sizeof(s->description) - len,
		 "; started in a mount namespace made beforehand that hides the hybrid cgroup "
		 "layout (not timed)");
	return mountns_without_unified(env->work, &o->mount_ns, err);
}

/* The bundle's config names the program: write it anew when that changes. */
static int write_config(const struct bench_env *env, struct oci *o, char *const *workload,
			struct il_err *err)
{
	_cleanup_(il_buf_done) struct il_buf key = {0};
	_cleanup_(freep) char *path = il_strf("%s/config.json", o->bundle);
	json_auto_t *doc = NULL;

	for (size_t i = 0; workload[i]; i++)
		il_buf_printf(&key, "%zu:%s,", strlen(workload[i]), workload[i]);
	if (!path || il_buf_check(&key) < 0)
		return il_fail(err, ENOMEM, "make a bundle");
	if (o->made_for && key.data && strcmp(o->made_for, key.data) == 0)
		return 0;
	int r = oci_config(env, workload, &doc, err);
	if (r == 0)
		r = il_json_save(AT_FDCWD, path, doc, err);
	if (r < 0)
		return r;
	free(o->made_for);
	o->made_for = il_buf_steal(&key);
	return 0;
}

static int command(const struct bench_env *env, const struct subject *s, const struct start *start,
		   struct command *ret, struct il_err *err)
{
	struct oci *o = s->state;
	int r = write_config(env, o, start->workload, err);

	if (r < 0)
		return r;
	strv_add(&ret->argv, s->program);
	strv_addf(&ret->argv, "--root=%s", o->state);
	strv_add(&ret->argv, "run");
	strv_addf(&ret->argv, "--bundle=%s", o->bundle);
	strv_add(&ret->argv, start->id);
	ret->mount_ns = o->mount_ns;
	return strv_check(&ret->argv) < 0 ? il_fail(err, ENOMEM, "make a command") : 0;
}

static void remove_start(const struct bench_env *env IL_UNUSED, const struct subject *s,
			 const char *id)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	struct oci *o = s->state;

	strv_add(&c.argv, s->program);
	strv_addf(&c.argv, "--root=%s", o->state);
	strv_add_all(&c.argv, (const char *const[]){"delete", "--force", id, NULL});
	c.mount_ns = o->mount_ns;
	if (strv_check(&c.argv) == 0 && command_run(&c, COMMAND_TIMEOUT_NS, NULL, NULL) < 0)
		return; /* it was gone already */
}

static void cleanup(const struct bench_env *env IL_UNUSED, struct subject *s)
{
	struct oci *o = s->state;

	if (!o)
		return;
	closep(&o->mount_ns);
	free(o->state); /* the directories go with the work directory */
	free(o->bundle);
	free(o->made_for);
	free(o);
	s->state = NULL;
}

#define OCI_DESCRIPTION                                                                            \
	" run, called directly, with docker's defaults: mnt, pid, uts, ipc, net and cgroup "       \
	"namespaces, capability set, seccomp profile, memory, cpu and pids limits; no writable "   \
	"layer"

const struct driver peer_runc = {
    .name = "runc",
    .type = "peer",
    .description = "runc" OCI_DESCRIPTION,
    .needs_rootfs = true,
    .version_argv = {"runc", "--version"},
    .probe = probe,
    .prepare = prepare,
    .command = command,
    .remove = remove_start,
    .cleanup = cleanup,
};

const struct driver peer_crun = {
    .name = "crun",
    .type = "peer",
    .description = "crun" OCI_DESCRIPTION,
    .needs_rootfs = true,
    .version_argv = {"crun", "--version"},
    .probe = probe,
    .prepare = prepare,
    .command = command,
    .remove = remove_start,
    .cleanup = cleanup,
};
