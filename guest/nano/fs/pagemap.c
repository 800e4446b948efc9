// SPDX-License-Identifier: Apache-2.0
/*
 * Pages by index: a radix tree of 64-way nodes. Height 0 is one page, with index 0, and no
 * node at all: most files are small.
 */
#include "guest/nano/fs/fs.h"

#define BITS  6u
#define SLOTS (1u << BITS)

struct node {
	void *slot[SLOTS];
};

/* How many indices a tree of this height covers; all of them from 11 on. */
static bool covers(uint32_t height, uint64_t index)
{
	return height * BITS >= 64 || index >> (height * BITS) == 0;
}

static uint32_t slot_of(uint64_t index, uint32_t height)
{
	return (index >> ((height - 1) * BITS)) & (SLOTS - 1);
}

void *pagemap_get(const struct pagemap *m, uint64_t index)
{
	void *p = m->root;

	if (!covers(m->height, index))
		return NULL;
	for (uint32_t h = m->height; h > 0 && p; h--)
		p = ((struct node *)p)->slot[slot_of(index, h)];
	return p;
}

int pagemap_set(struct pagemap *m, uint64_t index, void *page)
{
	void **p = &m->root;

	while (!covers(m->height, index)) {
		if (m->root) {
			struct node *n = kzalloc(sizeof(*n));

			if (!n)
				return -ENOMEM;
			n->slot[0] = m->root;
			m->root = n;
		}
		m->height++;
	}
	for (uint32_t h = m->height; h > 0; h--) {
		if (!*p && !(*p = kzalloc(sizeof(struct node))))
			return -ENOMEM;
		p = &((struct node *)*p)->slot[slot_of(index, h)];
	}
	if (*p)
		page_put(*p);
	else
		m->count++;
	*p = page;
	return 0;
}

/* The part of a tree below one slot: @base is its first index. True when it is empty now. */
static bool cut_below(struct pagemap *m, void *p, uint32_t height, uint64_t base,
		      const uint64_t range[2])
{
	struct node *n = p;
	bool empty = true;

	if (height == 0) {
		if (base < range[0] || base >= range[1])
			return false;
		page_put(p);
		m->count--;
		return true;
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint64_t first = base + ((uint64_t)i << ((height - 1) * BITS));
		uint64_t last = first + (((uint64_t)1 << ((height - 1) * BITS)) - 1);

		if (!n->slot[i])
			continue;
		if (last >= range[0] && first < range[1] &&
		    cut_below(m, n->slot[i], height - 1, first, range))
			n->slot[i] = NULL;
		empty = empty && !n->slot[i];
	}
	if (empty)
		kfree(n);
	return empty;
}

void pagemap_cut(struct pagemap *m, uint64_t first, uint64_t end)
{
	const uint64_t range[2] = {first, end};

	if (m->root && first < end && cut_below(m, m->root, m->height, 0, range)) {
		m->root = NULL;
		m->height = 0;
	}
}

static bool next_below(void *p, uint32_t height, uint64_t base, uint64_t index, uint64_t *ret)
{
	if (height == 0) {
		*ret = base;
		return base >= index;
	}
	for (uint32_t i = 0; i < SLOTS; i++) {
		uint64_t first = base + ((uint64_t)i << ((height - 1) * BITS));
		uint64_t last = first + (((uint64_t)1 << ((height - 1) * BITS)) - 1);
		void *slot = ((struct node *)p)->slot[i];

		if (slot && last >= index && next_below(slot, height - 1, first, index, ret))
			return true;
	}
	return false;
}

bool pagemap_next(const struct pagemap *m, uint64_t index, uint64_t *ret)
{
	return m->root && next_below(m->root, m->height, 0, index, ret);
}
