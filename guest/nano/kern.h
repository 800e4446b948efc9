/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the nano guest kernel: what its parts offer each other.
 *
 *   core (guest/nano/)      boot, memory, process, signals, time, hypercalls
 *   files (guest/nano/fs/)  VFS, EROFS, tmpfs layer, devfs, procfs, console and tty
 *
 * The world in which this code runs:
 * - One process (pid 1), one thread, one vCPU. Kernel code is never interrupted and never
 *   re-entered: no locks anywhere. What blocks, blocks inside console_wait() and friends.
 * - Kernel and program both run in ring 3, in one address space: the kernel in the upper
 *   half, the program in the lower. The program's pages are reached through
 *   copy_from_user() and copy_to_user() only: they fault pages in and fail with -EFAULT.
 *   A stray access of the kernel's own is a kernel panic.
 * - Freestanding C, general registers only (no SSE, no float). Linux's own uapi headers
 *   (<linux/...>, <asm/...>) give constants and structures; no libc header.
 * - Every first touch of a page costs 8 to 16 us and 4 KiB of the host: keep hot data
 *   together, allocate late, no big tables in .data or .bss that a plain run touches.
 * - The kernel stack has 32 KiB, of which each page costs when touched: put path buffers
 *   and the like into page_alloc() or kmalloc() memory.
 * - Errors are -errno (the kernel-internal ERESTARTSYS included), as on Linux.
 */
#ifndef IL_GUEST_NANO_KERN_H
#define IL_GUEST_NANO_KERN_H

#include <asm/errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workload;
struct file;    /* an open file description; private to fs */
struct fdtable; /* private to fs */
struct fs_root; /* root, cwd and the like; private to fs */

#define PAGE_SIZE  4096ul
#define PAGE_SHIFT 12
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/*
 * A call that was interrupted by a signal and may be restarted returns -ERESTARTSYS; the
 * core turns it into a restart (SA_RESTART, or no handler runs) or into -EINTR. Calls that
 * must not be restarted (poll, nanosleep, ...) return -EINTR themselves.
 */
#define ERESTARTSYS 512

/* ---- strings (core: lib.c); the usual meanings ------------------------------------- */

void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *s, int c, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/*
 * ksnprintf: snprintf with %s %.*s %c %d %i %u %x %X %o %p %% and the flags 0, -, width,
 * precision of %s, and l, ll, z. Returns the length the whole text would have.
 */
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list ap);

/* ---- messages and failure (core) --------------------------------------------------- */

/* kprintf: a line on the monitor's debug log, only under --debug. */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* panic: the guest kernel itself is broken; tells the monitor why. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (cond)                                                                          \
			panic("%s:%d: %s", __FILE__, __LINE__, #cond);                             \
	} while (0)

/* ---- memory (core: alloc.c, page.c) ------------------------------------------------ */

/*
 * kmalloc: 16-aligned memory of 1 byte to 64 MiB, not zeroed; NULL when RAM is out.
 * kzalloc zeroes. kfree accepts NULL. krealloc keeps the old content up to the smaller size
 * and returns NULL, with the old block still valid, when RAM is out. Small blocks share
 * pages; above 2048 bytes whole pages are used.
 */
void *kmalloc(size_t size) __attribute__((malloc));
void *kzalloc(size_t size) __attribute__((malloc));
void *krealloc(void *old, size_t old_size, size_t new_size);
void kfree(void *p);
char *kstrdup(const char *s);
char *kstrndup(const char *s, size_t len); /* copies len bytes and adds a NUL */

/*
 * page_alloc: one zeroed, page-aligned page of RAM with one reference, or NULL when RAM is
 * out. Not touched yet when it never was used before: ask for it early, touch it late.
 * page_get / page_put count references (a file page that is also mapped by mmap has two);
 * the last put frees. Both accept and ignore addresses inside the image, so that a caller
 * need not know where a file's page lives.
 */
