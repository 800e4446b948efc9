/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_SANDBOX_PROCESS_ROOT_H
#define IL_SANDBOX_PROCESS_ROOT_H

#include "sandbox/kind.h"

/*
 * process_root: the directory that process instances of an image are chrooted into: a
 * writable copy of the unpacked image, with device nodes, made once and shared by all of
 * them. Two racing callers make it once.
 * @run  names the state directory, the store and the image
 *
 * Returns 0 and an owned absolute path in *ret_path, or -errno. A half-made copy is
 * removed.
 */
int process_root(const struct sandbox_run *run, char **ret_path, struct il_err *err) IL_MUST_CHECK;

#endif
