#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# isolab import, images, rmi, inspect: every producer, every form, and a clean store.

setup() {
	ISOLAB=${ISOLAB:-build/isolab}
	demo=${DEMO_IMAGE:-build/demo-image.tar}
	[ -s "$demo" ] || skip "no $demo: make it with 'make $demo'"
	dir=$(mktemp -d "${TMPDIR:-/tmp}/isolab-image.XXXXXX")
	root=$dir/root
}

teardown() {
	# A full-disk test mounts there.
	if mountpoint -q "$dir/small" 2>/dev/null; then umount "$dir/small"; fi
	rm -rf "$dir"
}

isolab() {
	"$ISOLAB" --root "$root" "$@"
}

need() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# Everything below the store that a command may leave, without times.
store_tree() {
	find "$root" -printf '%p %y %m %U %G %s %i\n' | grep -v "$root/images/tmp " | sort
	cat "$root/images/index.json" 2>/dev/null || true
}

# index.json is replaced by a new file also when it says the same.
without_inodes() {
	sed 's/ [0-9]*$//'
}

# The unpacked root of an image.
root_of() {
	isolab inspect "$1" | jq -er '.[0].Isolab.Root.Path'
}

listing() {
	(cd "$1" && find . -mindepth 1 -printf '%p %y %m %U:%G %T@ %l\n' | sort)
}

one_line_error() {
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ ${lines[0]} == "isolab import: "* ]]
}

# ---- what comes in ------------------------------------------------------------------------

@test "the demo image: two layers, config, names" {
	run isolab import -q demo "$demo"
	[ "$status" -eq 0 ]
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$output" = "$(tar xOf "$demo" index.json | jq -r '.manifests[0].digest')" ]
	isolab inspect demo >"$dir/i.json"
	jq -e '.[0] | .RepoTags == ["demo:latest"] and (.RootFS.Layers | length) == 2 and
		.Config.Cmd == ["/bin/sh"] and .Config.WorkingDir == "/" and
		(.Config.Labels | has("org.opencontainers.image.title")) and
		(.Config.Env[0] | startswith("PATH="))' "$dir/i.json"
	r=$(root_of demo)
	[ "$(readlink "$r/bin/sh")" = /bin/busybox ]
	[ -x "$r/usr/bin/il-true" ]
	[ "$(stat -c %a "$r/tmp")" = 1777 ]
}

@test "the same inputs give the same demo image" {
	[ -d build/workloads ] || skip "no build/workloads"
	tools/demo-image "$dir/one.tar" build/workloads
	tools/demo-image "$dir/two.tar" build/workloads
	cmp "$dir/one.tar" "$dir/two.tar"
}

@test "an OCI layout directory gives the same image as its archive" {
	mkdir "$dir/layout"
	tar xf "$demo" -C "$dir/layout"
	[ "$(isolab import -q a "$demo")" = "$(isolab import -q b "$dir/layout")" ]
	# Shared: one manifest, one config, two layers.
	[ "$(find "$root/images/blobs" -type f | wc -l)" -eq 4 ]
}

@test "an archive through a pipe, and compressed" {
	want=$(isolab import -q a "$demo")
	[ "$(isolab import -q b - <"$demo")" = "$want" ]
	[ "$(cat "$demo" | isolab import -q c -)" = "$want" ]
	[ "$(gzip -c "$demo" | isolab import -q d -)" = "$want" ]
}

@test "skopeo: oci, oci-archive and docker-archive" {
	need skopeo
	want=$(isolab import -q a "$demo")
	skopeo copy -q "oci-archive:$demo" "oci:$dir/oci:v1"
	skopeo copy -q "oci-archive:$demo" "oci-archive:$dir/o.tar:v1"
	skopeo copy -q "oci-archive:$demo" "docker-archive:$dir/d.tar:some/name:v1"
	[ "$(isolab import -q b "$dir/oci")" = "$want" ]
	[ "$(isolab import -q c "$dir/o.tar")" = "$want" ]
	isolab import -q d "$dir/d.tar"
	# Other layers (uncompressed), the same content.
	[ "$(isolab inspect a | jq '.[0].Isolab.ChainId')" = "$(isolab inspect d | jq '.[0].Isolab.ChainId')" ]
	[ "$(isolab inspect a | jq '.[0].Config.Cmd')" = "$(isolab inspect d | jq '.[0].Config.Cmd')" ]
}

