// SPDX-License-Identifier: Apache-2.0
/*
 * The program's memory, seen from the kernel. Each page is looked up in the page tables and
 * faulted in by a call before it is touched: a processor fault would cost 25 us more.
 */
#include "guest/nano/core.h"

bool user_page_ready(uint64_t addr, bool write)
{
	uint64_t need = PTE_P | (write ? PTE_W : 0);

	if (addr >= USER_END)
		return false;
	if ((pt_peek(addr) & need) == need)
		return true;
	return mm_fault(addr, write ? FAULT_WRITE : 0) == 0;
}

/* Bytes from @addr to the end of its page, at most @len. */
static size_t piece(uint64_t addr, size_t len)
{
	return KMIN(len, PAGE_SIZE - (addr & ~PAGE_MASK));
}

size_t copy_from_user_part(void *dst, uint64_t src, size_t len)
{
	size_t done = 0;

	while (done < len && user_page_ready(src + done, false)) {
		size_t n = piece(src + done, len - done);

		memcpy((char *)dst + done, (const void *)(src + done), n);
		done += n;
	}
	return done;
}

size_t copy_to_user_part(uint64_t dst, const void *src, size_t len)
{
	size_t done = 0;

	while (done < len && user_page_ready(dst + done, true)) {
		size_t n = piece(dst + done, len - done);

		memcpy((void *)(dst + done), (const char *)src + done, n);
		done += n;
	}
	return done;
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
	while (len > 0) {
		size_t n = piece(dst, len);

		if (!user_page_ready(dst, true))
			return -EFAULT;
		memset((void *)dst, 0, n);
		dst += n;
		len -= n;
	}
	return 0;
}

long strncpy_from_user(char *dst, uint64_t src, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t n = piece(src + done, size - done);

		if (!user_page_ready(src + done, false))
			return -EFAULT;
		for (size_t end = done + n; done < end; done++) {
			dst[done] = *(const char *)(src + done);
			if (!dst[done])
				return (long)done;
		}
	}
	return -ENAMETOOLONG;
}

size_t user_segs(uint64_t addr, size_t len, bool write, struct nano_seg *segs, unsigned int max,
		 unsigned int *ret_n)
{
	unsigned int n = 0;
	size_t done = 0;

	while (done < len && user_page_ready(addr + done, write)) {
		size_t bytes = piece(addr + done, len - done);
		uint64_t gpa =
		    (*pte_at(addr + done, false) & PTE_ADDR) + ((addr + done) & ~PAGE_MASK);

		if (n > 0 && segs[n - 1].gpa + segs[n - 1].len == gpa)
			segs[n - 1].len += bytes;
		else if (n == max)
			break;
		else
			segs[n++] = (struct nano_seg){.gpa = gpa, .len = bytes};
		done += bytes;
	}
	*ret_n = n;
	return done;
}
