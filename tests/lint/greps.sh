#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# greps: mistakes that a search finds. Each rule prints the offending lines.
set -eu
bad=0

# rule TEXT PATTERN FILES...: no line of these files may match (extended regular expression).
rule() {
	text=$1 pattern=$2
	shift 2
	[ $# -gt 0 ] || return 0
	if grep -nE -- "$pattern" "$@" /dev/null >&2; then
		echo "lint: $text" >&2
		bad=1
	fi
}

all_c() {
	git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do [ -e "$f" ] && echo "$f"; done
}
# except NAME...: all C files but these and tests.
except() {
	pattern=$(printf '%s\n' "$@" | sed 's/[.]/\\./g' | paste -sd'|')
	all_c | grep -vE "^($pattern|tests/)" || true
}

# shellcheck disable=SC2046
{
rule 'KVM ioctls live in vmm/kvm_ioctl.c' '[^_a-z]ioctl\([^)]' $(except vmm/kvm_ioctl.c cli/ base/ sandbox/ containers/ bench/ image/ guest/)
rule 'a loop bound is a count, not sizeof' '< *\(?(int|size_t|unsigned)?\)? *sizeof\([a-z_]+\);' $(except none)
rule 'popen() and system() go through a shell' '[^_a-z](popen|system)\(' $(except none)
rule 'open() without O_CLOEXEC: use il_open()' '[^_a-z](open|openat)\([^)]*O_(RDONLY|WRONLY|RDWR)[^)]*\)' $(except guest/ bench/workloads/ | xargs grep -LE 'NOTHING' | xargs -r grep -lE '[^_a-z](open|openat)\([^)]*O_(RDONLY|WRONLY|RDWR)' | xargs -r grep -LE 'O_CLOEXEC')
rule 'only cli/ and oci/ choose the exit status' '[^_a-z]exit\(' $(except cli/ oci/ guest/ bench/workloads/ containers/gen_ tools/)
}

# Every C file says its licence and stays readable.
for f in $(all_c); do
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || {
		echo "$f: first line must carry SPDX-License-Identifier: Apache-2.0" >&2
		bad=1
	}
	lines=$(wc -l <"$f")
	[ "$lines" -le 700 ] || {
		echo "$f: $lines lines; a file has at most 700 (aim: 400)" >&2
		bad=1
	}
done
exit $bad
