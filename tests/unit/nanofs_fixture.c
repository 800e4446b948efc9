// SPDX-License-Identifier: Apache-2.0
#include "tests/nanofs/fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

extern char **environ;

unsigned char fixture_big_byte(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

static void put_file(int dir, const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert(fd >= 0, "make '%s': %m", path);
	cr_assert_eq(write(fd, data, len), (ssize_t)len);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void put_text(int dir, const char *path, const char *text, mode_t mode)
{
	put_file(dir, path, text, strlen(text), mode);
}

/* A directory of several blocks: f000 to f399. */
static void build_many(int dir)
{
	char name[32];

	cr_assert_eq(mkdirat(dir, "many", 0755), 0);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "many/f%03d", i);
		put_text(dir, name, name, 0644);
	}
}

#define WORK_TEXT 10000

/* The tree on which the differential test works, on the host and in the guest. */
static void build_work(int dir)
{
	char text[WORK_TEXT];

	for (size_t i = 0; i < WORK_TEXT; i++)
		text[i] = (char)('a' + i % 23);
	cr_assert_eq(mkdirat(dir, "w", 0755), 0);
	cr_assert_eq(mkdirat(dir, "w/d1", 0755), 0);
	cr_assert_eq(mkdirat(dir, "w/d1/d2", 0700), 0);
	cr_assert_eq(mkdirat(dir, "w/e", 0755), 0);
	put_text(dir, "w/a", "first\n", 0644);
	put_file(dir, "w/b", text, sizeof(text), 0640);
	put_file(dir, "w/d1/a", text, 4096, 0644);
	put_file(dir, "w/d1/d2/b", text, 9000, 0600);
	put_text(dir, "w/d1/d2/c", "", 0644);
	cr_assert_eq(linkat(dir, "w/b", dir, "w/d1/x", 0), 0);
	cr_assert_eq(symlinkat("a", dir, "w/l"), 0);
	cr_assert_eq(symlinkat("d1/d2", dir, "w/x"), 0);
}

/* Not every file system has these; the test of them skips then. */
static void set_attribute(int dir)
{
	int fd = openat(dir, "hello.txt", O_RDONLY | O_CLOEXEC);

	fsetxattr(fd, "user.x", "value", 5, 0);
	close(fd);
}

static void build_tree(int dir)
{
	unsigned char big[FIXTURE_BIG];

	for (size_t i = 0; i < FIXTURE_BIG; i++)
		big[i] = fixture_big_byte(i);
	cr_assert_eq(mkdirat(dir, "bin", 0755), 0);
	cr_assert_eq(mkdirat(dir, "etc", 0755), 0);
	cr_assert_eq(mkdirat(dir, "empty", 0755), 0);
	cr_assert_eq(mkdirat(dir, "tmp", 0755), 0);
	cr_assert_eq(fchmodat(dir, "tmp", 01777, 0), 0);
	cr_assert_eq(mkdirat(dir, "d", 0755), 0);
	cr_assert_eq(mkdirat(dir, "d/sub", 0755), 0);
	put_text(dir, "hello.txt", "hello\n", 0644);
	set_attribute(dir);
	put_text(dir, "secret", "secret\n", 0600);
	put_text(dir, "bin/prog", "\177ELF", 0755);
	put_text(dir, "etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
	put_text(dir, "d/a", "a\n", 0644);
	put_text(dir, "d/sub/b", "b\n", 0644);
	put_file(dir, "big.bin", big, sizeof(big), 0644);
	cr_assert_eq(linkat(dir, "d/a", dir, "d/a-link", 0), 0);
	cr_assert_eq(symlinkat("hello.txt", dir, "rel"), 0);
	cr_assert_eq(symlinkat("/d/sub/b", dir, "abs"), 0);
	cr_assert_eq(symlinkat("loop2", dir, "loop1"), 0);
	cr_assert_eq(symlinkat("loop1", dir, "loop2"), 0);
	cr_assert_eq(symlinkat("nowhere", dir, "dangling"), 0);
	cr_assert_eq(symlinkat("d", dir, "dirlink"), 0);
	build_many(dir);
	build_work(dir);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path); /* go on with the rest, whatever this one says */
	return 0;
}

void fixture_remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int run_mkfs(const char *option, const char *image, const char *dir)
{
	const char *const argv[] = {
	    "mkfs.erofs", "--quiet", "-T0", option ? option : "-Enoinline_data", image, dir, NULL};
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;
	int r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return r;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOENT : status;
}

struct fixture fixture_make(const char *option, bool keep_dir)
{
	/* Hundreds of small files for each test: in memory where that is possible. */
	const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct fixture fx = {0};
	char image[] = "/tmp/isolab-nanofs-img.XXXXXX";
	struct stat st;
	int fd;
	mode_t umask_before = umask(0);
	int dir;
	int r;

	snprintf(fx.dir, sizeof(fx.dir), "%s/isolab-nanofs.XXXXXX", where);
	fd = mkstemp(image);
	cr_assert(fd >= 0);
	cr_assert_not_null(mkdtemp(fx.dir));
	chmod(fx.dir, 0755);
	dir = open(fx.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(dir >= 0);
	build_tree(dir);
	close(dir);
	umask(umask_before);
	r = run_mkfs(option, image, fx.dir);
	unlink(image);
	if (!keep_dir || r)
		fixture_remove_tree(fx.dir);
	if (r == ENOENT)
		cr_skip_test("no mkfs.erofs (package erofs-utils)");
	cr_assert_eq(r, 0, "mkfs.erofs failed: %d", r);
	/* The program wrote to the name, which may be a new file: fd is the old one or not. */
	cr_assert_eq(fstat(fd, &st), 0);
	fx.size = (size_t)st.st_size;
	fx.image = mmap(NULL, fx.size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	cr_assert_neq(fx.image, MAP_FAILED);
	return fx;
}

void fixture_boot(struct shim_config cfg)
{
	struct fixture fx = fixture_make(NULL, false);

	cfg.image = fx.image;
	cfg.size = fx.size;
	cr_assert_eq(shim_boot(&cfg), 0);
}
