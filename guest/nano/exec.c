// SPDX-License-Identifier: Apache-2.0
/*
 * exec: from a file to a program about to run. Source: execve(2), elf(5), System V ABI
 * AMD64 supplement 3.4.1 (the stack at the start).
 */
#include "guest/nano/exec.h"
#include "guest/nano/sys.h"

#include <linux/auxvec.h>
#include <linux/fcntl.h>
#include <linux/resource.h>

#define SCRIPT_DEPTH 4
#define SCRIPT_LINE  256
#define PHDR_MAX     64
#define PATH_BYTES   4096
#define ARGS_MAX     (4ull << 20)

#define PIE_BASE   0x10000000ull
#define STACK_TOP  0x3ffff000ull
#define STACK_HIGH 0x7ffffff00000ull
#define STACK_MAX  (64ull << 20)
#define STACK_MIN  (256ull << 10)

void exec_args_free(struct exec_args *args)
{
	kfree(args->strings);
	args->strings = NULL;
}

static int reserve(struct exec_args *args, uint64_t len)
{
	uint64_t room = args->room ? args->room : 1024;
	char *p;

	if (args->bytes + len > ARGS_MAX)
		return -E2BIG;
	while (room < args->bytes + len)
		room *= 2;
	if (room == args->room)
		return 0;
	p = krealloc(args->strings, args->bytes, room);
	if (!p)
		return -ENOMEM;
	args->strings = p;
	args->room = room;
	return 0;
}

int exec_args_add(struct exec_args *args, const char *s, uint32_t *count)
{
	size_t len = strlen(s) + 1;
	int r = reserve(args, len);

	if (r < 0)
		return r;
	memcpy(args->strings + args->bytes, s, len);
	args->bytes += len;
	(*count)++;
	return 0;
}

/* ---- "#!" scripts -------------------------------------------------------------------- */

/* Replace argv[0] by INTERPRETER [ARGUMENT] PATH. */
static int script_args(struct exec_args *args, const char *interp, const char *arg,
		       const char *path)
{
	struct exec_args fresh = {.argc = 0};
	size_t skip = args->argc ? strlen(args->strings) + 1 : 0;
	uint64_t rest = args->bytes - skip;
	int r = exec_args_add(&fresh, interp, &fresh.argc);

	if (r == 0 && arg)
		r = exec_args_add(&fresh, arg, &fresh.argc);
	if (r == 0)
		r = exec_args_add(&fresh, path, &fresh.argc);
	if (r == 0)
		r = reserve(&fresh, rest);
	if (r < 0) {
		exec_args_free(&fresh);
		return r;
	}
	memcpy(fresh.strings + fresh.bytes, args->strings + skip, rest);
	fresh.bytes += rest;
	fresh.argc += args->argc ? args->argc - 1 : 0;
	fresh.envc = args->envc;
	exec_args_free(args);
	*args = fresh;
	return 0;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* @line: the file's first bytes, NUL-ended. Opens the interpreter in place of *file. */
static int script_open(char *line, const char *path, struct file **file, struct exec_args *args)
{
	char *end = strchr(line, '\n'), *interp = line + 2, *arg;
	struct file *f;
	int r;

	if (end)
		*end = '\0';
	while (blank(*interp))
		interp++;
	for (end = interp + strlen(interp); end > interp && blank(end[-1]);)
		*--end = '\0';
	if (!*interp)
		return -ENOEXEC;
	for (arg = interp; *arg && !blank(*arg);)
		arg++;
	if (*arg) {
		*arg++ = '\0';
		while (blank(*arg))
			arg++;
	} else {
		arg = NULL;
	}
	r = vfs_open_exec(interp, &f);
	if (r < 0)
		return r;
	r = script_args(args, interp, arg, path);
	if (r < 0) {
		file_put(f);
		return r;
	}
	file_put(*file);
	*file = f;
	return 0;
}

/* Follow "#!" lines; *file becomes the ELF file to run, counted. */
static int resolve_scripts(const char *path, struct file **file, struct exec_args *args)
{
	char line[SCRIPT_LINE];
	const char *name = path;
	char *kept = NULL;
	int r = 0;

	for (int depth = 0; r == 0; depth++) {
		long n = vfs_file_read(*file, line, sizeof(line) - 1, 0);

		if (n < 0) {
			r = (int)n;
			break;
		}
		line[n] = '\0';
		if (line[0] != '#' || line[1] != '!')
			break;
		if (depth == SCRIPT_DEPTH) {
			r = -ELOOP;
			break;
		}
		r = script_open(line, name, file, args);
		/* The next level's "path" is this level's interpreter: now argv[0]. */
		kfree(kept);
		kept = r == 0 ? kstrdup(args->strings) : NULL;
		name = kept;
		if (r == 0 && !kept)
			r = -ENOMEM;
	}
	kfree(kept);
	return r;
}

/* ---- stack --------------------------------------------------------------------------- */

static uint32_t cpuid_word(uint32_t leaf, int reg)
{
	uint32_t a = leaf, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return reg == 'b' ? b : d;
}

static uint64_t map_stack(void)
{
	uint64_t limit = page_up(current->rlimits[RLIMIT_STACK].cur);
	struct vma v = {.read = true, .write = true, .stack = true, .name = "[stack]"};
	struct vma *there;

	limit = KMIN(KMAX(limit, STACK_MIN), STACK_MAX);
	v.end = STACK_TOP;
	there = vma_at(STACK_TOP - limit);
	if (there && there->start < STACK_TOP)
		v.end = STACK_HIGH;
	v.start = v.end - limit;
	return mm_map(&v) < 0 ? 0 : v.end;
}

static void put_aux(uint64_t key, uint64_t value)
{
	struct process *p = current;
	uint64_t n = p->auxv_size / 8;

	p->auxv[n] = key;
	p->auxv[n + 1] = value;
	p->auxv_size += 16;
}

static void make_auxv(const struct elf_image *exe, const struct elf_image *interp, uint64_t execfn,
		      uint64_t random, uint64_t platform)
{
	const struct process *p = current;

	current->auxv_size = 0;
	put_aux(AT_HWCAP, cpuid_word(1, 'd'));
	put_aux(AT_PAGESZ, PAGE_SIZE);
	put_aux(AT_CLKTCK, 100);
	put_aux(AT_PHDR, exe->phdr_va);
	put_aux(AT_PHENT, sizeof(Elf64_Phdr));
	put_aux(AT_PHNUM, exe->eh.e_phnum);
	put_aux(AT_BASE, interp ? interp->bias : 0);
	put_aux(AT_FLAGS, 0);
	put_aux(AT_ENTRY, exe->bias + exe->eh.e_entry);
	put_aux(AT_UID, p->uid);
	put_aux(AT_EUID, p->euid);
	put_aux(AT_GID, p->gid);
	put_aux(AT_EGID, p->egid);
	put_aux(AT_SECURE, 0);
	put_aux(AT_RANDOM, random);
	put_aux(AT_HWCAP2, 2); /* FSGSBASE; HWCAP2_FSGSBASE of the kernel */
	put_aux(AT_EXECFN, execfn);
	put_aux(AT_PLATFORM, platform);
	put_aux(51 /* AT_MINSIGSTKSZ */, cpuid_word(0xd, 'b') + 1024);
	put_aux(AT_NULL, 0);
}

/* Fill @vec with the addresses of @n strings from *at on, and a NULL. */
static uint64_t *string_vector(uint64_t *vec, const struct exec_args *args, uint64_t *off,
			       uint64_t base, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		*vec++ = base + *off;
		*off += strlen(args->strings + *off) + 1;
	}
	*vec++ = 0;
	return vec;
}

