// SPDX-License-Identifier: Apache-2.0
/*
 * The two ends of the scale without any isolation: nothing at all, which measures the
 * harness, and the program itself, which is the least that any launcher must pay.
 */
#include "bench/peers.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sys.h"

static int null_command(const struct bench_env *env IL_UNUSED, const struct subject *s IL_UNUSED,
			const struct start *start, struct command *ret, struct il_err *err)
{
	if (start->idle)
		return il_refuse(err, ENOTSUP, "there is no instance of nothing");
	ret->nothing = true;
	return 0;
}

const struct driver peer_null = {
    .name = "null",
    .type = "peer",
    .description = "the harness itself: its launch, waiting and stamps around a child process "
		   "that ends at once without executing anything",
    .no_instances = true,
    .command = null_command,
};

/* Does the ELF file need an interpreter from its image? A static one can start from outside. */
static int is_static(int fd, bool *ret)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;

	*ret = false;
	if (pread(fd, &e, sizeof(e), 0) != (ssize_t)sizeof(e) ||
	    memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_phentsize != sizeof(p))
		return -ENOEXEC;
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		off_t at = (off_t)(e.e_phoff + i * sizeof(p));

		if (pread(fd, &p, sizeof(p), at) != (ssize_t)sizeof(p))
			return -ENOEXEC;
		if (p.p_type == PT_INTERP)
			return 0;
	}
	*ret = true;
	return 0;
}

/* Where the workload's program is in the image: absolute, or looked up in its PATH. */
static int find_program(const struct bench_env *env, const char *name, char **ret_path,
			struct il_err *err)
{
	_cleanup_(closep) int root = il_open(AT_FDCWD, env->rootfs, O_PATH | O_DIRECTORY, 0);
	const char *path = "/usr/local/bin:/usr/bin:/bin";

	for (size_t i = 0; env->image_env && env->image_env[i]; i++)
		if (strncmp(env->image_env[i], "PATH=", 5) == 0)
			path = env->image_env[i] + 5;
	_cleanup_(freep) char *dirs = strdup(name[0] == '/' ? "" : path);
	if (root < 0 || !dirs)
		return il_fail(err, root < 0 ? -root : ENOMEM, "open '%s'", env->rootfs);
	for (char *d = dirs, *next; d; d = next) {
		next = strchr(d, ':');
		if (next)
			*next++ = '\0';
		_cleanup_(freep) char *full = il_strf("%s%s%s", d, d[0] ? "/" : "", name);
		_cleanup_(closep) int fd = full ? il_open_in_root(root, full, O_PATH, 0) : -ENOMEM;
		if (fd >= 0) {
			*ret_path = steal_ptr(full);
			return 0;
		}
	}
	return il_refuse(err, ENOENT, "there is no '%s' in the image", name);
}

static int exec_command(const struct bench_env *env, const struct subject *s IL_UNUSED,
			const struct start *start, struct command *ret, struct il_err *err)
{
	_cleanup_(freep) char *inside = NULL;
	_cleanup_(closep) int root = il_open(AT_FDCWD, env->rootfs, O_PATH | O_DIRECTORY, 0);
	bool alone = false;
	int r = find_program(env, start->workload[0], &inside, err);

	if (r < 0)
		return r;
	_cleanup_(closep) int fd = root < 0 ? root : il_open_in_root(root, inside, O_RDONLY, 0);
	if (fd < 0)
		return il_fail(err, -fd, "open '%s' of the image", inside);
	/* A script needs its interpreter from the image, as a dynamic program does. */
	if (is_static(fd, &alone) < 0)
		alone = false;
	if (!alone && geteuid() != 0)
		return il_refuse(err, EPERM,
				 "'%s' is not a static program: entering the image's "
				 "root needs root",
				 inside);
	if (!alone)
		ret->chroot_dir = env->rootfs;
	strv_addf(&ret->argv, "%s%s", alone ? env->rootfs : "", inside);
	strv_add_all(&ret->argv, (const char *const *)(uintptr_t)(start->workload + 1));
	ret->env = env->image_env;
	return strv_check(&ret->argv) < 0 ? il_fail(err, ENOMEM, "make a command") : 0;
}

const struct driver peer_exec = {
    .name = "exec",
    .alias = "process",
    .type = "peer",
    .description = "vfork and execve of the program out of the unpacked image, no isolab and no "
		   "isolation (a dynamic program: after a chroot): the floor for every launcher",
    .needs_rootfs = true,
    .command = exec_command,
};
