// SPDX-License-Identifier: Apache-2.0
/* Source: docker: what it puts into these files for a container without a network. */
#include "containers/internal.h"

#include "base/fd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define HOST_FILE_MAX (256u << 10)

static const char default_hosts[] = "127.0.0.1\tlocalhost\n"
				    "::1\tlocalhost ip6-localhost ip6-loopback\n"
				    "fe00::0\tip6-localnet\n"
				    "ff00::0\tip6-mcastprefix\n"
				    "ff02::1\tip6-allnodes\n"
				    "ff02::2\tip6-allrouters\n";

/* "nameserver 127.0.0.53" names the host's loopback, which the container has not. */
static bool is_loopback_server(const char *line, size_t len)
{
	static const char key[] = "nameserver";
	const char *p = line + sizeof(key) - 1;

	if (len < sizeof(key) || memcmp(line, key, sizeof(key) - 1) != 0)
		return false;
	while (p < line + len && isspace((unsigned char)*p))
		p++;
	size_t left = (size_t)(line + len - p);
	return (left >= 4 && memcmp(p, "127.", 4) == 0) ||
	       (left >= 3 && memcmp(p, "::1", 3) == 0 &&
		(left == 3 || isspace((unsigned char)p[3])));
}

void ctr_etc_filter_resolv(const char *text, struct il_buf *out)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (!is_loopback_server(text, len)) {
			il_buf_add(out, text, len);
			il_buf_str(out, "\n");
		}
		text += len + (text[len] == '\n');
	}
}

int ctr_etc_make(struct ctr_etc *etc, enum ctr_net net, const char *hostname)
{
	_cleanup_(freep) char *host_resolv = NULL;
	_cleanup_(freep) char *host_hosts = NULL;

	if (net == CTR_NET_HOST)
		(void)!il_read_file(AT_FDCWD, "/etc/hosts", HOST_FILE_MAX, &host_hosts, NULL);
	il_buf_str(&etc->hosts, host_hosts ? host_hosts : default_hosts);
	(void)!il_read_file(AT_FDCWD, "/etc/resolv.conf", HOST_FILE_MAX, &host_resolv, NULL);
	if (host_resolv && net == CTR_NET_HOST)
		il_buf_str(&etc->resolv, host_resolv);
	else if (host_resolv)
		ctr_etc_filter_resolv(host_resolv, &etc->resolv);
	il_buf_printf(&etc->hostname, "%s\n", hostname);
	if (il_buf_check(&etc->hosts) < 0 || il_buf_check(&etc->resolv) < 0 ||
	    il_buf_check(&etc->hostname) < 0) {
		ctr_etc_done(etc);
		return -ENOMEM;
	}
	return 0;
}

void ctr_etc_done(struct ctr_etc *etc)
{
	il_buf_done(&etc->hosts);
	il_buf_done(&etc->resolv);
	il_buf_done(&etc->hostname);
}
