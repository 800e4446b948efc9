/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references by docker's rules: [DOMAIN[:PORT]/]PATH[:TAG][@DIGEST].
 */
#ifndef IL_IMAGE_REFERENCE_H
#define IL_IMAGE_REFERENCE_H

#include "image/digest.h"

#define IMG_REF_NAME_MAX 255 /* domain and path together */
#define IMG_REF_TAG_MAX  128

struct img_ref {
	char domain[IMG_REF_NAME_MAX + 1]; /* "docker.io", "localhost:5000", ... */
	char path[IMG_REF_NAME_MAX + 1];   /* "library/demo" */
	char tag[IMG_REF_TAG_MAX + 1];     /* "latest" when neither tag nor digest was given */
	struct img_digest digest;          /* "" when none was given */
};

/*
 * img_ref_parse: parse and normalise what a user typed.
 *
 * Returns 0, or -EINVAL with a sentence that names the rule broken.
 * Source: the grammar in distribution's reference package (reference.go, normalize.go).
 */
int img_ref_parse(const char *text, struct img_ref *ret, struct il_err *err) IL_MUST_CHECK;

/* img_ref_name: owned "docker.io/library/demo:latest" (no tag: "...@sha256:..."), or NULL. */
char *img_ref_name(const struct img_ref *ref) IL_MUST_CHECK;

/* img_ref_same: do two texts name the same image ("x:v1", "docker.io/library/x:v1")? */
bool img_ref_same(const char *a, const char *b);

/* img_ref_repository: owned short form for people: "demo", "host:5000/a/b"; NULL = no memory. */
char *img_ref_repository(const struct img_ref *ref) IL_MUST_CHECK;

#endif
