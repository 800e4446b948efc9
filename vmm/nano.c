// SPDX-License-Identifier: Apache-2.0
#include "vmm/vm.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define PAGE_BYTES 4096ull

/* The guest kernel's ELF file, linked into this program (vmm/blob.S). */
extern const uint8_t nano_elf_begin[], nano_elf_end[];
/* Made by the linker: this program's ELF header. */
extern const char __ehdr_start[];

int nano_probe(const char *kvm_path, struct il_err *err)
{
	_cleanup_(closep) int fd = kvm_open(kvm_path, err);
	const char *missing;

	if (fd < 0)
		return fd;
	missing = kvm_missing(fd);
	if (missing)
		return il_refuse(err, ENOTSUP, "'%s' lacks %s: a newer Linux kernel is needed",
				 kvm_path, missing);
	return 0;
}

/* Put the workload block behind the kernel and say so in the boot block. */
static int place_workload(struct nano_vm *vm, const struct workload *w, struct il_err *err)
{
	uint64_t gpa = vm->kernel.end_gpa;
	void *dst = memory_at(&vm->mem, gpa, w->size, /* write= */ true);

	if (!dst)
		return il_refuse(err, ENOMEM, "guest memory is too small for the workload block");
	memcpy(dst, w, w->size);
	vm->boot->workload_gpa = gpa;
	vm->boot->workload_bytes = w->size;
	vm->boot->free_gpa = (gpa + w->size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	return 0;
}

static int fill_boot(struct nano_vm *vm, const struct nano_config *cfg, struct il_err *err)
{
	vm->boot = kernel_boot_block(&vm->kernel, &vm->mem);
	vm->boot->magic = NANO_ABI_MAGIC;
	vm->boot->version = NANO_ABI_VERSION;
	vm->boot->flags = cfg->debug ? NANO_FLAG_DEBUG : 0;
	vm->boot->low_bytes = vm->mem.regions[MEM_RAM].size;
	vm->boot->high_gpa = vm->mem.regions[MEM_HIGH].gpa;
	vm->boot->high_bytes = vm->mem.regions[MEM_HIGH].size;
	vm->boot->image_gpa = vm->mem.regions[MEM_IMAGE].gpa;
	vm->boot->image_bytes = vm->mem.image_bytes;
	vm->boot->cr3 = vm->cr3;
	vm->boot->tty_rows = cfg->workload->tty_rows;
	vm->boot->tty_cols = cfg->workload->tty_cols;
	if (getrandom(vm->boot->seed, sizeof(vm->boot->seed), 0) != sizeof(vm->boot->seed))
		return il_fail(err, errno, "get random bytes");
	return place_workload(vm, cfg->workload, err);
}

static int make_vm(struct nano_vm *vm, struct il_err *err)
{
	vm->vm_fd = kvm_create_vm(vm->kvm_fd, err);
	if (vm->vm_fd < 0)
		return vm->vm_fd;
	struct kvm_slot slot = {.size = vm->mem.size, .hva = vm->mem.base};
	int r = kvm_set_slot(vm->vm_fd, &slot, err);
	if (r < 0)
		return r;
	vm->vcpu_fd = kvm_create_vcpu(vm->vm_fd, err);
	if (vm->vcpu_fd < 0)
		return vm->vcpu_fd;
	int size = kvm_vcpu_map_size(vm->kvm_fd, err);
	if (size < 0)
		return size;
	void *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return il_fail(err, errno, "map the vCPU");
	vm->run = run;
	vm->run_bytes = (size_t)size;
	return 0;
}

static int build(struct nano_vm *vm, const struct kernel_file *kernel, struct il_err *err)
{
	const struct nano_config *cfg = &vm->cfg;
	struct cpuid_table cpuid;
	int r = memory_map(&vm->mem, cfg->memory_bytes, cfg->erofs_path, err);

	if (r < 0 || (r = kernel_load(kernel, &vm->mem, &vm->kernel, err)) < 0)
		return r;
	vm->kvm_fd = kvm_open(cfg->kvm_path, err);
	if (vm->kvm_fd < 0)
		return vm->kvm_fd;
	if ((r = kvm_get_supported_cpuid(vm->kvm_fd, &cpuid, err)) < 0 ||
	    (r = kernel_map(&vm->kernel, &vm->mem, cpuid_has_1g_pages(&cpuid), &vm->cr3, err)) <
		0 ||
	    (r = fill_boot(vm, cfg, err)) < 0 || (r = make_vm(vm, err)) < 0)
		return r;
	return vcpu_setup(vm, &cpuid, err);
}

int nano_create_elf(const struct nano_config *cfg, const struct kernel_file *kernel,
		    struct nano_vm **ret, struct il_err *err)
{
	struct nano_vm *vm = calloc(1, sizeof(*vm));
	int r;

	if (!vm)
		return il_fail(err, ENOMEM, "make a nano VM");
	vm->cfg = *cfg;
	vm->kvm_fd = vm->vm_fd = vm->vcpu_fd = -1;
	cfg->timeline->ns[TL_ISOLATION_BEGIN] = il_now_ns();
	r = build(vm, kernel, err);
	if (r < 0) {
		nano_destroy(vm);
		return r;
	}
	cfg->timeline->ns[TL_ISOLATION_MADE] = il_now_ns();
	*ret = vm;
	return 0;
}

/* Where in this program's file the byte at @p comes from; UINT64_MAX = nowhere. */
static uint64_t own_file_offset(const uint8_t *p)
{
	const ElfW(Ehdr) *eh = (const void *)__ehdr_start;
	const ElfW(Phdr) *ph = (const void *)(__ehdr_start + eh->e_phoff);
	uintptr_t bias = 0;

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset == 0)
			bias = (uintptr_t)__ehdr_start - ph[i].p_vaddr;
	for (int i = 0; i < eh->e_phnum; i++) {
		uintptr_t start = bias + ph[i].p_vaddr;

		if (ph[i].p_type == PT_LOAD && (uintptr_t)p >= start &&
		    (uintptr_t)p - start < ph[i].p_filesz)
			return ph[i].p_offset + ((uintptr_t)p - start);
	}
	return UINT64_MAX;
}

