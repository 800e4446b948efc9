// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#include <linux/eventpoll.h>

/* struct epoll_event of the system call ABI is packed on x86-64. */
struct event {
	uint32_t events;
	uint64_t data;
} __attribute__((packed));

struct watch {
	struct watch *next;
	struct file *file; /* borrowed: a watch goes with its descriptor's file */
	int fd;
	struct event event;
	uint32_t seen; /* EPOLLET: what was reported already */
	bool spent;    /* EPOLLONESHOT */
};

struct epoll {
	struct watch *first;
};

static const struct file_ops epoll_ops;

/* Watches of files that are closed by now are dropped when met. */
static bool is_live(const struct watch *w)
{
	struct file *f = fd_file(w->fd);

	file_put(f);
	return f == w->file;
}

static struct watch **find(struct epoll *e, int fd)
{
	struct watch **p = &e->first;

	while (*p && ((*p)->fd != fd || !is_live(*p)))
		p = &(*p)->next;
	return p;
}

static void drop_dead(struct epoll *e)
{
	for (struct watch **p = &e->first; *p;) {
		struct watch *w = *p;

		if (is_live(w)) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		kfree(w);
	}
}

static void epoll_release(struct file *f)
{
	struct epoll *e = f->priv;

	while (e->first) {
		struct watch *w = e->first;

		e->first = w->next;
		kfree(w);
	}
	kfree(e);
}

/* What is to be reported of @w now. */
static uint32_t watch_mask(struct watch *w, unsigned int ready, unsigned int *want)
{
	unsigned int wanted = 0;
	uint32_t now;
	uint32_t fresh;

	if (w->spent)
		return 0;
	now = file_poll(w->file, ready, &wanted) & (w->event.events | POLLERR | POLLHUP);
	fresh = w->event.events & EPOLLET ? now & ~w->seen : now;
	w->seen &= now;
	if (!fresh)
		*want |= wanted;
	return fresh ? now : 0;
}

static unsigned int epoll_poll(struct file *f, unsigned int ready, unsigned int *want)
{
	struct epoll *e = f->priv;
	unsigned int mask = 0;

	drop_dead(e);
	for (struct watch *w = e->first; w; w = w->next)
		if (watch_mask(w, ready, want))
			mask = POLLIN | POLLRDNORM;
	return mask;
}

static const struct file_ops epoll_ops = {.poll = epoll_poll, .release = epoll_release};

static long epoll_new(uint32_t flags)
{
	struct epoll *e;
	struct inode *inode;
	struct file *f;

	if (flags & ~(uint32_t)EPOLL_CLOEXEC)
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	inode = inode_new(FS_ANON, 0600);
	f = e && inode ? file_anon(inode, "anon_inode:[eventpoll]", O_RDWR, &epoll_ops) : NULL;
	if (!f) {
		if (!e)
			inode_put(inode);
		kfree(e);
		return -ENOMEM;
	}
	f->priv = e;
	return fd_install(f, 0, flags & EPOLL_CLOEXEC);
}

long sys_epoll_create(const uint64_t a[6])
{
	return (int)a[0] <= 0 ? -EINVAL : epoll_new(0);
}

long sys_epoll_create1(const uint64_t a[6])
{
	return epoll_new((uint32_t)a[0]);
}

static long watch_add(struct epoll *e, int fd, struct file *file, const struct event *event)
{
	struct watch **p = find(e, fd);
	struct watch *w;

	if (*p)
		return -EEXIST;
	if (!file->ops->poll)
		return -EPERM;
	w = kzalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->file = file;
	w->fd = fd;
	w->event = *event;
	*p = w;
	return 0;
}

static long watch_change(struct epoll *e, int op, int fd, struct file *file,
			 const struct event *event)
{
	struct watch **p;
	struct watch *w;

	drop_dead(e);
	if (op == EPOLL_CTL_ADD)
		return watch_add(e, fd, file, event);
	p = find(e, fd);
	w = *p;
	if (!w)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		*p = w->next;
		kfree(w);
		return 0;
	}
	w->event = *event;
	w->seen = 0;
	w->spent = false;
	return 0;
}

