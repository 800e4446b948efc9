// SPDX-License-Identifier: Apache-2.0
/* The nano guest's console, terminal, pipes, poll, epoll, descriptors. */
#include "tests/nanofs/fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>

/* struct termios of the kernel, which is not libc's. */
struct ktermios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[19];
};

static void boot(void)
{
	fixture_boot((struct shim_config){0});
}

static void boot_tty(void)
{
	fixture_boot((struct shim_config){.tty = true});
}

static void type(const char *keys)
{
	shim_input(keys, strlen(keys), false);
}

static void assert_output(const char *want)
{
	size_t len;
	const char *got = shim_output(1, &len);

	cr_assert_eq(len, strlen(want), "got '%s'", got);
	cr_assert_str_eq(got, want);
}

static void assert_read(long fd, const char *want)
{
	char buf[256] = "";
	long n = CALL3(read, fd, P(buf), sizeof(buf));

	cr_assert_eq(n, (long)strlen(want), "read %ld '%s'", n, buf);
	cr_assert_str_eq(buf, want);
}

static void set_flags(uint32_t lflag_off, uint32_t lflag_on)
{
	struct ktermios t;

	cr_assert_eq(CALL3(ioctl, 0, TCGETS, P(&t)), 0);
	t.lflag = (t.lflag & ~lflag_off) | lflag_on;
	cr_assert_eq(CALL3(ioctl, 0, TCSETS, P(&t)), 0);
}

/* ---- without a terminal ----------------------------------------------------------------- */

Test(nanofs_streams, are_pipes_to_the_host, .init = boot)
{
	struct stat st;
	struct ktermios t;
	size_t len;

	shim_input("input", 5, true);
	assert_read(0, "input");
	cr_assert_eq(CALL3(read, 0, P(&t), 4), 0);
	cr_assert_eq(CALL3(write, 1, P("out"), 3), 3);
	cr_assert_eq(CALL3(write, 2, P("err"), 3), 3);
	assert_output("out");
	cr_assert_str_eq(shim_output(2, &len), "err");
	cr_assert_eq(CALL2(fstat, 1, P(&st)), 0);
	cr_assert(S_ISFIFO(st.st_mode));
	cr_assert_eq(CALL3(ioctl, 1, TCGETS, P(&t)), -ENOTTY);
	cr_assert_eq(CALL3(lseek, 1, 0, SEEK_CUR), -ESPIPE);
	cr_assert_eq(CALL3(write, 0, P("x"), 1), -EBADF);
	cr_assert_eq(CALL3(read, 1, P(&t), 1), -EBADF);
	cr_assert_eq(CALL3(open, P("/dev/tty"), O_RDWR, 0), -ENXIO);
}

Test(nanofs_streams, vector_is_written_in_order, .init = boot)
{
	static char large[3000];
	struct iovec iov[5] = {{(void *)(uintptr_t) "a", 1},
			       {NULL, 0},
			       {large, sizeof(large)},
			       {(void *)(uintptr_t) "b", 1},
			       {(void *)(uintptr_t) "c", 1}};
	const char *got;
	size_t len;

	memset(large, '-', sizeof(large));
	cr_assert_eq(CALL3(writev, 1, P(iov), 5), 3003);
	got = shim_output(1, &len);
	cr_assert_eq(len, 3003);
	cr_assert_eq(got[0], 'a');
	cr_assert_eq(got[3000], '-');
	cr_assert_eq(got[3001], 'b');
	cr_assert_eq(got[3002], 'c');
	cr_assert_eq(CALL3(writev, 1, P(iov), 1025), -EINVAL);
	iov[1] = (struct iovec){(void *)16, 8};
	cr_assert_eq(CALL3(writev, 1, P(iov), 2), 1);
}

Test(nanofs_streams, closed_output_raises_sigpipe, .init = boot)
{
	shim_close_output();
	cr_assert_eq(CALL3(write, 1, P("x"), 1), -EPIPE);
	cr_assert_eq(shim_signal(), SIGPIPE);
}

