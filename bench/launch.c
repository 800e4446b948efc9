// SPDX-License-Identifier: Apache-2.0
#include "bench/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/parse.h"
#include "bench/interrupt.h"

#define STDOUT_KEPT  4096
#define STDERR_KEPT  4096
#define TIMELINE_MAX ((size_t)1 << 20)

static const struct output_rule rules[] = {
    {"il-true", ""},
    {"il-hello", "hello\n"},
    {"il-cpu", "ns #\nsum #\n"},
    {"il-mem", "ns #\nsecond_ns #\n"},
    {"il-syscall", "ns #\nps_per_call #\n"},
};

const struct output_rule *output_rule_find(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (strcmp(rules[i].program, name) == 0)
			return &rules[i];
	return NULL;
}

bool output_rule_match(const char *pattern, const char *text)
{
	for (; *pattern; pattern++) {
		if (*pattern != '#') {
			if (*text++ != *pattern)
				return false;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		while (*text >= '0' && *text <= '9')
			text++;
	}
	return *text == '\0';
}

void sample_done(struct sample *s)
{
	free(s->error);
	s->error = NULL;
}

/* A stream of the command: the first @cap - 1 bytes are kept, all are read. */
struct stream {
	int fd; /* owned; -1 once it ended */
	uint64_t first_ns;
	uint64_t last_ns;
	size_t len;
	char data[STDOUT_KEPT];
};

/* Read what is there; the stamps are taken before the bytes are copied. */
static void stream_read(struct stream *s, uint64_t now)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(s->fd, chunk, sizeof(chunk))) > 0) {
		size_t keep = IL_MIN((size_t)n, sizeof(s->data) - 1 - s->len);

		if (!s->first_ns)
			s->first_ns = now;
		s->last_ns = now;
		memcpy(s->data + s->len, chunk, keep);
		s->len += keep;
		s->data[s->len] = '\0';
	}
	if (n == 0)
		closep(&s->fd);
}

struct watched {
	pid_t pid;
	int pidfd; /* owned */
	struct stream out, err;
	uint64_t launch_ns, end_ns;
	int status; /* wait(2)'s */
};

static void reap(struct watched *w)
{
	while (waitpid(w->pid, &w->status, 0) < 0 && errno == EINTR)
		;
	w->end_ns = il_now_ns();
}

static void kill_and_reap(struct watched *w)
{
	kill(-w->pid, SIGKILL);
	kill(w->pid, SIGKILL);
	reap(w);
}

/* Wait for output and the end. 0, -ETIMEDOUT or -EINTR (then it has been killed). */
static int watch(struct watched *w, uint64_t timeout_ns)
{
	enum { OUT, ERR, END, STOP, N };
	uint64_t deadline = w->launch_ns + timeout_ns;

	for (;;) {
		struct pollfd p[N] = {
		    [OUT] = {.fd = w->out.fd, .events = POLLIN},
		    [ERR] = {.fd = w->err.fd, .events = POLLIN},
		    [END] = {.fd = w->pidfd, .events = POLLIN},
		    [STOP] = {.fd = interrupt_fd(), .events = POLLIN},
		};
		uint64_t now = il_now_ns();
		uint64_t left = deadline > now ? deadline - now : 0;
		struct timespec ts = {(time_t)(left / IL_NS_PER_S), (long)(left % IL_NS_PER_S)};
		int n = ppoll(p, N, &ts, NULL);

		now = il_now_ns();
		if (p[OUT].revents)
			stream_read(&w->out, now);
		if (p[END].revents) {
			reap(w);
			return 0;
		}
		if (p[ERR].revents)
			stream_read(&w->err, now);
		if (n > 0 && p[STOP].revents) {
			kill_and_reap(w);
			return -EINTR;
		}
		if (n == 0 && now >= deadline) {
			kill_and_reap(w);
			return -ETIMEDOUT;
		}
	}
}

static void sample_fail(struct sample *s, char *owned_text)
{
	s->ok = false;
	if (s->error)
		free(owned_text);
	else
		s->error = owned_text;
}

/* The number behind @key at the start of a line of @text, or 0. */
static uint64_t line_value(const char *text, const char *key)
{
	size_t len = strlen(key);
	char digits[24];

	for (const char *p = text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		size_t n = 0;
		uint64_t v = 0;

		if (strncmp(p, key, len) != 0 || p[len] != ' ')
			continue;
		for (const char *d = p + len + 1; *d >= '0' && *d <= '9' && n < 20; d++)
			digits[n++] = *d;
		digits[n] = '\0';
		return il_parse_u64(digits, 0, UINT64_MAX, &v, NULL) == 0 ? v : 0;
	}
	return 0;
}

