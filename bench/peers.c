// SPDX-License-Identifier: Apache-2.0
/* The table of peers: adding one is a file peer_NAME.c and a row here. */
#include "bench/peers.h"

const struct driver *const peer_drivers[] = {
    &peer_null,   &peer_exec,   &peer_bwrap,  &peer_crun, &peer_runc,
    &peer_podman, &peer_docker, &peer_nspawn, NULL,
};