Test(nanofs_streams, dev_stdout_leads_to_the_stream, .init = boot)
{
	char buf[64] = "";
	long fd = CALL3(open, P("/dev/stdout"), O_WRONLY, 0);

	cr_assert_geq(fd, 3);
	cr_assert_eq(CALL3(write, fd, P("x"), 1), 1);
	assert_output("x");
	cr_assert_gt(CALL3(readlink, P("/proc/self/fd/1"), P(buf), sizeof(buf)), 0);
	cr_assert_eq(strncmp(buf, "pipe:[", 6), 0);
}

/* ---- terminal --------------------------------------------------------------------------- */

Test(nanofs_tty, line_is_edited_and_echoed, .init = boot_tty)
{
	type("helo\177lo\r");
	assert_read(0, "hello\n");
	assert_output("helo\b \blo\r\n");
	type("one two\027three\r");
	assert_read(0, "one three\n");
	shim_output(1, &(size_t){0});
	type("gone\025kept\r");
	assert_read(0, "kept\n");
	assert_output("gone\b \b\b \b\b \b\b \bkept\r\n");
}

Test(nanofs_tty, reads_stop_at_lines_and_end_of_file, .init = boot_tty)
{
	char c;

	type("a\rb\r");
	assert_read(0, "a\n");
	assert_read(0, "b\n");
	type("part\004");
	assert_read(0, "part");
	type("\004");
	cr_assert_eq(CALL3(read, 0, P(&c), 1), 0);
	type("xyz\r");
	cr_assert_eq(CALL3(read, 0, P(&c), 1), 1);
	assert_read(0, "yz\n");
	type("lit\026\003\r");
	assert_read(0, "lit\003\n");
	cr_assert_eq(shim_signal(), 0);
	cr_assert_eq(CALL3(read, 0, P(&c), 1), -512, "a wait ends with ERESTARTSYS");
}

Test(nanofs_tty, control_characters_raise_signals, .init = boot_tty)
{
	char c;

	type("lost\003");
	cr_assert_lt(CALL3(read, 0, P(&c), 1), 0);
	cr_assert_eq(shim_signal(), SIGINT);
	type("\034");
	CALL3(read, 0, P(&c), 1);
	cr_assert_eq(shim_signal(), SIGQUIT);
	type("\032");
	CALL3(read, 0, P(&c), 1);
	cr_assert_eq(shim_signal(), SIGTSTP);
	set_flags(ISIG, 0);
	type("\003\r");
	assert_read(0, "\003\n");
	cr_assert_eq(shim_signal(), 0);
}

Test(nanofs_tty, raw_mode_gives_bytes_as_they_come, .init = boot_tty)
{
	struct ktermios t;

	cr_assert_eq(CALL3(ioctl, 0, TCGETS, P(&t)), 0);
	cr_assert(t.lflag & ICANON);
	t.lflag = 0;
	t.iflag = 0;
	t.oflag = 0;
	cr_assert_eq(CALL3(ioctl, 0, TCSETSF, P(&t)), 0);
	type("a\r\003\177");
	assert_read(0, "a\r\003\177");
	cr_assert_eq(CALL3(write, 1, P("\n"), 1), 1);
	assert_output("\n");
	t.cc[VMIN] = 0;
	t.cc[VTIME] = 2;
	cr_assert_eq(CALL3(ioctl, 0, TCSETS, P(&t)), 0);
	cr_assert_eq(CALL3(read, 0, P(&t), 10), 0);
}

Test(nanofs_tty, unfinished_line_becomes_input_in_raw_mode, .init = boot_tty)
{
	struct pollfd pf = {.fd = 0, .events = POLLIN};

	type("half");
	cr_assert_eq(CALL3(poll, P(&pf), 1, 0), 0);
	set_flags(ICANON, 0);
	cr_assert_eq(CALL3(poll, P(&pf), 1, 0), 1);
	assert_read(0, "half");
}

