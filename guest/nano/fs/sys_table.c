// SPDX-License-Identifier: Apache-2.0
#include "guest/nano/fs/sys.h"

#define ROW(call) [__NR_##call] = {#call, sys_##call},
const struct syscall_row fs_syscalls[SYSCALL_COUNT] = {FS_SYSCALLS(ROW)};
