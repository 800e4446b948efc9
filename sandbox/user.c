// SPDX-License-Identifier: Apache-2.0
#include "sandbox/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sys.h"

#define ETC_FILE_MAX (1 << 20)
#define ID_MAX       0x7fffffffull /* docker's limit: (uint32_t)-1 means "keep" to setresuid */
#define NAME_MAX_LEN 64
#define FIELDS_MAX   7

/* One line of passwd(5) or group(5), split at the colons; fields point into the file. */
struct line {
	const char *field[FIELDS_MAX];
	size_t len[FIELDS_MAX];
	int n;
};

/* Takes the next line off *text. False at the end. */
static bool next_line(const char **text, struct line *ret)
{
	const char *p = *text;

	if (!p || *p == '\0')
		return false;
	ret->n = 0;
	while (ret->n < FIELDS_MAX) {
		size_t n = strcspn(p, ":\n");

		ret->field[ret->n] = p;
		ret->len[ret->n++] = n;
		p += n;
		if (*p != ':')
			break;
		p++;
	}
	p += strcspn(p, "\n");
	*text = *p ? p + 1 : p;
	return true;
}

static bool field_is(const struct line *l, int i, const char *text)
{
	return i < l->n && l->len[i] == strlen(text) && memcmp(l->field[i], text, l->len[i]) == 0;
}

static bool field_id(const struct line *l, int i, uint32_t *ret)
{
	char number[16];
	uint64_t v = 0;

	if (i >= l->n || l->len[i] == 0 || l->len[i] >= sizeof(number))
		return false;
	memcpy(number, l->field[i], l->len[i]);
	number[l->len[i]] = '\0';
	if (il_parse_u64(number, 0, ID_MAX, &v, NULL) < 0)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* Does the comma list in field @i hold @name? */
static bool field_lists(const struct line *l, int i, const char *name)
{
	size_t want = strlen(name);

	if (i >= l->n)
		return false;
	for (size_t at = 0; at < l->len[i];) {
		size_t n = 0;

		while (at + n < l->len[i] && l->field[i][at + n] != ',')
			n++;
		if (n == want && memcmp(l->field[i] + at, name, n) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

static bool is_number(const char *text)
{
	return text[0] && strspn(text, "0123456789") == strlen(text);
}

/* passwd(5): name:password:uid:gid:gecos:home:shell. @name gets the entry's name. */
static int find_user(const char *passwd, const char *text, struct sandbox_user *ret, char *name,
		     struct il_err *err)
{
	struct line l;
	uint64_t number = 0;
	bool numeric = is_number(text);

	if (numeric && il_parse_u64(text, 0, ID_MAX, &number, err) < 0)
		return -EINVAL;
	while (next_line(&passwd, &l)) {
		uint32_t uid = 0;
		uint32_t gid = 0;

		if (l.len[0] == 0 || !field_id(&l, 2, &uid) || !field_id(&l, 3, &gid))
			continue;
		if (!field_is(&l, 0, text) && !(numeric && uid == number))
			continue;
		ret->uid = uid;
		ret->gid = gid;
		snprintf(name, NAME_MAX_LEN, "%.*s", (int)IL_MIN(l.len[0], NAME_MAX_LEN),
			 l.field[0]);
		if (l.n > 5 && l.len[5] > 0 && l.len[5] < sizeof(ret->home)) {
			memcpy(ret->home, l.field[5], l.len[5]);
			ret->home[l.len[5]] = '\0';
		}
		return 0;
	}
	if (!numeric)
		return il_refuse(err, ENOENT, "there is no user '%s' in the image's /etc/passwd",
				 text);
	ret->uid = (uint32_t)number;
	return 0;
}

/* group(5): name:password:gid:members. */
static int find_group(const char *group, const char *text, struct sandbox_user *ret,
		      struct il_err *err)
{
	struct line l;
	uint64_t number = 0;

	if (is_number(text)) {
		if (il_parse_u64(text, 0, ID_MAX, &number, err) < 0)
			return -EINVAL;
		ret->gid = (uint32_t)number;
		return 0;
	}
	while (next_line(&group, &l)) {
		uint32_t gid = 0;

		if (field_is(&l, 0, text) && field_id(&l, 2, &gid)) {
			ret->gid = gid;
			return 0;
		}
	}
	return il_refuse(err, ENOENT, "there is no group '%s' in the image's /etc/group", text);
}

static void add_groups(const char *group, const char *name, struct sandbox_user *ret)
{
	struct line l;

	while (name[0] && ret->ngroups < SANDBOX_GROUPS_MAX && next_line(&group, &l)) {
		uint32_t gid = 0;

		if (field_lists(&l, 3, name) && field_id(&l, 2, &gid))
			ret->groups[ret->ngroups++] = gid;
	}
}

int sandbox_user_parse(const char *passwd, const char *group, const char *text,
		       struct sandbox_user *ret, struct il_err *err)
{
	char user[NAME_MAX_LEN + 1];
	char name[NAME_MAX_LEN + 1] = "";
	size_t len = strcspn(text, ":");
	const char *colon = text[len] ? text + len + 1 : NULL;
	struct sandbox_user u = {.home = "/"};

	if (len > NAME_MAX_LEN || (colon && strlen(colon) > NAME_MAX_LEN) ||
	    (colon && (colon[0] == '\0' || strchr(colon, ':'))))
		return il_refuse(err, EINVAL, "'%s' is not USER[:GROUP]", text);
	snprintf(user, sizeof(user), "%.*s", (int)len, len ? text : "");
	int r = find_user(passwd, len ? user : "0", &u, name, err);
	if (r < 0)
		return r;
	if (colon)
		r = find_group(group, colon, &u, err);
	else
		add_groups(group, name, &u);
	if (r == 0)
		*ret = u;
	return r;
}

/* The file's content, or NULL when the image has none that is sensible. Owned. */
static char *read_etc(int root_fd, const char *path)
{
	_cleanup_(closep) int fd = il_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_(freep) char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > ETC_FILE_MAX)
		return NULL;
	text = malloc((size_t)st.st_size + 1);
	ssize_t n = text ? il_read_full(fd, text, (size_t)st.st_size) : -1;
	if (n < 0)
		return NULL;
	text[n] = '\0';
	return steal_ptr(text);
}

int sandbox_user_resolve(const char *rootfs, const char *text, struct sandbox_user *ret,
			 struct il_err *err)
{
	_cleanup_(closep) int root_fd = il_open(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY, 0);
	_cleanup_(freep) char *passwd = NULL;
	_cleanup_(freep) char *group = NULL;

	if (root_fd < 0)
		return il_fail(err, -root_fd, "open the image's root '%s'", rootfs);
	passwd = read_etc(root_fd, "etc/passwd");
	group = read_etc(root_fd, "etc/group");
	return sandbox_user_parse(passwd, group, text, ret, err);
}