/* Read otherData.events_ns of the trace (docs/bench-json.md), relative to the launch. */
static int read_events(const struct launch *l, const struct watched *w, struct sample *s,
		       struct il_err *err)
{
	_cleanup_(freep) char *text = malloc(TIMELINE_MAX);
	json_auto_t *doc = NULL;
	json_t *other = NULL, *events = NULL;
	ssize_t n = text ? pread(l->timeline_fd, text, TIMELINE_MAX, 0) : -1;

	if (n <= 0)
		return il_refuse(err, EPROTO, "the command wrote no timeline");
	int r = il_json_parse(text, (size_t)n, "the command's timeline", &doc, err);
	if (r == 0)
		r = il_json_obj(doc, "trace", "otherData", &other, err);
	if (r == 0)
		r = il_json_obj(other, "trace.otherData", "events_ns", &events, err);
	if (r < 0)
		return r;
	for (int e = 0; e < TL_EVENT_MAX; e++) {
		uint64_t ns = 0;

		if (il_json_u64(events, "events_ns", timeline_name((enum timeline_event)e), &ns,
				NULL) == 0 &&
		    ns >= w->launch_ns && ns <= w->end_ns)
			s->events_ns[e] = ns - w->launch_ns;
	}
	s->has_events = true;
	if (s->events_ns[TL_EXITED])
		s->teardown_ns = s->total_ns - s->events_ns[TL_EXITED];
	return 0;
}

/* Turn what was seen into the sample; any doubt makes it a failure, never a fast start. */
static void judge(const struct launch *l, const struct watched *w, struct sample *s)
{
	struct il_err err = {0};
	char line[200];

	s->total_ns = w->end_ns - w->launch_ns;
	s->ready_ns = w->out.first_ns ? w->out.first_ns - w->launch_ns : 0;
	s->after_output_ns = w->out.last_ns ? w->end_ns - w->out.last_ns : 0;
	s->workload_ns = line_value(w->out.data, "ns");
	s->exit_status = WIFEXITED(w->status) ? WEXITSTATUS(w->status) : 128 + WTERMSIG(w->status);
	s->ok = true;
	if (s->exit_status != 0) {
		command_last_line(w->err.data, line, sizeof(line));
		sample_fail(s, il_strf("ended with status %d: %s", s->exit_status,
				       line[0] ? line : "(nothing on stderr)"));
	}
	if (s->ok && l->rule && !output_rule_match(l->rule->pattern, w->out.data)) {
		command_last_line(w->out.data, line, sizeof(line));
		sample_fail(s, il_strf("wrong output: '%s'", line));
	}
	if (s->ok && l->timeline_fd >= 0 && read_events(l, w, s, &err) < 0)
		sample_fail(s, strdup(err.msg));
}

static int open_stream(struct stream *s, int *ret_write_end)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	s->fd = fds[0];
	*ret_write_end = fds[1];
	return fcntl(s->fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* What came between the last poll and the end; it can't have come later than the end. */
static void drain(struct stream *s, uint64_t end_ns)
{
	if (s->fd >= 0)
		stream_read(s, end_ns);
	closep(&s->fd);
}

int launch_measure(const struct launch *l, struct sample *ret)
{
	struct watched w = {.pidfd = -1, .out.fd = -1, .err.fd = -1};
	_cleanup_(closep) int out = -1;
	_cleanup_(closep) int errfd = -1;
	struct il_err err = {0};
	int r = open_stream(&w.out, &out);

	*ret = (struct sample){0};
	if (r == 0)
		r = open_stream(&w.err, &errfd);
	/* The command may write through the inherited descriptor: its offset is shared. */
	if (r == 0 && l->timeline_fd >= 0 &&
	    (ftruncate(l->timeline_fd, 0) < 0 || lseek(l->timeline_fd, 0, SEEK_SET) < 0))
		r = -errno;
	if (r < 0) {
		sample_fail(ret, il_strf("prepare a start: %s", strerror(-r)));
		goto done;
	}
	int stdio[3] = {l->null_fd, out, errfd};
	w.launch_ns = il_now_ns();
	w.pid = command_spawn(l->command, stdio, &w.pidfd, &err);
	if (w.pid < 0) {
		sample_fail(ret, strdup(err.msg));
		ret->exit_status = 127;
		goto done;
	}
	closep(&out);
	closep(&errfd);
	r = watch(&w, l->timeout_ns);
	drain(&w.out, w.end_ns);
	drain(&w.err, w.end_ns);
	judge(l, &w, ret);
	if (r == -ETIMEDOUT) {
		sample_done(ret);
		sample_fail(ret, strdup("did not end in time, killed"));
	}
done:
	closep(&w.pidfd);
	closep(&w.out.fd);
	closep(&w.err.fd);
	return r == -EINTR ? -EINTR : 0;
}