void *page_alloc(void);
void *page_get(void *page);
void page_put(void *page);
unsigned int page_refs(const void *page);
static inline void page_free(void *page)
{
	page_put(page);
}

uint64_t ram_total_pages(void);
uint64_t ram_free_pages(void);

/* ---- the program's memory (core: uaccess.c) ---------------------------------------- */

/*
 * Copy @len bytes to or from the program's memory, faulting its pages in. Return 0, or
 * -EFAULT with nothing, or a part, copied.
 */
long copy_from_user(void *dst, uint64_t src, size_t len) __attribute__((warn_unused_result));
long copy_to_user(uint64_t dst, const void *src, size_t len) __attribute__((warn_unused_result));
/* clear_user: store zeroes. 0 or -EFAULT. */
long clear_user(uint64_t dst, size_t len) __attribute__((warn_unused_result));
/*
 * copy_*_user_part: as above, but tell how much was copied before a fault: returns the
 * bytes copied (0..len). For read and write, which report partial success.
 */
size_t copy_from_user_part(void *dst, uint64_t src, size_t len);
size_t copy_to_user_part(uint64_t dst, const void *src, size_t len);
/*
 * strncpy_from_user: copy a NUL-ended string with its NUL.
 * Returns its length, -EFAULT, or -ENAMETOOLONG when there is no NUL in @size bytes.
 */
long strncpy_from_user(char *dst, uint64_t src, size_t size) __attribute__((warn_unused_result));

/* ---- time and chance (core: clock.c, random.c) ------------------------------------- */

uint64_t clock_monotonic_ns(void);
uint64_t clock_realtime_ns(void); /* since the epoch */
uint64_t clock_boot_ns(void);     /* since this VM started: /proc/uptime */
void random_bytes(void *buf, size_t len);

/* ---- the host's console (core: hypercall.c) ---------------------------------------- */

enum console_stream {
	CONSOLE_IN,
	CONSOLE_OUT,
	CONSOLE_ERR,
};
#define CONSOLE_BIT(stream) (1u << (stream))
#define WAIT_FOREVER        UINT64_MAX

/*
 * console_write / console_write_user: hand @len bytes (any length) to the host's stdout or
 * stderr in one hypercall; the second takes them from the program's memory without a copy.
 * Blocks until all is written or a signal is pending. Return the bytes written (> 0, may be
 * short after a signal or a fault), -EPIPE (nobody reads: the caller raises SIGPIPE), -EIO,
 * -EBADF (the host gave no such stream), -EFAULT, or -ERESTARTSYS when a signal came first.
 */
long console_write(enum console_stream stream, const void *buf, size_t len);
long console_write_user(enum console_stream stream, uint64_t ubuf, size_t len);

/*
 * console_read / console_read_user: read up to @len bytes of the host's stdin, at least one.
 * Blocks unless @nonblock. Return the bytes read, 0 at end of file (and on a host without
 * stdin), -EAGAIN (only with @nonblock), -EIO, -EFAULT, -ERESTARTSYS.
 */
long console_read(void *buf, size_t len, bool nonblock);
long console_read_user(uint64_t ubuf, size_t len, bool nonblock);

/*
 * console_wait: the one place where the kernel sleeps. Waits until a stream of @streams
 * (CONSOLE_BIT mask; IN = readable or at its end, OUT and ERR = writable or closed) is
 * ready, @timeout_ns has passed, or a signal is pending. @streams 0 just sleeps;
 * @timeout_ns 0 just asks. Uses no CPU while it waits.
 * Returns the mask of ready streams, 0 after the time, -EINTR for a signal.
 */
long console_wait(unsigned int streams, uint64_t timeout_ns);

/* console_winsize: the terminal's size as the monitor knows it; 0 x 0 = unknown. */
void console_winsize(uint16_t *ret_rows, uint16_t *ret_cols);

/*
 * console_notify: ask for console_input_event() calls while the program computes, so that
 * a tty in ISIG mode sees ^C typed at a busy program. Off at boot.
 */