int nano_create(const struct nano_config *cfg, struct nano_vm **ret, struct il_err *err)
{
	uint64_t offset = own_file_offset(nano_elf_begin);
	_cleanup_(closep) int fd =
	    offset == UINT64_MAX ? -1 : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct kernel_file kernel = {.elf = nano_elf_begin,
				     .bytes = (uintptr_t)nano_elf_end - (uintptr_t)nano_elf_begin,
				     .fd = fd,
				     .offset = offset};

	return nano_create_elf(cfg, &kernel, ret, err);
}

/* For on_kick, which gets nothing else: the vCPU of the one VM that this process runs. */
static struct kvm_run *kicked_run;

/*
 * A kick that comes while the thread is outside KVM_RUN must end the next one at once, or
 * the timer would go unnoticed until something else interrupts the guest.
 */
static void on_kick(int sig)
{
	struct kvm_run *run = __atomic_load_n(&kicked_run, __ATOMIC_SEQ_CST);

	(void)sig;
	if (run)
		__atomic_store_n(&run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static int catch_kick(struct il_err *err)
{
	struct sigaction sa = {.sa_handler = on_kick};

	if (sigaction(KICK_SIGNAL, &sa, NULL) < 0)
		return il_fail(err, errno, "catch the kick signal");
	return 0;
}

/* One stretch of guest time, up to an exit or a kick. */
static void run_once(struct nano_vm *vm)
{
	int r = kvm_run_vcpu(vm->vcpu_fd);

	if (r == 0) {
		exit_handle(vm);
	} else if (r == -EINTR || r == -EAGAIN) {
		/* The flag first: who raises an event after it is read again sets it again. */
		__atomic_store_n(&vm->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		timer_look(vm, /* rearm= */ true);
		upcall_deliver(vm);
	} else {
		vm_fail(vm, "KVM_RUN: %s (rip 0x%llx)", strerror(-r),
			(unsigned long long)vm->run->s.regs.regs.rip);
	}
}

int nano_run(struct nano_vm *vm, int *ret_status, struct il_err *err)
{
	struct il_err local = {0};
	int r = catch_kick(err);

	if (r < 0)
		return r;
	vm->err = err ? err : &local;
	__atomic_store_n(&kicked_run, vm->run, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vm->vcpu_tid, gettid(), __ATOMIC_SEQ_CST);
	while (vm->end == VM_RUNNING)
		run_once(vm);
	__atomic_store_n(&vm->vcpu_tid, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&kicked_run, NULL, __ATOMIC_SEQ_CST);
	if (vm->cfg.timeline->ns[TL_EXITED] == 0)
		vm->cfg.timeline->ns[TL_EXITED] = il_now_ns();
	if (vm->end == VM_REFUSED)
		return -vm->refuse_errno;
	if (vm->end == VM_FAILED)
		return -EIO;
	*ret_status = vm->status;
	return 0;
}

static void raise_events(struct nano_vm *vm, uint32_t events)
{
	int saved = errno;
	pid_t tid;

	__atomic_fetch_or(&vm->boot->events, events, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vm->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	tid = __atomic_load_n(&vm->vcpu_tid, __ATOMIC_SEQ_CST);
	/* From a handler in the vCPU's own thread, the signal itself has ended KVM_RUN. */
	if (tid && tid != gettid())
		tgkill(getpid(), tid, KICK_SIGNAL);
	errno = saved;
}

void nano_signal(struct nano_vm *vm, int sig)
{
	if (sig < 1 || sig > 64)
		return;
	__atomic_fetch_or(&vm->boot->signals, 1ull << (sig - 1), __ATOMIC_SEQ_CST);
	raise_events(vm, NANO_EVENT_SIGNAL);
}

void nano_resize(struct nano_vm *vm, uint16_t rows, uint16_t cols)
{
	__atomic_store_n(&vm->boot->tty_rows, rows, __ATOMIC_SEQ_CST);
	__atomic_store_n(&vm->boot->tty_cols, cols, __ATOMIC_SEQ_CST);
	raise_events(vm, NANO_EVENT_WINSIZE);
}

struct nano_vm *nano_destroy(struct nano_vm *vm)
{
	if (!vm)
		return NULL;
	if (vm->has_timer)
		timer_delete(vm->timer);
	if (vm->run)
		munmap(vm->run, vm->run_bytes);
	closep(&vm->vcpu_fd);
	closep(&vm->vm_fd);
	closep(&vm->kvm_fd);
	memory_unmap(&vm->mem);
	free(vm);
	return NULL;
}