Test(nanofs_tty, output_is_processed, .init = boot_tty)
{
	cr_assert_eq(CALL3(write, 1, P("a\nb"), 3), 3);
	assert_output("a\r\nb");
}

Test(nanofs_tty, size_and_identity, .init = boot_tty)
{
	struct winsize w;
	struct stat st;
	char buf[32] = "";

	shim_winsize(40, 132);
	cr_assert_eq(shim_signal(), SIGWINCH);
	cr_assert_eq(CALL3(ioctl, 0, TIOCGWINSZ, P(&w)), 0);
	cr_assert_eq(w.ws_row, 40);
	cr_assert_eq(w.ws_col, 132);
	w.ws_row = 10;
	cr_assert_eq(CALL3(ioctl, 0, TIOCSWINSZ, P(&w)), 0);
	cr_assert_eq(shim_signal(), SIGWINCH);
	cr_assert_eq(CALL2(fstat, 0, P(&st)), 0);
	cr_assert(S_ISCHR(st.st_mode));
	cr_assert_eq(CALL3(readlink, P("/proc/self/fd/0"), P(buf), sizeof(buf)), 10);
	cr_assert_str_eq(buf, "/dev/pts/0");
	cr_assert_geq(CALL3(open, P("/dev/tty"), O_RDWR, 0), 3);
}

Test(nanofs_tty, absurdly_long_line_does_not_overflow, .init = boot_tty)
{
	static char keys[5000];
	static char buf[5000];
	long n;

	memset(keys, 'k', sizeof(keys));
	shim_input(keys, sizeof(keys), false);
	type("\r");
	n = CALL3(read, 0, P(buf), sizeof(buf));
	cr_assert_gt(n, 1000);
	cr_assert_lt(n, 5000);
	cr_assert_eq(buf[n - 1], '\n');
}

/* ---- pipes, events ---------------------------------------------------------------------- */

Test(nanofs_pipe, carries_bytes_and_ends, .init = boot)
{
	static char block[70000];
	int fd[2];
	char buf[8] = "";

	cr_assert_eq(CALL2(pipe2, P(fd), O_NONBLOCK), 0);
	cr_assert_eq(CALL3(read, fd[0], P(buf), 1), -EAGAIN);
	cr_assert_eq(CALL3(write, fd[1], P("abc"), 3), 3);
	assert_read(fd[0], "abc");
	cr_assert_eq(CALL3(write, fd[1], P(block), sizeof(block)), 65536);
	cr_assert_eq(CALL3(write, fd[1], P(block), 1), -EAGAIN);
	for (int i = 0; i < 8; i++)
		cr_assert_eq(CALL3(read, fd[0], P(block), 8192), 8192);
	cr_assert_eq(CALL1(close, fd[1]), 0);
	cr_assert_eq(CALL3(read, fd[0], P(buf), 1), 0);
	cr_assert_eq(CALL2(pipe2, P(fd), 0), 0);
	cr_assert_eq(CALL1(close, fd[0]), 0);
	cr_assert_eq(CALL3(write, fd[1], P("x"), 1), -EPIPE);
	cr_assert_eq(shim_signal(), SIGPIPE);
}

Test(nanofs_pipe, fifo_in_the_tree, .init = boot)
{
	long rd;
	long wr;

	cr_assert_eq(CALL3(mknod, P("/tmp/fifo"), S_IFIFO | 0600, 0), 0);
	cr_assert_eq(CALL3(open, P("/tmp/fifo"), O_WRONLY | O_NONBLOCK, 0), -ENXIO);
	rd = CALL3(open, P("/tmp/fifo"), O_RDONLY | O_NONBLOCK, 0);
	wr = CALL3(open, P("/tmp/fifo"), O_WRONLY, 0);
	cr_assert_eq(CALL3(write, wr, P("abc"), 3), 3);
	assert_read(rd, "abc");
}

