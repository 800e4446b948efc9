// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "image/manifest.h"

#define D                 "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESC(media, size) "{\"mediaType\":\"" media "\",\"digest\":\"" D "\",\"size\":" size "}"
#define CONFIG_DESC       DESC("application/vnd.oci.image.config.v1+json", "10")
#define MANIFEST(config, layers)                                                                   \
	"{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"

static int parse_manifest(const char *text, struct img_manifest *m, struct il_err *err)
{
	return img_manifest_parse(text, strlen(text), "manifest", m, err);
}

Test(manifest, media_types_of_oci_and_docker)
{
	static const char *const layers[] = {
	    "application/vnd.oci.image.layer.v1.tar",
	    "application/vnd.oci.image.layer.v1.tar+gzip",
	    "application/vnd.oci.image.layer.v1.tar+zstd",
	    "application/vnd.docker.image.rootfs.diff.tar.gzip",
	    "application/vnd.docker.image.rootfs.diff.tar",
	};

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		cr_assert_eq(img_media_kind(layers[i]), IMG_KIND_LAYER, "%s", layers[i]);
	cr_assert_eq(img_media_kind("application/vnd.docker.distribution.manifest.v2+json"),
		     IMG_KIND_MANIFEST);
	cr_assert_eq(img_media_kind("application/vnd.docker.distribution.manifest.list.v2+json"),
		     IMG_KIND_INDEX);
	cr_assert_eq(img_media_kind("application/vnd.docker.container.image.v1+json"),
		     IMG_KIND_CONFIG);
	cr_assert_eq(img_media_kind("application/vnd.oci.image.layer.nondistributable.v1.tar+xz"),
		     IMG_KIND_UNKNOWN);
	cr_assert_eq(img_media_kind(""), IMG_KIND_UNKNOWN);
}

Test(manifest, good)
{
	struct img_manifest m = {0};
	struct il_err err = {0};

	int r = parse_manifest(
	    MANIFEST(CONFIG_DESC, DESC("application/vnd.oci.image.layer.v1.tar", "5") "," DESC(
				      "application/vnd.oci.image.layer.v1.tar+gzip", "7")),
	    &m, &err);
	cr_assert_eq(r, 0, "%s", err.msg);
	cr_assert_eq(m.nlayers, 2);
	cr_assert_eq(m.layers[1].size, 7);
	cr_assert_str_eq(m.config.digest.text, D);
	img_manifest_done(&m);
	cr_assert_null(m.layers);
}

