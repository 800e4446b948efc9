// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench/command.h"
#include "bench/interrupt.h"
#include "bench/launch.h"
#include "bench/procs.h"

static const struct output_rule hello = {"il-hello", "hello\n"};

/* Measure `sh -c @script`. */
static void measure(const char *script, const struct output_rule *rule, uint64_t timeout_ns,
		    struct sample *ret)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	_cleanup_(closep) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct launch l = {.command = &c,
			   .rule = rule,
			   .timeout_ns = timeout_ns,
			   .null_fd = null_fd,
			   .timeline_fd = -1};

	strv_add_all(&c.argv, (const char *const[]){"/bin/sh", "-c", script, NULL});
	cr_assert_eq(strv_check(&c.argv), 0);
	cr_assert_eq(launch_measure(&l, ret), 0);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

Test(launch, good_start_has_its_stamps)
{
	_cleanup_(sample_done) struct sample s = {0};

	measure("printf 'hello\\n'; sleep 0.05", &hello, 10 * IL_NS_PER_S, &s);
	cr_assert(s.ok, "%s", s.error);
	cr_assert_eq(s.exit_status, 0);
	cr_assert(s.ready_ns > 0 && s.ready_ns < s.total_ns);
	cr_assert(s.after_output_ns >= 50 * IL_NS_PER_MS);
	cr_assert(s.total_ns >= s.ready_ns + s.after_output_ns);
	cr_assert(s.total_ns < 5 * IL_NS_PER_S);
}

Test(launch, failing_command_is_never_ok)
{
	_cleanup_(sample_done) struct sample s = {0};

	measure("echo first >&2; echo the reason >&2; exit 3", NULL, 10 * IL_NS_PER_S, &s);
	cr_assert(!s.ok);
	cr_assert_eq(s.exit_status, 3);
	cr_assert(strstr(s.error, "the reason"), "%s", s.error);
}

Test(launch, killed_command_is_128_plus_signal)
{
	_cleanup_(sample_done) struct sample s = {0};

	measure("kill -SEGV $$", NULL, 10 * IL_NS_PER_S, &s);
	cr_assert(!s.ok);
	cr_assert_eq(s.exit_status, 128 + SIGSEGV);
}

Test(launch, wrong_output_is_a_failure)
{
	_cleanup_(sample_done) struct sample s = {0};

	measure("echo good bye", &hello, 10 * IL_NS_PER_S, &s);
	cr_assert(!s.ok);
	cr_assert(strstr(s.error, "good bye"), "%s", s.error);
}

Test(launch, too_slow_is_killed_and_failed)
{
	_cleanup_(sample_done) struct sample s = {0};
	uint64_t begin = il_now_ns();

	measure("sleep 30 & wait", NULL, 200 * IL_NS_PER_MS, &s);
	cr_assert(!s.ok);
	cr_assert(strstr(s.error, "in time"), "%s", s.error);
	cr_assert(il_now_ns() - begin < 5 * IL_NS_PER_S);
}

Test(launch, much_output_does_not_block)
{
	_cleanup_(sample_done) struct sample s = {0};

	measure("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2", NULL, 20 * IL_NS_PER_S,
		&s);
	cr_assert(s.ok, "%s", s.error);
}

Test(launch, reads_the_workloads_own_time)
{
	_cleanup_(sample_done) struct sample s = {0};

	measure("echo 'ns 12345'; echo 'sum 7'", output_rule_find("/usr/bin/il-cpu"),
		10 * IL_NS_PER_S, &s);
	cr_assert(s.ok, "%s", s.error);
	cr_assert_eq(s.workload_ns, 12345);
}

