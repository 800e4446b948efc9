// SPDX-License-Identifier: Apache-2.0
/* From a name to an image. On the path of every start: three small files are read. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "image/reference.h"
#include "image/store.h"

struct img_image *img_close(struct img_image *image)
{
	if (image) {
		closep(&image->lock_fd);
		free(image->name);
		free(image->digest);
		free(image->config_digest);
		free(image->chain_id);
		img_strv_free(&image->entrypoint);
		img_strv_free(&image->cmd);
		img_strv_free(&image->env);
		free(image->workdir);
		free(image->user);
		free(image);
	}
	return NULL;
}

void img_closep(struct img_image **image)
{
	*image = img_close(*image);
}

/* Does this entry have the name @full ("domain/path:tag"), or for NAME@DIGEST the digest? */
static bool entry_matches(const json_t *entry, const struct img_ref *ref, const char *full)
{
	const char *name = img_index_entry_name(entry);
	size_t domain = strlen(ref->domain);
	size_t path = strlen(ref->path);

	if (ref->digest.text[0] == '\0')
		return strcmp(name, full) == 0;
	return strcmp(img_index_entry_digest(entry), ref->digest.text) == 0 &&
	       strncmp(name, ref->domain, domain) == 0 && name[domain] == '/' &&
	       strncmp(name + domain + 1, ref->path, path) == 0 &&
	       (name[domain + 1 + path] == ':' || name[domain + 1 + path] == '@');
}

static int find_by_name(const json_t *index, const char *text, const json_t **ret,
			struct il_err *err)
{
	struct img_ref ref;
	size_t i;
	json_t *entry;
	int r = img_ref_parse(text, &ref, err);

	if (r < 0)
		return r;
	_cleanup_(freep) char *full = img_ref_name(&ref);
	if (!full)
		return il_fail(err, ENOMEM, "find image '%s'", text);
	json_array_foreach(img_index_entries(index), i, entry)
	{
		if (entry_matches(entry, &ref, full)) {
			*ret = entry;
			return 0;
		}
	}
	return -ENOENT;
}

/* The hex digits of what may be a (short) image ID, else NULL. */
static const char *id_digits(const char *text)
{
	size_t prefix = sizeof(IMG_DIGEST_PREFIX) - 1;

	if (strncmp(text, IMG_DIGEST_PREFIX, prefix) == 0)
		text += prefix;
	size_t n = strspn(text, "0123456789abcdef");
	return n >= 1 && n <= IMG_HEX_LEN && text[n] == '\0' ? text : NULL;
}

static int entry_config(const struct img_store *store, const json_t *entry, struct img_digest *ret)
{
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	_cleanup_(freep) char *text = NULL;
	struct img_digest digest;
	size_t len = 0;
	int r = img_digest_parse(img_index_entry_digest(entry), &digest, NULL);

	if (r == 0)
		r = img_blob_read(store, &digest, &text, &len, NULL);
	if (r == 0)
		r = img_manifest_parse(text, len, "manifest", &manifest, NULL);
	if (r == 0)
		*ret = manifest.config.digest;
	return r;
}

static int find_by_id(const struct img_store *store, const json_t *index, const char *text,
		      const json_t **ret, struct il_err *err)
{
	const char *digits = id_digits(text);
	struct img_digest found = {0};
	size_t i;
	json_t *entry;

	if (!digits)
		return -ENOENT;
	json_array_foreach(img_index_entries(index), i, entry)
	{
		struct img_digest id;

		if (entry_config(store, entry, &id) < 0 ||
		    strncmp(img_digest_hex(&id), digits, strlen(digits)) != 0)
			continue;
		if (found.text[0] && !img_digest_eq(&found, &id))
			return il_refuse(err, EINVAL,
					 "image ID '%s' is ambiguous: give more digits", text);
		if (!found.text[0])
			*ret = entry;
		found = id;
	}
	return found.text[0] ? 0 : -ENOENT;
}

int img_index_find(const struct img_store *store, const json_t *index, const char *text,
		   const json_t **ret, struct il_err *err)
{
	struct il_err why = {0};
	int r = find_by_name(index, text, ret, &why);

	if (r == -ENOENT || r == -EINVAL) {
		int by_id = find_by_id(store, index, text, ret, err);
		if (by_id != -ENOENT)
			return by_id;
	}
	if (r == -ENOENT)
		return il_refuse(
		    err, ENOENT,
		    "there is no image '%s': make it with 'isolab import %s PATH', see "
		    "'isolab images'",
		    text, text);
	return r < 0 ? il_refuse(err, -r, "%s", why.msg) : 0;
}

