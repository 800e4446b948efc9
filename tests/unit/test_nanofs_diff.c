// SPDX-License-Identifier: Apache-2.0
/*
 * Differential test: the same random file calls, with the same arguments, go to the host's
 * kernel (in a temporary directory) and to the nano guest's file systems (on an EROFS image
 * of the same tree). Results, errors, data and at last the trees must agree.
 *
 * NANOFS_SEED and NANOFS_STEPS choose another sequence and its length.
 */
#include "base/parse.h"
#include "tests/nanofs/fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define SLOTS    8
#define DATA_MAX 9000

static struct {
	uint64_t random;
	long step;
	int host_fd[SLOTS];
	int guest_fd[SLOTS];
	bool dir_links; /* the host's directories count their subdirectories */
	char trace[4096];
} t;

static uint32_t rnd(uint32_t below)
{
	t.random ^= t.random << 13;
	t.random ^= t.random >> 7;
	t.random ^= t.random << 17;
	return (uint32_t)(t.random >> 33) % below;
}

/* Fails with what was done. */
#define AGREE(host, guest, ...)                                                                    \
	do {                                                                                       \
		long long host_ = (host), guest_ = (guest);                                        \
		if (host_ != guest_) {                                                             \
			snprintf(t.trace, sizeof(t.trace), __VA_ARGS__);                           \
			cr_assert_fail("step %ld: %s: host %lld, guest %lld", t.step, t.trace,     \
				       host_, guest_);                                             \
		}                                                                                  \
	} while (0)

static long host_call(long nr, const uint64_t a[6])
{
	long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	return r < 0 ? -errno : r;
}

