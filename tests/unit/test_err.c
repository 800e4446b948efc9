// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

Test(err, first_failure_wins_and_names_the_errno)
{
	struct il_err err = {0};

	cr_assert_eq(il_fail(&err, ENOENT, "open '%s'", "x"), -ENOENT);
	cr_assert_eq(il_fail(&err, EACCES, "second"), -EACCES);
	cr_assert_eq(err.code, ENOENT);
	cr_assert_str_eq(err.msg, "open 'x': No such file or directory");
}

Test(err, refuse_adds_no_errno_text)
{
	struct il_err err = {0};

	cr_assert_eq(il_refuse(&err, EINVAL, "bad name '%s'", "A"), -EINVAL);
	cr_assert_str_eq(err.msg, "bad name 'A'");
}

Test(err, wrap_puts_the_step_in_front)
{
	struct il_err err = {0};
	int r = il_fail(&err, EIO, "read");

	cr_assert_eq(il_wrap(&err, r, "import '%s'", "demo"), -EIO);
	cr_assert_str_eq(err.msg, "import 'demo': read: Input/output error");
}

Test(err, zero_is_never_recorded_as_success)
{
	struct il_err err = {0};

	cr_assert_eq(il_fail(&err, 0, "x"), -EIO);
	cr_assert_eq(err.code, EIO);
}

Test(err, null_is_allowed_and_errno_is_kept)
{
	errno = EBADF;
	cr_assert_eq(il_fail(NULL, ENOSPC, "x"), -ENOSPC);
	cr_assert_eq(il_wrap(NULL, -ENOSPC, "x"), -ENOSPC);
	cr_assert_eq(errno, EBADF);
}

Test(err, long_messages_are_cut_not_overrun)
{
	struct il_err err = {0};
	char big[2 * IL_ERR_MSG_MAX];

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	il_fail(&err, EIO, "%s", big);
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	il_wrap(&err, -EIO, "step");
	cr_assert_eq(strlen(err.msg), sizeof(err.msg) - 1);
	cr_assert_eq(strncmp(err.msg, "step: aaa", 9), 0);
}
