#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The nano kind: unmodified programs in a VM on our own kernel, with the output and the status
# that the container kind gives; and what the VM alone does.

load lib

setup_file() {
	kind_runs nano || skip "this host cannot run --as nano (see isolab doctor)"
}

setup() {
	TMP=$(mktemp -d)
	PIDS=()
}

teardown() {
	local p
	for p in "${PIDS[@]}"; do kill -9 "$p" 2>/dev/null || true; done
	rm -rf "$TMP"
}

# run_as KIND ARGS...: sets status, and leaves stdout in $TMP/out.KIND, stderr in $TMP/err.KIND.
run_as() {
	local kind=$1
	shift
	status=0
	"$ISOLAB" run --rm --as "$kind" "$@" >"$TMP/out.$kind" 2>"$TMP/err.$kind" </dev/null ||
		status=$?
}

# same IMAGE COMMAND: the shell command gives the same stdout and status on both kinds.
same() {
	run_as container "$1" sh -c "$2"
	local wanted=$status
	run_as nano "$1" sh -c "$2"
	is "status of '$2'" "$status" "$wanted"
	diff "$TMP/out.container" "$TMP/out.nano" || {
		echo "different output: $2"
		return 1
	}
}

has_image() {
	"$ISOLAB" images | grep -q "$1"
}

@test "busybox applets do what they do in a container" {
	need_kind container
	while read -r c; do same demo "$c"; done <<-'END'
		exec ls -l /bin/busybox
		exec cat /etc/passwd
		cd /tmp && exec cp /bin/busybox copy
		exec mv /etc/passwd /tmp/moved
		exec rm -rf /etc
		exec find /bin -name 'linux6*' -maxdepth 1
		exec grep -c root /etc/passwd
		exec sed -n '1s/root/ROOT/p' /etc/passwd
		exec awk -F: '{ print $1, NR }' /etc/passwd
		exec sort -r /etc/passwd
		exec sha256sum /bin/busybox
		exec tar cf /tmp/t.tar /bin
		exec gzip -c /etc/passwd
		exec vi -h
		exec date -d @86400 -u
		exec uname -sm
		exec du -k /bin/busybox
		exec stat -c '%n %s %a %u' /bin/busybox
		exec head -c 5 /dev/zero
		exec dd if=/dev/zero of=/tmp/z bs=4096 count=300
		exec id
		exec readlink -f /bin/sh
		exec factor 1234567890
		exec false
		echo one > /tmp/f; echo two >> /tmp/f; read a < /tmp/f; echo $a; cd /tmp; pwd
	END
}

@test "environment, working directory, user and host name reach the program" {
	run_as nano -e A=1 -w /tmp -u 12:34 --hostname box demo sh -c 'echo $A; pwd; exec id -u'
	is status "$status" 0
	is output "$(tr '\n' ' ' <"$TMP/out.nano")" "1 /tmp 12 "
	run_as nano --hostname box demo hostname
	is hostname "$(cat "$TMP/out.nano")" box
}

@test "a crash has the status it has on Linux" {
	run_as nano demo sh -c 'kill -SEGV $$'
	is "SIGSEGV" "$status" 139
	run_as nano demo sh -c 'kill -ABRT $$'
	is "SIGABRT" "$status" 134
}

@test "a missing command is 127, one that is no program 126" {
	run_as nano demo /no/such
	is missing "$status" 127
	grep -q "/no/such" "$TMP/err.nano"
	run_as nano demo /etc/passwd
	is "not executable" "$status" 126
}

@test "fork and sockets fail with the right error, and --debug names the call" {
	run_as nano --debug demo sh -c 'ls; exit 0'
	grep -q 'fork' "$TMP/err.nano"
	grep -q 'not there' "$TMP/err.nano"
	run_as nano demo nc 127.0.0.1 1
	is "nc" "$status" 1
	grep -qi 'address family' "$TMP/err.nano"
}

