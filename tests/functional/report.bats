#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# isolab report: the command, from a SYNTHETIC result (tests/fixtures).

setup() {
	ISOLAB=${ISOLAB:-build/isolab}
	fixture=$BATS_TEST_DIRNAME/../fixtures/bench-suite.json
	dir=$(mktemp -d "${TMPDIR:-/tmp}/isolab-report.XXXXXX")
}

teardown() {
	rm -rf "$dir"
}

@test "the table fits 80 columns and has no escapes when it is not on a terminal" {
	run "$ISOLAB" report "$fixture"
	[ "$status" -eq 0 ]
	for line in "${lines[@]}"; do
		[ "${#line}" -le 80 ]
	done
	[[ $output != *$'\e'* ]]
	[[ $output == *"From launch to end, /usr/bin/il-true takes 2.86 ms in a container"* ]]
	[[ $output == *"skipped docker: dockerd is not installed"* ]]
}

@test "figures of the table are those of the JSON" {
	median=$(jq '.results[0].subjects[] | select(.name == "runc").summary.total_ns.median' "$fixture")
	want=$(awk -v ns="$median" 'BEGIN { printf "%.1f", ns / 1e6 }')
	run "$ISOLAB" report "$fixture"
	[ "$status" -eq 0 ]
	grep -Eq "^runc +$want " <<<"$output"
}

@test "the standard input and several files are read" {
	jq '.results[2]' "$fixture" >"$dir/memory.json"
	run sh -c 'jq ".results[3]" "$1" | "$2" report - "$3"' sh "$fixture" "$ISOLAB" "$dir/memory.json"
	[ "$status" -eq 0 ]
	[[ $output == *"Density: instances alive at once"*"Memory per idle instance"* ]]
}

@test "CSV has one row for each observation and the same number of fields in each" {
	run "$ISOLAB" report --csv "$dir/out.csv" "$fixture"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run python3 - "$fixture" "$dir/out.csv" <<-'EOF'
		import csv, json, sys
		docs = json.load(open(sys.argv[1]))["results"]
		rows = list(csv.DictReader(open(sys.argv[2], newline="")))
		want = sum(len(s.get("samples", [])) + bool(s["skipped"]) + len(s.get("memory", {}).get("points", []))
		           + len(s.get("density", {}).get("curve", [])) for d in docs for s in d["subjects"])
		assert len(rows) == want, (len(rows), want)
		assert all(None not in r and None not in r.values() for r in rows), "ragged"
		for d in docs:
		    for s in d["subjects"]:
		        got = [int(r["total_ns"]) for r in rows if r["record"] == "sample" and r["ok"] == "true"
		               and r["measure"] == d["measure"] and r["mode"] == d["mode"] and r["subject"] == s["name"]]
		        assert got == [x["metrics"]["total_ns"] for x in s.get("samples", []) if x["ok"]], s["name"]
	EOF
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(ls "$dir")" = out.csv ]
}

@test "HTML goes to a file, to the standard output, and with --table beside it" {
	run "$ISOLAB" report --table --html "$dir/out.html" "$fixture"
	[ "$status" -eq 0 ]
	[[ $output == *"Launch to end"* ]]
	"$ISOLAB" report --html - "$fixture" >"$dir/stdout.html"
	cmp "$dir/out.html" "$dir/stdout.html"
	head -n 1 "$dir/out.html" | grep -q '^<!DOCTYPE html>$'
}

@test "a page is complete or not there" {
	echo old >"$dir/out.html"
	jq '.results[0].subjects[1].summary.total_ns.median = "fast"' "$fixture" >"$dir/bad.json"
	run "$ISOLAB" report --html "$dir/out.html" "$dir/bad.json"
	[ "$status" -eq 1 ]
	[ "$output" = "isolab report: '$dir/bad.json': suite.results[0].subjects[1].summary.total_ns.median: expected a number" ]
	[ "$(cat "$dir/out.html")" = old ]
}

@test "a broken, a foreign, a newer and a missing file are one line each" {
	printf '{"schema": "isolab-bench",' >"$dir/cut.json"
	echo '{"schema": "other"}' >"$dir/foreign.json"
	jq '.schema_version = 99' "$fixture" >"$dir/newer.json"
	for f in cut foreign newer missing; do
		run "$ISOLAB" report "$dir/$f.json"
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ ${lines[0]} == "isolab report: "*"$f.json"* ]]
	done
	[[ $output == *"No such file"* ]]
	run "$ISOLAB" report "$dir/newer.json"
	[[ $output == *"use a newer isolab"* ]]
}

@test "a hostile result sends no escape sequence to the terminal" {
	jq '.results[0].subjects[2].name = "\u001b[2Jevil\u009b" | .results[0].workload[0] = "\u001b]0;x\u0007"
		| .results[0].baseline = "\u001bc" | .results[0].subjects[3].summary.total_ns.ratio.to = "\u001b[1mx"' \
		"$fixture" >"$dir/evil.json"
	"$ISOLAB" report "$dir/evil.json" >"$dir/out.txt"
	run python3 - "$dir/out.txt" <<-'EOF'
		import sys
		text = open(sys.argv[1], encoding="utf-8").read()
		bad = [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
		sys.exit("control characters: %r" % bad if bad else 0)
	EOF
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q '?\[2Jevil?' "$dir/out.txt"
}

@test "a full disk is one line and leaves nothing" {
	[ -e /dev/full ] || skip "no /dev/full here"
	run "$ISOLAB" report --csv /dev/full "$fixture"
	[ "$status" -eq 1 ]
	[ "$output" = "isolab report: write '/dev/full': No space left on device" ]
	run sh -c '"$1" report "$2" >/dev/full' sh "$ISOLAB" "$fixture"
	[ "$status" -eq 1 ]
	[[ $output == "isolab report: "* ]]
}

@test "wrong command lines say what to do" {
	run "$ISOLAB" report
	[ "$status" -eq 2 ]
	[[ $output == *"FILE.json"* ]]
	run "$ISOLAB" report --html
	[ "$status" -eq 2 ]
	run "$ISOLAB" report --help
	[ "$status" -eq 0 ]
	[[ $output == *"--csv FILE"* ]]
}
