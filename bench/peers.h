/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the table of peers; for peers.c only. */
#ifndef IL_BENCH_PEERS_H
#define IL_BENCH_PEERS_H

#include "bench/subject.h"

extern const struct driver peer_null;
extern const struct driver peer_exec;
extern const struct driver peer_bwrap;
extern const struct driver peer_crun;
extern const struct driver peer_runc;
extern const struct driver peer_podman;
extern const struct driver peer_docker;
extern const struct driver peer_nspawn;

#endif
