#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# isolab bench: small measurements, to see that the figures are of what they claim and that
# nothing is left. $ISOLAB_ROOT holds the image `demo`.

setup() {
	ISOLAB=${ISOLAB:-build/isolab}
	[ -n "${ISOLAB_ROOT:-}" ] || skip "ISOLAB_ROOT is not set: run through tests/run"
	export ISOLAB_ROOT
	dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-bats.XXXXXX")
	# The harness makes its work directory there, so that a leftover can be seen.
	export TMPDIR=$dir/tmp
	mkdir "$TMPDIR"
}

teardown() {
	[ -z "${pid:-}" ] || kill -KILL "$pid" 2>/dev/null || true
	[ -z "${dir:-}" ] || rm -rf "$dir"
}

bench() {
	"$ISOLAB" bench "$1" --quiet "${@:2}"
}

# The processes of this test's own instances: they inherit the environment of the harness.
leftovers() {
	grep -lzF "TMPDIR=$TMPDIR" /proc/[0-9]*/environ 2>/dev/null | grep -vE "^/proc/($$|$BASHPID|self)/" |
		while read -r f; do
			case $(tr '\0' ' ' <"${f%environ}cmdline" 2>/dev/null) in
			*"$ISOLAB"*run* | *il-idle* | *dockerd* | *conmon*) echo "$f" ;;
			esac
		done
}

nothing_left() {
	[ -z "$(ls -A "$TMPDIR")" ] || { ls -la "$TMPDIR"; return 1; }
	[ -z "$(leftovers)" ] || { leftovers; return 1; }
	run "$ISOLAB" ps -a -q
	[ -z "$output" ] || { echo "instances: $output"; return 1; }
}

@test "startup: every start is a sample, order is interleaved, JSON adds up" {
	run bench startup -n 6 --warmup 1 --as process --peers null,exec --json "$dir/o.json" demo
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.schema == "isolab-bench" and .schema_version == 1 and .measure == "startup"' "$dir/o.json"
	jq -e '[.subjects[] | (.samples | length) == 6 and .failures == 0 and .summary.total_ns.n == 6] | all' "$dir/o.json"
	# Each round starts each subject once: all of a round come before all of the next.
	jq -e '[.subjects[] | [.samples[].order]] | transpose | [., .[1:]] | transpose | .[:-1] | map((.[0] | max) < (.[1] | min)) | length == 5 and all' "$dir/o.json"
	jq -e '[.subjects[].samples[].order] | (length == (unique | length))' "$dir/o.json"
	jq -e '.subjects[] | select(.name == "process") | .phases | length > 3' "$dir/o.json"
	jq -e '.image.digest | startswith("sha256:")' "$dir/o.json"
	jq -e '.workload == ["/usr/bin/il-true"] and .baseline == "process"' "$dir/o.json"
	jq -e '.subjects[] | select(.name == "exec") | .summary.total_ns.ratio | .to == "process" and .ci95[0] <= .value and .value <= .ci95[1]' "$dir/o.json"
	nothing_left
}

@test "startup: the first byte of output is stamped, the phases add up to the whole" {
	run bench startup -n 5 --warmup 1 --as process --peers none --json "$dir/o.json" demo il-hello
	[ "$status" -eq 0 ]
	jq -e '[.subjects[0].samples[].metrics | .ready_ns > 0 and .ready_ns < .total_ns] | all' "$dir/o.json"
	jq -e '[.subjects[0].traces[] | .ok and .events_ns.execed < .events_ns.exited and .events_ns.exited < .metrics.total_ns] | all' "$dir/o.json"
	jq -e '.subjects[0].phases | (.[0].from == "launch" and .[-1].to == "ended")' "$dir/o.json"
}

@test "startup: the harness itself costs a small part of the fastest kind" {
	run bench startup -n 20 --as process --peers null --json "$dir/o.json" demo
	[ "$status" -eq 0 ]
	# The promise is 5 % on a quiet machine; minima are compared, and a factor of two is
	# left for a busy one.
	jq -e '[.subjects[] | {(.name): .summary.total_ns.min}] | add | .null < 0.1 * .process' "$dir/o.json"
}

