/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IL_BASE_VERSION_H
#define IL_BASE_VERSION_H

/* The one place where the version stands; CHANGELOG.md says what each one brought. */
#define IL_VERSION "0.1.0"

#endif
