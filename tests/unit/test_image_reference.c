// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "image/reference.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void check_name(const char *text, const char *want, const char *repository)
{
	struct img_ref ref;
	struct il_err err = {0};

	cr_assert_eq(img_ref_parse(text, &ref, &err), 0, "%s: %s", text, err.msg);
	_cleanup_(freep) char *name = img_ref_name(&ref);
	_cleanup_(freep) char *repo = img_ref_repository(&ref);
	cr_assert_str_eq(name, want, "%s", text);
	cr_assert_str_eq(repo, repository, "%s", text);
}

Test(reference, defaults_are_dockers)
{
	check_name("demo", "docker.io/library/demo:latest", "demo");
	check_name("demo:1.0", "docker.io/library/demo:1.0", "demo");
	check_name("user/demo", "docker.io/user/demo:latest", "user/demo");
	check_name("docker.io/demo", "docker.io/library/demo:latest", "demo");
	check_name("index.docker.io/demo", "docker.io/library/demo:latest", "demo");
	check_name("library/demo", "docker.io/library/demo:latest", "demo");
}

Test(reference, a_registry_has_a_dot_a_port_an_upper_case_letter_or_is_localhost)
{
	check_name("localhost/demo", "localhost/demo:latest", "localhost/demo");
	check_name("localhost:5000/demo:x", "localhost:5000/demo:x", "localhost:5000/demo");
	check_name("example.org/a/b/c", "example.org/a/b/c:latest", "example.org/a/b/c");
	check_name("HOST/demo", "HOST/demo:latest", "HOST/demo");
	check_name("[::1]:5000/demo", "[::1]:5000/demo:latest", "[::1]:5000/demo");
	check_name("host/demo", "docker.io/host/demo:latest", "host/demo");
}

Test(reference, a_digest_replaces_the_default_tag)
{
	check_name("demo@sha256:" HEX, "docker.io/library/demo@sha256:" HEX, "demo");
	check_name("demo:1@sha256:" HEX, "docker.io/library/demo:1", "demo");
}

Test(reference, separators_inside_a_component)
{
	check_name("a.b", "docker.io/library/a.b:latest", "a.b");
	check_name("a_b", "docker.io/library/a_b:latest", "a_b");
	check_name("a__b", "docker.io/library/a__b:latest", "a__b");
	check_name("a---b", "docker.io/library/a---b:latest", "a---b");
}

Test(reference, refused)
{
	static const char *const rows[] = {
	    "",
	    "Demo",
	    "a..b",
	    "a___b",
	    "-a",
	    "a-",
	    ".a",
	    "a/",
	    "/a",
	    "a//b",
	    "a b",
	    "a:",
	    "a:.x",
	    "a:-x",
	    "a:b:c",
	    "a@",
	    "a@sha256:12",
	    "a@sha512:" HEX HEX,
	    "a@sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
	    "a@sha256:" HEX "0",
	    "-host.org/a",
	    "host..org/a",
	    "host.org:/a",
	    "host.org:port/a",
	    "host.org/",
	    "[::1/a",
	    "a\n",
	    "../a",
	    "a/../b",
	    HEX,
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_ref ref;
		struct il_err err = {0};

		cr_assert_eq(img_ref_parse(rows[i], &ref, &err), -EINVAL, "'%s'", rows[i]);
		cr_assert(err.msg[0] != '\0' && !strchr(err.msg, '%'), "'%s'", rows[i]);
	}
}

Test(reference, same)
{
	cr_assert(img_ref_same("demo:v1", "docker.io/library/demo:v1"));
	cr_assert(img_ref_same("demo", "index.docker.io/library/demo:latest"));
	cr_assert(img_ref_same("Not a name", "Not a name"));
	cr_assert(!img_ref_same("demo:v1", "demo:v2"));
	cr_assert(!img_ref_same("demo", "user/demo"));
	cr_assert(!img_ref_same("demo", "demo@sha256:" HEX));
	cr_assert(!img_ref_same("Not a name", "demo"));
}

Test(reference, lengths)
{
	char text[1200];
	struct img_ref ref;

	/* "docker.io/library/" and the rest are 255 together. */
	memset(text, 'a', sizeof(text));
	text[255 - 18] = '\0';
	cr_assert_eq(img_ref_parse(text, &ref, NULL), 0);
	text[255 - 18] = 'a';
	text[256 - 18] = '\0';
	cr_assert_eq(img_ref_parse(text, &ref, NULL), -EINVAL);

	snprintf(text, sizeof(text), "demo:%0128d", 1);
	cr_assert_eq(img_ref_parse(text, &ref, NULL), 0);
	snprintf(text, sizeof(text), "demo:%0129d", 1);
	cr_assert_eq(img_ref_parse(text, &ref, NULL), -EINVAL);

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	cr_assert_eq(img_ref_parse(text, &ref, NULL), -EINVAL);
}

Test(digest, of_known_text)
{
	struct img_digest d;

	img_digest_of("abc", 3, &d);
	cr_assert_str_eq(d.text,
			 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(digest, chain_id_of_one_layer_is_its_diff_id_and_order_matters)
{
	struct img_digest d[2];
	struct img_digest one;
	struct img_digest ab;
	struct img_digest ba;

	img_digest_of("a", 1, &d[0]);
	img_digest_of("b", 1, &d[1]);
	img_chain_id(d, 1, &one);
	cr_assert(img_digest_eq(&one, &d[0]));
	img_chain_id(d, 2, &ab);
	struct img_digest swapped[2] = {d[1], d[0]};
	img_chain_id(swapped, 2, &ba);
	cr_assert(!img_digest_eq(&ab, &ba));
	/* sha256 of "sha256:<a> sha256:<b>" */
	char text[2 * IMG_DIGEST_LEN + 2];
	struct img_digest want;
	snprintf(text, sizeof(text), "%s %s", d[0].text, d[1].text);
	img_digest_of(text, strlen(text), &want);
	cr_assert(img_digest_eq(&ab, &want));
}
