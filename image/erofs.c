// SPDX-License-Identifier: Apache-2.0
/*
 * The EROFS image of a root directory. The nano guest parses it in place and maps file
 * data as pages, so it is made without compression, without chunk sharing, and with the
 * data of regular files at block boundaries (-Enoinline_data).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/spawn.h"
#include "image/rootfs.h"

#define EROFS_MAGIC      0xe0f5e1e2u
#define EROFS_SUPER_OFF  1024 /* the super block's offset in the file */
#define EROFS_BLOCK_SIZE 4096u
#define NEARLY_FULL      (1u << 20) /* bytes free, after a write that failed */

static int check_image(const char *path, struct il_err *err)
{
	_cleanup_(closep) int fd = il_open(AT_FDCWD, path, O_RDONLY, 0);
	struct stat st;
	uint32_t magic = 0;
	uint32_t blocks = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return il_fail(err, fd < 0 ? -fd : errno, "open the new EROFS image");
	if (pread(fd, &magic, sizeof(magic), EROFS_SUPER_OFF) != sizeof(magic) ||
	    pread(fd, &blocks, sizeof(blocks), EROFS_SUPER_OFF + 36) != sizeof(blocks) ||
	    magic != EROFS_MAGIC)
		return il_refuse(err, EIO, "mkfs.erofs made no EROFS image");
	if ((uint64_t)st.st_size < (uint64_t)blocks * EROFS_BLOCK_SIZE)
		return il_refuse(err, EIO, "mkfs.erofs made a cut EROFS image");
	return 0;
}

/* mkfs.erofs names its write error on a later line than the one we get: look for ourselves. */
static bool disk_is_full(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (uint64_t)fs.f_bfree * fs.f_bsize < NEARLY_FULL;
}

int img_mkfs_erofs(const char *root_path, const char *image_path, struct il_err *err)
{
	/* One fixed id: equal roots give equal images, and nothing mounts by it. */
	const char *uuid = "-U69736f6c-6162-4000-8000-65726f667321";
	/* Unpacked without privilege, every file has the caller's owner. */
	const char *owner = geteuid() == 0 ? "--quiet" : "--all-root";
	const char *argv[] = {"mkfs.erofs", "-Enoinline_data", uuid, owner,
			      image_path,   root_path,         NULL};
	struct il_err why = {0};
	int r = il_spawn_wait(argv, &why);

	if (r == -ENOENT)
		return il_refuse(
		    err, ENOENT,
		    "the program mkfs.erofs is missing: install the package erofs-utils");
	if (r < 0 && disk_is_full(image_path))
		return il_fail(err, ENOSPC, "make the EROFS image (mkfs.erofs)");
	if (r < 0)
		return il_refuse(err, -r, "%s", why.msg);
	return check_image(image_path, err);
}
