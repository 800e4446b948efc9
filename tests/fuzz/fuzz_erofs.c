// SPDX-License-Identifier: Apache-2.0
/* A hostile EROFS image: whatever the bytes, the guest's reader stays inside them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guest/nano/fs/erofs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

/* Hostile directories may contain themselves: look at so many objects only. */
static int budget;

static void read_file(const struct erofs *fs, const struct erofs_inode *in)
{
	const uint8_t *p;
	uint64_t len;
	uint64_t off = 0;

	for (int pieces = 0; off < in->size && pieces < 64; pieces++, off += len) {
		if (erofs_map(fs, in, off, &p, &len) < 0)
			return;
		if (len == 0 || len > in->size - off)
			abort();
		if (p)
			sink += p[0] + p[len - 1];
	}
	if (in->size && erofs_map(fs, in, in->size - 1, &p, &len) == 0 && p)
		sink += p[0];
}

static void read_xattrs(const struct erofs *fs, const struct erofs_inode *in)
{
	struct erofs_xattr x;

	for (uint32_t i = 0; i < 64 && erofs_xattr(fs, in, i, &x) == 1; i++) {
		for (uint32_t k = 0; k < x.name_len; k++)
			sink += (uint8_t)x.name[k];
		for (uint32_t k = 0; k < x.value_len; k++)
			sink += x.value[k];
		sink += strlen(x.prefix);
	}
}

static void visit(const struct erofs *fs, uint64_t nid, int depth)
{
	struct erofs_dirent e = {0};
	struct erofs_dirent found;
	struct erofs_inode in;

	if (budget-- <= 0 || erofs_iget(fs, nid, &in) < 0)
		return;
	read_xattrs(fs, &in);
	read_file(fs, &in);
	if ((in.mode & 0170000) != 0040000)
		return;
	erofs_lookup(fs, &in, "no such name", 12, &found);
	for (int i = 0; i < 256 && erofs_readdir(fs, &in, e.next, &e) == 1; i++) {
		if (e.name_len == 0 || e.name_len > EROFS_NAME_MAX)
			abort();
		sink += (uint8_t)e.name[0] + (uint8_t)e.name[e.name_len - 1];
		erofs_lookup(fs, &in, e.name, e.name_len, &found);
		if (depth < 8)
			visit(fs, e.nid, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct erofs fs;
	const char *why;
	/* Exactly as large as the image, so that one byte too far is seen. */
	uint8_t *image = malloc(size ? size : 1);

	if (!image)
		return 0;
	memcpy(image, data, size);
	budget = 200;
	if (erofs_open(image, size, &fs, &why) == 0)
		visit(&fs, fs.root_nid, 0);
	else
		sink += strlen(why);
	free(image);
	return 0;
}