static int build_stack(const char *path, const struct exec_args *args, const struct elf_image *exe,
		       const struct elf_image *interp, uint64_t *ret_sp)
{
	static const char platform[] = "x86_64";
	uint64_t sp = map_stack(), execfn, platform_at, random_at, strings, off = 0, words;
	uint8_t random[16];
	uint64_t *vec, *v;
	int r;

	if (!sp)
		return -ENOMEM;
	sp -= 8;
	execfn = sp -= strlen(path) + 1;
	strings = sp -= args->bytes;
	platform_at = sp -= sizeof(platform);
	random_at = sp = (sp - sizeof(random)) & ~15ull;
	make_auxv(exe, interp, execfn, random_at, platform_at);
	words = 1 + args->argc + 1 + args->envc + 1 + current->auxv_size / 8;
	sp = (sp - words * 8) & ~15ull;

	vec = v = kmalloc(words * 8);
	if (!vec)
		return -ENOMEM;
	*v++ = args->argc;
	v = string_vector(v, args, &off, strings, args->argc);
	current->arg_start = strings;
	current->arg_end = current->env_start = strings + off;
	v = string_vector(v, args, &off, strings, args->envc);
	current->env_end = strings + off;
	memcpy(v, current->auxv, current->auxv_size);
	random_bytes(random, sizeof(random));
	r = copy_to_user(execfn, path, strlen(path) + 1) ||
		    copy_to_user(strings, args->strings, args->bytes) ||
		    copy_to_user(platform_at, platform, sizeof(platform)) ||
		    copy_to_user(random_at, random, sizeof(random)) ||
		    copy_to_user(sp, vec, words * 8)
		? -ENOMEM
		: 0;
	kfree(vec);
	*ret_sp = sp;
	return r;
}

/* ---- exec ---------------------------------------------------------------------------- */

static void set_comm(const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	memset(current->comm, 0, sizeof(current->comm));
	memcpy(current->comm, base, strnlen(base, sizeof(current->comm) - 1));
}

static void reset_fpu(void)
{
	/* An all-zero XSAVE area says "initial state" for every component; MXCSR is always read. */
	static uint8_t area[576] __attribute__((aligned(64)));
	uint32_t mxcsr = 0x1f80;

	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	__asm__ volatile("xrstor64 %0" : : "m"(area), "a"(~0u), "d"(~0u));
}