@test "startup: a failing command is never a fast start" {
	run bench startup -n 4 --as process --peers exec --json "$dir/o.json" demo false
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"nothing could be measured"* ]]
	jq -e '[.subjects[] | .failures == (.samples | length) and .failures > 0 and .summary == {}] | all' "$dir/o.json"
	jq -e '[.subjects[].samples[] | .ok == false and .exit_status == 1 and (.error | length > 0)] | all' "$dir/o.json"
}

@test "startup: a command that prints the wrong thing has failed" {
	run bench startup -n 2 --as process --peers none --json "$dir/o.json" demo il-cpu nonsense
	[ "$status" -eq 1 ]
	jq -e '.subjects[0].failures > 0' "$dir/o.json"
}

@test "startup: --concurrency starts together and keeps the count" {
	run bench startup -n 10 --concurrency 4 --as process --peers null --json "$dir/o.json" demo
	[ "$status" -eq 0 ]
	jq -e '[.subjects[] | (.samples | length) == 10] | all' "$dir/o.json"
	nothing_left
}

@test "startup: the same seed gives the same order" {
	for i in 1 2; do
		run bench startup -n 5 --seed 7 --as none --peers null,exec --json "$dir/$i.json" demo
		[ "$status" -eq 0 ]
	done
	run bench startup -n 5 --seed 8 --as none --peers null,exec --json "$dir/3.json" demo
	orders='[.subjects[] | [.samples[].order]]'
	[ "$(jq -c "$orders" "$dir/1.json")" = "$(jq -c "$orders" "$dir/2.json")" ]
	[ "$(jq -c "$orders" "$dir/1.json")" != "$(jq -c "$orders" "$dir/3.json")" ]
}

@test "startup: the program's own time is kept" {
	run bench startup -n 2 --as none --peers exec --json "$dir/o.json" demo il-cpu 5
	[ "$status" -eq 0 ]
	jq -e '[.subjects[0].samples[].metrics | .workload_ns > 0 and .workload_ns < .total_ns] | all' "$dir/o.json"
}

@test "--cold needs root, and says so" {
	if [ "$(id -u)" -eq 0 ]; then
		command -v setpriv >/dev/null || skip "setpriv is missing"
		chmod 755 "$dir" && chmod 777 "$TMPDIR"
		cp "$ISOLAB" "$dir/isolab" && chmod 755 "$dir/isolab"
		mkdir "$dir/root" && chmod 777 "$dir/root"
		run setpriv --reuid=65534 --regid=65534 --clear-groups \
			"$dir/isolab" --root "$dir/root" bench startup --cold -n 1 --as process --peers none demo
	else
		run bench startup --cold -n 1 --as process --peers none demo
	fi
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *"--cold drops the page cache"*"root"* ]]
}

@test "--cold is slower than warm" {
	[ "$(id -u)" -eq 0 ] || skip "dropping the page cache needs root"
	run bench startup -n 3 --as none --peers exec --json "$dir/warm.json" demo
	[ "$status" -eq 0 ]
	run bench startup --cold -n 3 --as none --peers exec --json "$dir/cold.json" demo
	[ "$status" -eq 0 ]
	jq -e '.mode == "cold"' "$dir/cold.json"
	jq -e -n --slurpfile w "$dir/warm.json" --slurpfile c "$dir/cold.json" \
		'$c[0].subjects[0].summary.total_ns.median > $w[0].subjects[0].summary.total_ns.median'
}

