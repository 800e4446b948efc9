// SPDX-License-Identifier: Apache-2.0
/* Damaged images: the guest's file system fails in words, it does not crash or hang. */
#include "tests/nanofs/fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REFUSED 42 /* exit status: it was not even mounted */
#define ROUNDS  150
#define LOOK_AT 600
#define SECONDS 20

static int budget;

static void use_file(const char *path)
{
	static char buf[8192];
	long fd = CALL3(open, P(path), O_RDWR | O_NONBLOCK, 0);
	void *page;

	if (fd < 0)
		return;
	for (int i = 0; i < 8 && CALL3(read, fd, P(buf), sizeof(buf)) > 0; i++)
		;
	CALL4(pwrite64, fd, P("x"), 1, 5000);
	for (uint64_t i = 0; i < 4; i++)
		shim_page((int)fd, i, i & 1, &page);
	CALL2(ftruncate, fd, 100);
	CALL1(close, fd);
}

static void use_names(const char *path)
{
	char buf[512];
	struct stat st;

	CALL2(stat, P(path), P(&st));
	CALL2(lstat, P(path), P(&st));
	CALL3(readlink, P(path), P(buf), sizeof(buf));
	CALL3(listxattr, P(path), P(buf), sizeof(buf));
	CALL4(getxattr, P(path), P("user.x"), P(buf), sizeof(buf));
	CALL2(chmod, P(path), 0700);
	CALL2(rename, P(path), P("/moved"));
	CALL2(rename, P("/moved"), P(path));
}

static void use_directory(const char *dir, int depth)
{
	struct {
		uint64_t ino;
		int64_t off;
		uint16_t reclen;
		uint8_t type;
		char name[];
	} const *d;
	char buf[4096] __attribute__((aligned(8)));
	char path[4096];
	long fd = CALL3(open, P(dir), O_RDONLY | O_DIRECTORY, 0);
	long n;

	if (fd < 0)
		return;
	while (budget > 0 && (n = CALL3(getdents64, fd, P(buf), sizeof(buf))) > 0) {
		for (long at = 0; at < n && budget-- > 0; at += d->reclen) {
			d = (const void *)(buf + at);
			if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, d->name);
			use_names(path);
			if (depth < 6)
				use_directory(path, depth + 1);
			use_file(path);
			CALL1(unlink, P(path));
			CALL1(rmdir, P(path));
		}
	}
	CALL1(close, fd);
}

static void use_image(const void *image, size_t size)
{
	const struct shim_config cfg = {.image = image, .size = size, .ram_pages = 512};

	budget = LOOK_AT;
	if (shim_boot(&cfg) < 0)
		_exit(REFUSED);
	use_directory("", 0);
}

/* Some bytes of the metadata, or the length, are not what mkfs wrote. */
static size_t damage(unsigned char *image, size_t size, unsigned int seed)
{
	static const unsigned char nasty[] = {0, 1, 0x7f, 0x80, 0xff, 4, 12};
	size_t area = size < 32768 ? size : 32768;

	srand(seed);
	for (int i = 0; i < 12; i++)
		image[1024 + (size_t)rand() % (area - 1024)] =
		    nasty[(size_t)rand() % sizeof(nasty)];
	return seed % 4 == 0 ? size - (size_t)rand() % size : size;
}

Test(nanofs_hostile, damaged_images_do_no_harm, .timeout = 120)
{
	struct fixture fx = fixture_make("-Eforce-inode-extended", false);
	int refused = 0;

	for (unsigned int seed = 1; seed <= ROUNDS; seed++) {
		pid_t pid = fork();
		int status;

		cr_assert_geq(pid, 0);
		if (pid == 0) {
			/* Page-aligned, and the bytes behind it are not ours. */
			unsigned char *copy = aligned_alloc(4096, (fx.size + 4095) & ~4095ul);

			alarm(SECONDS);
			memcpy(copy, fx.image, fx.size);
			use_image(copy, damage(copy, fx.size, seed));
			_exit(0);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) {
			refused++;
			continue;
		}
		cr_assert_eq(status, 0, "seed %u: wait status %x", seed, (unsigned int)status);
	}
	/* Most of them are damaged deeper than in the superblock, or this tests little. */
	cr_assert_lt(refused, ROUNDS / 2, "%d refused", refused);
}
