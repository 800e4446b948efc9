// SPDX-License-Identifier: Apache-2.0
/* The nano guest's file calls on an image: reading, the RAM layer, names, permissions. */
#include "tests/nanofs/fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

static void boot(void)
{
	fixture_boot((struct shim_config){0});
}

static long slurp(const char *path, char *buf, size_t size)
{
	long fd = CALL3(open, P(path), O_RDONLY, 0);
	long n;

	if (fd < 0)
		return fd;
	n = CALL3(read, fd, P(buf), size - 1);
	if (n >= 0)
		buf[n] = '\0';
	CALL1(close, fd);
	return n;
}

static void assert_content(const char *path, const char *want)
{
	char buf[256];
	long n = slurp(path, buf, sizeof(buf));

	cr_assert_eq(n, (long)strlen(want), "%s: %ld", path, n);
	cr_assert_str_eq(buf, want);
}

static long spit(const char *path, const char *text, int flags)
{
	long fd = CALL3(open, P(path), O_WRONLY | flags, 0644);
	long n;

	if (fd < 0)
		return fd;
	n = CALL3(write, fd, P(text), strlen(text));
	CALL1(close, fd);
	return n;
}

static struct stat stat_of(const char *path)
{
	struct stat st = {0};
	long r = CALL2(lstat, P(path), P(&st));

	cr_assert_eq(r, 0, "lstat %s: %ld", path, r);
	return st;
}