@test "a peer that is not installed is skipped with the reason" {
	mkdir "$dir/bin"
	for tool in cp sh; do ln -s "$(command -v $tool)" "$dir/bin/$tool"; done
	# Only the tools that the harness needs are in PATH; the system's sbin is searched too.
	[ ! -e /usr/sbin/bwrap ] && [ ! -e /sbin/bwrap ] || skip "bwrap is in sbin"
	PATH_BEFORE=$PATH
	PATH=$dir/bin run "$ISOLAB" bench startup -q -n 2 --as none --peers null,exec,bwrap --json "$dir/o.json" demo
	PATH=$PATH_BEFORE
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.subjects[] | select(.name == "bwrap") | (.skipped | contains("not installed")) and (.samples | not)' "$dir/o.json" ||
		jq -e '.subjects[] | select(.name == "bwrap") | (.skipped | contains("not installed")) and (.samples == [])' "$dir/o.json"
}

@test "unknown kinds, peers, measures and misplaced options are refused in one line" {
	for words in "startup --as nope demo" "startup --peers nope demo" "speed demo" "startup" \
		"startup demo --json x" "startup --as none --peers none demo" "startup nosuchimage"; do
		# shellcheck disable=SC2086
		run bench $words
		echo "$words: $status: $output"
		[ "$status" -ne 0 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == "isolab bench: "* ]]
	done
	nothing_left
}

@test "runc and crun: docker's seccomp profile and limits are really in force" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	for peer in runc crun; do
		command -v $peer >/dev/null || continue
		# The command succeeds only under a filter (mode 2), no_new_privs and 14 capabilities.
		run bench startup -n 1 --warmup 0 --as none --peers $peer --json "$dir/$peer.json" demo \
			sh -c 'grep -q "^Seccomp:.2" /proc/self/status && grep -q "^NoNewPrivs:.1" /proc/self/status && grep -q "^CapBnd:.00000000a80425fb" /proc/self/status'
		echo "$output"
		[ "$status" -eq 0 ]
		found=1
	done
	[ -n "${found:-}" ] || skip "neither runc nor crun is installed"
	nothing_left
}

@test "podman and docker: the image is imported, measured and everything removed again" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	command -v podman >/dev/null || command -v dockerd >/dev/null || skip "neither is installed"
	run bench startup -n 1 --warmup 1 --as none --peers exec,podman,docker --json "$dir/o.json" demo il-hello
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '[.subjects[] | select(.skipped | not) | .failures == 0 and .samples[0].ok] | all' "$dir/o.json"
	run grep -F "$TMPDIR" /proc/self/mounts
	[ "$status" -eq 1 ]
	[ -z "$(find /sys/fs/cgroup -maxdepth 2 -name 'isolab-bench-*')" ]
	nothing_left
}

@test "the host's cgroup layout stays as it was" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	command -v crun >/dev/null || skip "crun is not installed"
	before=$(ls /sys/fs/cgroup; grep cgroup /proc/self/mounts)
	run bench startup -n 1 --as none --peers crun demo
	[ "$status" -eq 0 ]
	[ "$before" = "$(ls /sys/fs/cgroup; grep cgroup /proc/self/mounts)" ]
}

@test "memory: three methods, points rise with the instances" {
	run bench memory --instances 6 --as process,container --peers null --json "$dir/o.json" demo
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.subjects[] | select(.name == "process") | .memory | .instances == 6 and .pss_per_instance_bytes > 4096' "$dir/o.json"
	jq -e '[.subjects[].memory | select(.) | .points | (.[0].instances == 0 and .[-1].instances == 6 and .[-1].pss_bytes > .[0].pss_bytes and .[-1].processes >= 6)] | all' "$dir/o.json"
	jq -e '.subjects[] | select(.name == "container") | .skipped or .memory.cgroup_per_instance_bytes > 0' "$dir/o.json"
	jq -e '.subjects[] | select(.name == "null") | .skipped | length > 0' "$dir/o.json"
	nothing_left
}

@test "memory: instances that do not stay are not measured" {
	run bench memory --instances 3 --as process --peers none --json "$dir/o.json" demo il-true
	echo "$output"
	[ "$status" -eq 1 ]
	jq -e '.subjects[0].memory | not' "$dir/o.json"
	jq -e '.warnings[] | select(.subject == "process") | .text | contains("ready")' "$dir/o.json"
	nothing_left
}

