// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacking hostile layers: whatever they hold, nothing outside the directory changes, and
 * what was unpacked can be removed.
 *
 * With an even first byte the rest is a layer as it is. With an odd one it is a script of
 * entries, from which proper tar archives are made: bytes alone hardly ever get past the
 * checksum of a tar header.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "image/tar_write.h"
#include "image/unpack.h"

#define NOBODY  65534
#define ENTRIES 24
#define PARTS   4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char base[64];
static int base_fd = -1;

static void clean_up(void)
{
	if (il_remove_tree(AT_FDCWD, base) < 0)
		perror(base);
}

/* base/outside/canary stands for the rest of the file system. */
static void set_up(void)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(base, sizeof(base), "%s/isolab-fuzz-layer.XXXXXX", tmp);
	if (!mkdtemp(base) || (geteuid() == 0 && chown(base, NOBODY, NOBODY) < 0))
		abort();
	base_fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = mkdirat(base_fd, "outside", 0777) < 0
		     ? -1
		     : openat(base_fd, "outside/canary", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, "canary", 6) != 6)
		abort();
	close(fd);
	atexit(clean_up);
}

static size_t count_names(const char *name)
{
	int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fdopendir(fd);
	size_t n = 0;

	if (!dir)
		abort();
	while (readdir(dir))
		n++;
	return n;
}

static void check_outside(void)
{
	char text[16] = "";
	struct stat st;

	_cleanup_(closep) int fd = openat(base_fd, "outside/canary", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text)) != 6 || memcmp(text, "canary", 6) != 0 ||
	    fstat(fd, &st) < 0 || st.st_nlink != 1)
		abort();
	if (count_names("outside") != 3 || count_names(".") != 4)
		abort();
}

/* ---- the script --------------------------------------------------------------------- */

struct script {
	const uint8_t *data;
	size_t size;
};

static unsigned int next(struct script *s)
{
	if (s->size == 0)
		return 0;
	s->size--;
	return *s->data++;
}

/* Few names, so that entries meet; the ways out among them. */
static void make_name(struct script *s, char *ret, size_t cap)
{
	static const char *const parts[] = {
	    "a",
	    "b",
	    "c",
	    "d",
	    ".",
	    "..",
	    "",
	    ".wh.a",
	    ".wh.b",
	    ".wh..wh..opq",
	    "outside",
	    "canary",
	    ".wh.outside",
	    "../outside",
	    "../../outside",
	    "long-name-of-a-file",
	};
	unsigned int n = 1 + next(s) % PARTS;

	ret[0] = '\0';
	for (unsigned int i = 0; i < n; i++) {
		size_t len = strlen(ret);

		snprintf(ret + len, cap - len, "%s%s", i ? "/" : "",
			 parts[next(s) % ARRAY_SIZE(parts)]);
	}
}

static void add_entry(struct tar_writer *w, struct script *s)
{
	static const mode_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFREG, S_IFIFO, S_IFCHR};
	char name[256];
	char target[256];
	unsigned int kind = next(s);
	struct stat st = {.st_mode = types[kind % ARRAY_SIZE(types)] | (next(s) << 2 & 07777)};
	struct tar_entry e = {.path = name, .st = &st};

	make_name(s, name, sizeof(name));
	if (name[0] == '\0')
		return;
	e.hardlink = kind % ARRAY_SIZE(types) == 3;
	if (e.hardlink || S_ISLNK(st.st_mode)) {
		make_name(s, target, sizeof(target));
		e.linkname = target;
	} else if (S_ISREG(st.st_mode)) {
		st.st_size = 6;
	}
	if (tar_write_header(w, &e) == 0 && st.st_size > 0 &&
	    (tar_write_data(w, "data\n!", 6) < 0 || tar_write_pad(w) < 0))
		abort();
}

static void write_script(int fd, struct script *s)
{
	struct tar_writer w;
	struct img_digest unused;

	tar_writer_init(&w, fd);
	for (int i = 0; i < ENTRIES && s->size > 0; i++)
		add_entry(&w, s);
	if (tar_writer_end(&w, &unused) < 0)
		abort();
}

/* ---- unpacking ---------------------------------------------------------------------- */

static int unpack_one(struct img_unpack *unpack, struct script *s, bool raw, struct il_err *err)
{
	_cleanup_(img_stream_closep) struct img_stream *stream = NULL;
	_cleanup_(closep) int fd = memfd_create("layer", MFD_CLOEXEC);
	struct img_digest unused;

	if (fd < 0)
		abort();
	if (raw) {
		if (il_write_full(fd, s->data, s->size) < 0)
			abort();
	} else {
		write_script(fd, s);
	}
	lseek(fd, 0, SEEK_SET);
	int r = img_stream_open(fd, "the layer", &stream, err);
	if (r == 0)
		r = img_unpack_layer(unpack, stream, err);
	return r < 0 ? r : img_stream_finish(stream, false, &unused, err);
}

static void unpack_all(struct script *s, bool raw)
{
	_cleanup_(img_unpack_freep) struct img_unpack *unpack = NULL;
	_cleanup_(closep) int root = -1;
	struct il_err err = {0};

	if (mkdirat(base_fd, "root", 0755) < 0)
		abort();
	root = openat(base_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || img_unpack_new(root, NULL, NULL, &unpack, &err) < 0)
		abort();
	int r = 0;
	/* Two or three layers, so that one goes through the links of another. */
	for (int layer = 0; r == 0 && layer < 3; layer++) {
		r = unpack_one(unpack, s, raw, &err);
		if (raw)
			break;
	}
	if (r == 0)
		r = img_unpack_end(unpack, &err);
	if ((r < 0) != (err.code != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool root = geteuid() == 0;

	if (size < 2 || size > (64u << 10))
		return 0;
	if (base_fd < 0)
		set_up();
	struct script s = {.data = data + 1, .size = size - 1};
	/* A hole found by the fuzzer must not be one in the machine it runs on. */
	if (root && seteuid(NOBODY) < 0)
		abort();
	unpack_all(&s, data[0] % 2 == 0);
	check_outside();
	if (il_remove_tree(base_fd, "root") < 0)
		abort();
	if (root && seteuid(0) < 0)
		abort();
	return 0;
}
