#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# headers: each header compiles alone, after nothing else.
set -eu
bad=0
for h in $(git ls-files -co --exclude-standard '*.h' | grep -vE '^(guest/nano|tests)/'); do
	[ -e "$h" ] || continue
	echo "#include \"$h\"" | ${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -I. -I"${BUILD:-build}/gen" \
		-fsyntax-only -Wall -Wextra -Werror -x c - || { echo "$h: not self-contained" >&2; bad=1; }
done
exit $bad