static long guest_call(long nr, const uint64_t a[6])
{
	return shim_call(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* One call with the same arguments on both sides; returns the common result. */
static long both(const char *what, const char *path, long nr, const uint64_t a[6])
{
	long h = host_call(nr, a);
	long g = guest_call(nr, a);

	AGREE(h, g, "%s '%s' (%lx %lx %lx %lx %lx)", what, path, (unsigned long)a[0],
	      (unsigned long)a[1], (unsigned long)a[2], (unsigned long)a[3], (unsigned long)a[4]);
	return h;
}

#define BOTH(n, path, ...) both(#n, path, SYS_##n, (const uint64_t[6]){__VA_ARGS__})

static const char *pick_path(char *buf, size_t size)
{
	static const char *const names[] = {"a", "b", "c", "d1", "d2", "e", "l", "x"};
	uint32_t depth = 1 + (rnd(3) == 0) + (rnd(4) == 0);
	size_t len = 0;

	buf[0] = '\0';
	if (rnd(100) == 0)
		return buf;
	for (uint32_t i = 0; i < depth; i++) {
		const char *name = names[rnd(8)];
		const char *between = rnd(30) == 0 ? "/./" : rnd(30) == 0 ? "//" : "/";

		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? between : "", name);
		/* Never above the start: there the two trees differ. */
		if (i > 0 && rnd(20) == 0)
			len += (size_t)snprintf(buf + len, size - len, "/..");
	}
	if (rnd(25) == 0)
		snprintf(buf + len, size - len, "%s", rnd(2) ? "/" : "/.");
	return buf;
}

/* ".." through a link to a directory may lead above the start: do not follow it up. */
static bool leads_up(const char *path)
{
	return strstr(path, "..") != NULL;
}

/* ---- steps ------------------------------------------------------------------------------ */

static void step_open(void)
{
	static const uint32_t extra[] = {O_CREAT,     O_CREAT | O_EXCL, O_TRUNC, O_APPEND,
					 O_DIRECTORY, O_NOFOLLOW,       O_PATH,  O_CREAT | O_TRUNC,
					 O_NOATIME,   O_TMPFILE};
	uint32_t flags = rnd(3) | O_NONBLOCK | O_CLOEXEC;
	uint32_t mode = rnd(2) ? 0644 : rnd(01000);
	uint32_t slot = rnd(SLOTS);
	char path[256];
	long h;
	long g;

	pick_path(path, sizeof(path));
	for (uint32_t n = rnd(3); n > 0; n--)
		flags |= extra[rnd(sizeof(extra) / sizeof(extra[0]))];
	/* Wrong together, and refused in an order that is Linux's own business. */
	if ((flags & O_TMPFILE) == O_TMPFILE)
		flags &= ~(uint32_t)(O_CREAT | O_EXCL | O_TRUNC | O_PATH);
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		flags &= ~(uint32_t)O_CREAT;
	h = open(path, (int)flags, mode);
	h = h < 0 ? -errno : h;
	g = CALL3(open, P(path), flags, mode);
	AGREE(h < 0 ? h : 0, g < 0 ? g : 0, "open '%s' flags %o mode %o", path, flags, mode);
	if (h < 0)
		return;
	if (t.host_fd[slot] >= 0) {
		close(t.host_fd[slot]);
		CALL1(close, t.guest_fd[slot]);
	}
	t.host_fd[slot] = (int)h;
	t.guest_fd[slot] = (int)g;
}

static int pick_slot(void)
{
	return (int)rnd(SLOTS);
}

static bool is_directory(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A call on an open file: its number differs on the two sides. */
static long on_fd(const char *what, long nr, int slot, const uint64_t rest[5])
{
	const uint64_t h[6] = {(uint64_t)t.host_fd[slot], rest[0], rest[1], rest[2], rest[3]};
	const uint64_t g[6] = {(uint64_t)t.guest_fd[slot], rest[0], rest[1], rest[2], rest[3]};
	long hr = host_call(nr, h);
	long gr = guest_call(nr, g);

	AGREE(hr, gr, "%s (%lx %lx %lx)", what, (unsigned long)rest[0], (unsigned long)rest[1],
	      (unsigned long)rest[2]);
	return hr;
}

#define ON_FD(n, slot, ...) on_fd(#n, SYS_##n, slot, (const uint64_t[5]){__VA_ARGS__})

static void step_write(void)
{
	static char data[DATA_MAX];
	uint32_t len = rnd(4) ? rnd(200) : rnd(DATA_MAX);

	memset(data, 'A' + (int)rnd(26), len);
	if (rnd(2))
		ON_FD(write, pick_slot(), P(data), len);
	else
		ON_FD(pwrite64, pick_slot(), P(data), len, rnd(20000));
}

static void step_read(void)
{
	static char host[DATA_MAX];
	static char guest[DATA_MAX];
	uint32_t len = rnd(4) ? rnd(200) : rnd(DATA_MAX);
	uint64_t off = rnd(20000);
	int slot = pick_slot();
	bool at = rnd(2);
	long nr = at ? SYS_pread64 : SYS_read;
	const uint64_t h[6] = {(uint64_t)t.host_fd[slot], P(host), len, off};
	const uint64_t g[6] = {(uint64_t)t.guest_fd[slot], P(guest), len, off};
	long hr = host_call(nr, h);
	long gr = guest_call(nr, g);

	AGREE(hr, gr, "read %u at %d:%lu", len, at, (unsigned long)off);
	if (hr > 0)
		AGREE(0, memcmp(host, guest, (size_t)hr), "data read");
}

static void step_seek(void)
{
	int slot = pick_slot();

	if (!is_directory(t.host_fd[slot]))
		ON_FD(lseek, slot, (uint64_t)((long)rnd(12000) - 2000), rnd(3));
}

static void step_resize(void)
{
	char path[256];
	int slot = pick_slot();
	uint64_t modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE};

	switch (rnd(3)) {
	case 0:
		ON_FD(ftruncate, slot, rnd(15000));
		break;
	case 1:
		BOTH(truncate, pick_path(path, sizeof(path)), P(path), rnd(15000));
		break;
	default:
		/* On FIFOs and directories the order of the refusals is the file system's. */
		if (!is_directory(t.host_fd[slot]))
			ON_FD(fallocate, slot, modes[rnd(3)], rnd(12000), 1 + rnd(9000));
		break;
	}
}

static void step_make(void)
{
	char path[256];
	char to[256];

	pick_path(path, sizeof(path));
	switch (rnd(5)) {
	case 0:
		BOTH(mkdir, path, P(path), rnd(01000));
		break;
	case 1:
		pick_path(to, sizeof(to));
		if (!leads_up(to))
			BOTH(symlink, path, P(to), P(path));
		break;
	case 2:
		BOTH(mknod, path, P(path), S_IFIFO | rnd(01000), 0);
		break;
	case 3:
		BOTH(link, path, P(pick_path(to, sizeof(to))), P(path));
		break;
	default:
		BOTH(linkat, path, (uint64_t)AT_FDCWD, P(pick_path(to, sizeof(to))),
		     (uint64_t)AT_FDCWD, P(path), rnd(2) ? AT_SYMLINK_FOLLOW : 0);
		break;
	}
}

static void step_remove(void)
{
	char path[256];

	pick_path(path, sizeof(path));
	switch (rnd(3)) {
	case 0:
		BOTH(unlink, path, P(path));
		break;
	case 1:
		BOTH(rmdir, path, P(path));
		break;
	default:
		BOTH(unlinkat, path, (uint64_t)AT_FDCWD, P(path), rnd(2) ? AT_REMOVEDIR : 0);
		break;
	}
}

static void step_rename(void)
{
	static const uint32_t flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	char from[256];
	char to[256];
	char both_names[600];

	pick_path(from, sizeof(from));
	pick_path(to, sizeof(to));
	snprintf(both_names, sizeof(both_names), "%s' -> '%s", from, to);
	BOTH(renameat2, both_names, (uint64_t)AT_FDCWD, P(from), (uint64_t)AT_FDCWD, P(to),
	     flags[rnd(4)]);
}

static void step_attr(void)
{
	const struct timespec times[2] = {{.tv_sec = rnd(1000)}, {.tv_sec = rnd(1000)}};
	char path[256];

	pick_path(path, sizeof(path));
	switch (rnd(5)) {
	case 0:
		/* Not the directories: the test's user must get through them. */
		BOTH(fchmodat, path, (uint64_t)AT_FDCWD, P(path), 0700 | rnd(0100));
		break;
	case 1:
		ON_FD(fchmod, pick_slot(), 0700 | rnd(0100));
		break;
	case 2:
		BOTH(utimensat, path, (uint64_t)AT_FDCWD, P(path), P(times),
		     rnd(2) ? AT_SYMLINK_NOFOLLOW : 0);
		break;
	case 3:
		BOTH(access, path, P(path), rnd(8));
		break;
	default:
		if (geteuid() == 0)
			BOTH(fchownat, path, (uint64_t)AT_FDCWD, P(path), rnd(3), rnd(3),
			     rnd(2) ? AT_SYMLINK_NOFOLLOW : 0);
		break;
	}
}

static void compare_stat(const char *what, const struct stat *h, const struct stat *g)
{
	AGREE(h->st_mode, g->st_mode, "mode of '%s'", what);
	AGREE(h->st_uid, g->st_uid, "uid of '%s'", what);
	AGREE(h->st_gid, g->st_gid, "gid of '%s'", what);
	if (S_ISDIR(h->st_mode)) {
		if (t.dir_links)
			AGREE(h->st_nlink, g->st_nlink, "links of '%s'", what);
		return;
	}
	AGREE(h->st_nlink, g->st_nlink, "links of '%s'", what);
	AGREE(h->st_size, g->st_size, "size of '%s'", what);
	/* Set times only: the clocks differ. */
	if (h->st_mtim.tv_sec < 1000 && h->st_mtim.tv_sec > 0)
		AGREE(h->st_mtim.tv_sec, g->st_mtim.tv_sec, "mtime of '%s'", what);
}

static void step_look(void)
{
	struct stat h;
	struct stat g;
	char host[256];
	char guest[256];
	char path[256];
	int flags = rnd(2) ? AT_SYMLINK_NOFOLLOW : 0;
	long hr;
	long gr;

	pick_path(path, sizeof(path));
	hr = fstatat(AT_FDCWD, path, &h, flags) < 0 ? -errno : 0;
	gr = CALL4(newfstatat, AT_FDCWD, P(path), P(&g), flags);
	AGREE(hr, gr, "stat '%s' %x", path, (unsigned int)flags);
	if (hr == 0)
		compare_stat(path, &h, &g);
	hr = readlink(path, host, sizeof(host));
	hr = hr < 0 ? -errno : hr;
	gr = CALL3(readlink, P(path), P(guest), sizeof(guest));
	AGREE(hr, gr, "readlink '%s'", path);
	if (hr > 0)
		AGREE(0, memcmp(host, guest, (size_t)hr), "link '%s'", path);
}

static void step_fd(void)
{
	int slot = pick_slot();
	struct stat h;
	struct stat g;
	long hr;

	switch (rnd(4)) {
	case 0:
		ON_FD(fcntl, slot, F_GETFL, 0);
		break;
	case 1:
		ON_FD(flock, slot, LOCK_EX | LOCK_NB);
		ON_FD(flock, slot, LOCK_UN);
		break;
	case 2:
		ON_FD(fsync, slot, 0);
		break;
	default:
		hr = fstat(t.host_fd[slot], &h) < 0 ? -errno : 0;
		AGREE(hr, CALL2(fstat, t.guest_fd[slot], P(&g)), "fstat");
		if (hr == 0)
			compare_stat("open file", &h, &g);
		break;
	}
}

/* From one open file to another, through the kernel. */
static void step_copy(void)
{
	int in = pick_slot();
	int out = pick_slot();
	uint64_t len = rnd(8000);
	struct stat a;
	struct stat b;
	long h;
	long g;

	/* Between regular files only; elsewhere splice rules apply that this guest has not. */
	if (fstat(t.host_fd[in], &a) < 0 || fstat(t.host_fd[out], &b) < 0 || !S_ISREG(a.st_mode) ||
	    !S_ISREG(b.st_mode) || a.st_ino == b.st_ino ||
	    ((fcntl(t.host_fd[in], F_GETFL) | fcntl(t.host_fd[out], F_GETFL)) & O_PATH))
		return;
	h = syscall(SYS_sendfile, t.host_fd[out], t.host_fd[in], NULL, len);
	h = h < 0 ? -errno : h;
	g = CALL4(sendfile, t.guest_fd[out], t.guest_fd[in], 0, len);
	AGREE(h, g, "sendfile %lu", (unsigned long)len);
}

static void (*const steps[])(void) = {
    step_open,   step_open,   step_open, step_write, step_write, step_read, step_read,
    step_seek,   step_resize, step_make, step_make,  step_make,  step_look, step_remove,
    step_rename, step_rename, step_attr, step_fd,    step_copy,
};

/* ---- the trees -------------------------------------------------------------------------- */

struct entry {
	uint8_t type;
	char name[64];
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Reads a whole directory with getdents64 of either side. */
static int list(bool guest, const char *path, struct entry *ret, int max)
{
	struct {
		uint64_t ino;
		int64_t off;
		uint16_t reclen;
		uint8_t type;
		char name[];
	} const *d;
	char buf[2048] __attribute__((aligned(8)));
	const uint64_t open_args[6] = {P(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW};
	long fd = guest ? guest_call(SYS_open, open_args) : host_call(SYS_open, open_args);
	const uint64_t args[6] = {(uint64_t)fd, P(buf), sizeof(buf)};
	int count = 0;
	long n;

	if (fd < 0)
		return (int)fd; /* not everybody may look into every directory */
	while ((n = guest ? guest_call(SYS_getdents64, args) : host_call(SYS_getdents64, args)) > 0)
		for (long at = 0; at < n; at += d->reclen) {
			d = (const void *)(buf + at);
			if (strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
				continue;
			cr_assert_lt(count, max);
			ret[count].type = d->type;
			snprintf(ret[count++].name, sizeof(ret->name), "%s", d->name);
		}
	cr_assert_eq(n, 0);
	if (guest)
		CALL1(close, fd);
	else
		close((int)fd);
	qsort(ret, (size_t)count, sizeof(*ret), by_name);
	return count;
}

static void compare_content(const char *path)
{
	static char h[40000];
	static char g[40000];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long err = fd < 0 ? -errno : 0;
	long gfd = CALL3(open, P(path), O_RDONLY, 0);
	long n;

	AGREE(err, gfd < 0 ? gfd : 0, "open '%s' to compare it", path);
	if (fd < 0)
		return;
	n = read(fd, h, sizeof(h));
	AGREE(n, CALL3(read, gfd, P(g), sizeof(g)), "length of '%s'", path);
	if (n > 0)
		AGREE(0, memcmp(h, g, (size_t)n), "content of '%s'", path);
	close(fd);
	CALL1(close, gfd);
}

static void compare_tree(const char *dir, int depth)
{
	struct entry h[64];
	struct entry g[64];
	int n = list(false, dir, h, 64);

	AGREE(n, list(true, dir, g, 64), "entries of '%s'", dir);
	for (int i = 0; i < n; i++) {
		struct stat hs;
		struct stat gs;
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", dir, h[i].name);
		AGREE(0, strcmp(h[i].name, g[i].name), "names '%s' and '%s'", path, g[i].name);
		AGREE(h[i].type, g[i].type, "type of '%s'", path);
		AGREE(lstat(path, &hs) < 0 ? -errno : 0, CALL2(lstat, P(path), P(&gs)),
		      "lstat '%s'", path);
		if (lstat(path, &hs) < 0)
			continue;
		compare_stat(path, &hs, &gs);
		if (S_ISREG(hs.st_mode))
			compare_content(path);
		if (S_ISDIR(hs.st_mode) && depth < 12)
			compare_tree(path, depth + 1);
	}
}

static void close_all(void)
{
	for (int i = 0; i < SLOTS; i++) {
		if (t.host_fd[i] >= 0)
			close(t.host_fd[i]);
		if (t.guest_fd[i] >= 0)
			CALL1(close, t.guest_fd[i]);
		t.host_fd[i] = t.guest_fd[i] = -1;
	}
}

static char work_dir[64];

/* Also after a failed assertion. */
static void clean_up(void)
{
	syscall(SYS_setresuid, 0, 0, 0); /* fails for who never was root */
	if (chdir("/") == 0 && work_dir[0])
		fixture_remove_tree(work_dir);
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	struct il_err err = {0};
	const char *s = getenv(name);
	uint64_t v;

	return s && il_parse_u64(s, 0, UINT64_MAX, &v, &err) == 0 ? v : otherwise;
}

static void run(uint64_t seed)
{
	struct fixture fx = fixture_make(NULL, true);
	struct shim_config cfg = {
	    .image = fx.image, .size = fx.size, .uid = geteuid(), .gid = getegid()};
	long count = (long)number_from("NANOFS_STEPS", 4000);
	struct stat st;

	snprintf(work_dir, sizeof(work_dir), "%s", fx.dir);
	t.random = number_from("NANOFS_SEED", seed) * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < SLOTS; i++)
		t.host_fd[i] = t.guest_fd[i] = -1;
	cr_assert_eq(shim_boot(&cfg), 0);
	cr_assert_eq(chdir(fx.dir), 0);
	cr_assert_eq(chdir("w"), 0);
	cr_assert_eq(CALL1(chdir, P("/w")), 0);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	CALL1(umask, 022);
	t.dir_links = stat(".", &st) == 0 && st.st_nlink == 4;
	compare_tree(".", 0);
	for (t.step = 0; t.step < count; t.step++) {
		steps[rnd(sizeof(steps) / sizeof(steps[0]))]();
		if (t.step % 250 == 249)
			compare_tree(".", 0);
	}
	close_all();
	compare_tree(".", 0);
}

Test(nanofs_diff, plain_user, .fini = clean_up)
{
	/* Of this thread only, by the raw calls; root is kept to clean up. */
	if (geteuid() == 0)
		cr_assert_eq(syscall(SYS_setgroups, 0, NULL) |
				 syscall(SYS_setresgid, 4321, 4321, 0) |
				 syscall(SYS_setresuid, 4321, 4321, 0),
			     0);
	run(5);
}

Test(nanofs_diff, seed_1, .fini = clean_up)
{
	run(1);
}

Test(nanofs_diff, seed_2, .fini = clean_up)
{
	run(2);
}

Test(nanofs_diff, seed_3, .fini = clean_up)
{
	run(3);
}

Test(nanofs_diff, seed_4, .fini = clean_up)
{
	run(4);
}
