# SPDX-License-Identifier: Apache-2.0
# Shared by the functional tests: $ISOLAB is the binary, $ISOLAB_ROOT a private state root with
# the demo image imported as `demo`.

ISOLAB=${ISOLAB:-$BATS_TEST_DIRNAME/../../build/isolab}

# kinds: the kinds under test that this host can run, one a line.
kinds() {
	local k
	for k in ${KINDS:-process container nano}; do
		! kind_runs "$k" || echo "$k"
	done
}

kind_runs() {
	"$ISOLAB" doctor --json |
		jq -e --arg n "--as $1" '.checks[] | select(.name == $n) | .status == "ok"' >/dev/null
}

# need_kind KIND: skip the test when this host cannot run it.
need_kind() {
	kind_runs "$1" || skip "this host cannot run --as $1 (see isolab doctor)"
}

# is WHAT GOT WANTED: compare, and tell both when they differ.
is() {
	[ "$2" = "$3" ] || {
		printf '%s: got [%s], wanted [%s]\n' "$1" "$2" "$3"
		return 1
	}
}

# eventually COMMAND...: try for up to 10 s until it succeeds.
eventually() {
	local i
	for i in $(seq 200); do
		! "$@" || return 0
		sleep 0.05
	done
	echo "never succeeded: $*"
	return 1
}

# A name that no other test run uses.
new_name() {
	echo "t$BASHPID-$RANDOM"
}
