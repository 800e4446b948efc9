/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev, /proc and /sys as tables: a row is a name in a directory. What a row cannot say
 * (the descriptors in /proc/self/fd) has inode_ops of its own.
 */
#ifndef IL_NANO_FS_TABFS_H
#define IL_NANO_FS_TABFS_H

#include "guest/nano/fs/fs.h"

enum tab_dir {
	TAB_NONE,
	TAB_DEV,
	TAB_DEV_PTS,
	TAB_DEV_SHM,
	TAB_DEV_MQUEUE,
	TAB_PROC,
	TAB_PROC_SYS,
	TAB_PROC_KERNEL,
	TAB_PROC_RANDOM,
	TAB_PROC_VM,
	TAB_PROC_FS,
	TAB_NOWHERE, /* where the root of /proc is listed */
	TAB_SELF,
	TAB_SELF_TASK,
	TAB_SELF_TASK_1,
	TAB_SELF_FD,
	TAB_SELF_FDINFO,
};

struct tab_row {
	uint8_t in;  /* enum tab_dir: the directory that has it */
	uint8_t dir; /* enum tab_dir: the directory that it is */
	bool tty;    /* only there when the console is a terminal */
	bool accept; /* writing does nothing, successfully */
	uint32_t mode;
	uint32_t rdev;
	const char *name;
	const char *link;             /* a symbolic link's target */
	void (*show)(struct text *t); /* a generated file's content */
	const struct inode_ops *ops;  /* neither of the above */
};

extern const struct tab_row dev_rows[];  /* end with a NULL name */
extern const struct tab_row proc_rows[]; /* the same */

/* Rows with ops of their own (proc_links.c). */
extern const struct inode_ops proc_exe_ops, proc_cwd_ops, proc_root_ops;
extern const struct inode_ops proc_fd_ops, proc_fdinfo_ops;

/* tab_inode: a counted inode of @row; NULL when RAM is out. */
struct inode *tab_inode(const struct tab_row *row);
/* tab_text_open: f reads what @show writes. */
int tab_text_open(struct file *f, void (*show)(struct text *t));

/* proc_self.c: the generated files of /proc/self. */
void self_cmdline(struct text *t);
void self_environ(struct text *t);
void self_auxv(struct text *t);
void self_comm(struct text *t);
void self_maps(struct text *t);
void self_status(struct text *t);
void self_stat(struct text *t);
void self_statm(struct text *t);
void self_limits(struct text *t);
void self_mounts(struct text *t);
void self_mountinfo(struct text *t);

#endif