struct dirent64_abi {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* How often @name (NULL = anything but the dots) is in @dir, read in small pieces. */
static int list_count(const char *dir, const char *name)
{
	long fd = CALL3(open, P(dir), O_RDONLY | O_DIRECTORY, 0);
	char buf[300];
	int found = 0;
	long n;

	cr_assert(fd >= 0, "open %s: %ld", dir, fd);
	while ((n = CALL3(getdents64, fd, P(buf), sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64_abi *d = (const void *)(buf + at);

			if (name ? strcmp(d->name, name) == 0
				 : strcmp(d->name, ".") != 0 && strcmp(d->name, "..") != 0)
				found++;
			at += d->reclen;
		}
	}
	cr_assert_eq(n, 0);
	CALL1(close, fd);
	return found;
}

/* ---- reading the image ------------------------------------------------------------------ */

Test(nanofs, reads_files_of_the_image, .init = boot)
{
	static unsigned char buf[FIXTURE_BIG + 10];
	long fd = CALL3(open, P("/big.bin"), O_RDONLY, 0);

	assert_content("/hello.txt", "hello\n");
	assert_content("rel", "hello\n");
	assert_content("/abs", "b\n");
	assert_content("dirlink/sub/../a", "a\n");
	cr_assert_eq(CALL3(read, fd, P(buf), sizeof(buf)), FIXTURE_BIG);
	for (size_t i = 0; i < FIXTURE_BIG; i++)
		cr_assert_eq(buf[i], fixture_big_byte(i));
	cr_assert_eq(CALL3(read, fd, P(buf), 1), 0);
	cr_assert_eq(CALL4(pread64, fd, P(buf), 3, 4095), 3);
	cr_assert_eq(buf[2], fixture_big_byte(4097));
}

Test(nanofs, reading_costs_no_page_of_ram, .init = boot)
{
	char buf[64];
	size_t pages = shim_pages();
	size_t blocks = shim_blocks();

	cr_assert_eq(slurp("/d/sub/b", buf, sizeof(buf)), 2);
	cr_assert_eq(list_count("/many", NULL), 400);
	cr_assert_eq(shim_pages(), pages);
	/* At most the tables that the first file made. */
	cr_assert_leq(shim_blocks(), blocks + 1);
}

/* However mkfs.erofs lays the tree out, it reads the same. */
static void check_layout(const char *option)
{
	static unsigned char buf[FIXTURE_BIG];
	struct fixture fx = fixture_make(option, false);
	struct shim_config cfg = {.image = fx.image, .size = fx.size};
	long fd;

	cr_assert_eq(shim_boot(&cfg), 0);
	fd = CALL3(open, P("/big.bin"), O_RDONLY, 0);
	cr_assert_eq(CALL3(read, fd, P(buf), sizeof(buf)), FIXTURE_BIG);
	for (size_t k = 0; k < FIXTURE_BIG; k++)
		cr_assert_eq(buf[k], fixture_big_byte(k));
	assert_content("/d/a", "a\n");
	assert_content("/abs", "b\n");
	cr_assert_eq(list_count("/many", NULL), 400);
}

Test(nanofs_layout, data_in_blocks)
{
	check_layout("-Enoinline_data");
}

Test(nanofs_layout, extended_inodes_inline_tails)
{
	check_layout("-Eforce-inode-extended");
}

Test(nanofs_layout, compact_inodes)
{
	check_layout("-Eforce-inode-compact");
}

Test(nanofs_layout, chunks_of_a_block)
{
	check_layout("--chunksize=4096");
}

Test(nanofs_layout, chunks_of_two_blocks)
{
	check_layout("--chunksize=8192");
}

Test(nanofs, compressed_image_is_refused)
{
	struct fixture fx = fixture_make("-zlz4", false);
	struct shim_config cfg = {.image = fx.image, .size = fx.size};
	char buf[8];

	/* Whether the superblock or the file tells, it is an error and no garbage. */
	if (shim_boot(&cfg) == 0)
		cr_assert_lt(slurp("/big.bin", buf, sizeof(buf)), 0);
}

Test(nanofs, stat_tells_what_the_image_says, .init = boot)
{
	struct stat st = stat_of("/hello.txt");

	cr_assert_eq(st.st_mode, S_IFREG | 0644);
	cr_assert_eq(st.st_size, 6);
	cr_assert_eq(st.st_nlink, 1);
	cr_assert_eq(stat_of("/d/a").st_nlink, 2);
	cr_assert_eq(stat_of("/d/a").st_ino, stat_of("/d/a-link").st_ino);
	cr_assert_neq(stat_of("/d/a").st_ino, st.st_ino);
	cr_assert_eq(stat_of("/rel").st_mode, S_IFLNK | 0777);
	cr_assert_eq(stat_of("/rel").st_size, 9);
	cr_assert_eq(stat_of("/tmp").st_mode, S_IFDIR | 01777);
	cr_assert_eq(stat_of("/many").st_nlink, 2);
	cr_assert_eq(stat_of("/d").st_nlink, 3);
}

Test(nanofs, directories_list_image_and_mounts, .init = boot)
{
	cr_assert_eq(list_count("/many", NULL), 400);
	cr_assert_eq(list_count("/many", "f123"), 1);
	cr_assert_eq(list_count("/", "hello.txt"), 1);
	cr_assert_eq(list_count("/", "proc"), 1);
	cr_assert_eq(list_count("/", "dev"), 1);
	cr_assert_eq(list_count("/", "etc"), 1);
	cr_assert_eq(list_count("/etc", "hostname"), 1);
	cr_assert_eq(list_count("/empty", NULL), 0);
	assert_content("/etc/hostname", "shimhost\n");
}

Test(nanofs, walks_end_where_linux_ends_them, .init = boot)
{
	static const struct {
		const char *path;
		int flags;
		long want;
	} cases[] = {
	    {"", O_RDONLY, -ENOENT},
	    {"/nothing", O_RDONLY, -ENOENT},
	    {"/hello.txt/", O_RDONLY, -ENOTDIR},
	    {"/hello.txt/x", O_RDONLY, -ENOTDIR},
	    {"/loop1", O_RDONLY, -ELOOP},
	    {"/rel", O_RDONLY | O_NOFOLLOW, -ELOOP},
	    {"/rel/", O_RDONLY, -ENOTDIR},
	    {"/dangling", O_RDONLY, -ENOENT},
	    {"/d", O_WRONLY, -EISDIR},
	    {"/d/", O_WRONLY | O_CREAT, -EISDIR},
	    {"/new/", O_WRONLY | O_CREAT, -EISDIR},
	    {"/hello.txt", O_RDONLY | O_DIRECTORY, -ENOTDIR},
	    {"/hello.txt", O_WRONLY | O_CREAT | O_EXCL, -EEXIST},
	    {"/dangling", O_WRONLY | O_CREAT | O_EXCL, -EEXIST},
	    {"/dirlink/", O_RDONLY | O_DIRECTORY, 3},
	};
	char longname[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		long r = CALL3(open, P(cases[i].path), cases[i].flags, 0644);

		cr_assert_eq(r, cases[i].want, "open '%s' %o: %ld", cases[i].path, cases[i].flags,
			     r);
	}
	memset(longname, 'x', sizeof(longname));
	longname[256] = '\0';
	cr_assert_eq(CALL3(open, P(longname), O_RDONLY, 0), -ENAMETOOLONG);
	longname[255] = '\0';
	cr_assert_eq(CALL3(open, P(longname), O_RDONLY, 0), -ENOENT);
	cr_assert_eq(CALL3(open, 16, O_RDONLY, 0), -EFAULT);
}

/* ---- the RAM layer ---------------------------------------------------------------------- */

Test(nanofs, writing_copies_one_page_up, .init = boot)
{
	static unsigned char buf[FIXTURE_BIG];
	size_t pages = shim_pages();
	uint64_t ino = stat_of("/big.bin").st_ino;
	long fd = CALL3(open, P("/big.bin"), O_RDWR, 0);

	cr_assert_eq(CALL4(pwrite64, fd, P("XYZ"), 3, 8191), 3);
	cr_assert_eq(shim_pages(), pages + 2);
	CALL1(close, fd);
	fd = CALL3(open, P("/big.bin"), O_RDONLY, 0);
	cr_assert_eq(CALL3(read, fd, P(buf), sizeof(buf)), FIXTURE_BIG);
	for (size_t i = 0; i < FIXTURE_BIG; i++)
		cr_assert_eq(buf[i], i >= 8191 && i < 8194 ? "XYZ"[i - 8191] : fixture_big_byte(i),
			     "%zu", i);
	cr_assert_eq(stat_of("/big.bin").st_ino, ino);
}

Test(nanofs, hard_links_of_the_image_stay_one_file, .init = boot)
{
	cr_assert_eq(spit("/d/a", "changed\n", O_TRUNC), 8);
	assert_content("/d/a-link", "changed\n");
	cr_assert_eq(CALL1(unlink, P("/d/a")), 0);
	assert_content("/d/a-link", "changed\n");
	cr_assert_eq(stat_of("/d/a-link").st_nlink, 1);
	cr_assert_eq(CALL1(unlink, P("/d/a-link")), 0);
	cr_assert_eq(slurp("/d/a-link", (char[8]){0}, 8), -ENOENT);
	cr_assert_eq(list_count("/d", NULL), 1);
}

Test(nanofs, truncate_shrinks_and_grows_with_zeroes, .init = boot)
{
	unsigned char buf[6000];
	long fd;

	cr_assert_eq(CALL2(truncate, P("/big.bin"), 5000), 0);
	cr_assert_eq(CALL2(truncate, P("/big.bin"), 10000), 0);
	fd = CALL3(open, P("/big.bin"), O_RDONLY, 0);
	cr_assert_eq(CALL4(pread64, fd, P(buf), sizeof(buf), 4000), 6000);
	for (size_t i = 0; i < 6000; i++)
		cr_assert_eq(buf[i], i < 1000 ? fixture_big_byte(i + 4000) : 0, "%zu", i);
	cr_assert_eq(CALL3(lseek, fd, 0, SEEK_HOLE), 8192);
	cr_assert_eq(CALL3(lseek, fd, 8192, SEEK_DATA), -ENXIO);
}

Test(nanofs, sparse_file_takes_only_its_pages, .init = boot)
{
	size_t pages = shim_pages();
	long fd = CALL3(open, P("/tmp/sparse"), O_RDWR | O_CREAT, 0600);
	char c = 1;

	cr_assert_eq(CALL4(pwrite64, fd, P("x"), 1, 1l << 40), 1);
	cr_assert_eq(shim_pages(), pages + 1);
	cr_assert_eq(CALL4(pread64, fd, P(&c), 1, 12345678), 1);
	cr_assert_eq(c, 0);
	cr_assert_eq(CALL3(lseek, fd, 0, SEEK_DATA), 1l << 40);
	cr_assert_eq(stat_of("/tmp/sparse").st_blocks, 8);
	cr_assert_eq(CALL4(fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1l << 41),
		     0);
	cr_assert_eq(shim_pages(), pages);
	CALL1(close, fd);
	cr_assert_eq(CALL1(unlink, P("/tmp/sparse")), 0);
}

Test(nanofs, removing_everything_gives_all_memory_back, .init = boot)
{
	char name[32];
	size_t pages = shim_pages();
	size_t blocks;

	cr_assert_eq(CALL2(mkdir, P("/tmp/d"), 0755), 0);
	cr_assert_eq(CALL1(rmdir, P("/tmp/d")), 0);
	blocks = shim_blocks(); /* /tmp is changed from here on */
	for (int round = 0; round < 2; round++) {
		cr_assert_eq(CALL2(mkdir, P("/tmp/d"), 0755), 0);
		for (int i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "/tmp/d/%d", i);
			cr_assert_eq(spit(name, name, O_CREAT), (long)strlen(name));
		}
		for (int i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "/tmp/d/%d", i);
			cr_assert_eq(CALL1(unlink, P(name)), 0);
		}
		cr_assert_eq(CALL1(rmdir, P("/tmp/d")), 0);
	}
	cr_assert_eq(shim_pages(), pages);
	cr_assert_eq(shim_blocks(), blocks);
}

