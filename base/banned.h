/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions nobody may call here: unbounded copies, and number parsing without errors.
 * Included last, by the compiler's command line (-include), after the system headers.
 */
#ifndef IL_BASE_BANNED_H
#define IL_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf atoi atol atoll gets strtok mktemp tmpnam

#endif