Test(nanofs_poll, tells_what_is_ready, .init = boot)
{
	struct pollfd pf[3] = {{.fd = 0, .events = POLLIN},
			       {.fd = 1, .events = POLLOUT},
			       {.fd = 99, .events = POLLIN}};
	struct timeval tv = {.tv_usec = 1000};
	fd_set set;

	cr_assert_eq(CALL3(poll, P(pf), 1, 0), 0);
	cr_assert_eq(CALL3(poll, P(pf), 1, 50), 0);
	cr_assert_eq(CALL3(poll, P(pf), 1, -1), -EINTR);
	cr_assert_eq(CALL3(poll, P(pf), 3, -1), 2);
	cr_assert_eq(pf[1].revents, POLLOUT);
	cr_assert_eq(pf[2].revents, POLLNVAL);
	shim_input("x", 1, false);
	cr_assert_eq(CALL3(poll, P(pf), 1, -1), 1);
	cr_assert_eq(pf[0].revents, POLLIN);
	FD_ZERO(&set);
	FD_SET(0, &set);
	cr_assert_eq(CALL5(select, 1, P(&set), 0, 0, P(&tv)), 1);
	cr_assert(FD_ISSET(0, &set));
	assert_read(0, "x");
	cr_assert_eq(CALL5(select, 1, P(&set), 0, 0, P(&tv)), 0);
	cr_assert_not(FD_ISSET(0, &set));
	FD_SET(77, &set);
	cr_assert_eq(CALL5(select, 78, P(&set), 0, 0, P(&tv)), -EBADF);
}

Test(nanofs_epoll, level_edge_oneshot, .init = boot)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 7};
	struct epoll_event got[4];
	long ep = CALL1(epoll_create1, 0);
	long e = CALL2(eventfd2, 0, EFD_NONBLOCK);
	uint64_t one = 1;

	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_ADD, e, P(&ev)), 0);
	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_ADD, e, P(&ev)), -EEXIST);
	cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, 0), 0);
	cr_assert_eq(CALL3(write, e, P(&one), 8), 8);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, -1), 1);
		cr_assert_eq(got[0].data.u64, 7);
		cr_assert_eq(got[0].events, EPOLLIN);
	}
	ev.events = EPOLLIN | EPOLLET;
	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_MOD, e, P(&ev)), 0);
	cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, 0), 1);
	cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, 0), 0);
	ev.events = EPOLLIN | EPOLLONESHOT;
	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_MOD, e, P(&ev)), 0);
	cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, 0), 1);
	cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, 0), 0);
	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_DEL, e, 0), 0);
	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_DEL, e, 0), -ENOENT);
	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_ADD, ep, P(&ev)), -EINVAL);
	cr_assert_eq(
	    CALL4(epoll_ctl, ep, EPOLL_CTL_ADD, CALL3(open, P("/hello.txt"), 0, 0), P(&ev)),
	    -EPERM);
}

Test(nanofs_epoll, closed_file_leaves_the_set, .init = boot)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT};
	struct epoll_event got[4];
	long ep = CALL1(epoll_create1, 0);
	long e = CALL2(eventfd2, 1, 0);

	cr_assert_eq(CALL4(epoll_ctl, ep, EPOLL_CTL_ADD, e, P(&ev)), 0);
	cr_assert_eq(CALL1(close, e), 0);
	cr_assert_eq(CALL4(epoll_wait, ep, P(got), 4, 0), 0);
}

Test(nanofs_eventfd, counts, .init = boot)
{
	long e = CALL2(eventfd2, 3, EFD_NONBLOCK | EFD_SEMAPHORE);
	uint64_t v = 0;

	cr_assert_eq(CALL3(read, e, P(&v), 8), 8);
	cr_assert_eq(v, 1);
	cr_assert_eq(CALL3(read, e, P(&v), 8), 8);
	cr_assert_eq(CALL3(read, e, P(&v), 8), 8);
	cr_assert_eq(CALL3(read, e, P(&v), 8), -EAGAIN);
	cr_assert_eq(CALL3(read, e, P(&v), 4), -EINVAL);
}