Test(nanofs, whiteouts_hide_and_give_way, .init = boot)
{
	cr_assert_eq(CALL1(unlink, P("/hello.txt")), 0);
	cr_assert_eq(CALL1(unlink, P("/hello.txt")), -ENOENT);
	cr_assert_eq(list_count("/", "hello.txt"), 0);
	cr_assert_eq(slurp("/rel", (char[8]){0}, 8), -ENOENT);
	cr_assert_eq(CALL2(mkdir, P("/hello.txt"), 0755), 0);
	cr_assert_eq(list_count("/", "hello.txt"), 1);
	cr_assert_eq(list_count("/hello.txt", NULL), 0);
	cr_assert_eq(CALL1(rmdir, P("/hello.txt")), 0);
	cr_assert_eq(list_count("/", "hello.txt"), 0);
	cr_assert_eq(spit("/hello.txt", "new\n", O_CREAT | O_EXCL), 4);
	assert_content("/rel", "new\n");
}

Test(nanofs, emptied_and_remade_directory_is_empty, .init = boot)
{
	cr_assert_eq(CALL1(rmdir, P("/d/sub")), -ENOTEMPTY);
	cr_assert_eq(CALL1(unlink, P("/d/sub/b")), 0);
	cr_assert_eq(CALL1(rmdir, P("/d/sub")), 0);
	cr_assert_eq(stat_of("/d").st_nlink, 2);
	cr_assert_eq(CALL2(mkdir, P("/d/sub"), 0700), 0);
	cr_assert_eq(list_count("/d/sub", NULL), 0);
	cr_assert_eq(stat_of("/d").st_nlink, 3);
}