/*
 * Opens the manifest and takes the shared lock that keeps `rmi` away. The file may have been
 * removed between the two: then it has no name any more, and -ENOENT tells to look again.
 */
static int open_locked(const struct img_store *store, const struct img_digest *digest, int *ret)
{
	char path[IMG_BLOB_PATH_MAX];
	struct stat st;

	img_blob_path(digest, path);
	_cleanup_(closep) int fd = il_open(store->fd, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_SH) < 0)
		if (errno != EINTR)
			return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_nlink == 0)
		return -ENOENT;
	*ret = steal_fd(&fd);
	return 0;
}

static int read_locked(int fd, char **ret, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || st.st_size > IMG_JSON_MAX)
		return -EFBIG;
	_cleanup_(freep) char *text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	ssize_t n = il_read_full(fd, text, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	*ret_len = (size_t)n;
	*ret = steal_ptr(text);
	return 0;
}

static int fill_from_config(struct img_image *image, struct img_config *config, struct il_err *err)
{
	struct img_digest chain;

	img_chain_id(config->diff_ids, config->ndiff_ids, &chain);
	image->chain_id = strdup(chain.text);
	image->entrypoint = steal_ptr(config->entrypoint);
	image->cmd = steal_ptr(config->cmd);
	image->env = steal_ptr(config->env);
	image->user = steal_ptr(config->user);
	image->workdir =
	    config->workdir && config->workdir[0] ? steal_ptr(config->workdir) : strdup("/");
	return image->chain_id && image->workdir ? 0 : il_fail(err, ENOMEM, "open the image");
}

static int load_config(const struct img_store *store, const struct img_manifest *manifest,
		       struct img_image *image, struct il_err *err)
{
	_cleanup_(img_config_done) struct img_config config = {0};
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	int r = img_blob_read(store, &manifest->config.digest, &text, &len, err);

	if (r == 0)
		r = img_config_parse(text, len, "the image config", &config, err);
	if (r < 0)
		return r;
	if (config.ndiff_ids != manifest->nlayers)
		return il_refuse(err, EINVAL, "the config names %zu layers, the manifest %zu",
				 config.ndiff_ids, manifest->nlayers);
	image->config_digest = strdup(manifest->config.digest.text);
	image->size_bytes += manifest->config.size;
	for (size_t i = 0; i < manifest->nlayers; i++)
		image->size_bytes += manifest->layers[i].size;
	return image->config_digest ? fill_from_config(image, &config, err)
				    : il_fail(err, ENOMEM, "open the image");
}

static int load_image(const struct img_store *store, const json_t *entry, struct img_image **ret,
		      struct il_err *err)
{
	_cleanup_(img_closep) struct img_image *image = calloc(1, sizeof(*image));
	_cleanup_(img_manifest_done) struct img_manifest manifest = {0};
	_cleanup_(freep) char *text = NULL;
	struct img_digest digest;
	size_t len = 0;

	if (!image)
		return il_fail(err, ENOMEM, "open the image");
	image->lock_fd = -1;
	int r = img_digest_parse(img_index_entry_digest(entry), &digest, err);
	if (r < 0)
		/* cppcheck-suppress memleak ; its scope frees it */
		return r;
	image->name = strdup(img_index_entry_name(entry));
	image->digest = strdup(digest.text);
	if (!image->name || !image->digest)
		/* cppcheck-suppress memleak ; its scope frees it */
		return il_fail(err, ENOMEM, "open the image");
	r = open_locked(store, &digest, &image->lock_fd);
	if (r == 0)
		r = read_locked(image->lock_fd, &text, &len);
	if (r < 0)
		return il_fail(err, -r, "read manifest %.19s of '%s'", digest.text, image->name);
	r = img_manifest_parse(text, len, "the manifest", &manifest, err);
	if (r < 0)
		return r;
	image->size_bytes = len;
	r = load_config(store, &manifest, image, err);
	if (r < 0)
		return il_wrap(err, r, "image '%s'", image->name);
	*ret = steal_ptr(image);
	return 0;
}

int img_open(struct img_store *store, const char *name, struct img_image **ret, struct il_err *err)
{
	json_auto_t *index = NULL;
	const json_t *entry = NULL;
	int r = img_index_load(store, &index, err);

	if (r == 0)
		r = img_index_find(store, index, name, &entry, err);
	return r < 0 ? r : load_image(store, entry, ret, err);
}