/* ---- descriptors ------------------------------------------------------------------------ */

Test(nanofs_fd, lowest_number_wins_and_the_limit_holds)
{
	fixture_boot((struct shim_config){.nofile = 20});
	cr_assert_eq(CALL1(dup, 0), 3);
	cr_assert_eq(CALL1(dup, 0), 4);
	cr_assert_eq(CALL1(close, 3), 0);
	cr_assert_eq(CALL1(dup, 0), 3);
	cr_assert_eq(CALL3(fcntl, 0, F_DUPFD, 10), 10);
	cr_assert_eq(CALL3(fcntl, 0, F_DUPFD, 20), -EINVAL);
	cr_assert_eq(CALL2(dup2, 0, 19), 19);
	cr_assert_eq(CALL2(dup2, 0, 20), -EBADF);
	for (int fd = 5; fd < 19; fd++)
		cr_assert_eq(CALL1(dup, 0), fd < 10 ? fd : fd + 1 < 19 ? fd + 1 : -EMFILE);
	cr_assert_eq(CALL1(dup, 0), -EMFILE);
	cr_assert_eq(CALL3(close_range, 3, ~0u, 0), 0);
	cr_assert_eq(CALL1(close, 3), -EBADF);
	cr_assert_eq(CALL1(dup, 77), -EBADF);
}