Test(nanofs, rename_moves_between_layers, .init = boot)
{
	cr_assert_eq(CALL2(rename, P("/d"), P("/tmp/moved")), 0);
	assert_content("/tmp/moved/sub/b", "b\n");
	cr_assert_eq(list_count("/", "d"), 0);
	cr_assert_eq(spit("/tmp/moved/new", "new\n", O_CREAT), 4);
	cr_assert_eq(CALL2(rename, P("/tmp/moved"), P("/tmp/moved/sub/x")), -EINVAL);
	cr_assert_eq(CALL2(rename, P("/tmp/moved"), P("/d")), 0);
	assert_content("/d/new", "new\n");
	assert_content("/d/sub/b", "b\n");
	cr_assert_eq(list_count("/d", NULL), 4);
	cr_assert_eq(CALL2(rename, P("/hello.txt"), P("/d")), -EISDIR);
	cr_assert_eq(CALL2(rename, P("/empty"), P("/hello.txt")), -ENOTDIR);
	cr_assert_eq(CALL2(rename, P("/empty"), P("/d")), -ENOTEMPTY);
	cr_assert_eq(CALL2(rename, P("/d"), P("/empty")), 0);
	assert_content("/empty/sub/b", "b\n");
	cr_assert_eq(CALL2(rename, P("/empty"), P("/dev/d")), -EXDEV);
	cr_assert_eq(CALL2(rename, P("/dev"), P("/other")), -EBUSY);
}

