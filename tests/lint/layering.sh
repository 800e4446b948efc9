#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# layering: every #include "folder/..." obeys the "may use" list of docs/architecture.md.
set -eu

# folder: the folders it may include from (besides itself)
rules() {
	cat <<'EOF'
base:
guest/abi:
runner: base
image: base
net: base
containers: base runner net guest/abi
vmm: base runner net guest/abi
guest/nano: guest/abi runner
sandbox: base image runner containers vmm
bench: base image runner containers vmm sandbox net
cli: base image runner containers vmm sandbox bench net
oci: base image runner containers vmm sandbox bench net
EOF
}

# The folder that a path belongs to: two levels below guest/, one elsewhere.
folder_of() {
	case $1 in
	guest/*/*) echo "$1" | cut -d/ -f1-2 ;;
	*) echo "${1%%/*}" ;;
	esac
}

bad=0
files=$(git ls-files -co --exclude-standard '*.c' '*.h' '*.S' | grep -v '^tests/')
for file in $files; do
	from=$(folder_of "$file")
	allowed=$(rules | sed -n "s|^$from: *||p")
	rules | grep -q "^$from:" || continue
	for target in $(sed -n 's/^#include "\([^"]*\/[^"]*\)".*/\1/p' "$file"); do
		to=$(folder_of "$target")
		[ "$to" = "$from" ] && continue
		case " $allowed " in *" $to "*) continue ;; esac
		rules | grep -q "^$to:" || continue # generated headers and system paths
		echo "$file: includes \"$target\", but $from may use only: ${allowed:-nothing}" >&2
		bad=1
	done
done

# The runner's core and the guest contract are compiled without a C library.
for file in runner/runner.c runner/runner.h runner/workload.c runner/workload.h runner/timeline.h guest/abi/*.h; do
	[ -e "$file" ] || continue
	if grep -nE '^#include <(std(io|lib)|string|errno|unistd|fcntl|sys/|pthread|time|signal)' "$file" >&2; then
		echo "$file: freestanding, may not use libc headers" >&2
		bad=1
	fi
done
exit $bad
