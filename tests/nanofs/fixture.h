/* SPDX-License-Identifier: Apache-2.0 */
/* EROFS images for the unit tests, made by mkfs.erofs from a directory built here. */
#ifndef IL_TESTS_NANOFS_FIXTURE_H
#define IL_TESTS_NANOFS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/syscall.h>

#include "tests/nanofs/shim.h"

struct fixture {
	void *image; /* page-aligned */
	size_t size;
	char dir[64]; /* the source tree, when it was kept */
};

/*
 * fixture_make: build the standard tree, make an image of it, and map it. Skips the test
 * when mkfs.erofs is missing. Removes what it wrote but, with @keep_dir, the tree.
 * @option  an option for mkfs.erofs, or NULL
 */
struct fixture fixture_make(const char *option, bool keep_dir);
void fixture_remove_tree(const char *dir);
/* fixture_boot: the shim on the standard image. */
void fixture_boot(struct shim_config cfg);

/* The contents of big.bin: 40000 bytes that tell their place. */
#define FIXTURE_BIG 40000
unsigned char fixture_big_byte(size_t i);

/* System calls of the guest; pointers as they are. */
#define P(x)              ((uint64_t)(uintptr_t)(x))
#define CALL0(n)          shim_call(SYS_##n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a)       shim_call(SYS_##n, (uint64_t)(a), 0, 0, 0, 0, 0)
#define CALL2(n, a, b)    shim_call(SYS_##n, (uint64_t)(a), (uint64_t)(b), 0, 0, 0, 0)
#define CALL3(n, a, b, c) shim_call(SYS_##n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0, 0)
#define CALL4(n, a, b, c, d)                                                                       \
	shim_call(SYS_##n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), 0, 0)
#define CALL5(n, a, b, c, d, e)                                                                    \
	shim_call(SYS_##n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d),             \
		  (uint64_t)(e), 0)
#define CALL6(n, a, b, c, d, e, f)                                                                 \
	shim_call(SYS_##n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d),             \
		  (uint64_t)(e), (uint64_t)(f))

#endif