Test(nanofs, rename_flags, .init = boot)
{
	cr_assert_eq(
	    CALL5(renameat2, AT_FDCWD, P("/hello.txt"), AT_FDCWD, P("/d"), RENAME_NOREPLACE),
	    -EEXIST);
	cr_assert_eq(
	    CALL5(renameat2, AT_FDCWD, P("/hello.txt"), AT_FDCWD, P("/d/sub"), RENAME_EXCHANGE), 0);
	assert_content("/hello.txt/b", "b\n");
	assert_content("/d/sub", "hello\n");
	cr_assert_eq(stat_of("/d").st_nlink, 2);
	cr_assert_eq(list_count("/d", "sub"), 1);
	cr_assert_eq(list_count("/", "hello.txt"), 1);
	cr_assert_eq(CALL1(unlink, P("/d/sub")), 0);
	cr_assert_eq(list_count("/d", "sub"), 0);
}

Test(nanofs, removing_while_listing_misses_nothing, .init = boot)
{
	long fd = CALL3(open, P("/many"), O_RDONLY | O_DIRECTORY, 0);
	char buf[200];
	char path[300];
	long n;

	while ((n = CALL3(getdents64, fd, P(buf), sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64_abi *d = (const void *)(buf + at);

			at += d->reclen;
			if (d->name[0] == '.')
				continue;
			snprintf(path, sizeof(path), "/many/%s", d->name);
			cr_assert_eq(CALL1(unlink, P(path)), 0, "%s", path);
		}
	}
	cr_assert_eq(CALL1(rmdir, P("/many")), 0);
	cr_assert_eq(CALL3(getdents64, fd, P(buf), sizeof(buf)), -ENOENT);
}

Test(nanofs, removed_file_lives_while_open, .init = boot)
{
	long fd = CALL3(open, P("/hello.txt"), O_RDWR, 0);
	char buf[64] = "";
	struct stat st;

	cr_assert_eq(CALL1(unlink, P("/hello.txt")), 0);
	cr_assert_eq(CALL3(read, fd, P(buf), 5), 5);
	cr_assert_str_eq(buf, "hello");
	cr_assert_eq(CALL2(fstat, fd, P(&st)), 0);
	cr_assert_eq(st.st_nlink, 0);
	memset(buf, 0, sizeof(buf));
	cr_assert_eq(CALL3(readlink, P("/proc/self/fd/3"), P(buf), sizeof(buf)), 20);
	cr_assert_str_eq(buf, "/hello.txt (deleted)");
}

Test(nanofs, attributes_survive, .init = boot)
{
	const struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 7, .tv_nsec = 9}};
	struct stat st;

	cr_assert_eq(CALL2(chmod, P("/d"), 0711), 0);
	cr_assert_eq(CALL3(chown, P("/hello.txt"), 12, 34), 0);
	cr_assert_eq(CALL4(utimensat, AT_FDCWD, P("/hello.txt"), P(times), 0), 0);
	cr_assert_eq(stat_of("/d").st_mode, S_IFDIR | 0711);
	st = stat_of("/hello.txt");
	cr_assert_eq(st.st_uid, 12);
	cr_assert_eq(st.st_gid, 34);
	cr_assert_eq(st.st_mtim.tv_sec, 7);
	cr_assert_eq(st.st_mtim.tv_nsec, 9);
	cr_assert_eq(st.st_atim.tv_sec, 5);
}

