// SPDX-License-Identifier: Apache-2.0
#include "runner/timeline.h"

#include <stddef.h>

const char *timeline_name(enum timeline_event event)
{
	static const char *const names[TL_EVENT_MAX] = {
	    [TL_REQUEST] = "request",
	    [TL_PREPARED] = "prepared",
	    [TL_ISOLATION_BEGIN] = "isolation-begin",
	    [TL_ISOLATION_MADE] = "isolation-made",
	    [TL_ROOT_READY] = "root-ready",
	    [TL_CONFINED] = "confined",
	    [TL_RUNNER_ENTERED] = "runner-entered",
	    [TL_EXECED] = "execed",
	    [TL_READY] = "ready",
	    [TL_EXITED] = "exited",
	    [TL_REAPED] = "reaped",
	};

	return event < TL_EVENT_MAX ? names[event] : NULL;
}
