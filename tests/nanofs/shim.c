// SPDX-License-Identifier: Apache-2.0
#include "tests/nanofs/shim.h"

#include "guest/nano/kern.h"
#include "runner/workload.h"

/* Of libc, whose headers do not go together with the guest's. */
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);
void free(void *p);
void *aligned_alloc(size_t align, size_t size);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int vfprintf(void *file, const char *fmt, va_list ap);
void abort(void) __attribute__((noreturn));
extern void *stderr;

#define FAULT_BELOW 65536u
#define FAULT_ABOVE (1ull << 47)

static bool faults(uint64_t addr)
{
	return addr < FAULT_BELOW || addr >= FAULT_ABOVE;
}

#define IO_SIZE 65536u

static struct {
	struct shim_config cfg;
	uint8_t *ram;
	uint16_t *refs;
	size_t pages;
	size_t used;
	size_t blocks;
	long fail_after;
	uint64_t clock;
	char out[3][IO_SIZE];
	size_t out_len[3];
	char in[IO_SIZE];
	size_t in_len;
	bool in_eof;
	bool out_closed;
	int signal;
	uint16_t rows, cols;
	struct process process;
	struct workload workload;
} shim;

struct process *current = &shim.process;
const struct workload *boot_workload = &shim.workload;

/* ---- messages ------------------------------------------------------------------------- */

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	return vsnprintf(buf, size, fmt, ap);
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void kprintf(const char *fmt, ...)
{
	(void)fmt;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	abort();
}

/* ---- memory --------------------------------------------------------------------------- */

static bool fails(void)
{
	if (shim.fail_after == 0)
		return false;
	if (shim.fail_after > 1) {
		shim.fail_after--;
		return false;
	}
	return true;
}

void shim_fail_after(long nth)
{
	shim.fail_after = nth;
}

void *kmalloc(size_t size)
{
	if (fails())
		return NULL;
	shim.blocks++;
	return malloc(size);
}

void *kzalloc(size_t size)
{
	if (fails())
		return NULL;
	shim.blocks++;
	return calloc(1, size);
}

void *krealloc(void *old, size_t old_size, size_t new_size)
{
	(void)old_size;
	if (fails())
		return NULL;
	shim.blocks += old == NULL;
	return realloc(old, new_size);
}

void kfree(void *p)
{
	shim.blocks -= p != NULL;
	free(p);
}

char *kstrndup(const char *s, size_t len)
{
	char *p = kmalloc(len + 1);

	if (p) {
		memcpy(p, s, len);
		p[len] = '\0';
	}
	return p;
}

char *kstrdup(const char *s)
{
	return kstrndup(s, strlen(s));
}

size_t shim_blocks(void)
{
	return shim.blocks;
}

size_t shim_pages(void)
{
	return shim.used;
}

void *page_alloc(void)
{
	if (fails())
		return NULL;
	for (size_t i = 0; i < shim.pages; i++) {
		if (shim.refs[i])
			continue;
		shim.refs[i] = 1;
		shim.used++;
		return memset(shim.ram + i * PAGE_SIZE, 0, PAGE_SIZE);
	}
	return NULL;
}

/* The page's reference count; NULL when it is no page of RAM. */
static uint16_t *refs_of(const void *page)
{
	uintptr_t off = (uintptr_t)page - (uintptr_t)shim.ram;

	if ((uintptr_t)page < (uintptr_t)shim.ram || off >= shim.pages * PAGE_SIZE)
		return NULL;
	BUG_ON(off % PAGE_SIZE);
	return &shim.refs[off / PAGE_SIZE];
}

void *page_get(void *page)
{
	uint16_t *refs = refs_of(page);

	if (refs) {
		BUG_ON(*refs == 0);
		++*refs;
	}
	return page;
}

void page_put(void *page)
{
	uint16_t *refs = refs_of(page);

	if (!refs)
		return;
	BUG_ON(*refs == 0);
	if (--*refs == 0)
		shim.used--;
}

unsigned int page_refs(const void *page)
{
	const uint16_t *refs = refs_of(page);

	return refs ? *refs : 1;
}

uint64_t ram_total_pages(void)
{
	return shim.pages;
}

uint64_t ram_free_pages(void)
{
	return shim.pages - shim.used;
}

/* ---- the program's memory -------------------------------------------------------------- */