Test(nanofs, others_may_not)
{
	fixture_boot((struct shim_config){.uid = 1000, .gid = 1000});
	cr_assert_eq(CALL3(open, P("/secret"), O_RDONLY, 0), -EACCES);
	cr_assert_eq(CALL3(open, P("/hello.txt"), O_WRONLY, 0), -EACCES);
	cr_assert_eq(CALL1(unlink, P("/hello.txt")), -EACCES);
	cr_assert_eq(CALL2(chmod, P("/hello.txt"), 0777), -EPERM);
	cr_assert_eq(CALL3(chown, P("/hello.txt"), 1000, -1), -EPERM);
	cr_assert_eq(spit("/tmp/mine", "x", O_CREAT), 1);
	cr_assert_eq(CALL2(chmod, P("/tmp/mine"), 0600), 0);
	shim_become(1001, 1001);
	cr_assert_eq(CALL3(open, P("/tmp/mine"), O_RDONLY, 0), -EACCES);
	cr_assert_eq(CALL1(unlink, P("/tmp/mine")), -EPERM);
	cr_assert_eq(CALL2(rename, P("/tmp/mine"), P("/tmp/his")), -EPERM);
	cr_assert_eq(CALL2(access, P("/tmp/mine"), 4), -EACCES);
	cr_assert_eq(CALL2(access, P("/tmp/mine"), 0), 0);
}

Test(nanofs, read_only_root_is_read_only)
{
	fixture_boot((struct shim_config){.read_only = true});
	cr_assert_eq(CALL3(open, P("/hello.txt"), O_WRONLY, 0), -EROFS);
	cr_assert_eq(CALL3(open, P("/new"), O_WRONLY | O_CREAT, 0644), -EROFS);
	cr_assert_eq(CALL2(mkdir, P("/tmp/x"), 0755), -EROFS);
	cr_assert_eq(CALL1(unlink, P("/hello.txt")), -EROFS);
	cr_assert_eq(CALL2(rename, P("/hello.txt"), P("/tmp/x")), -EROFS);
	cr_assert_eq(CALL2(chmod, P("/hello.txt"), 0600), -EROFS);
	cr_assert_eq(CALL2(access, P("/hello.txt"), 2), -EROFS);
	cr_assert_eq(spit("/dev/shm/x", "x", O_CREAT), 1);
	cr_assert_eq(spit("/dev/null", "x", 0), 1);
	assert_content("/hello.txt", "hello\n");
}

Test(nanofs, full_ram_is_enospc)
{
	static char block[65536];
	long fd;
	long n;

	fixture_boot((struct shim_config){.ram_pages = 256});
	fd = CALL3(open, P("/tmp/fill"), O_WRONLY | O_CREAT, 0600);
	while ((n = CALL3(write, fd, P(block), sizeof(block))) > 0)
		;
	cr_assert_eq(n, -ENOSPC);
	cr_assert_eq(CALL1(unlink, P("/tmp/fill")), 0);
	CALL1(close, fd);
	cr_assert_eq(spit("/tmp/again", "x", O_CREAT), 1);
}