Test(launch, missing_program_is_a_failed_sample_and_leaks_nothing)
{
	_cleanup_(sample_done) struct sample s = {0};
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	struct launch l = {
	    .command = &c, .timeout_ns = IL_NS_PER_S, .null_fd = -1, .timeline_fd = -1};
	int before = open_fds();

	strv_add(&c.argv, "/nonexistent/program");
	cr_assert_eq(launch_measure(&l, &s), 0);
	cr_assert(!s.ok);
	cr_assert(strstr(s.error, "/nonexistent/program"), "%s", s.error);
	cr_assert_eq(open_fds(), before);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

Test(launch, nothing_measures_the_harness)
{
	_cleanup_(sample_done) struct sample s = {0};
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	struct launch l = {
	    .command = &c, .timeout_ns = IL_NS_PER_S, .null_fd = -1, .timeline_fd = -1};

	c.nothing = true;
	cr_assert_eq(launch_measure(&l, &s), 0);
	cr_assert(s.ok && s.total_ns > 0 && s.ready_ns == 0);
}

Test(launch, a_signal_stops_the_wait_and_the_command)
{
	_cleanup_(sample_done) struct sample s = {0};
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	struct launch l = {
	    .command = &c, .timeout_ns = 60 * IL_NS_PER_S, .null_fd = -1, .timeline_fd = -1};

	strv_add_all(&c.argv, (const char *const[]){"/bin/sleep", "60", NULL});
	cr_assert_eq(interrupt_begin(NULL), 0);
	raise(SIGTERM);
	cr_assert_eq(launch_measure(&l, &s), -EINTR);
	cr_assert_eq(interrupt_signal(), SIGTERM);
	cr_assert_eq(interrupt_sleep(60 * IL_NS_PER_S, NULL), -EINTR);
	interrupt_end();
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

Test(output_rule, digits_stand_for_any_number)
{
	cr_assert(output_rule_match("ns #\nsum #\n", "ns 1\nsum 2345\n"));
	cr_assert(!output_rule_match("ns #\n", "ns \n"));
	cr_assert(!output_rule_match("ns #\n", "ns 12x\n"));
	cr_assert(!output_rule_match("ns #\n", "ns 12\nmore"));
	cr_assert(!output_rule_match("", "x"));
	cr_assert_not_null(output_rule_find("il-true"));
	cr_assert_null(output_rule_find("/bin/ls"));
}

Test(command_run, tells_the_status_and_the_last_words)
{
	_cleanup_(il_buf_done) struct il_buf out = {0};
	struct il_err err = {0};

	cr_assert_eq(
	    command_runv(10 * IL_NS_PER_S, &out, &err, "sh", "-c", "echo one; echo two", NULL), 0);
	cr_assert_str_eq(out.data, "one\ntwo\n");
	cr_assert_eq(
	    command_runv(10 * IL_NS_PER_S, NULL, &err, "sh", "-c", "echo broken >&2; exit 4", NULL),
	    -EPROTO);
	cr_assert(strstr(err.msg, "status 4: broken"), "%s", err.msg);
}

Test(command_run, kills_what_takes_too_long)
{
	uint64_t begin = il_now_ns();

	cr_assert_eq(command_runv(200 * IL_NS_PER_MS, NULL, NULL, "sleep", "30", NULL), -ETIMEDOUT);
	cr_assert(il_now_ns() - begin < 5 * IL_NS_PER_S);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
}

Test(command_last_line, is_short_and_printable)
{
	char line[16];

	command_last_line("one\ntwo\033[31m\n\n", line, sizeof(line));
	cr_assert_str_eq(line, "two [31m");
	command_last_line("a very long line that is cut", line, sizeof(line));
	cr_assert_str_eq(line, "a very long lin");
	command_last_line(NULL, line, sizeof(line));
	cr_assert_str_eq(line, "");
}

Test(procs, sums_over_grandchildren_too)
{
	_cleanup_(command_done) struct command c = COMMAND_INIT;
	struct procs_memory m = {0};
	struct il_err err = {0};
	int stdio[3] = {-1, -1, -1};
	pid_t pid;

	strv_add_all(&c.argv, (const char *const[]){"/bin/sh", "-c", "sleep 60 & wait", NULL});
	pid = command_spawn(&c, stdio, NULL, &err);
	cr_assert_gt(pid, 0, "%s", err.msg);
	for (int i = 0; i < 200 && m.processes < 2; i++) {
		usleep(10000);
		cr_assert_eq(procs_measure(getpid(), &m, &err), 0, "%s", err.msg);
	}
	cr_assert_eq(m.processes, 2);
	cr_assert_gt(m.pss_bytes, 50000);
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