void console_notify(bool on);

/* ---- the process (core: process.c, signal.c) --------------------------------------- */

#define NGROUPS_KEPT 32 /* supplementary groups that are kept */
#define RLIMIT_COUNT 16

struct rlimit_pair {
	uint64_t cur;
	uint64_t max;
};

struct process {
	/* identity: getpid() and friends belong to the core */
	int32_t pid, ppid, pgid, sid;
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint32_t ngroups;
	uint32_t groups[NGROUPS_KEPT];
	struct rlimit_pair rlimits[RLIMIT_COUNT]; /* RLIMIT_NOFILE, RLIMIT_FSIZE: fs honours */

	/* fs owns these: it sets them in vfs_init() */
	uint32_t umask;
	struct fdtable *files;
	struct fs_root *fs;

	/* for /proc/self; addresses are the program's */
	char comm[16];
	struct file *exe; /* counted; NULL before the first exec */
	uint64_t arg_start, arg_end, env_start, env_end;
	uint64_t start_ns;  /* clock_boot_ns() at its start */
	uint64_t auxv[48];  /* as given to the program, ends with AT_NULL */
	uint64_t auxv_size; /* bytes */
};

extern struct process *current;              /* never NULL once vfs_init() is called */
extern const struct workload *boot_workload; /* checked; read-only; hostname, tty, flags */

/* kernel_hostname: what uname -n tells; fs shows it in /proc and /etc/hosts. */
const char *kernel_hostname(void);
#define KERNEL_RELEASE "6.1.0-isolab" /* uname -r */
#define KERNEL_VERSION "#1 isolab nano"

bool capable_root(void);     /* fsuid 0: permission checks pass */
bool in_group(uint32_t gid); /* fsgid or a supplementary group */

/* signal_pending: would a signal be delivered on return? Blocking calls then give up. */
bool signal_pending(void);
/* signal_send: raise @sig for the process (SIGPIPE, SIGINT from the tty, SIGXFSZ, ...). */
void signal_send(int sig);
/*
 * signal_temp_mask: the mask argument of ppoll, pselect6, epoll_pwait: install it until the
 * call has returned (and a handler, if any, has been set up). @umask_addr 0 does nothing.
 * Returns 0, -EFAULT, or -EINVAL when @size is not 8.
 */
long signal_temp_mask(uint64_t umask_addr, size_t size);
/* signal_masks: for /proc/self/status. Bit n-1 is signal n. */
void signal_masks(uint64_t *pending, uint64_t *blocked, uint64_t *ignored, uint64_t *caught);

struct mm_stat { /* in pages */
	uint64_t size, resident, shared, text, data, stack;
};
void mm_stats(struct mm_stat *ret);

struct mm_area {
	uint64_t start, end;
	uint64_t offset;   /* in the file, bytes */
	struct file *file; /* borrowed; NULL = anonymous */
	const char *name;  /* "[heap]", "[stack]", "[vdso]" or NULL */
	bool read, write, exec, shared;
};
/*
 * mm_area_at: the first mapping that ends above @addr; false when there is none. For
 * /proc/self/maps: start with 0, go on with ret->end.
 */
bool mm_area_at(uint64_t addr, struct mm_area *ret);

/*
 * mm_forget: drop the translations of pages [start, end), which lie in one mapping of a
 * file whose pages changed: all of them, or (not @all) those into the image only. The next
 * access asks vfs_file_page() again.
 */
void mm_forget(uint64_t start, uint64_t end, bool all);

/* process_cpu_ns: CPU time used so far, user and system together. */
uint64_t process_cpu_ns(void);

/* ---- system calls ------------------------------------------------------------------ */

/* @a: the six arguments in the order of the system call ABI (rdi rsi rdx r10 r8 r9). */
typedef long (*syscall_fn)(const uint64_t a[6]);