Test(nanofs, mapping_hands_out_pages_in_place, .init = boot)
{
	long fd = CALL3(open, P("/big.bin"), O_RDWR, 0);
	void *page;
	void *own;
	char c = 0;

	cr_assert_eq(shim_page((int)fd, 1, false, &page), 0);
	cr_assert(shim_in_image(page));
	cr_assert_eq(((unsigned char *)page)[5], fixture_big_byte(4101));
	cr_assert_eq(shim_page((int)fd, 10, false, &page), -ENXIO);
	cr_assert_eq(shim_page((int)fd, 9, false, &page), 0);
	cr_assert_eq(shim_page((int)fd, 1, true, &own), 0);
	cr_assert_not(shim_in_image(own));
	cr_assert_eq(((unsigned char *)own)[5], fixture_big_byte(4101));
	((unsigned char *)own)[0] = '!';
	cr_assert_eq(CALL4(pread64, fd, P(&c), 1, 4096), 1);
	cr_assert_eq(c, '!');
}

Test(nanofs, exec_wants_a_program, .init = boot)
{
	cr_assert_eq(shim_exec("/bin/prog"), 0);
	cr_assert_eq(shim_exec("/hello.txt"), -EACCES);
	cr_assert_eq(shim_exec("/d"), -EACCES);
	cr_assert_eq(shim_exec("/nothing"), -ENOENT);
	cr_assert_eq(shim_exec("/loop1"), -ELOOP);
}

Test(nanofs, cwd_can_be_made_and_told, .init = boot)
{
	char buf[64];

	cr_assert_eq(shim_chdir("/a/b/c", false), -ENOENT);
	cr_assert_eq(shim_chdir("/a/b/c", true), 0);
	cr_assert_eq(CALL2(getcwd, P(buf), sizeof(buf)), 7);
	cr_assert_str_eq(buf, "/a/b/c");
	cr_assert_eq(CALL2(getcwd, P(buf), 6), -ERANGE);
	cr_assert_eq(stat_of("/a/b").st_mode, S_IFDIR | 0755);
	cr_assert_eq(CALL2(rename, P("/a/b"), P("/a/x")), 0);
	cr_assert_eq(CALL2(getcwd, P(buf), sizeof(buf)), 7);
	cr_assert_str_eq(buf, "/a/x/c");
	cr_assert_eq(CALL1(rmdir, P("/a/x/c")), 0);
	cr_assert_eq(CALL2(getcwd, P(buf), sizeof(buf)), -ENOENT);
	cr_assert_eq(CALL3(open, P("new"), O_CREAT | O_WRONLY, 0644), -ENOENT);
	cr_assert_eq(CALL1(chdir, P("/hello.txt")), -ENOTDIR);
}

Test(nanofs, openat2_keeps_inside, .init = boot)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = {.flags = O_RDONLY};
	long dir = CALL3(open, P("/d"), O_RDONLY | O_DIRECTORY, 0);

	cr_assert_eq(CALL2(symlink, P("/hello.txt"), P("/d/out")), 0);
	how.resolve = 0x08; /* RESOLVE_BENEATH */
	cr_assert_eq(CALL4(openat2, dir, P("out"), P(&how), sizeof(how)), -EXDEV);
	cr_assert_eq(CALL4(openat2, dir, P("../hello.txt"), P(&how), sizeof(how)), -EXDEV);
	cr_assert_geq(CALL4(openat2, dir, P("sub/../a"), P(&how), sizeof(how)), 0);
	how.resolve = 0x10; /* RESOLVE_IN_ROOT */
	cr_assert_eq(CALL4(openat2, dir, P("out"), P(&how), sizeof(how)), -ENOENT);
	cr_assert_geq(CALL4(openat2, dir, P("/../a"), P(&how), sizeof(how)), 0);
	how.resolve = 0x04; /* RESOLVE_NO_SYMLINKS */
	cr_assert_eq(CALL4(openat2, dir, P("out"), P(&how), sizeof(how)), -ELOOP);
	how.resolve = 1ull << 40;
	cr_assert_eq(CALL4(openat2, dir, P("a"), P(&how), sizeof(how)), -EINVAL);
}

