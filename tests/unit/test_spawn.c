// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/spawn.h"

Test(spawn, success_is_zero)
{
	cr_assert_eq(il_spawn_wait((const char *const[]){"true", NULL}, NULL), 0);
}

Test(spawn, a_missing_program_is_enoent)
{
	struct il_err err = {0};

	cr_assert_eq(il_spawn_wait((const char *const[]){"no-such-program", NULL}, &err), -ENOENT);
	cr_assert_str_eq(err.msg, "run 'no-such-program': No such file or directory");
}

Test(spawn, failure_tells_the_first_line)
{
	struct il_err err = {0};
	const char *const argv[] = {"sh", "-c", "echo one >&2; echo two >&2; exit 3", NULL};

	cr_assert_eq(il_spawn_wait(argv, &err), -EIO);
	cr_assert_str_eq(err.msg, "'sh' failed with status 3: one");
}

Test(spawn, much_output_does_not_block)
{
	const char *const argv[] = {"sh", "-c", "seq 100000; seq 100000 >&2; exit 1", NULL};
	struct il_err err = {0};

	cr_assert_eq(il_spawn_wait(argv, &err), -EIO);
}

Test(spawn, a_signal_is_named)
{
	struct il_err err = {0};
	const char *const argv[] = {"sh", "-c", "kill -9 $$", NULL};

	cr_assert_eq(il_spawn_wait(argv, &err), -EIO);
	cr_assert_str_eq(err.msg, "'sh' was killed by signal 9");
}