Test(manifest, refused)
{
	static const struct {
		const char *text;
		const char *words;
	} rows[] = {
	    {"", "not valid JSON"},
	    {"[]", "expected a JSON object"},
	    {"{}", "schemaVersion is missing"},
	    {"{\"schemaVersion\":\"2\"}", "expected an integer"},
	    {"{\"schemaVersion\":2}", "config is missing"},
	    {MANIFEST("[]", ""), "expected an object"},
	    {MANIFEST("{}", ""), "mediaType is missing"},
	    {MANIFEST(CONFIG_DESC, ""), "no layers"},
	    {MANIFEST(CONFIG_DESC, "1"), "expected a descriptor object"},
	    {MANIFEST(CONFIG_DESC, DESC("text/plain", "1")), "layer 1: media type 'text/plain'"},
	    {MANIFEST(DESC("text/plain", "1"), DESC("application/vnd.oci.image.layer.v1.tar", "1")),
	     "config media type"},
	    {MANIFEST(DESC("application/vnd.oci.image.config.v1+json", "9000000"),
		      DESC("application/vnd.oci.image.layer.v1.tar", "1")),
	     "config.size"},
	    {MANIFEST(CONFIG_DESC, DESC("application/vnd.oci.image.layer.v1.tar", "-1")),
	     "at least 0"},
	    {"{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\"}",
	     "not supported here"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_manifest m = {0};
		struct il_err err = {0};

		cr_assert_eq(parse_manifest(rows[i].text, &m, &err), -EINVAL, "row %zu", i);
		cr_assert_not_null(strstr(err.msg, rows[i].words), "row %zu: %s", i, err.msg);
		cr_assert_null(m.layers, "row %zu: a failure leaves the result alone", i);
	}
}

Test(manifest, too_many_layers)
{
	struct img_manifest m = {0};
	struct il_err err = {0};
	struct il_buf b = {0};

	il_buf_str(&b, "{\"schemaVersion\":2,\"config\":" CONFIG_DESC ",\"layers\":[");
	for (int i = 0; i < IMG_LAYERS_MAX; i++)
		il_buf_printf(&b, "%s%s", i ? "," : "",
			      DESC("application/vnd.oci.image.layer.v1.tar", "1"));
	size_t cut = b.len;
	il_buf_str(&b, "]}");
	cr_assert_eq(img_manifest_parse(b.data, b.len, "m", &m, &err), 0, "%s", err.msg);
	img_manifest_done(&m);
	b.len = cut;
	il_buf_str(&b, "," DESC("application/vnd.oci.image.layer.v1.tar", "1") "]}");
	cr_assert_eq(img_manifest_parse(b.data, b.len, "m", &m, &err), -EINVAL);
	il_buf_done(&b);
}

Test(index, platforms)
{
	static const struct {
		const char *platform;
		bool ok;
	} rows[] = {
	    {"{\"os\":\"linux\",\"architecture\":\"amd64\"}", true},
	    {"{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v1\"}", true},
	    {"{\"os\":\"linux\",\"architecture\":\"amd64\",\"variant\":\"v3\"}", false},
	    {"{\"os\":\"linux\",\"architecture\":\"arm64\"}", false},
	    {"{\"os\":\"windows\",\"architecture\":\"amd64\"}", false},
	    {"{\"os\":\"unknown\",\"architecture\":\"unknown\"}", false},
	    {"{}", false},
	    {"null", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_index index = {0};
		struct il_err err = {0};
		_cleanup_(freep) char *text =
		    il_strf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"x\",\"digest\":"
			    "\"" D "\",\"size\":1,\"platform\":%s,\"annotations\":"
			    "{\"" IMG_REF_ANNOTATION "\":\"v1\"}}]}",
			    rows[i].platform);

		int r = img_index_parse(text, strlen(text), "index", &index, &err);
		cr_assert_eq(r, 0, "%s", err.msg);
		cr_assert_eq(index.n, 1);
		cr_assert_eq(index.manifests[0].platform_ok, rows[i].ok, "%s", rows[i].platform);
		cr_assert_str_eq(index.manifests[0].ref_name, "v1");
		img_index_done(&index);
	}
}

static int parse_config(const char *text, struct img_config *c, struct il_err *err)
{
	return img_config_parse(text, strlen(text), "config", c, err);
}

Test(config, everything)
{
	struct img_config c = {0};
	struct il_err err = {0};

	int r = parse_config("{\"os\":\"linux\",\"architecture\":\"amd64\",\"created\":\"2024-01-"
			     "01T00:00:00Z\",\"config\":{\"Env\":[\"A=1\",\"B=\"],\"Cmd\":[\"sh\"],"
			     "\"Entrypoint\":null,\"User\":\"1:2\",\"WorkingDir\":\"/w\"},"
			     "\"rootfs\":{\"diff_ids\":[\"" D "\"]},\"other\":[1,2]}",
			     &c, &err);
	cr_assert_eq(r, 0, "%s", err.msg);
	cr_assert_str_eq(c.env[1], "B=");
	cr_assert_null(c.env[2]);
	cr_assert_str_eq(c.cmd[0], "sh");
	cr_assert_not_null(c.entrypoint);
	cr_assert_null(c.entrypoint[0]);
	cr_assert_str_eq(c.user, "1:2");
	cr_assert_str_eq(c.workdir, "/w");
	cr_assert_eq(c.ndiff_ids, 1);
	img_config_done(&c);
}

Test(config, only_the_layers_must_be_there)
{
	struct img_config c = {0};
	struct il_err err = {0};

	cr_assert_eq(parse_config("{\"rootfs\":{\"diff_ids\":[\"" D "\"]}}", &c, &err), 0, "%s",
		     err.msg);
	cr_assert_str_eq(c.user, "");
	cr_assert_str_eq(c.created, "");
	cr_assert_null(c.env[0]);
	img_config_done(&c);
}

Test(config, refused)
{
	static const char *const rows[] = {
	    "1",
	    "{}",
	    "{\"rootfs\":{\"diff_ids\":[1]}}",
	    "{\"rootfs\":{\"diff_ids\":[\"md5:x\"]}}",
	    "{\"rootfs\":{\"diff_ids\":[]},\"os\":\"windows\"}",
	    "{\"rootfs\":{\"diff_ids\":[]},\"architecture\":\"s390x\"}",
	    "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Env\":\"A=1\"}}",
	    "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Cmd\":[null]}}",
	    "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"User\":1}}",
	    "{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Env\":[\"A=\\u0000\"]}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct img_config c = {0};
		struct il_err err = {0};

		cr_assert_eq(parse_config(rows[i], &c, &err), -EINVAL, "%s", rows[i]);
		cr_assert(err.msg[0] != '\0');
		cr_assert_null(c.env);
	}
}
