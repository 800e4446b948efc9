/* SPDX-License-Identifier: Apache-2.0 */
/* Changing the tree: every function checks permissions, types and limits itself. */
#ifndef IL_NANO_FS_NAMEI_H
#define IL_NANO_FS_NAMEI_H

#include "guest/nano/fs/fs.h"

/* Devices, FIFOs and sockets of the RAM layer (dev.c). */
extern const struct inode_ops special_ops;

/* name_unlink: 0, -EISDIR, -EPERM, -EACCES, -EBUSY, -EROFS, -ENOMEM. */
int name_unlink(struct dentry *d) FS_MUST_CHECK;
/* name_rmdir: 0, -ENOTDIR, -ENOTEMPTY, -EBUSY, ... */
int name_rmdir(struct dentry *d) FS_MUST_CHECK;
/* name_link: one more name, w's last component, for @old's file. 0, -EPERM, -EXDEV, ... */
int name_link(struct dentry *old, struct walk *w) FS_MUST_CHECK;
/* name_rename: @d becomes w's last component; @over is what is there now, or NULL. */
int name_rename(struct dentry *d, struct walk *w, struct dentry *over) FS_MUST_CHECK;
/* name_exchange: RENAME_EXCHANGE. */
int name_exchange(struct dentry *a, struct dentry *b) FS_MUST_CHECK;
bool name_dir_empty(struct dentry *dir);

#endif