static int get_epoll(uint64_t fd, struct file **ret)
{
	int r = fd_get(fd, ret);

	if (r == 0 && (*ret)->ops != &epoll_ops) {
		file_put(*ret);
		*ret = NULL;
		r = -EINVAL;
	}
	return r;
}

long sys_epoll_ctl(const uint64_t a[6])
{
	FS_CLEANUP(file_putp) struct file *f = NULL;
	FS_CLEANUP(file_putp) struct file *ep = NULL;
	struct event event = {0};
	int op = (int)a[1];
	int r;

	if (op != EPOLL_CTL_DEL && copy_from_user(&event, a[3], sizeof(event)) < 0)
		return -EFAULT;
	r = fd_get(a[2], &f);
	if (r == 0)
		r = get_epoll(a[0], &ep);
	if (r < 0)
		return r;
	if (f == ep || op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
		return -EINVAL;
	if (f->ops == &epoll_ops)
		return -ELOOP; /* one level is what programs use, and it cannot loop */
	return watch_change(ep->priv, op, (int)a[2], f, &event);
}

struct waiter {
	struct file *file;
	uint64_t to;
	uint32_t max;
	unsigned int ready; /* the streams at the last check */
};

static long check_epoll(void *ctx, unsigned int ready, unsigned int *want)
{
	struct waiter *wait = ctx;
	struct epoll *e = wait->file->priv;
	uint32_t n = 0;

	wait->ready = ready;
	drop_dead(e);
	for (struct watch *w = e->first; w && n < wait->max; w = w->next) {
		uint32_t mask = watch_mask(w, ready, want);
		struct event out = {.events = mask, .data = w->event.data};

		if (!mask)
			continue;
		if (copy_to_user(wait->to + n * sizeof(out), &out, sizeof(out)) < 0)
			return -EFAULT;
		n++;
	}
	return n;
}

/* What was reported counts as seen only now: poll_wait may check more than once. */
static void mark_reported(struct epoll *e, unsigned int ready)
{
	unsigned int want = 0;

	for (struct watch *w = e->first; w; w = w->next) {
		uint32_t mask = watch_mask(w, ready, &want);

		w->seen |= mask;
		if (mask && (w->event.events & EPOLLONESHOT))
			w->spent = true;
	}
}

static long do_wait(const uint64_t a[6], uint64_t timeout_ns)
{
	struct file *f;
	struct waiter wait;
	long r;

	if ((int)a[2] <= 0)
		return -EINVAL;
	r = get_epoll(a[0], &f);
	if (r < 0)
		return r;
	wait = (struct waiter){.file = f, .to = a[1], .max = (uint32_t)a[2]};
	r = poll_wait(check_epoll, &wait, timeout_ns);
	if (r > 0)
		mark_reported(f->priv, wait.ready);
	file_put(f);
	return r;
}

static uint64_t ms_in(uint64_t ms)
{
	return (int)ms < 0 ? WAIT_FOREVER : (uint64_t)(int)ms * 1000000u;
}

long sys_epoll_wait(const uint64_t a[6])
{
	return do_wait(a, ms_in(a[3]));
}

long sys_epoll_pwait(const uint64_t a[6])
{
	long r = signal_temp_mask(a[4], a[5]);

	return r < 0 ? r : do_wait(a, ms_in(a[3]));
}

long sys_epoll_pwait2(const uint64_t a[6])
{
	int64_t t[2];
	uint64_t timeout = WAIT_FOREVER;
	long r;

	if (a[3]) {
		if (copy_from_user(t, a[3], sizeof(t)) < 0)
			return -EFAULT;
		if (t[0] < 0 || t[1] < 0 || t[1] >= 1000000000)
			return -EINVAL;
		if (t[0] < INT32_MAX)
			timeout = (uint64_t)t[0] * 1000000000u + (uint64_t)t[1];
	}
	r = signal_temp_mask(a[4], a[5]);
	return r < 0 ? r : do_wait(a, timeout);
}