@test "skopeo: zstd layers and Docker media types" {
	need skopeo
	isolab import -q a "$demo"
	skopeo copy -q --dest-compress --dest-compress-format zstd --dest-force-compress-format \
		"oci-archive:$demo" "oci:$dir/zstd:v1" 2>/dev/null ||
		skopeo copy -q --dest-compress-format zstd "oci-archive:$demo" "oci:$dir/zstd:v1"
	isolab import -q z "$dir/zstd"
	[ "$(isolab inspect a | jq '.[0].Isolab.ChainId')" = "$(isolab inspect z | jq '.[0].Isolab.ChainId')" ]
	# A registry's Docker manifest in an OCI layout: what `skopeo copy --format v2s2` writes.
	skopeo copy -q --format v2s2 "oci-archive:$demo" "dir:$dir/v2s2"
	mkdir -p "$dir/docker/blobs/sha256"
	for f in "$dir"/v2s2/*; do
		cp "$f" "$dir/docker/blobs/sha256/$(sha256sum "$f" | cut -d' ' -f1)"
	done
	jq -n --arg d "sha256:$(sha256sum "$dir/v2s2/manifest.json" | cut -d' ' -f1)" \
		--argjson s "$(stat -c %s "$dir/v2s2/manifest.json")" '{schemaVersion: 2, manifests: [{
		mediaType: "application/vnd.docker.distribution.manifest.v2+json", digest: $d, size: $s}]}' \
		>"$dir/docker/index.json"
	echo '{"imageLayoutVersion": "1.0.0"}' >"$dir/docker/oci-layout"
	isolab import -q v "$dir/docker"
	[[ $(isolab inspect v | jq -r '.[0].Isolab.Layers[0].MediaType') == application/vnd.docker.* ]]
}

@test "umoci: an image it changed" {
	need umoci
	need_root
	mkdir "$dir/layout"
	tar xf "$demo" -C "$dir/layout"
	umoci unpack --image "$dir/layout:latest" "$dir/bundle" >/dev/null 2>&1
	echo new >"$dir/bundle/rootfs/new"
	rm "$dir/bundle/rootfs/etc/group"
	rm -r "$dir/bundle/rootfs/usr/share/isolab"
	umoci repack --image "$dir/layout:changed" "$dir/bundle" >/dev/null 2>&1
	run isolab import -q x "$dir/layout"
	one_line_error
	[[ $output == *"choose one with --ref"* ]]
	isolab import -q --ref changed x "$dir/layout"
	r=$(root_of x)
	[ "$(cat "$r/new")" = new ]
	[ ! -e "$r/etc/group" ]
	[ ! -e "$r/usr/share/isolab" ]
	[ -e "$r/etc/passwd" ]
}

@test "buildah: push to an oci-archive and a docker-archive" {
	need buildah
	need_root
	b="buildah --root $dir/b --runroot $dir/br --storage-driver vfs"
	c=$($b from "oci-archive:$demo") || skip "buildah does not work here"
	m=$($b mount "$c")
	echo from-buildah >"$m/hello"
	$b umount "$c" >/dev/null
	$b config --label l=1 --entrypoint '["/bin/echo"]' "$c"
	$b commit -q "$c" made >/dev/null
	$b push -q made "oci-archive:$dir/o.tar"
	$b push -q made "docker-archive:$dir/d.tar:made"
	$b rm "$c" >/dev/null
	for f in o d; do
		isolab import -q "$f" "$dir/$f.tar"
		[ "$(cat "$(root_of "$f")/hello")" = from-buildah ]
		[ "$(isolab inspect "$f" | jq -c '.[0].Config.Entrypoint')" = '["/bin/echo"]' ]
	done
}

@test "docker save of old: layers as links to one another" {
	mkdir -p "$dir/save/1" "$dir/save/2" "$dir/layer"
	echo one >"$dir/layer/one"
	tar -C "$dir/layer" -cf "$dir/save/1/layer.tar" .
	ln -s ../1/layer.tar "$dir/save/2/layer.tar"
	id=sha256:$(sha256sum "$dir/save/1/layer.tar" | cut -d' ' -f1)
	jq -n --arg d "$id" '{architecture: "amd64", os: "linux", config: {},
		rootfs: {type: "layers", diff_ids: [$d, $d]}}' >"$dir/save/config.json"
	echo '[{"Config":"config.json","RepoTags":["x:1"],"Layers":["1/layer.tar","2/layer.tar"]}]' \
		>"$dir/save/manifest.json"
	tar -C "$dir/save" -cf "$dir/save.tar" .
	isolab import -q x "$dir/save.tar"
	[ "$(cat "$(root_of x)/one")" = one ]
}

@test "docker save of today: an OCI layout and a manifest.json, several images" {
	mkdir -p "$dir/save"
	tar xf "$demo" -C "$dir/save"
	cd "$dir/save"
	jq -c '.manifests += [.manifests[0]] | .manifests[0].annotations = {
		"io.containerd.image.name": "docker.io/library/x:v1",
		"org.opencontainers.image.ref.name": "v1"} | .manifests[1].digest = "sha256:" + "0" * 64 |
		.manifests[1].annotations = {"io.containerd.image.name": "docker.io/library/y:v1"}' \
		index.json >new
	mv new index.json
	echo '[{"Config":"nothing","RepoTags":["x:v1"],"Layers":[]}]' >manifest.json
	cd - >/dev/null
	tar -C "$dir/save" -cf "$dir/save.tar" blobs index.json manifest.json oci-layout
	run isolab import -q x "$dir/save.tar"
	one_line_error
	[[ $output == *"docker.io/library/x:v1, docker.io/library/y:v1"* ]]
	[ "$(isolab import -q --ref x:v1 x "$dir/save.tar")" = "$(isolab import -q demo "$demo")" ]
}

@test "a root tarball in every packing" {
	mkdir -p "$dir/tree/etc"
	echo hello >"$dir/tree/etc/motd"
	tar -C "$dir/tree" -cf "$dir/plain.tar" .
	gzip -k "$dir/plain.tar"
	bzip2 -k "$dir/plain.tar"
	xz -k "$dir/plain.tar"
	chains=
	files="$dir/plain.tar $dir/plain.tar.gz $dir/plain.tar.bz2 $dir/plain.tar.xz"
	if command -v zstd >/dev/null; then
		zstd -q -k "$dir/plain.tar"
		files="$files $dir/plain.tar.zst"
	fi
	for f in $files; do
		isolab import -q x "$f"
		[ "$(cat "$(root_of x)/etc/motd")" = hello ]
		chains="$chains$(isolab inspect x | jq -r '.[0].Isolab.ChainId')
"
	done
	[ "$(printf %s "$chains" | sort -u | wc -l)" -eq 1 ]
}

@test "a directory: owners, modes, times, links, devices, attributes" {
	need_root
	t=$dir/tree
	mkdir -p "$t/a/b" "$t/$(printf 'long%.0s' {1..40})"
	echo hi >"$t/a/file"
	chown 1234:70000 "$t/a/file"
	chmod 4751 "$t/a/file"
	ln "$t/a/file" "$t/a/b/hard"
	ln -s ../../outside "$t/a/soft"
	mkfifo "$t/fifo"
	mknod "$t/null" c 1 3
	truncate -s 300K "$t/hole"
	chmod 0 "$t/hole"
	chmod 1777 "$t/a/b"
	touch "$t/grüße" "$t/new
line" "$t/$(printf 'latin\xe9')"
	python3 -c "import os; os.setxattr('$t/a/file', 'user.k', b'v\0w')" || skip "no user xattrs here"
	python3 -c "import os; os.setxattr('$t/a', 'trusted.overlay.opaque', b'y')"
	touch -d '1999-01-02 03:04:05.678901234' "$t/a/file" "$t/a"
	touch -h -d '2001-02-03' "$t/a/soft"
	isolab import -q x "$t"
	r=$(root_of x)
	diff <(listing "$t") <(listing "$r")
	diff -r --no-dereference -x fifo -x null "$t" "$r"
	[ "$(stat -c %h "$r/a/file")" -eq 2 ]
	python3 -c "import os; assert os.getxattr('$r/a/file', 'user.k') == b'v\0w'"
	# What would steer an overlay mount stays out.
	! python3 -c "import os; os.getxattr('$r/a', 'trusted.overlay.opaque')" 2>/dev/null
	# The same directory gives the same image.
	[ "$(isolab import -q y "$t")" = "$(isolab import -q z "$t")" ]
}

@test "an image of several platforms: linux/amd64 is taken" {
	mkdir "$dir/layout"
	tar xf "$demo" -C "$dir/layout"
	cd "$dir/layout"
	real=$(jq -c '.manifests[0] | del(.annotations)' index.json)
	jq -nc --argjson real "$real" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
		($real | .platform = {os: "linux", architecture: "arm64"} | .digest = "sha256:" + "0" * 64),
		($real | .platform = {os: "linux", architecture: "amd64", variant: "v3"} |
			.digest = "sha256:" + "1" * 64),
		$real,
		($real | .platform = {os: "unknown", architecture: "unknown"} | .digest = "sha256:" + "2" * 64)
		]}' >multi.json
	d=$(sha256sum multi.json | cut -d' ' -f1)
	jq -nc --arg d "sha256:$d" --argjson s "$(stat -c %s multi.json)" '{schemaVersion: 2, manifests: [
		{mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $s}]}' >index.json
	mv multi.json "blobs/sha256/$d"
	cd - >/dev/null
	[ "$(isolab import -q x "$dir/layout")" = "$(isolab import -q y "$demo")" ]
}

# ---- layers -------------------------------------------------------------------------------

@test "whiteouts, opaque directories and replaced types" {
	mkdir -p "$dir"/{1,2}
	(
		cd "$dir/1"
		mkdir -p gone/deep opaque/sub kept same dir-to-file lib-real
		touch gone/deep/f opaque/old opaque/sub/old kept/f same/f dir-to-file/f file-to-dir
		ln -s lib-real lib
		ln -s /lib-real abs
		cd "$dir/2"
		mkdir -p opaque/sub file-to-dir lib2 same
		touch .wh.gone opaque/.wh..wh..opq opaque/new opaque/sub/new dir-to-file file-to-dir/f
		touch same/.wh.f same/.wh..wh.plnk
		# As a layer must not be read: a whiteout never hides what its own layer brings.
		touch same/own same/.wh.own
	)
	tar -C "$dir/1" --sort=name -cf "$dir/1.tar" .
	tar -C "$dir/2" --sort=name -cf "$dir/2.tar" .
	python3 - "$dir/2.tar" <<-'END'
		import sys, tarfile
		with tarfile.open(sys.argv[1], "a") as t:
		    for name in ("lib/through", "abs/through", "abs/made/through"):
		        t.addfile(tarfile.TarInfo(name))
	END
	python3 - "$dir" <<-'END'
		import hashlib, json, os, sys
		d = sys.argv[1]
		os.makedirs(d + "/img/blobs/sha256")
		def blob(data, media):
		    h = hashlib.sha256(data).hexdigest()
		    open(f"{d}/img/blobs/sha256/{h}", "wb").write(data)
		    return {"mediaType": media, "digest": "sha256:" + h, "size": len(data)}
		base = "application/vnd.oci.image."
		layers = [blob(open(f"{d}/{n}.tar", "rb").read(), base + "layer.v1.tar") for n in (1, 2)]
		config = blob(json.dumps({"rootfs": {"diff_ids": [l["digest"] for l in layers]}}).encode(),
		              base + "config.v1+json")
		m = blob(json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode(),
		         base + "manifest.v1+json")
		json.dump({"schemaVersion": 2, "manifests": [m]}, open(d + "/img/index.json", "w"))
		open(d + "/img/oci-layout", "w").write("{}")
	END
	isolab import -q x "$dir/img"
	r=$(root_of x)
	cd "$r"
	find . -mindepth 1 | sort >"$dir/got"
	diff - "$dir/got" <<-END
		./abs
		./dir-to-file
		./file-to-dir
		./file-to-dir/f
		./kept
		./kept/f
		./lib
		./lib-real
		./lib-real/made
		./lib-real/made/through
		./lib-real/through
		./lib2
		./opaque
		./opaque/new
		./opaque/sub
		./opaque/sub/new
		./same
		./same/own
	END
	[ -f dir-to-file ]
	[ -L lib ]
}

@test "hostile images: one line, and the store is as before" {
	isolab import -q demo "$demo"
	mkdir "$dir/outside"
	echo canary >"$dir/outside/canary"
	before=$(store_tree)
	n=0
	while IFS=$'\t' read -r name words; do
		rm -rf "$dir/img"
		python3 "$BATS_TEST_DIRNAME/hostile_image.py" "$name" "$dir/img" "$dir/outside"
		run isolab import -q hostile "$dir/img"
		echo "$name: status $status: $output"
		one_line_error
		[[ $output == *"$words"* ]]
		[ "$(store_tree)" = "$before" ]
		[ "$(find "$root/images/tmp" -mindepth 1 | wc -l)" -eq 0 ]
		[ "$(ls -A "$dir/outside")" = canary ]
		[ "$(cat "$dir/outside/canary")" = canary ]
		n=$((n + 1))
	done < <(python3 "$BATS_TEST_DIRNAME/hostile_image.py" --list)
	[ "$n" -ge 60 ]
}

@test "a truncated or damaged archive: one line, and the store is as before" {
	isolab import -q demo "$demo"
	before=$(store_tree)
	size=$(stat -c %s "$demo")
	for part in 0 100 512 1000 5000 100000 $((size / 2)) $((size - 20000)) $((size - 11000)); do
		head -c "$part" "$demo" >"$dir/cut.tar"
		run isolab import -q cut "$dir/cut.tar"
		echo "$part bytes: $output"
		one_line_error
		[ "$(store_tree)" = "$before" ]
	done
	head -c 100000 /dev/urandom >"$dir/noise"
	for f in "$dir/noise" /etc/passwd /dev/null "$dir/nothing-there" "$ISOLAB"; do
		run isolab import -q cut "$f"
		echo "$f: $output"
		one_line_error
		[ "$(store_tree)" = "$before" ]
	done
}

@test "a full disk: one line, and the store is as before" {
	need_root
	mkdir "$dir/small"
	mount -t tmpfs -o size=5m tmpfs "$dir/small" || skip "cannot mount a tmpfs"
	root=$dir/small
	isolab rmi -f nothing # makes the empty store
	before=$(store_tree)
	# 2.9 MB of blobs fit, the unpacked 6 MB do not.
	run isolab import -q demo "$demo"
	echo "$output"
	one_line_error
	[[ $output == *"No space left on device"* ]]
	[ "$(store_tree)" = "$before" ]
	# Now not even the blobs fit.
	fallocate -l 4m "$dir/small/filler"
	before=$(store_tree)
	run isolab import -q demo "$demo"
	echo "$output"
	one_line_error
	[[ $output == *"No space left on device"* ]]
	[ "$(store_tree)" = "$before" ]
}

@test "a full disk while the EROFS image is made" {
	need_root
	mkdir "$dir/small"
	mount -t tmpfs -o size=12m tmpfs "$dir/small" || skip "cannot mount a tmpfs"
	root=$dir/small
	isolab import -q demo "$demo"
	before=$(store_tree)
	run isolab import -q --erofs demo "$demo"
	echo "$output"
	one_line_error
	[[ $output == *"mkfs.erofs"*"No space left on device"* ]]
	[ "$(store_tree | without_inodes)" = "$(without_inodes <<<"$before")" ]
}

@test "mkfs.erofs is missing: one line that names the package" {
	isolab import -q demo "$demo"
	before=$(store_tree)
	iso=$(realpath "$ISOLAB")
	run env PATH=/nowhere "$iso" --root "$root" import -q --erofs demo "$demo"
	one_line_error
	[[ $output == *"erofs-utils"* ]]
	[ "$(store_tree | without_inodes)" = "$(without_inodes <<<"$before")" ]
}

# ---- several at once ----------------------------------------------------------------------

@test "commands at the same time unpack and build once" {
	need mkfs.erofs
	isolab import -q demo "$demo"
	rm -r "$root"/images/roots/*
	for i in 1 2 3 4; do
		isolab import --erofs "demo$i" "$demo" >"$dir/out$i" 2>&1 &
	done
	wait
	cat "$dir"/out?
	[ "$(cat "$dir"/out? | grep -c '^sha256:')" -eq 4 ]
	[ "$(cat "$dir"/out? | grep -c 'unpacking layer 1 of 2')" -eq 1 ]
	[ "$(cat "$dir"/out? | grep -c 'making the EROFS image')" -eq 1 ]
	[ "$(isolab images -q | wc -l)" -eq 5 ]
	[ "$(ls "$root/images/roots" | wc -l)" -eq 1 ]
	[ "$(ls "$root/images/erofs" | wc -l)" -eq 1 ]
}

@test "killed at any moment: the next command works and cleans up" {
	isolab images >/dev/null
	for ms in 2 5 9 14 20 30 45; do
		isolab import -q demo "$demo" >/dev/null 2>&1 &
		pid=$!
		sleep "0.0$(printf %02d "$ms")"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		isolab rmi -f demo >/dev/null
		[ "$(find "$root/images/tmp" -mindepth 1 | wc -l)" -eq 0 ]
		[ "$(find "$root/images/blobs" -type f | wc -l)" -eq 0 ]
		[ "$(find "$root/images/roots" -mindepth 1 | wc -l)" -eq 0 ]
	done
	isolab import -q demo "$demo"
	[ -x "$(root_of demo)/bin/busybox" ]
}

# ---- the EROFS image ----------------------------------------------------------------------

@test "the EROFS image: sound, uncompressed, block-aligned, the same tree" {
	need mkfs.erofs
	need_root
	isolab import -q --erofs demo "$demo"
	img=$(isolab inspect demo | jq -er '.[0].Isolab.Erofs.Path')
	fsck.erofs "$img"
	features=$(dump.erofs -s "$img" | grep -i features)
	[[ $features != *lz4* && $features != *compr* && $features != *chunk* ]]
	# Layout 0 is FLAT_PLAIN: no tail of the file hides beside its inode.
	dump.erofs --path=/etc/passwd "$img" | grep -q 'Layout: 0 '
	dump.erofs --path=/bin/busybox "$img" | grep -q 'Layout: 0 '
	mkdir "$dir/small"
	mount -t erofs -o loop,ro "$img" "$dir/small" || skip "cannot mount EROFS here"
	diff -r --no-dereference "$(root_of demo)" "$dir/small"
	diff <(listing "$(root_of demo)" | grep -v ' d ') <(listing "$dir/small" | grep -v ' d ')
}

# ---- the list and removal -----------------------------------------------------------------

@test "images: table, IDs, JSON, filter" {
	isolab import -q demo "$demo"
	isolab import -q localhost:5000/a/b:v1 "$demo"
	run isolab images
	[ "${#lines[@]}" -eq 3 ]
	[[ ${lines[0]} =~ ^REPOSITORY\ +TAG\ +IMAGE\ ID\ +CREATED\ +SIZE$ ]]
	[[ ${lines[1]} =~ ^demo\ +latest\ +[0-9a-f]{12}\ +.*ago\ +[0-9.]+MB$ ]]
	[[ ${lines[2]} =~ ^localhost:5000/a/b\ +v1\  ]]
	id=$(isolab images -q --no-trunc demo)
	[[ $id =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(isolab images --json | jq -r '.[0].ID')" = "$id" ]
	[ "$(isolab image ls --format json | jq -r '.[1].Repository')" = localhost:5000/a/b ]
	[ "$(isolab images -q demo:nope | wc -l)" -eq 0 ]
	isolab images --digests | grep -q "$(isolab images --json | jq -r '.[0].Digest')"
	run isolab images --format yaml
	[ "$status" -eq 2 ]
}

@test "an image is found by name, tag, digest and ID" {
	digest=$(isolab import -q user/demo:v1 "$demo")
	id=$(isolab images -q --no-trunc)
	for name in user/demo:v1 docker.io/user/demo:v1 "user/demo@$digest" "user/demo:v1@$digest" \
		"$id" "${id#sha256:}" "${id:7:12}" "${id:7:3}"; do
		echo "$name"
		[ "$(isolab image inspect "$name" | jq -r '.[0].Id')" = "$id" ]
	done
	for name in user/demo demo:v1 "demo@$digest" other/demo:v1 ffffffffffff; do
		run isolab image inspect "$name"
		echo "$name: $output"
		[ "$status" -eq 1 ]
	done
}

@test "rmi removes what no other name needs" {
	isolab import -q empty "$demo"
	isolab rmi empty >/dev/null
	before=$(store_tree)
	isolab import -q demo "$demo"
	isolab import -q again "$demo"
	run isolab rmi "$(isolab images -q demo)"
	[ "$status" -eq 1 ]
	[[ $output == *"several names"* ]]
	run isolab rmi again
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	[ -x "$(root_of demo)/bin/busybox" ]
	run isolab image rm demo nothing
	[ "$status" -eq 1 ]
	[[ $output == *"Untagged: docker.io/library/demo:latest"* ]]
	[[ $output == *"Deleted: sha256:"* ]]
	[[ $output == *"isolab rmi: there is no image 'nothing'"* ]]
	[ "$(store_tree | without_inodes)" = "$(without_inodes <<<"$before")" ]
	isolab rmi -f nothing
}

@test "an import under a taken name replaces the image and its content" {
	mkdir "$dir/tree"
	echo 1 >"$dir/tree/f"
	isolab import -q x "$dir/tree"
	echo 2 >"$dir/tree/f"
	isolab import -q x "$dir/tree"
	[ "$(cat "$(root_of x)/f")" = 2 ]
	[ "$(find "$root/images/blobs" -type f | wc -l)" -eq 3 ]
	[ "$(ls "$root/images/roots" | wc -l)" -eq 1 ]
}

@test "an image in use stays until its instance has ended" {
	need_root
	isolab import -q demo "$demo"
	mkfifo "$dir/hold"
	isolab run --rm -i --as process demo cat <"$dir/hold" >"$dir/out" 2>"$dir/err" 3>&- &
	pid=$!
	exec 9>"$dir/hold"
	for _ in $(seq 100); do
		echo x >&9
		sleep 0.05
		[ ! -s "$dir/out" ] || break
		kill -0 "$pid" 2>/dev/null || break
	done
	if [ ! -s "$dir/out" ]; then
		exec 9>&-
		wait "$pid" || true
		skip "the process kind does not run here: $(cat "$dir/err")"
	fi
	run isolab rmi demo
	echo "$output"
	status_in_use=$status
	run isolab rmi -f demo
	r=$(find "$root/images/roots" -mindepth 1 -maxdepth 1 | wc -l)
	exec 9>&-
	wait "$pid"
	[ "$status_in_use" -eq 1 ]
	[ "$r" -eq 1 ]
	# Nobody needs it now: the next change of the store takes it away.
	mkdir "$dir/tree"
	touch "$dir/tree/f"
	isolab import -q other "$dir/tree"
	[ "$(find "$root/images/roots" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
}

@test "bad names: one line" {
	for name in Upper a..b a:b:c a@sha256:12 '' "$(printf 'a%.0s' {1..300})"; do
		run isolab import -q "$name" "$demo"
		echo "$name: $output"
		one_line_error
	done
	run isolab import -q "demo@sha256:$(printf '0%.0s' {1..64})" "$demo"
	one_line_error
	[[ $output == *"not the one in the name"* ]]
}

@test "the store is an OCI image layout that skopeo reads" {
	need skopeo
	digest=$(isolab import -q demo "$demo")
	run skopeo inspect --format '{{.Digest}}' "oci:$root/images:docker.io/library/demo:latest"
	[ "$output" = "$digest" ]
}

@test "without root: one warning, the caller's owner" {
	need_root
	need setpriv
	mkdir "$dir/user"
	chmod 755 "$dir"
	chown 65534:65534 "$dir/user"
	cp "$demo" "$dir/demo.tar"
	cp "$ISOLAB" "$dir/isolab"
	mkdir -p "$dir/tree/locked"
	chown 12:34 "$dir/tree/locked"
	touch "$dir/tree/locked/secret"
	chmod 0 "$dir/tree/locked/secret" "$dir/tree/locked"
	mknod "$dir/tree/null" c 1 3
	tar -C "$dir/tree" -cf "$dir/tree.tar" .
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/isolab" --root "$dir/user" \
		import x "$dir/tree.tar"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c 'your own user' <<<"$output")" -eq 1 ]
	[ "$(grep -c 'device nodes' <<<"$output")" -eq 1 ]
	r=$(find "$dir/user/images/roots" -mindepth 1 -maxdepth 1)
	[ "$(stat -c %u "$r/locked")" -eq 65534 ]
	[ ! -e "$r/null" ]
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/isolab" --root "$dir/user" rmi x
	[ "$status" -eq 0 ]
	[ "$(find "$dir/user/images/roots" -mindepth 1 | wc -l)" -eq 0 ]
}