static void fresh_registers(uint64_t rip, uint64_t rsp, bool first)
{
	struct user_regs *r = &cpu_area.regs;

	*r = (struct user_regs){.orig_rax = -1ull,
				.rip = rip,
				.rsp = rsp,
				.cs = NANO_SEL_UCODE,
				.ss = NANO_SEL_UDATA,
				.rflags = KERNEL_RFLAGS | 0x200};
	if (first)
		return;
	reset_fpu();
	__asm__ volatile("wrfsbase %0; wrgsbase %0" : : "r"(0ull));
}

/* After the point of no return. */
static int load_program(const char *path, const struct exec_args *args, struct elf_image *exe,
			struct elf_image *interp)
{
	bool first = !current->exe;
	uint64_t sp;
	int r;

	if (!first)
		mm_reset();
	file_put(current->exe);
	current->exe = file_get(exe->file);
	r = elf_map(exe, exe->eh.e_type == ET_DYN ? PIE_BASE : 0);
	if (r == 0 && interp)
		r = elf_map(interp, 0);
	if (r < 0)
		return r;
	mm.brk_start = mm.brk = page_up(exe->end);
	r = build_stack(path, args, exe, interp, &sp);
	if (r < 0)
		return r;
	const struct elf_image *start = interp ? interp : exe;
	fresh_registers(start->bias + start->eh.e_entry, sp, first);
	return 0;
}

static int exec_elf(const char *path, struct file *file, struct exec_args *args)
{
	struct elf_image *images = kzalloc(2 * sizeof(*images));
	struct elf_image *exe = images, *interp = NULL;
	int r;

	if (!images)
		return -ENOMEM;
	r = elf_read(file, exe);
	if (r == 0 && exe->interp[0]) {
		struct file *f;

		interp = &images[1];
		r = vfs_open_exec(exe->interp, &f);
		if (r == 0) {
			r = elf_read(f, interp);
			file_put(f); /* elf_read keeps its own count */
			if (r == -ENOEXEC)
				r = -ELIBBAD;
		}
	}
	if (r == 0) {
		r = load_program(path, args, exe, interp);
		if (r < 0) {
			kprintf("exec of %s failed half-way: error %d", path, -r);
			guest_exit(9); /* SIGKILL, as Linux does */
		}
		set_comm(path);
		signal_exec();
		vfs_exec_done();
	}
	elf_done(&images[0]);
	elf_done(&images[1]);
	kfree(images);
	return r;
}

int exec_file(const char *path, struct file *file, struct exec_args *args)
{
	struct file *f = file_get(file);
	int r = resolve_scripts(path, &f, args);

	if (r == 0)
		r = exec_elf(path, f, args);
	file_put(f);
	return r;
}

/* ---- system calls -------------------------------------------------------------------- */

/* The strings of the program's NULL-ended vector at @vec. */
static int args_from_user(struct exec_args *args, uint64_t vec, uint32_t *count)
{
	for (uint32_t i = 0; vec; i++) {
		uint64_t at;
		long n;
		int r;

		if (copy_from_user(&at, vec + i * 8ull, sizeof(at)))
			return -EFAULT;
		if (!at)
			break;
		r = reserve(args, 1);
		/* Grow until the string fits: its length is known only after the copy. */
		for (;;) {
			if (r < 0)
				return r;
			n = strncpy_from_user(args->strings + args->bytes, at,
					      args->room - args->bytes);
			if (n != -ENAMETOOLONG)
				break;
			r = reserve(args, args->room - args->bytes + 1);
		}
		if (n < 0)
			return (int)n;
		args->bytes += (uint64_t)n + 1;
		(*count)++;
	}
	return 0;
}

static long exec_at(int fd, const uint64_t *a, int flags)
{
	struct exec_args args = {0};
	char *path = kmalloc(PATH_BYTES);
	struct file *file = NULL;
	long r = path ? strncpy_from_user(path, a[0], PATH_BYTES) : -ENOMEM;

	if (r >= 0)
		r = vfs_open_exec_at(fd, path, flags, &file);
	if (r >= 0)
		r = args_from_user(&args, a[1], &args.argc);
	if (r >= 0 && args.argc == 0)
		r = exec_args_add(&args, "", &args.argc); /* as Linux since 5.18 */
	if (r >= 0)
		r = args_from_user(&args, a[2], &args.envc);
	if (r >= 0)
		r = exec_file(path, file, &args);
	exec_args_free(&args);
	file_put(file);
	kfree(path);
	/* A new program's rax is 0 as all its registers are. */
	return r;
}

long sys_execve(const uint64_t *a)
{
	return exec_at(AT_FDCWD, a, 0);
}

long sys_execveat(const uint64_t *a)
{
	return exec_at((int)a[0], a + 1, (int)a[4]);
}