@test "density: reaches --max alive, keeps the curve, leaves nothing" {
	run bench density --max 30 --as process --peers none --json "$dir/o.json" demo
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.subjects[0].density | .max_alive == 30 and .failed == 0 and (.curve | length) == 30 and .stop_reason == "reached --max 30"' "$dir/o.json"
	jq -e '[.subjects[0].density.curve[] | .start_ns > 0 and .mem_available_bytes > 0] | all' "$dir/o.json"
	nothing_left
}

@test "density: the memory floor and the latency ceiling stop it" {
	run bench density --max 50 --floor 1024g --as process --peers none --json "$dir/o.json" demo
	[ "$status" -eq 0 ]
	jq -e '.subjects[0].density | .max_alive == 1 and (.stop_reason | contains("floor"))' "$dir/o.json"
	run bench density --max 50 --max-start 1us --as process --peers none --json "$dir/o.json" demo
	[ "$status" -eq 0 ]
	jq -e '.subjects[0].density | .max_alive == 5 and (.stop_reason | contains("--max-start"))' "$dir/o.json"
	nothing_left
}

# One signal in the middle of a density run; $1 = signal, the rest: subjects.
stopped_in_the_middle() {
	env --default-signal="$1" "$ISOLAB" bench density --quiet --max 5000 "${@:2}" --json "$dir/o.json" demo 2>"$dir/err" &
	pid=$!
	for _ in $(seq 200); do
		[ "$(leftovers | wc -l)" -gt 8 ] && break
		sleep 0.05
	done
	[ "$(leftovers | wc -l)" -gt 8 ]
	kill "-$1" "$pid"
	status=0
	wait "$pid" || status=$?
	pid=
	cat "$dir/err"
	[ "$status" -eq $((128 + $(kill -l "$1"))) ]
	grep -q "stopped by signal" "$dir/err"
	[ ! -e "$dir/o.json" ]
	nothing_left
}

@test "density: instances that end are not counted as alive" {
	run bench density --max 3 --as process --peers none --json "$dir/o.json" demo il-hello
	echo "$output"
	[ "$status" -eq 1 ]
	jq -e '.subjects[0].density | .max_alive == 0 and .failed > 0 and (.stop_reason | contains("no longer answered"))' "$dir/o.json"
	nothing_left
}

@test "nano: starts, stays and is measured as the others" {
	run "$ISOLAB" run --rm --as nano demo true
	[ "$status" -eq 0 ] || skip "no nano VMs here: $output"
	run bench startup -n 3 --as process,nano --peers none --json "$dir/s.json" demo il-cpu 5
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '[.subjects[] | .failures == 0 and .summary.workload_ns.n == 3] | all' "$dir/s.json"
	jq -e '[.subjects[1].traces[] | .ok and .events_ns["isolation-made"] > 0] | all' "$dir/s.json"
	run bench density --max 8 --as nano --peers none --json "$dir/d.json" demo
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.subjects[0].density.max_alive == 8' "$dir/d.json"
	nothing_left
}

@test "density: ^C removes every instance" {
	stopped_in_the_middle INT --as process --peers none
}

@test "density: SIGTERM removes every container" {
	run "$ISOLAB" run --rm --as container demo true
	[ "$status" -eq 0 ] || skip "no containers here: $output"
	stopped_in_the_middle TERM --as container --peers none
}

@test "all: a suite of three documents that isolab report reads, CSV and HTML" {
	run bench all -n 3 --instances 2 --max 3 --as process --peers exec \
		--json "$dir/o.json" --csv "$dir/o.csv" --html "$dir/o.html" demo
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '.schema == "isolab-bench-suite" and [.results[].measure] == ["startup", "memory", "density"]' "$dir/o.json"
	run "$ISOLAB" report "$dir/o.json"
	[ "$status" -eq 0 ]
	grep -q . "$dir/o.csv"
	grep -qi '<!doctype html>' "$dir/o.html"
	nothing_left
}
