/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets as masks: bit n is capability n of linux/capability.h.
 */
#ifndef IL_CONTAINERS_CAPS_H
#define IL_CONTAINERS_CAPS_H

#include "base/macros.h"

#include <stdint.h>

/* Docker's default capability set. Source: moby, oci/caps/defaults.go. */
extern const uint64_t ctr_caps_default;

/* caps_available: what of @caps this process can give: those in its permitted set. */
uint64_t caps_available(uint64_t caps);

/* caps_drop_bounding: keep only @caps in the bounding set. Needs CAP_SETPCAP. 0 or -errno. */
int caps_drop_bounding(uint64_t caps) IL_MUST_CHECK;

/*
 * caps_apply: @caps become effective and permitted (0 for a user that is not root, as
 * execve(2) would leave it), inheritable and ambient become empty. 0 or -errno.
 */
int caps_apply(uint64_t caps) IL_MUST_CHECK;

#endif