struct syscall_row {
	const char *name;
	syscall_fn fn;
};

#define SYSCALL_COUNT 464 /* rows 0 .. SYSCALL_COUNT-1 */

/*
 * Both sides give one sparse const table, indexed by __NR_*; a call has a row in one of
 * them:  [__NR_read] = {"read", sys_read},
 */
extern const struct syscall_row fs_syscalls[SYSCALL_COUNT];   /* fs */
extern const struct syscall_row core_syscalls[SYSCALL_COUNT]; /* core */

/* ---- what fs gives to the core ----------------------------------------------------- */

/*
 * vfs_init: mount the root, set current->{files, fs, umask}, open 0, 1 and 2 on the console.
 * @image  the EROFS image, read-only, page-aligned, @size bytes (hostile)
 * boot_workload and current are set. Called once. Returns 0 or -errno.
 */
int vfs_init(const void *image, uint64_t size);

struct file *file_get(struct file *f); /* counts up, returns f */
void file_put(struct file *f);         /* accepts NULL */
/* fd_file: the open file of descriptor @fd, counted, or NULL (EBADF). O_PATH files too. */
struct file *fd_file(int fd);

enum vfs_map_kind {
	VFS_MAP_NONE, /* can't be mapped: mmap fails with ENODEV */
	VFS_MAP_FILE, /* through vfs_file_page() */
	VFS_MAP_ZERO, /* /dev/zero: like anonymous memory */
};

struct vfs_info {
	uint64_t size;
	uint64_t ino;
	uint64_t dev; /* as in stat */
	uint32_t mode;
	enum vfs_map_kind map;
	bool readable, writable; /* how the file was opened */
	bool path_only;          /* O_PATH: mmap fails with EBADF */
};
void vfs_file_info(struct file *f, struct vfs_info *ret);

/*
 * vfs_file_page: the page that holds file bytes @index * PAGE_SIZE and on, to be mapped.
 * @write  the mapping is shared and writable: the page must be the file's own, in RAM
 *
 * On 0, *ret is the page's kernel address: either inside the image (mapped in place,
 * read-only) or a RAM page with a reference for the caller (page_put). Bytes behind the end
 * of the file are zero. *ret is NULL for a hole (only without @write): the caller maps a
 * zero page. Returns -ENXIO when the page is wholly behind the end of the file (SIGBUS),
 * -ENOMEM, -EIO (broken image), -EROFS. Called in loops (fault-around): be fast.
 */
int vfs_file_page(struct file *f, uint64_t index, bool write, void **ret);

/* vfs_file_read: read into kernel memory, not moving the offset. Bytes read or -errno. */
long vfs_file_read(struct file *f, void *buf, size_t len, uint64_t offset);

/*
 * vfs_open_exec: open a regular file for execution, relative to the cwd. -ENOENT, -EACCES
 * (not executable, or not a regular file), -ENOTDIR, -ELOOP, ...
 */
int vfs_open_exec(const char *path, struct file **ret);
/* vfs_open_exec_at: execveat: @fd AT_FDCWD or a descriptor, @flags AT_EMPTY_PATH etc. */
int vfs_open_exec_at(int fd, const char *path, int flags, struct file **ret);
/* vfs_file_path: absolute path of an open file, NUL-ended. Length or -ERANGE. */
long vfs_file_path(struct file *f, char *buf, size_t size);
/* vfs_chdir: for the runner: change the cwd; with @make create it when missing. */
int vfs_chdir(const char *path, bool make);
/* vfs_exec_done: an exec succeeded: close what is close-on-exec. */
void vfs_exec_done(void);
/* vfs_exit: the process ends: nothing has to be freed, but the tty may need a last word. */
void vfs_exit(void);
/* console_input_event: see console_notify(); take what console_read(nonblock) has. */
void console_input_event(void);
/* console_winsize_event: the terminal's size changed: a tty raises SIGWINCH. */
void console_winsize_event(void);

#endif