Test(nanofs_fd, exec_closes_what_is_marked, .init = boot)
{
	long a = CALL3(open, P("/hello.txt"), O_RDONLY | O_CLOEXEC, 0);
	long b = CALL3(open, P("/hello.txt"), O_RDONLY, 0);

	cr_assert_eq(CALL2(fcntl, a, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(CALL2(fcntl, b, F_GETFD), 0);
	shim_exec_done();
	cr_assert_eq(CALL2(fcntl, a, F_GETFD), -EBADF);
	cr_assert_eq(CALL2(fcntl, b, F_GETFD), 0);
}

Test(nanofs_fd, copies_share_the_offset, .init = boot)
{
	long a = CALL3(open, P("/hello.txt"), O_RDONLY, 0);
	long b = CALL1(dup, a);

	cr_assert_eq(CALL3(lseek, a, 2, SEEK_SET), 2);
	assert_read(b, "llo\n");
}

/* ---- /dev and /proc --------------------------------------------------------------------- */

Test(nanofs_dev, devices_do_what_they_are_for, .init = boot)
{
	char buf[16];
	long fd = CALL3(open, P("/dev/zero"), O_RDWR, 0);

	memset(buf, 1, sizeof(buf));
	cr_assert_eq(CALL3(read, fd, P(buf), 16), 16);
	cr_assert_eq(buf[15], 0);
	fd = CALL3(open, P("/dev/full"), O_WRONLY, 0);
	cr_assert_eq(CALL3(write, fd, P(buf), 1), -ENOSPC);
	fd = CALL3(open, P("/dev/null"), O_RDWR | O_TRUNC | O_CREAT, 0666);
	cr_assert_eq(CALL3(write, fd, P(buf), 16), 16);
	cr_assert_eq(CALL3(read, fd, P(buf), 16), 0);
	fd = CALL3(open, P("/dev/urandom"), O_RDONLY, 0);
	cr_assert_eq(CALL3(read, fd, P(buf), 16), 16);
	cr_assert_eq(CALL3(open, P("/dev/ptmx"), O_RDWR, 0), -ENXIO);
	cr_assert_eq(CALL3(mknod, P("/tmp/mynull"), S_IFCHR | 0666, 0x103), 0);
	fd = CALL3(open, P("/tmp/mynull"), O_RDWR, 0);
	cr_assert_eq(CALL3(read, fd, P(buf), 16), 0);
}

/* Reads all of a generated file in small pieces. */
static void assert_proc(const char *path, const char *part)
{
	static char text[20000];
	long fd = CALL3(open, P(path), O_RDONLY, 0);
	long len = 0;
	long n;

	cr_assert_geq(fd, 0, "open %s: %ld", path, fd);
	while ((n = CALL3(read, fd, P(text + len), 100)) > 0)
		len += n;
	cr_assert_eq(n, 0, "%s", path);
	text[len] = '\0';
	cr_assert(strstr(text, part), "%s: no '%s' in '%s'", path, part, text);
	CALL1(close, fd);
}

Test(nanofs_proc, files_tell, .init = boot)
{
	assert_proc("/proc/self/status", "\nPid:\t1\n");
	assert_proc("/proc/1/stat", "1 (shim) R ");
	assert_proc("/proc/self/comm", "shim\n");
	assert_proc("/proc/self/maps", "[stack]\n");
	assert_proc("/proc/self/limits", "Max open files            1024 ");
	assert_proc("/proc/mounts", "overlay / overlay rw,relatime 0 0\n");
	assert_proc("/proc/self/mountinfo", " / / rw,relatime - overlay overlay rw\n");
	assert_proc("/proc/meminfo", "MemTotal:          65536 kB\n");
	assert_proc("/proc/cpuinfo", "processor\t: 0\n");
	assert_proc("/proc/uptime", ".");
	assert_proc("/proc/version", "Linux version ");
	assert_proc("/proc/stat", "btime ");
	assert_proc("/proc/sys/kernel/hostname", "shimhost\n");
	assert_proc("/proc/sys/kernel/pid_max", "32768\n");
	assert_proc("/proc/sys/vm/overcommit_memory", "\n");
	assert_proc("/proc/thread-self/comm", "shim\n");
	cr_assert_eq(CALL3(open, P("/proc/self/comm/x"), O_RDONLY, 0), -ENOTDIR);
	cr_assert_eq(CALL3(open, P("/proc/2"), O_RDONLY, 0), -ENOENT);
	cr_assert_eq(CALL2(mkdir, P("/proc/x"), 0755), -ENOENT);
	cr_assert_eq(CALL1(unlink, P("/proc/version")), -EPERM);
}

struct dirent64_abi {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

Test(nanofs_proc, fd_directory_lists_what_is_open, .init = boot)
{
	long dir = CALL3(open, P("/proc/self/fd"), O_RDONLY | O_DIRECTORY, 0);
	char buf[1024];
	char names[64] = "";
	long n = CALL3(getdents64, dir, P(buf), sizeof(buf));

	for (long at = 0; at < n;) {
		const struct dirent64_abi *d = (const void *)(buf + at);

		strncat(names, d->name, sizeof(names) - strlen(names) - 1);
		strncat(names, " ", sizeof(names) - strlen(names) - 1);
		at += d->reclen;
	}
	cr_assert_str_eq(names, ". .. 0 1 2 3 ");
	assert_proc("/proc/self/fdinfo/0", "pos:\t0\n");
	cr_assert_eq(CALL3(open, P("/proc/self/fd/9"), O_RDONLY, 0), -ENOENT);
	cr_assert_eq(CALL3(open, P("/proc/self/fd/03"), O_RDONLY, 0), -ENOENT);
}

/* ---- the table of calls ----------------------------------------------------------------- */

Test(nanofs_calls, nothing_crashes_on_nonsense)
{
	static char memory[1 << 20];
	const uint64_t values[] = {0, 1, 16, 3, 60000, ~0ull, 1ull << 63, P(memory)};

	fixture_boot((struct shim_config){.ram_pages = 64});
	for (long nr = 0; nr < 464; nr++) {
		if (!shim_has_call(nr))
			continue;
		for (uint32_t i = 0; i < 64; i++)
			shim_call(nr, values[i % 8], values[i / 8], values[(i + 3) % 7],
				  values[i / 8], values[i % 8], values[i % 3]);
	}
}
