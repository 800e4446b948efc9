// SPDX-License-Identifier: Apache-2.0
/* isolab import: put an image into the store. */
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/image_cli.h"
#include "cli/verb.h"

struct import_args {
	const char *ref;
	bool erofs;
	bool quiet;
};

static const struct opt_row import_options[] = {
    {.name = "ref",
     OPT_STRING_AT(struct import_args, ref),
     .unit = "REF",
     .help = "Which image to take when PATH holds several: its reference or tag in there"},
    {.name = "erofs",
     OPT_FLAG_AT(struct import_args, erofs),
     .help = "Make the EROFS image that VMs boot from now, not at the first start"},
    {.name = "quiet",
     .short_name = 'q',
     OPT_FLAG_AT(struct import_args, quiet),
     .help = "Print no progress, only the digest"},
    OPT_END,
};

static void show_progress(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "isolab: %s\n", line);
}

int cli_open_store(const struct cli *cli, struct img_store **ret, struct il_err *err)
{
	int r = img_store_open(cli->root, ret, err);

	if (r == 0)
		img_store_set_progress(*ret, show_progress, NULL);
	return r;
}

static int run_import(const struct cli *cli, const void *opaque, int argc, char **argv,
		      struct il_err *err)
{
	const struct import_args *args = opaque;
	_cleanup_(img_store_closep) struct img_store *store = NULL;
	_cleanup_(img_closep) struct img_image *image = NULL;
	_cleanup_(freep) char *erofs = NULL;
	struct il_buf out = {0};
	int r = cli_open_store(cli, &store, err);

	(void)argc;
	if (r < 0)
		return r;
	if (args->quiet)
		img_store_set_progress(store, NULL, NULL);
	r = img_import(store, argv[0], argv[1], args->ref, err);
	if (r == 0)
		r = img_open(store, argv[0], &image, err);
	if (r == 0 && args->erofs)
		r = img_erofs(store, image, &erofs, err);
	if (r != 0)
		return r;
	il_buf_printf(&out, "%s\n", image->digest);
	return cli_print(&out, err);
}

const struct verb verb_import = {
    .name = "import",
    .group = VERB_IMAGES,
    .usage = "[OPTIONS] NAME PATH",
    .summary = "Put an image into the store",
    .notes = "PATH is an OCI image layout directory, an oci-archive or docker-archive tarball\n"
	     "(skopeo copy, buildah push, docker save), a tarball of a root file system (plain,\n"
	     "gzip, zstd, xz or bzip2), a directory with a root file system, or '-' for a\n"
	     "tarball on the standard input. The digest of the manifest is printed.",
    .options = import_options,
    .args_size = sizeof(struct import_args),
    .min_args = 2,
    .max_args = 2,
    .run = run_import,
};
