// SPDX-License-Identifier: Apache-2.0
#include "containers/internal.h"

#include <criterion/criterion.h>
#include <string.h>

static char *filter(const char *text)
{
	struct il_buf b = {0};

	ctr_etc_filter_resolv(text, &b);
	return il_buf_steal(&b);
}

Test(ctr_etc, loopback_name_servers_are_left_out)
{
	_cleanup_(freep) char *got = filter("search lan\nnameserver 127.0.0.53\nnameserver\t::1\n"
					    "nameserver 10.0.0.1\noptions ndots:1\n");

	cr_assert_str_eq(got, "search lan\nnameserver 10.0.0.1\noptions ndots:1\n");
}

Test(ctr_etc, odd_lines_stay)
{
	_cleanup_(freep) char *got = filter(
	    "nameserver\nnameserver \nnameserver 12\nnameserver ::12\n# nameserver 127.0.0.1");

	cr_assert_str_eq(got, "nameserver\nnameserver \nnameserver 12\nnameserver ::12\n"
			      "# nameserver 127.0.0.1\n");
}

Test(ctr_etc, empty_stays_empty)
{
	_cleanup_(freep) char *got = filter("");

	cr_assert_str_eq(got, "");
}

Test(ctr_etc, host_name_and_hosts)
{
	struct ctr_etc etc = {0};

	cr_assert_eq(ctr_etc_make(&etc, CTR_NET_NONE, "box"), 0);
	cr_assert_str_eq(etc.hostname.data, "box\n");
	cr_assert_eq(strncmp(etc.hosts.data, "127.0.0.1\tlocalhost\n", 20), 0);
	ctr_etc_done(&etc);
}

Test(ctr_root, overlay_options_escape_the_path)
{
	_cleanup_(freep) char *got = ctr_overlay_options("/a:b,c\\d", true);

	cr_assert_str_eq(got, "upperdir=upper,workdir=work,lowerdir=/a\\:b\\,c\\\\d");
}
