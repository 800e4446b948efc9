#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Nothing is left behind: processes, mounts, cgroups, network namespaces, files, descriptors;
# after plain runs, after failures, and after kill -9 at random moments. Everything is found by
# a token or by this state root, since other tests may run on the same machine.

load lib

setup() {
	TMP=$(mktemp -d)
	TOKEN=leak$BASHPID$RANDOM
	cgroups >"$TMP/cgroups.before"
	files >"$TMP/files.before"
}

teardown() {
	local p
	for p in $(token_processes); do kill -9 "$p" 2>/dev/null || true; done
	"$ISOLAB" ps -aq | xargs -r "$ISOLAB" rm -f >/dev/null || true
	rm -rf "$TMP"
}

# Processes that carry the token in their environment: workloads and their children.
token_processes() {
	grep -lszxF "LEAK_TOKEN=$TOKEN" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

# Cgroups of instances that hold no process: alive ones, whoever's, hold some.
cgroups() {
	local d
	find /sys/fs/cgroup -type d -regextype posix-extended -regex '.*/[0-9a-f]{64}' 2>/dev/null |
		while read -r d; do
			[ -n "$(cat "$d/cgroup.procs" 2>/dev/null)" ] || echo "$d"
		done | sort
}

files() {
	(
		cd "$ISOLAB_ROOT" || exit
		find run/ kept exited names -mindepth 1 2>/dev/null
		find . -path ./images -prune -o -path './process-roots/*/*' -prune -o -print
	) | sort
}

no_processes() {
	[ -z "$(token_processes)" ]
}

no_mounts() {
	! grep -F "$ISOLAB_ROOT" /proc/self/mountinfo
}

no_cgroups() {
	cgroups | comm -13 "$TMP/cgroups.before" - >"$TMP/cgroups.new"
	[ ! -s "$TMP/cgroups.new" ]
}

no_files() {
	"$ISOLAB" ps -a >/dev/null
	files | diff "$TMP/files.before" - >"$TMP/files.diff"
}

# Network namespaces live as long as a process, a mount or a descriptor; the first two are
# looked for above, so only named ones are left to look for.
nothing_left() {
	eventually no_processes
	eventually no_files || {
		cat "$TMP/files.diff"
		return 1
	}
	eventually no_cgroups || {
		cat "$TMP/cgroups.new"
		return 1
	}
	no_mounts
	is "pseudo-terminals" "$(ptys)" "$PTYS"
}

ptys() {
	ls /dev/pts | wc -l
}

# The first run of a kind makes caches, which stay.
warm() {
	"$ISOLAB" run --rm --as "$1" demo true
	files >"$TMP/files.before"
	PTYS=$(ptys)
}

@test "50 runs of each kind leave nothing" {
	for k in $(kinds); do
		warm "$k"
		for i in $(seq 10); do
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo true
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo false || true
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo no-such 2>/dev/null || true
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo /etc/passwd 2>/dev/null || true
			echo x | "$ISOLAB" run --rm -i -e LEAK_TOKEN="$TOKEN" --as "$k" demo cat >/dev/null
		done
		nothing_left
	done
}

@test "10 kept and removed runs of each kind leave nothing" {
	for k in $(kinds); do
		warm "$k"
		for i in $(seq 10); do
			"$ISOLAB" run --name "$TOKEN" --as "$k" demo sh -c 'echo x >/tmp/file'
			"$ISOLAB" rm "$TOKEN" >/dev/null
		done
		nothing_left
	done
}

@test "a start that fails after the record is made leaves nothing" {
	for k in $(kinds); do
		warm "$k"
		for i in $(seq 5); do
			# A working directory below a file cannot be made.
			"$ISOLAB" run --rm -w /etc/passwd/x --as "$k" demo true 2>/dev/null && false
		done
		nothing_left
	done
}

@test "children that a container's first process leaves are killed with it" {
	for k in $(KINDS=container kinds); do
		warm "$k"
		for i in $(seq 5); do
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo \
				sh -c 'sleep 1000 </dev/null >/dev/null 2>&1 & (setsid sleep 1000 </dev/null >/dev/null 2>&1 &); true'
		done
		nothing_left
	done
}

@test "supervisors killed at random moments leave nothing" {
	for k in $(kinds); do
		warm "$k"
		for i in $(seq 40); do
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo il-idle \
				</dev/null >/dev/null 2>&1 &
			local pid=$!
			sleep "0.00$((RANDOM % 10))$((RANDOM % 10))"
			kill -9 $pid 2>/dev/null || true
			wait $pid 2>/dev/null || true
		done
		nothing_left
	done
}

@test "supervisors terminated at random moments leave nothing" {
	for k in $(kinds); do
		warm "$k"
		for i in $(seq 20); do
			"$ISOLAB" run --rm -e LEAK_TOKEN="$TOKEN" --as "$k" demo \
				sh -c 'trap "exit 1" TERM; read x; read x' </dev/zero >/dev/null 2>&1 &
			local pid=$!
			sleep "0.00$((RANDOM % 10))$((RANDOM % 10))"
			# A container's first process may not have its handler yet: then it ignores
			# the signal (pid_namespaces(7)), so ask until it is gone.
			while kill -TERM $pid 2>/dev/null; do sleep 0.01; done
			wait $pid 2>/dev/null || true
		done
		nothing_left
	done
}

@test "workloads killed from outside leave nothing" {
	for k in $(KINDS="process container" kinds); do
		warm "$k"
		for i in $(seq 10); do
			"$ISOLAB" run --rm -i -e LEAK_TOKEN="$TOKEN" --as "$k" demo cat </dev/zero >/dev/null &
			local pid=$! p
			eventually eval '[ -n "$(token_processes)" ]'
			for p in $(token_processes); do kill -9 "$p" 2>/dev/null || true; done
			local status=0
			wait $pid || status=$?
			is "$k" "$status" 137
		done
		nothing_left
	done
}

@test "a terminal's descriptors and settings are released when the supervisor is killed" {
	for k in $(kinds); do
		warm "$k"
		for i in $(seq 5); do
			python3 "$BATS_TEST_DIRNAME/terminal.py" -- timeout -s KILL 0.2 "$ISOLAB" run --rm -it \
				-e LEAK_TOKEN="$TOKEN" --as "$k" demo sh -c 'read x' >/dev/null || true
		done
		nothing_left
	done
}