Test(nanofs, tmpfile_and_memfd, .init = boot)
{
	long fd = CALL3(open, P("/tmp"), O_RDWR | O_TMPFILE, 0600);
	long mfd = CALL2(memfd_create, P("name"), MFD_ALLOW_SEALING);

	cr_assert_geq(fd, 0);
	cr_assert_eq(CALL3(write, fd, P("data"), 4), 4);
	cr_assert_eq(list_count("/tmp", NULL), 0);
	cr_assert_eq(CALL5(linkat, fd, P(""), AT_FDCWD, P("/tmp/named"), AT_EMPTY_PATH), 0);
	assert_content("/tmp/named", "data");
	cr_assert_geq(mfd, 0);
	cr_assert_eq(CALL3(write, mfd, P("data"), 4), 4);
	cr_assert_eq(CALL3(fcntl, mfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	cr_assert_eq(CALL2(ftruncate, mfd, 1), -EPERM);
	cr_assert_eq(CALL2(ftruncate, mfd, 9), 0);
}

Test(nanofs, attributes_of_the_image_can_be_read, .init = boot)
{
	char buf[64] = "";

	cr_assert_eq(CALL3(listxattr, P("/d/a"), P(buf), sizeof(buf)), 0);
	if (CALL3(listxattr, P("/hello.txt"), P(buf), sizeof(buf)) == 0)
		cr_skip_test("the host's temporary directory has no extended attributes");
	cr_assert_eq(CALL3(listxattr, P("/rel"), P(buf), sizeof(buf)), 7);
	cr_assert_str_eq(buf, "user.x");
	cr_assert_eq(CALL3(llistxattr, P("/rel"), P(buf), sizeof(buf)), 0);
	cr_assert_eq(CALL3(listxattr, P("/hello.txt"), P(buf), 6), -ERANGE);
	cr_assert_eq(CALL4(getxattr, P("/hello.txt"), P("user.x"), P(buf), sizeof(buf)), 5);
	cr_assert_eq(memcmp(buf, "value", 5), 0);
	cr_assert_eq(CALL4(getxattr, P("/hello.txt"), P("user.x"), P(buf), 0), 5);
	cr_assert_eq(CALL4(getxattr, P("/hello.txt"), P("user.y"), P(buf), 5), -ENODATA);
	cr_assert_eq(CALL5(setxattr, P("/hello.txt"), P("user.x"), P(buf), 5, 0), -EOPNOTSUPP);
}

Test(nanofs, no_allocation_failure_breaks_the_tree, .init = boot)
{
	/* Every operation fails cleanly wherever memory runs out, and works afterwards. */
	for (long nth = 1; nth < 40; nth++) {
		shim_fail_after(nth);
		CALL2(mkdir, P("/tmp/x"), 0755);
		spit("/tmp/x/f", "data", O_CREAT);
		CALL2(rename, P("/tmp/x/f"), P("/d/f"));
		CALL2(rename, P("/hello.txt"), P("/tmp/h"));
		CALL2(link, P("/d/a"), P("/tmp/l"));
		CALL1(unlink, P("/d/sub/b"));
		CALL1(rmdir, P("/d/sub"));
		shim_fail_after(0);
		CALL2(rename, P("/tmp/h"), P("/hello.txt"));
		CALL1(unlink, P("/tmp/l"));
		CALL1(unlink, P("/d/f"));
		CALL1(unlink, P("/tmp/x/f"));
		CALL1(rmdir, P("/tmp/x"));
		CALL2(mkdir, P("/d/sub"), 0755);
		spit("/d/sub/b", "b\n", O_CREAT);
		assert_content("/hello.txt", "hello\n");
		assert_content("/d/sub/b", "b\n");
		cr_assert_eq(list_count("/tmp", NULL), 0, "nth %ld", nth);
		cr_assert_eq(list_count("/d", NULL), 3, "nth %ld", nth);
	}
}
