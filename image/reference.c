// SPDX-License-Identifier: Apache-2.0
#include "image/reference.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define DEFAULT_DOMAIN "docker.io"
#define LEGACY_DOMAIN  "index.docker.io"
#define OFFICIAL_REPO  "library/"
#define DEFAULT_TAG    "latest"
#define LOWER_DIGITS   "abcdefghijklmnopqrstuvwxyz0123456789"
#define ALNUM          "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER_DIGITS

/* tag := [A-Za-z0-9_][A-Za-z0-9_.-]{0,127} */
static bool valid_tag(const char *tag, size_t len)
{
	return len >= 1 && len <= IMG_REF_TAG_MAX && tag[0] != '.' && tag[0] != '-' &&
	       strspn(tag, ALNUM "_.-") >= len;
}

/* The separators of a path component: one dot, one or two underscores, any dashes. */
static size_t separator_len(const char *p, size_t len)
{
	size_t n = strspn(p, "-");

	if (n > 0)
		return IL_MIN(n, len);
	if (p[0] == '.')
		return 1;
	if (len >= 2 && p[0] == '_' && p[1] == '_')
		return 2;
	return p[0] == '_' ? 1 : 0;
}

/* path-component := [a-z0-9]+ (separator [a-z0-9]+)* */
static bool valid_component(const char *p, size_t len)
{
	for (;;) {
		size_t n = IL_MIN(strspn(p, LOWER_DIGITS), len);

		if (n == 0)
			return false;
		if (n == len)
			return true;
		p += n;
		len -= n;
		n = separator_len(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
}

static bool valid_path(const char *path)
{
	for (const char *p = path;; p++) {
		size_t len = strcspn(p, "/");

		if (!valid_component(p, len))
			return false;
		p += len;
		if (*p == '\0')
			return true;
	}
}

/* "[" hexadecimal digits and colons "]" */
static size_t ipv6_len(const char *domain)
{
	size_t n = strspn(domain + 1, "0123456789abcdefABCDEF:");

	return n > 0 && domain[1 + n] == ']' ? n + 2 : 0;
}

/* host := component ("." component)*, component := alnum, with dashes inside */
static size_t host_len(const char *domain)
{
	const char *p = domain;

	if (*p == '[')
		return ipv6_len(domain);
	for (;;) {
		size_t n = strspn(p, ALNUM "-");

		if (n == 0 || p[0] == '-' || p[n - 1] == '-')
			return 0;
		p += n;
		if (*p != '.')
			return (size_t)(p - domain);
		p++;
	}
}

static bool valid_domain(const char *domain)
{
	const char *p = domain + host_len(domain);

	if (p == domain)
		return false;
	if (*p == '\0')
		return true;
	size_t digits = *p == ':' ? strspn(p + 1, "0123456789") : 0;
	return digits > 0 && p[1 + digits] == '\0';
}

/* Does the part before the first slash name a registry, and not a user of docker.io? */
static bool is_domain(const char *part)
{
	if (strpbrk(part, ".:") || strcmp(part, "localhost") == 0)
		return true;
	for (const char *p = part; *p; p++)
		if (isupper((unsigned char)*p))
			return true;
	return false;
}

/* Split NAME (no tag, no digest) into domain and path, with docker's defaults. */
static int split_name(char *name, struct img_ref *ref)
{
	const char *domain = DEFAULT_DOMAIN;
	const char *path = name;
	char *slash = strchr(name, '/');

	if (slash) {
		*slash = '\0';
		if (is_domain(name)) {
			domain = strcmp(name, LEGACY_DOMAIN) == 0 ? DEFAULT_DOMAIN : name;
			path = slash + 1;
		} else {
			*slash = '/';
		}
	}
	const char *user =
	    strcmp(domain, DEFAULT_DOMAIN) == 0 && !strchr(path, '/') ? OFFICIAL_REPO : "";
	if (strlen(domain) + 1 + strlen(user) + strlen(path) > IMG_REF_NAME_MAX)
		return -ENAMETOOLONG;
	snprintf(ref->domain, sizeof(ref->domain), "%s", domain);
	snprintf(ref->path, sizeof(ref->path), "%s%s", user, path);
	return 0;
}

static int check_name(const char *text, const struct img_ref *ref, struct il_err *err)
{
	if (!valid_domain(ref->domain))
		return il_refuse(err, EINVAL, "invalid image name '%s': bad registry '%s'", text,
				 ref->domain);
	if (valid_path(ref->path))
		return 0;
	for (const char *p = ref->path; *p; p++)
		if (isupper((unsigned char)*p))
			return il_refuse(
			    err, EINVAL,
			    "invalid image name '%s': the repository must be lower case", text);
	return il_refuse(err, EINVAL,
			 "invalid image name '%s': need [REGISTRY/]REPO[:TAG][@DIGEST]", text);
}

static int split_digest(const char *text, char *name, struct img_ref *ref, struct il_err *err)
{
	char *at = strchr(name, '@');

	if (!at)
		return 0;
	*at = '\0';
	int r = img_digest_parse(at + 1, &ref->digest, err);
	return r < 0 ? il_wrap(err, r, "invalid image name '%.200s'", text) : 0;
}

static int split_tag(const char *text, char *name, struct img_ref *ref, struct il_err *err)
{
	char *slash = strrchr(name, '/');
	char *colon = strchr(slash ? slash : name, ':');

	if (!colon) {
		if (ref->digest.text[0] == '\0')
			memcpy(ref->tag, DEFAULT_TAG, sizeof(DEFAULT_TAG));
		return 0;
	}
	size_t len = strlen(colon + 1);
	if (!valid_tag(colon + 1, len))
		return il_refuse(
		    err, EINVAL,
		    "invalid image name '%.200s': a tag is 1 to %d letters, digits, '_', "
		    "'.', '-', and starts with neither '.' nor '-'",
		    text, IMG_REF_TAG_MAX);
	memcpy(ref->tag, colon + 1, len + 1);
	*colon = '\0';
	return 0;
}

int img_ref_parse(const char *text, struct img_ref *ret, struct il_err *err)
{
	char name[1024];
	struct img_ref ref = {0};
	size_t len = strlen(text);

	if (len == 0)
		return il_refuse(err, EINVAL, "the image name is empty");
	if (len >= sizeof(name))
		return il_refuse(err, EINVAL, "the image name is too long (%zu characters)", len);
	memcpy(name, text, len + 1);
	int r = split_digest(text, name, &ref, err);
	if (r == 0)
		r = split_tag(text, name, &ref, err);
	if (r < 0)
		return r;
	if (strlen(name) == IMG_HEX_LEN && strspn(name, "0123456789abcdef") == IMG_HEX_LEN)
		return il_refuse(err, EINVAL,
				 "invalid image name '%s': 64 hex digits could be an image ID",
				 name);
	if (split_name(name, &ref) < 0)
		return il_refuse(err, EINVAL,
				 "invalid image name '%.60s...': longer than %d characters", text,
				 IMG_REF_NAME_MAX);
	r = check_name(text, &ref, err);
	if (r == 0)
		*ret = ref;
	return r;
}

char *img_ref_name(const struct img_ref *ref)
{
	if (ref->tag[0] == '\0')
		return il_strf("%s/%s@%s", ref->domain, ref->path, ref->digest.text);
	return il_strf("%s/%s:%s", ref->domain, ref->path, ref->tag);
}

char *img_ref_repository(const struct img_ref *ref)
{
	size_t official = sizeof(OFFICIAL_REPO) - 1;

	if (strcmp(ref->domain, DEFAULT_DOMAIN) != 0)
		return il_strf("%s/%s", ref->domain, ref->path);
	if (strncmp(ref->path, OFFICIAL_REPO, official) == 0 && !strchr(ref->path + official, '/'))
		return il_strf("%s", ref->path + official);
	return il_strf("%s", ref->path);
}

bool img_ref_same(const char *a, const char *b)
{
	struct img_ref x;
	struct img_ref y;

	if (strcmp(a, b) == 0)
		return true;
	return img_ref_parse(a, &x, NULL) == 0 && img_ref_parse(b, &y, NULL) == 0 &&
	       strcmp(x.domain, y.domain) == 0 && strcmp(x.path, y.path) == 0 &&
	       strcmp(x.tag, y.tag) == 0 && img_digest_eq(&x.digest, &y.digest);
}
