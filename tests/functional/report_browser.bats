#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The HTML page in a real browser, without a network: the SYNTHETIC suite, then hostile data.
# KEEP_SHOTS=DIR keeps the screenshots.

setup_file() {
	ISOLAB=${ISOLAB:-build/isolab}
	export ISOLAB dir fixture
	fixture=$BATS_TEST_DIRNAME/../fixtures/bench-suite.json
	dir=$(mktemp -d "${TMPDIR:-/tmp}/isolab-browser.XXXXXX")
	command -v chromium >/dev/null || return 0
	"$ISOLAB" report --html "$dir/page.html" "$fixture"
	python3 "$BATS_TEST_DIRNAME/browser.py" "$dir/page.html" "$dir" \
		1280:light 1280:dark 390:light 390:dark 1280:print >"$dir/found.json" 2>"$dir/log" || true
	[ -z "${KEEP_SHOTS:-}" ] || cp "$dir"/*.png "$KEEP_SHOTS"
}

teardown_file() {
	rm -rf "$dir"
}

setup() {
	command -v chromium >/dev/null || skip "no chromium: apt-get install chromium"
	[ -s "$dir/found.json" ] || {
		cat "$dir/log"
		false
	}
}

# all FILTER: the filter is true of every view.
all() {
	jq -e "[.[] | $1] | all" "$dir/found.json" >/dev/null || {
		jq "map_values(del(.text))" "$dir/found.json"
		false
	}
}

@test "the scripts run without an error" {
	all '.ready and .errors == "" and (.exceptions | length == 0)'
}

@test "every chart is drawn, has pixels, a label and a text in its place" {
	# 2 x 5 of start-up (median, ratio, distribution, order, phases), 2 of memory, 2 of density
	all '.charts == 14 and .canvases == 14 and .inked == 14 and .unlabelled == 0'
}

@test "the page asks for nothing but itself" {
	all '.requests == []'
}

@test "nothing is wider than the window: 1280 and 390 pixels" {
	all '.wide == [] and .scroll_width == .width'
	[ "$(jq '."390-light".width' "$dir/found.json")" -eq 390 ]
}

@test "text has contrast, light and dark" {
	all '.faint == []'
}

@test "light and dark differ, paper is white" {
	run jq -r '[."1280-light", ."1280-dark", ."1280-print"] | map(.background) | join(" | ")' "$dir/found.json"
	[[ $output == "rgb(251, 251, 249) | rgb(18, 21, 24) | rgb(255, 255, 255)" ]]
	! cmp -s "$dir/1280-light.png" "$dir/1280-dark.png"
	! cmp -s "$dir/390-light.png" "$dir/390-dark.png"
}

@test "screenshots are not blank" {
	run python3 - "$dir"/*.png <<-'EOF'
		import struct, sys, zlib
		for path in sys.argv[1:]:
		    data, at, packed = open(path, "rb").read(), 8, b""
		    width, height = struct.unpack(">II", data[16:24])
		    while at < len(data):
		        size, = struct.unpack(">I", data[at:at + 4])
		        if data[at + 4:at + 8] == b"IDAT":
		            packed += data[at + 8:at + 8 + size]
		        at += 12 + size
		    # A row that is like the one above (or its neighbour) packs to zeros.
		    raw = zlib.decompress(packed)
		    stride = len(raw) // height
		    busy = sum(any(raw[y * stride + 1:(y + 1) * stride]) for y in range(height)) / height
		    assert busy > 0.3, "%s: only %.0f %% of the rows show something" % (path, 100 * busy)
		    print(path, width, height, round(busy, 2))
	EOF
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "headings go down one level at a time" {
	all '.headings as $h | $h[0] == 1 and ([range(1; $h | length) | $h[.] - $h[. - 1] <= 1] | all)'
}

@test "the figures are on the page" {
	for text in "2.86 ms in a container" "sha256:5e5e5e" "dockerd is not installed" "layer not known" \
		"p99 needs 300" "kvm_pvm, ring 0 emulated" "reached --max 1000"; do
		jq -e --arg t "$text" '."1280-light".text | contains($t)' "$dir/found.json" >/dev/null || {
			echo "not on the page: $text"
			false
		}
	done
}

@test "hostile names are text, hostile numbers break nothing" {
	jq '.results[0].subjects[2].name = "</script><img src=x onerror=\"document.documentElement.dataset.injected=1\">\u2028"
		| .results[0].subjects[3].name = "__proto__" | .results[0].subjects[4].name = ("long" * 2000)
		| .results[0].subjects[5].summary["__proto__"] = {"median": 1}
		| .results[0].subjects[5].summary.constructor = {"median": 1, "ratio": {"to": "<b>x</b>", "value": -1}}
		| .results[0].measure = "<script>document.documentElement.dataset.injected=1</script>"
		| .results[0].warnings[0].text = "<iframe src=\"javascript:document.documentElement.dataset.injected=1\">"
		| .results[0].host.mitigations = {"<i>": {"deep": ["<u>"]}} | .results[0].host.cpu_model = ("W" * 3000)
		| .results[0].subjects[6].summary.total_ns |= (.median = 1e308 | .median_ci95 = [-1e308, 0])
		| .results[1].subjects[0].summary.total_ns.median = -5 | .results[1].subjects[1].samples[0].metrics.total_ns = 0
		| .results[1].settings = {"x": null, "<b>": [1, {"y": "<b>"}]} | .results[1].command = [{"a": 1}, "ok"]
		| .results[2].subjects[0].memory = {} | .results[2].subjects[1].memory.points = []
		| .results[2].subjects[2].memory.points[0].instances = null | .results[3].subjects[0].density = {}
		| .results[3].subjects[1].density.curve[3] |= {}' "$fixture" >"$dir/evil.json"
	"$ISOLAB" report --html "$dir/evil.html" "$dir/evil.json"
	mkdir -p "$dir/evil"
	python3 "$BATS_TEST_DIRNAME/browser.py" "$dir/evil.html" "$dir/evil" 390:light 1280:dark >"$dir/evil-found.json"
	jq 'map_values(del(.text))' "$dir/evil-found.json"
	jq -e '[.[] | .ready and .errors == "" and .injected == 0 and .scripts == 4 and .requests == [] and .wide == []
		and .charts == .canvases and (.text | contains("<img src=x"))] | all' "$dir/evil-found.json" >/dev/null
}

@test "a result with nothing in it makes a page, too" {
	echo '{"schema":"isolab-bench","schema_version":1,"measure":"startup","subjects":[]}' >"$dir/empty.json"
	"$ISOLAB" report --html "$dir/empty.html" "$dir/empty.json"
	mkdir -p "$dir/empty"
	python3 "$BATS_TEST_DIRNAME/browser.py" "$dir/empty.html" "$dir/empty" 390:light >"$dir/empty-found.json"
	jq -e '[.[] | .ready and .errors == "" and .wide == []] | all' "$dir/empty-found.json" >/dev/null
}