@test "a signal from outside ends a program that sleeps and one that computes" {
	local c sig
	for c in 'exec sleep 60' 'while :; do :; done'; do
		for sig in TERM INT KILL; do
			"$ISOLAB" run --rm --as nano demo sh -c "echo up; $c" >"$TMP/out" 2>&1 </dev/null 3>&- &
			local pid=$!
			PIDS+=("$pid")
			eventually grep -q up "$TMP/out"
			kill -s "$sig" "$pid"
			status=0
			wait "$pid" || status=$?
			is "$sig: $c" "$status" $((128 + $(kill -l "$sig")))
		done
	done
}

@test "a handler runs and the program goes on" {
	"$ISOLAB" run --rm --as nano demo sh -c \
		'trap "echo got; exit 5" TERM; echo up; while :; do :; done' \
		>"$TMP/out" 2>&1 </dev/null 3>&- &
	local pid=$!
	PIDS+=("$pid")
	eventually grep -q up "$TMP/out"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	is status "$status" 5
	grep -q got "$TMP/out"
}

@test "an idle VM uses no CPU" {
	mkfifo "$TMP/in"
	sleep 60 >"$TMP/in" &
	PIDS+=($!)
	"$ISOLAB" run --rm -i --as nano demo sh -c 'echo up; read x' <"$TMP/in" >"$TMP/out" 2>&1 3>&- &
	local pid=$!
	PIDS+=("$pid")
	eventually grep -q up "$TMP/out"
	sleep 0.3
	local before after
	before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	sleep 1
	after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	[ $((after - before)) -le 1 ]
}

@test "out of memory kills the program, not the monitor" {
	run_as nano --memory 32m demo sh -c 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done'
	[ "$status" -ne 125 ] && [ "$status" -ne 0 ]
}

@test "writes stay in the VM: the image is the same afterwards" {
	run_as nano demo sh -c 'echo changed > /etc/passwd; exec cat /etc/passwd'
	is first "$(cat "$TMP/out.nano")" changed
	run_as nano demo grep -c root /etc/passwd
	is second "$(cat "$TMP/out.nano")" 1
}

@test "a closed output is SIGPIPE" {
	status=0
	(set -o pipefail; "$ISOLAB" run --rm --as nano demo yes 2>/dev/null </dev/null | head -1) \
		>"$TMP/out" || status=$?
	is "yes" "$(cat "$TMP/out")" y
	is "status" "$status" 141
}

@test "the timeline is in order" {
	run_as nano --timeline demo true
	is status "$status" 0
	for e in isolation-begin isolation-made runner-entered execed exited; do
		grep -q "$e" "$TMP/err.nano"
	done
	awk '/^[a-z-]+ +[0-9.]+/ { if ($2 + 0 < last) exit 1; last = $2 + 0 }' "$TMP/err.nano"
}

@test "debian: dynamic programs" {
	has_image debian || skip "the Debian image is not imported"
	need_kind container
	while read -r c; do same debian "$c"; done <<-'END'
		exec /bin/ls -l /usr/bin/env
		exec /usr/bin/sha256sum /bin/ls
		exec python3 -c 'import json, hashlib; print(json.dumps({"a": hashlib.sha256(b"x").hexdigest()}))'
		exec python3 -c 'import os, re, math, random, datetime, tempfile; print(sorted(os.listdir("/usr"))[0])'
		exec python3 -c 'print(sum(i * i for i in range(300000)))'
		exec python3 -c 'import ctypes; ctypes.string_at(0)'
		exec python3 -c 'print(bytearray(1 << 40))'
		exec python3 -c 'b = bytearray(200 << 20); print(len(b), b[-1])'
		exec perl -e '$SIG{ALRM} = sub { print "alarm\n" }; alarm 1; sleep 5; print 1 / 3, "\n"'
		exec bash -c 'for i in {1..500}; do a+=x; done; echo ${#a}; [[ abc =~ b ]] && echo yes'
		exec sort -r /etc/passwd
		exec dpkg --version
		exec cp -a /usr/share/base-files /tmp/
	END
}