static void *host(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

size_t copy_from_user_part(void *dst, uint64_t src, size_t len)
{
	if (faults(src))
		return 0;
	memcpy(dst, host(src), len);
	return len;
}

size_t copy_to_user_part(uint64_t dst, const void *src, size_t len)
{
	if (faults(dst))
		return 0;
	memcpy(host(dst), src, len);
	return len;
}

long copy_from_user(void *dst, uint64_t src, size_t len)
{
	return copy_from_user_part(dst, src, len) == len ? 0 : -EFAULT;
}

long copy_to_user(uint64_t dst, const void *src, size_t len)
{
	return copy_to_user_part(dst, src, len) == len ? 0 : -EFAULT;
}

long clear_user(uint64_t dst, size_t len)
{
	if (len && faults(dst))
		return -EFAULT;
	memset(host(dst), 0, len);
	return 0;
}

long strncpy_from_user(char *dst, uint64_t src, size_t size)
{
	size_t n;

	if (faults(src))
		return -EFAULT;
	n = strnlen(host(src), size);
	if (n == size)
		return -ENAMETOOLONG;
	memcpy(dst, host(src), n + 1);
	return (long)n;
}

/* ---- time and chance ------------------------------------------------------------------- */

uint64_t clock_monotonic_ns(void)
{
	return shim.clock += 1000;
}

uint64_t clock_realtime_ns(void)
{
	return 1700000000u * (uint64_t)1000000000u + clock_monotonic_ns();
}

uint64_t clock_boot_ns(void)
{
	return clock_monotonic_ns();
}

uint64_t process_cpu_ns(void)
{
	return shim.clock / 2;
}

void random_bytes(void *buf, size_t len)
{
	static uint32_t state = 1;
	uint8_t *p = buf;

	while (len-- > 0) {
		state = state * 1103515245u + 12345u;
		*p++ = (uint8_t)(state >> 16);
	}
}

/* ---- console --------------------------------------------------------------------------- */

long console_write(enum console_stream stream, const void *buf, size_t len)
{
	size_t room = IO_SIZE - shim.out_len[stream];

	if (shim.out_closed)
		return -EPIPE;
	if (len > room)
		len = room;
	memcpy(shim.out[stream] + shim.out_len[stream], buf, len);
	shim.out_len[stream] += len;
	return (long)len;
}

long console_write_user(enum console_stream stream, uint64_t ubuf, size_t len)
{
	return faults(ubuf) ? -EFAULT : console_write(stream, host(ubuf), len);
}

long console_read(void *buf, size_t len, bool nonblock)
{
	if (len > shim.in_len)
		len = shim.in_len;
	if (len == 0)
		return shim.in_eof ? 0 : nonblock ? -EAGAIN : -ERESTARTSYS;
	memcpy(buf, shim.in, len);
	memmove(shim.in, shim.in + len, shim.in_len - len);
	shim.in_len -= len;
	return (long)len;
}

long console_read_user(uint64_t ubuf, size_t len, bool nonblock)
{
	return faults(ubuf) ? -EFAULT : console_read(host(ubuf), len, nonblock);
}

/* A wait for ever ends as if a signal had come. */
long console_wait(unsigned int streams, uint64_t timeout_ns)
{
	unsigned int ready = CONSOLE_BIT(CONSOLE_OUT) | CONSOLE_BIT(CONSOLE_ERR);

	if (shim.in_len || shim.in_eof)
		ready |= CONSOLE_BIT(CONSOLE_IN);
	if (streams & ready)
		return (long)(streams & ready);
	if (timeout_ns == WAIT_FOREVER)
		return -EINTR;
	shim.clock += timeout_ns;
	return 0;
}

void console_winsize(uint16_t *ret_rows, uint16_t *ret_cols)
{
	*ret_rows = shim.rows;
	*ret_cols = shim.cols;
}

void console_notify(bool on)
{
	(void)on;
}

void shim_winsize(uint16_t rows, uint16_t cols)
{
	shim.rows = rows;
	shim.cols = cols;
	console_winsize_event();
}

void shim_input(const char *data, size_t len, bool eof)
{
	BUG_ON(len > IO_SIZE - shim.in_len);
	memcpy(shim.in + shim.in_len, data, len);
	shim.in_len += len;
	shim.in_eof = eof;
}

const char *shim_output(int stream, size_t *ret_len)
{
	static char last[IO_SIZE + 1];

	*ret_len = shim.out_len[stream];
	memcpy(last, shim.out[stream], *ret_len);
	last[*ret_len] = '\0';
	shim.out_len[stream] = 0;
	return last;
}

void shim_close_output(void)
{
	shim.out_closed = true;
}

/* ---- the process ------------------------------------------------------------------------ */

const char *kernel_hostname(void)
{
	return "shimhost";
}

bool capable_root(void)
{
	return current->fsuid == 0;
}

bool in_group(uint32_t gid)
{
	for (uint32_t i = 0; i < current->ngroups; i++)
		if (current->groups[i] == gid)
			return true;
	return current->fsgid == gid;
}

bool signal_pending(void)
{
	return false;
}

void signal_send(int sig)
{
	shim.signal = sig;
}

int shim_signal(void)
{
	int sig = shim.signal;

	shim.signal = 0;
	return sig;
}

long signal_temp_mask(uint64_t umask_addr, size_t size)
{
	return umask_addr && size != 8 ? -EINVAL : 0;
}

void signal_masks(uint64_t *pending, uint64_t *blocked, uint64_t *ignored, uint64_t *caught)
{
	*pending = *blocked = *ignored = *caught = 0;
}

void mm_stats(struct mm_stat *ret)
{
	*ret = (struct mm_stat){.size = 10, .resident = 5, .text = 2, .data = 3, .stack = 1};
}

bool mm_area_at(uint64_t addr, struct mm_area *ret)
{
	if (addr >= 0x7fff1000)
		return false;
	*ret = (struct mm_area){
	    .start = 0x7fff0000, .end = 0x7fff1000, .name = "[stack]", .read = true, .write = true};
	return true;
}

void mm_forget(uint64_t start, uint64_t end, bool all)
{
	(void)start;
	(void)end;
	(void)all;
}

void shim_become(uint32_t uid, uint32_t gid)
{
	struct process *p = current;

	p->uid = p->euid = p->suid = p->fsuid = uid;
	p->gid = p->egid = p->sgid = p->fsgid = gid;
}

/* ---- control ---------------------------------------------------------------------------- */

int shim_boot(const struct shim_config *cfg)
{
	shim.cfg = *cfg;
	shim.pages = cfg->ram_pages ? cfg->ram_pages : 16384;
	shim.ram = aligned_alloc(PAGE_SIZE, shim.pages * PAGE_SIZE);
	shim.refs = calloc(shim.pages, sizeof(*shim.refs));
	BUG_ON(!shim.ram || !shim.refs);
	shim.workload.flags =
	    (cfg->tty ? WORKLOAD_TTY : 0) | (cfg->read_only ? WORKLOAD_RO_ROOT : 0);
	for (int i = 0; i < RLIMIT_COUNT; i++)
		current->rlimits[i] = (struct rlimit_pair){UINT64_MAX, UINT64_MAX};
	current->rlimits[7] = (struct rlimit_pair){cfg->nofile ? cfg->nofile : 1024, 4096};
	current->pid = current->pgid = current->sid = 1;
	memcpy(current->comm, "shim", 5);
	shim_become(cfg->uid, cfg->gid);
	return vfs_init(cfg->image, cfg->size);
}

bool shim_has_call(long nr)
{
	return nr >= 0 && nr < SYSCALL_COUNT && fs_syscalls[nr].fn;
}

long shim_call(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	const uint64_t args[6] = {a, b, c, d, e, f};

	return shim_has_call(nr) ? fs_syscalls[nr].fn(args) : -ENOSYS;
}

int shim_page(int fd, uint64_t index, bool write, void **ret)
{
	struct file *f = fd_file(fd);
	int r = f ? vfs_file_page(f, index, write, ret) : -EBADF;

	file_put(f);
	return r;
}

bool shim_in_image(const void *p)
{
	uintptr_t base = (uintptr_t)shim.cfg.image;

	return (uintptr_t)p >= base && (uintptr_t)p < base + shim.cfg.size;
}

int shim_exec(const char *path)
{
	struct file *f;
	int r = vfs_open_exec(path, &f);

	if (r == 0)
		file_put(f);
	return r;
}

void shim_exec_done(void)
{
	vfs_exec_done();
}

int shim_chdir(const char *path, bool make)
{
	return vfs_chdir(path, make);
}
