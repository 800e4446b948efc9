// SPDX-License-Identifier: Apache-2.0
#include "containers/internal.h"

#include "base/raw.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int ctr_loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = IL_RAW(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return fd == -EAFNOSUPPORT ? 0 : fd;
	int r = IL_RAW(SYS_ioctl, fd, SIOCSIFFLAGS, &ifr, 0, 0);
	il_raw_close(fd);
	return r;
}
