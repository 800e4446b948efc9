/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config.json of an OCI bundle equal to docker's defaults, for runc and crun: the same
 * namespaces, capabilities, mounts, masked paths, seccomp profile and kinds of limits that
 * isolab's container kind uses, so that equal things are compared.
 * Source: OCI runtime-spec 1.0 config.md, config-linux.md; moby oci/defaults.go.
 */
#ifndef IL_BENCH_OCI_CONFIG_H
#define IL_BENCH_OCI_CONFIG_H

#include "bench/subject.h"

/* oci_config: the document for @workload. 0 and an owned reference, or -ENOMEM. */
int oci_config(const struct bench_env *env, char *const *workload, json_t **ret,
	       struct il_err *err) IL_MUST_CHECK;

#endif
