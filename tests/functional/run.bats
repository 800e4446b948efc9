#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# isolab run, ps, inspect, kill, rm: the same behaviour for every kind. The workloads are
# single processes (shell builtins, exec), since not every kind can fork.

load lib

setup() {
	TMP=$(mktemp -d)
	PIDS=()
}

teardown() {
	local p
	for p in "${PIDS[@]}"; do kill -9 "$p" 2>/dev/null || true; done
	"$ISOLAB" ps -aq | xargs -r "$ISOLAB" rm -f >/dev/null || true
	rm -rf "$TMP"
}

# run_as KIND ARGS...: isolab run --rm; sets status, output (stdout) and errors (stderr).
run_as() {
	local kind=$1
	shift
	status=0
	"$ISOLAB" run --rm --as "$kind" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	output=$(cat "$TMP/out") errors=$(cat "$TMP/err")
}

# start_bg FILE ARGS...: isolab run in the background; stdin stays open; its pid is in $bg.
start_bg() {
	local out=$1
	shift
	mkfifo "$TMP/stdin.$RANDOM.fifo" 2>/dev/null || true
	local fifo
	fifo=$(ls -t "$TMP"/*.fifo | head -1)
	sleep 60 >"$fifo" &
	PIDS+=($!)
	"$ISOLAB" run "$@" <"$fifo" >"$out" 2>"$out.err" 3>&- &
	bg=$!
	PIDS+=("$bg")
}

# fails COMMAND...: a leading "!" would not make a bats test fail.
fails() {
	if "$@"; then
		echo "did not fail: $*"
		return 1
	fi
}

has() {
	grep -q "$@"
}

@test "stdout, stderr and exit status are the workload's" {
	for k in $(kinds); do
		run_as "$k" demo sh -c 'echo out; echo err >&2; exit 7'
		is "$k status" "$status" 7
		is "$k stdout" "$output" out
		is "$k stderr" "$errors" err
	done
}

@test "every exit status comes through" {
	for k in $(kinds); do
		for n in 0 1 2 124 125 128 200 255; do
			run_as "$k" demo sh -c "exit $n"
			is "$k" "$status" "$n"
		done
	done
}

@test "stdin is passed on with -i, to its end" {
	for k in $(kinds); do
		seq 100000 >"$TMP/in"
		"$ISOLAB" run --rm -i --as "$k" demo cat <"$TMP/in" >"$TMP/out"
		cmp "$TMP/in" "$TMP/out"
		# From and to pipes, too.
		is "$k" "$("$ISOLAB" run --rm -i --as "$k" demo wc -l <"$TMP/in" | tr -d ' ')" 100000
	done
}

@test "stdin is empty without -i" {
	for k in $(kinds); do
		is "$k" "$(echo secret | "$ISOLAB" run --rm --as "$k" demo cat)" ""
	done
}

@test "a closed stdout is the workload's error, not isolab's death" {
	for k in $(kinds); do
		"$ISOLAB" run --rm --as "$k" demo yes 2>/dev/null | head -1 >"$TMP/out"
		is "$k" "$(cat "$TMP/out")" y
		is "$k leftovers" "$("$ISOLAB" ps -q)" ""
	done
}

@test "127: there is no such command" {
	for k in $(kinds); do
		run_as "$k" demo no-such-command
		is "$k status" "$status" 127
		is "$k lines" "$(wc -l <"$TMP/err")" 1
		[[ $errors == "isolab run: "*no-such-command* ]]
		run_as "$k" demo /no/such/command
		is "$k status" "$status" 127
	done
}

@test "126: the command cannot be executed" {
	for k in $(kinds); do
		run_as "$k" demo /etc/passwd
		is "$k status" "$status" 126
		is "$k lines" "$(wc -l <"$TMP/err")" 1
		run_as "$k" demo /etc
		is "$k directory" "$status" 126
	done
}

@test "125: isolab fails: no such image, bad options" {
	run_as container no-such-image true
	is status "$status" 125
	[[ $errors == *no-such-image*import* ]]
	run_as vm demo true
	is status "$status" 125
	run_as container --no-such-option demo true
	is status "$status" 125
	is text "$errors" "isolab run: unknown option '--no-such-option' (see 'isolab run --help')"
	run_as container --memory 1x demo true
	is status "$status" 125
	[[ $errors == *"'1x' is not a size"* ]]
	run_as container -w relative demo true
	is status "$status" 125
	run_as container -u nobody-knows demo true
	is status "$status" 125
	[[ $errors == *"no user 'nobody-knows'"* ]]
	status=0
	"$ISOLAB" run 2>"$TMP/err" || status=$?
	is status "$status" 125
}

@test "docker's flags that are not there yet say so in one line" {
	for flag in "-d" "-v /a:/b" "-p 80:80" "--privileged" "--mount x" "--restart no"; do
		# shellcheck disable=SC2086
		run_as container $flag demo true
		is "$flag" "$status" 125
		is "$flag lines" "$(wc -l <"$TMP/err")" 1
		[[ $errors == *"not supported yet"* ]]
	done
}

@test "137: a workload that kills itself" {
	# A container's first process cannot be killed from inside (pid_namespaces(7)).
	for k in $(KINDS="process nano" kinds); do
		run_as "$k" demo sh -c 'kill -9 $$; while :; do :; done'
		is "$k" "$status" 137
	done
}

@test "signals are passed on; the workload's answer is the exit status" {
	for k in $(kinds); do
		for sig in TERM INT HUP USR1; do
			start_bg "$TMP/out.$k" --rm -i --as "$k" demo \
				sh -c "trap 'echo got; exit 42' $sig; echo ready; read x; read x"
			eventually has ready "$TMP/out.$k"
			kill -s "$sig" "$bg"
			status=0
			wait "$bg" || status=$?
			is "$k $sig" "$status" 42
			has got "$TMP/out.$k"
		done
	done
}

@test "143: a signal that ends the workload" {
	for k in $(KINDS="process nano" kinds); do
		start_bg "$TMP/out.$k" --rm -i --as "$k" demo sh -c 'echo ready; exec cat'
		eventually has ready "$TMP/out.$k"
		sleep 0.1
		kill "$bg"
		status=0
		wait "$bg" || status=$?
		is "$k" "$status" 143
	done
}

@test "-t gives the workload a terminal of the right size, and restores ours" {
	for k in $(kinds); do
		run python3 "$BATS_TEST_DIRNAME/terminal.py" -s 33x99 -- "$ISOLAB" run --rm -it --as "$k" \
			demo sh -c 'test -t 0 && test -t 1 && test -t 2 && echo terminal; exec stty size'
		[[ $output == *terminal* ]]
		[[ $output == *"33 99"* ]]
		[[ $output == *"status=0 tty=same"* ]]
	done
}

@test "-t: what is typed arrives, ^C interrupts, ^D ends" {
	for k in $(kinds); do
		run python3 "$BATS_TEST_DIRNAME/terminal.py" -i 'hello\n' -i '\x04' -- \
			"$ISOLAB" run --rm -it --as "$k" demo \
			sh -c 'echo READY; read x; echo "<$x>"; echo READY; exec cat'
		[[ $output == *"<hello>"* ]]
		[[ $output == *"status=0 tty=same"* ]]
		run python3 "$BATS_TEST_DIRNAME/terminal.py" -i '\x03' -- \
			"$ISOLAB" run --rm -it --as "$k" demo \
			sh -c 'trap "echo interrupted; exit 9" INT; echo READY; read x; read x'
		[[ $output == *interrupted*"status=9 tty=same"* ]]
	done
}

@test "-t: a resized terminal reaches the workload" {
	for k in $(kinds); do
		run python3 "$BATS_TEST_DIRNAME/terminal.py" -s 24x80 -r 50x132 -i 'x\n' -- \
			"$ISOLAB" run --rm -it --as "$k" demo sh -c 'echo READY; read x; exec stty size'
		[[ $output == *"50 132"*"status=0"* ]]
	done
}

@test "without -t the workload sees no terminal, though isolab has one" {
	for k in $(kinds); do
		run python3 "$BATS_TEST_DIRNAME/terminal.py" -- \
			"$ISOLAB" run --rm --as "$k" demo sh -c 'test -t 1 || echo none; echo e >&2'
		[[ $output == *none* ]]
		[[ $output == *"status=0 tty=same"* ]]
	done
}

@test "-t -i without a terminal is refused, as docker does" {
	run_as container -t -i demo true
	is status "$status" 125
	[[ $errors == *"not a terminal"* ]]
}

@test "environment: defaults, image, -e, -e NAME, --env-file" {
	printf '# comment\nFROM_FILE=file\nHOST_VAR\n' >"$TMP/env"
	for k in $(kinds); do
		HOST_VAR=host run_as "$k" -e A=1 -e A=2 -e EMPTY= -e HOST_VAR -e NOT_SET_HERE \
			--env-file "$TMP/env" demo env
		is "$k status" "$status" 0
		for line in A=2 EMPTY= HOST_VAR=host FROM_FILE=file HOME=/root; do
			grep -qx "$line" "$TMP/out"
		done
		grep -q '^PATH=/' "$TMP/out"
		grep -q '^HOSTNAME=.' "$TMP/out"
		fails grep -q NOT_SET_HERE "$TMP/out"
		is "$k A once" "$(grep -c '^A=' "$TMP/out")" 1
	done
}

@test "-w sets the directory and makes it" {
	for k in $(kinds); do
		run_as "$k" -w /tmp demo pwd
		is "$k" "$output" /tmp
		run_as "$k" -w /new/deep/dir demo pwd
		is "$k" "$output" /new/deep/dir
	done
}

@test "-u takes names, numbers and groups of the image" {
	for k in $(kinds); do
		run_as "$k" -u 1234:77 demo id -u
		is "$k" "$output" 1234
		run_as "$k" -u 1234:77 demo id -g
		is "$k" "$output" 77
		run_as "$k" -u daemon demo id -un
		is "$k" "$output" daemon
		run_as "$k" demo id -u
		is "$k" "$output" 0
	done
}

@test "--hostname, and the short id without it" {
	for k in $(KINDS="container nano" kinds); do
		run_as "$k" --hostname box demo sh -c 'echo $HOSTNAME; exec hostname'
		is "$k" "$(echo $output)" "box box"
		run_as "$k" demo hostname
		[[ $output =~ ^[0-9a-f]{12}$ ]]
	done
	run_as process --hostname box demo true
	is "process refuses" "$status" 125
}

@test "--entrypoint replaces the image's" {
	for k in $(kinds); do
		run_as "$k" --entrypoint echo demo a b
		is "$k" "$output" "a b"
	done
}

@test "--read-only" {
	for k in $(KINDS="container nano" kinds); do
		run_as "$k" --read-only demo sh -c 'echo x >/file'
		[ "$status" != 0 ]
		[[ $errors == *[Rr]"ead-only"* ]]
	done
}

@test "--ulimit" {
	for k in $(KINDS="process container" kinds); do
		run_as "$k" --ulimit nofile=100:200 demo sh -c 'ulimit -n; ulimit -Hn'
		is "$k" "$(echo $output)" "100 200"
	done
	run_as container --ulimit nofile=300:200 demo true
	is status "$status" 125
}

@test "what is written is gone with the instance" {
	for k in $(KINDS="container nano" kinds); do
		run_as "$k" demo sh -c 'echo x >/written && cat /written'
		is "$k" "$output" x
		run_as "$k" demo cat /written
		[ "$status" != 0 ]
	done
}

@test "kept state: ps -a, inspect, rm" {
	for k in $(kinds); do
		name=$(new_name)
		status=0
		"$ISOLAB" run --as "$k" --name "$name" demo sh -c 'exit 3' || status=$?
		is "$k" "$status" 3
		is "$k ps" "$("$ISOLAB" ps -q)" ""
		"$ISOLAB" ps -a | grep "$name" | grep -q "Exited (3)"
		is "$k json" "$("$ISOLAB" ps -a --format json | jq -r '.name + " " + .kind + " " + .status')" \
			"$name $k exited"
		is "$k inspect" "$("$ISOLAB" inspect "$name" | jq -r '.[0].State.ExitCode')" 3
		id=$("$ISOLAB" ps -aq --no-trunc)
		is "$k id" "${#id}" 64
		is "$k by short id" "$("$ISOLAB" inspect "${id:0:6}" | jq -r '.[0].Name')" "$name"
		is "$k rm" "$("$ISOLAB" rm "$name")" "$name"
		is "$k gone" "$("$ISOLAB" ps -aq)" ""
		fails "$ISOLAB" rm "$name" 2>"$TMP/err"
		"$ISOLAB" rm -f "$name"
	done
}

@test "--rm leaves nothing, also when the start fails" {
	for k in $(kinds); do
		run_as "$k" demo true
		run_as "$k" demo no-such-command
		is "$k" "$("$ISOLAB" ps -aq)" ""
		is "$k files" "$(find "$ISOLAB_ROOT"/run/ "$ISOLAB_ROOT"/kept "$ISOLAB_ROOT"/exited \
			"$ISOLAB_ROOT"/names -mindepth 1 ! -name root)" ""
	done
}

@test "a running instance: ps, kill, rm needs -f" {
	for k in $(kinds); do
		name=$(new_name)
		start_bg "$TMP/out.$k" --name "$name" -i --as "$k" demo \
			sh -c "trap 'exit 9' USR1; echo ready; read x; read x; read x"
		eventually has ready "$TMP/out.$k"
		"$ISOLAB" ps | grep "$name" | grep -q Up
		fails "$ISOLAB" rm "$name" 2>"$TMP/err"
		grep -q "is running" "$TMP/err"
		"$ISOLAB" kill -s USR1 "$name"
		status=0
		wait "$bg" || status=$?
		is "$k kill" "$status" 9
		"$ISOLAB" rm "$name"

		start_bg "$TMP/out2.$k" --name "$name" -i --as "$k" demo sh -c 'echo ready; read x'
		eventually has ready "$TMP/out2.$k"
		"$ISOLAB" rm -f "$name"
		status=0
		wait "$bg" || status=$?
		is "$k rm -f" "$status" 137
		is "$k gone" "$("$ISOLAB" ps -aq)" ""
	done
}

@test "names are unique, and free again after rm" {
	name=$(new_name)
	"$ISOLAB" run --as process --name "$name" demo true
	run_as process --name "$name" demo true
	is status "$status" 125
	[[ $errors == *"the name '$name' is in use"* ]]
	"$ISOLAB" rm "$name"
	run_as process --name "$name" demo true
	is again "$status" 0
	run_as process --name "bad/name" demo true
	is "bad name" "$status" 125
}

@test "a killed supervisor: the workload dies, the next command cleans up" {
	for k in $(kinds); do
		name=$(new_name)
		start_bg "$TMP/out.$k" --rm --name "$name" -i --as "$k" demo sh -c 'echo ready; read x; read x'
		eventually has ready "$TMP/out.$k"
		kill -9 "$bg"
		wait "$bg" || true
		is "$k ps" "$("$ISOLAB" ps -aq)" ""
		is "$k files" "$(find "$ISOLAB_ROOT/run/" -mindepth 1 ! -name root)" ""
		# The name is free at once, even if nobody looked in between.
		start_bg "$TMP/out2.$k" --rm --name "$name" -i --as "$k" demo sh -c 'echo ready; read x; read x'
		eventually has ready "$TMP/out2.$k"
		kill -9 "$bg"
		wait "$bg" || true
		run_as "$k" --name "$name" demo echo again
		is "$k" "$output" again
		# Without --rm it is kept, as killed.
		start_bg "$TMP/out3.$k" --name "$name" -i --as "$k" demo sh -c 'echo ready; read x; read x'
		eventually has ready "$TMP/out3.$k"
		kill -9 "$bg"
		wait "$bg" || true
		"$ISOLAB" ps -a | grep "$name" | grep -q "Exited (137)"
		"$ISOLAB" rm "$name"
	done
}

@test "--timeline prints every phase in order" {
	for k in $(kinds); do
		run_as "$k" --timeline demo echo hi
		is "$k" "$output" hi
		for event in request prepared isolation-begin isolation-made execed ready exited reaped; do
			grep -q "^$event " "$TMP/err" || {
				echo "$k: no $event in:"
				cat "$TMP/err"
				false
			}
		done
		is "$k first" "$(awk 'NR == 2 { print $1 }' "$TMP/err")" request
		is "$k last" "$(awk 'END { print $1 }' "$TMP/err")" reaped
	done
}

@test "--timeline=FILE is a Chrome trace with our events" {
	for k in null $(kinds); do
		status=0
		"$ISOLAB" run --rm --as "$k" --timeline="$TMP/t.json" demo sh -c 'exit 4' || status=$?
		jq -e --arg k "$k" --argjson s "$status" '.otherData.kind == $k and
			.otherData.exit_status == $s and
			(.otherData.events_ns.request < .otherData.events_ns.reaped) and
			([.traceEvents[] | select(.ph == "X") | .dur >= 0] | all) and
			([.traceEvents[] | .ph] | unique - ["M", "X", "i"] == [])' "$TMP/t.json"
		"$ISOLAB" run --rm --as "$k" --timeline=/dev/fd/9 demo true 9>"$TMP/t9.json"
		jq -e .otherData.events_ns.exited "$TMP/t9.json"
	done
	run_as process --timeline=/no/such/dir/x demo true
	is status "$status" 125
}

@test "the workload gets no descriptors but 0, 1 and 2" {
	# /proc is not there for a process, so ask the shell.
	for k in $(KINDS="process container" kinds); do
		run_as "$k" demo sh -c 'for n in 3 4 5 6 7 8 9; do (: >&$n) 2>/dev/null && echo $n; done; true' 7>"$TMP/x"
		is "$k" "$output" ""
	done
}

@test "the null kind does nothing" {
	run_as null demo anything
	is status "$status" 0
	is output "$output$errors" ""
}

@test "help, version, nested names, unknown verbs" {
	"$ISOLAB" --help | grep -q "run "
	"$ISOLAB" run --help | grep -q -- "--memory SIZE"
	[[ $("$ISOLAB" --version) =~ ^isolab\ [0-9] ]]
	is nested "$("$ISOLAB" container run --rm --as process demo echo hi)" hi
	"$ISOLAB" container ls >/dev/null
	status=0
	"$ISOLAB" frobnicate 2>"$TMP/err" || status=$?
	is status "$status" 2
	is lines "$(wc -l <"$TMP/err")" 1
	status=0
	"$ISOLAB" ps --nope 2>"$TMP/err" || status=$?
	is status "$status" 2
}

@test "doctor tells in words and in JSON" {
	"$ISOLAB" doctor | grep -q "^ok .*--as container"
	"$ISOLAB" doctor --json | jq -e '[.checks[] | has("name") and has("reason") and
		(.status | IN("ok", "warn", "missing"))] | all'
}

@test "--root and ISOLAB_ROOT choose the state directory" {
	status=0
	"$ISOLAB" --root "$TMP/other" run --rm demo true 2>"$TMP/err" || status=$?
	is status "$status" 125
	(cd "$TMP" && ISOLAB_ROOT=other "$ISOLAB" ps -aq)
	is "of this root" "$("$ISOLAB" run --rm --as process demo echo here)" here
}
