/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest kernel's services on the host, so that unit tests can call the nano guest's
 * file system calls. The program's memory is the host's; addresses below 64 KiB fault.
 * No header of the guest is needed (or possible) beside libc's.
 */
#ifndef IL_TESTS_NANOFS_SHIM_H
#define IL_TESTS_NANOFS_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shim_config {
	const void *image; /* EROFS, page-aligned */
	size_t size;
	bool tty;
	bool read_only;
	uint32_t uid;
	uint32_t gid;
	size_t ram_pages; /* 0 = 16384 */
	size_t nofile;    /* 0 = 1024 */
};

/* shim_boot: mount and open the console; what vfs_init returns. Once per process. */
int shim_boot(const struct shim_config *cfg);

/* shim_call: system call @nr with these arguments; what the guest would return. */
long shim_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

/* The calls of the file side that have a row. */
bool shim_has_call(long nr);

/* Give the console input; @eof: it ends after that. */
void shim_input(const char *data, size_t len, bool eof);
/* What was written to stdout (1) or stderr (2) since the last call; valid until the next. */
const char *shim_output(int stream, size_t *ret_len);
/* Close the host's end of stdout: writing gives EPIPE. */
void shim_close_output(void);
/* The last signal that was raised, 0 = none; forgets it. */
int shim_signal(void);
/* The time that the guest thinks has passed, and how often it slept. */
void shim_winsize(uint16_t rows, uint16_t cols);
void shim_become(uint32_t uid, uint32_t gid);

/* Pages and kernel blocks in use. */
size_t shim_pages(void);
size_t shim_blocks(void);
/* Let the @nth kernel allocation from now on fail (1 = the next), and all after it. */
void shim_fail_after(long nth);

/* The page that mmap would map: vfs_file_page; file opened as @fd. */
int shim_page(int fd, uint64_t index, bool write, void **ret);
bool shim_in_image(const void *p);
int shim_exec(const char *path);
/* What exec does at its end. */
void shim_exec_done(void);
int shim_chdir(const char *path, bool make);

#endif
