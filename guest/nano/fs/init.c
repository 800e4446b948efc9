// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/fs.h"

int vfs_init(const void *image, uint64_t size)
{
	struct fs_root *fs;
	int r = rootfs_init(image, size);

	if (r < 0)
		return r;
	fs = kmalloc(sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	fs->root = dentry_get(fs_state.root);
	fs->cwd = dentry_get(fs_state.root);
	current->fs = fs;
	current->umask = 022;
	r = fdtable_init();
	return r < 0 ? r : console_open_std();
}

void vfs_exit(void)
{
}
