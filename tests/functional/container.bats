#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container kind: isolation, docker's defaults, limits, and nothing left behind.

load lib

setup_file() {
	kind_runs container || skip "this host cannot run --as container (see isolab doctor)"
	export IMG="ctr-test-$BASHPID-$RANDOM"
	local dir
	dir=$(mktemp -d)
	make_image "$dir"
	"$ISOLAB" import "$IMG" "$dir" >/dev/null 2>&1
	rm -rf "$dir"
}

teardown_file() {
	"$ISOLAB" rmi "$IMG" >/dev/null 2>&1 || true
}

setup() {
	TMP=$(mktemp -d)
	MY_IMAGES=()
	PIDS=()
}

teardown() {
	local x
	for x in "${PIDS[@]}"; do kill -9 "$x" 2>/dev/null || true; done
	"$ISOLAB" ps -aq | xargs -r "$ISOLAB" rm -f >/dev/null 2>&1 || true
	for x in "${MY_IMAGES[@]}"; do "$ISOLAB" rmi "$x" >/dev/null 2>&1 || true; done
	rm -rf "$TMP"
}

# make_image DIR: busybox, and the program that looks around from the inside.
make_image() {
	local a bin=$1/bin
	mkdir -p "$bin" "$1/tmp" "$1/etc"
	cp "$(command -v busybox)" "$bin/busybox"
	for a in sh cat ls sleep true mknod touch head grep hostname stat ip id mount readlink chmod \
		wc sort tr dd cut ln rm tail; do
		ln -s busybox "$bin/$a"
	done
	cp "$(dirname "$ISOLAB")/ctr-inside" "$bin/ctr-inside"
}

# import_image DIR: a private image of the test; its name is in $name.
import_image() {
	name="ctr-own-$BASHPID-$RANDOM"
	MY_IMAGES+=("$name")
	"$ISOLAB" import "$name" "$1" >/dev/null 2>&1
}

# ctr ARGS...: run in a container; sets status, output, errors.
ctr() {
	status=0
	"$ISOLAB" run --rm --as container "$@" >"$TMP/out" 2>"$TMP/err" </dev/null || status=$?
	output=$(cat "$TMP/out") errors=$(cat "$TMP/err")
}

# cgroups_of ID: the cgroup directories of an instance.
cgroups_of() {
	find /sys/fs/cgroup -maxdepth 3 -name "$1*" 2>/dev/null
}

# wait_gone COMMAND-LINE: until no process has this word among its arguments.
has_process() {
	pgrep -f -- "$1" >/dev/null
}
no_process() {
	! has_process "$1"
}

@test "every namespace but the user's is the container's own" {
	local ns
	for ns in mnt pid uts ipc net cgroup; do
		ctr "$IMG" readlink "/proc/self/ns/$ns"
		is "status" "$status" 0
		[ "$output" != "$(readlink /proc/self/ns/$ns)" ] || {
			echo "$ns namespace is the host's"
			return 1
		}
	done
	ctr "$IMG" readlink /proc/self/ns/user
	is "user namespace" "$output" "$(readlink /proc/self/ns/user)"
}

@test "the command is process 1, without a parent, in a cgroup at its namespace's root" {
	ctr "$IMG" sh -c 'echo $$; exec ctr-inside parent'
	is "pid and parent" "$output" $'1\n0'
	ctr "$IMG" sh -c 'grep -E ":(memory|pids):" /proc/self/cgroup || cat /proc/self/cgroup'
	[ "$(echo "$output" | cut -d: -f3 | sort -u)" = / ]
}

@test "host name and the files of /etc" {
	ctr --hostname lab "$IMG" sh -c 'hostname; cat /etc/hostname; grep -c localhost /etc/hosts; ls /etc'
	is "status" "$status" 0
	is "output" "$output" $'lab\nlab\n2\nhostname\nhosts\nresolv.conf'
}

@test "only loopback, and it is up" {
	ctr "$IMG" sh -c 'ls /sys/class/net; ip addr show lo | grep -c "inet 127.0.0.1"'
	is "interfaces" "$output" $'lo\n1'
}

@test "--network host is the host's network" {
	ctr --network host "$IMG" readlink /proc/self/ns/net
	is "namespace" "$output" "$(readlink /proc/self/ns/net)"
}

@test "capabilities, no_new_privs and seccomp are docker's defaults" {
	ctr "$IMG" grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
	is "status" "$(echo "$output" | tr -d ' \t')" "CapInh:0000000000000000
CapPrm:00000000a80425fb
CapEff:00000000a80425fb
CapBnd:00000000a80425fb
CapAmb:0000000000000000
NoNewPrivs:1
Seccomp:2"
	ctr -u 1000 "$IMG" grep -E '^Cap(Prm|Eff|Bnd)' /proc/self/status
	is "user's" "$(echo "$output" | tr -d ' \t')" "CapPrm:0000000000000000
CapEff:0000000000000000
CapBnd:00000000a80425fb"
}

@test "--cap-add and --cap-drop change the set, and the filter with it" {
	ctr --cap-drop ALL "$IMG" grep CapEff /proc/self/status
	is "none" "${output##*[[:space:]]}" 0000000000000000
	ctr --cap-add SYS_ADMIN "$IMG" sh -c 'grep CapEff /proc/self/status; mount -t tmpfs x /tmp && echo mounted'
	is "status" "$status" 0
	[[ $output == *a82425fb*mounted ]]
}

@test "system calls that reach out of a container are refused" {
	ctr "$IMG" ctr-inside calls
	is "calls" "$output" "unshare EPERM
mount EPERM
umount2 EPERM
pivot_root EPERM
fsopen EPERM
open_tree EPERM
setns EPERM
keyctl EPERM
add_key EPERM
bpf EPERM
perf_event_open EPERM
userfaultfd EPERM
io_uring_setup EPERM
init_module EPERM
kexec_load EPERM
reboot EPERM
swapon EPERM
open_by_handle_at EPERM
sethostname EPERM
clone3 ENOSYS
vsock EPERM
getpid allowed"
}

@test "seccomp=unconfined takes the filter away" {
	ctr --security-opt seccomp=unconfined "$IMG" grep Seccomp: /proc/self/status
	is "filter" "$(echo "$output" | tr -d ' \t')" Seccomp:0
}

@test "mounts: types and flags as docker's" {
	ctr "$IMG" cat /proc/mounts
	local want
	for want in "^overlay / overlay rw" "^proc /proc proc rw,nosuid,nodev,noexec" \
		"^sysfs /sys sysfs ro,nosuid,nodev,noexec" "^tmpfs /dev tmpfs rw,nosuid" \
		"^devpts /dev/pts devpts rw,nosuid,noexec.*gid=5,mode=620,ptmxmode=666" \
		"^mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec" \
		"^tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec" \
		" /sys/fs/cgroup .* ro," "^proc /proc/sys proc ro" "^proc /proc/bus proc ro" \
		"^proc /proc/fs proc ro" "^proc /proc/irq proc ro"; do
		grep -q -- "$want" "$TMP/out" || {
			echo "no mount like: $want"
			cat "$TMP/out"
			return 1
		}
	done
}

@test "what docker masks is empty, what it makes read-only cannot be written" {
	ctr "$IMG" sh -c '
		for f in interrupts kcore keys latency_stats timer_list sched_debug; do
			[ ! -e /proc/$f ] || [ "$(head -c 1 /proc/$f | wc -c)" = 0 ] || echo "readable: $f"
		done
		for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap; do
			[ ! -e $d ] || [ -z "$(ls -A $d)" ] || echo "not empty: $d"
			touch $d/x 2>/dev/null && echo "writable: $d"
		done
		for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity; do
			[ ! -e $f ] || (: >>$f) 2>/dev/null && [ -e $f ] && echo "writable: $f"
		done
		touch /sys/x 2>/dev/null && echo "writable: /sys"
		touch /sys/fs/cgroup/x 2>/dev/null && echo "writable: /sys/fs/cgroup"
		true'
	is "status" "$status" 0
	is "findings" "$output$errors" ""
}

@test "/dev holds docker's devices and links" {
	ctr "$IMG" sh -c 'ls /dev; for l in fd stdin ptmx; do readlink /dev/$l; done; echo x >/dev/null; head -c 3 /dev/zero | wc -c'
	is "dev" "$(echo $output)" "core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero /proc/self/fd /proc/self/fd/0 pts/ptmx 3"
}

@test "device nodes can be made, but only harmless ones opened" {
	local disk
	disk=$(stat -c '%Hr %Lr' "$(find /dev -maxdepth 1 -type b | sort | head -1)" 2>/dev/null) || true
	[ -n "$disk" ] || disk="254 0"
	ctr "$IMG" sh -c "mknod /tmp/disk b $disk && ctr-inside open /tmp/disk
		mknod /dev/disk b $disk && ctr-inside open /dev/disk
		mknod /tmp/mem c 1 1 && ctr-inside open /tmp/mem
		mknod /tmp/kmsg c 1 11 && ctr-inside open /tmp/kmsg
		mknod /tmp/null c 1 3 && ctr-inside open /tmp/null"
	is "opens" "$output" $'EPERM\nEPERM\nEPERM\nEPERM\nallowed'
}

@test "a device node that the image brings cannot be opened" {
	make_image "$TMP/img"
	mknod "$TMP/img/disk" b 254 0
	import_image "$TMP/img"
	ctr "$name" ctr-inside open /disk
	is "open" "$output" EPERM
}

@test "--read-only: the root cannot be written, /dev and /dev/shm can" {
	ctr --read-only "$IMG" sh -c 'touch /x /etc/x; touch /dev/shm/x && echo shm'
	is "output" "$output" shm
	[[ $errors == *"Read-only file system"* ]]
}

@test "the image is not written, and each container starts from it" {
	ctr "$IMG" sh -c 'rm -rf /bin/ls /etc; touch /new; echo x >/bin/true'
	ctr "$IMG" sh -c '[ -e /bin/ls ] && [ -e /etc/hosts ] && [ ! -e /new ] && true && echo whole'
	is "image" "$output" whole
}

@test "no descriptor and no signal setting of the host leaks in" {
	exec 7</etc/passwd 9>"$TMP/leak"
	trap '' HUP PIPE USR1
	ctr "$IMG" ctr-inside fds
	is "descriptors" "$output" $'0\n1\n2'
	ctr "$IMG" grep -E '^Sig(Blk|Ign)' /proc/self/status
	trap - HUP PIPE USR1
	exec 7<&- 9>&-
	is "signals" "$(echo "$output" | tr -d '\t')" $'SigBlk:0000000000000000\nSigIgn:0000000000000000'
}

@test "no way out through the descriptors of the launcher (CVE-2024-21626)" {
	local n
	for n in $(seq 3 16); do
		ctr -w "/proc/self/fd/$n" "$IMG" true
		[ "$status" != 0 ] || {
			echo "working directory /proc/self/fd/$n was accepted"
			return 1
		}
		ctr "$IMG" "/proc/self/fd/$n/bin/true"
		[ "$status" != 0 ]
	done
}

@test "a start from a thread that is not the first, or in the host's network" {
	make_image "$TMP/img"
	local driver opt
	driver=$(dirname "$ISOLAB")/ctr-driver
	for opt in -T -H "-T -H" -k -r -S -N "-N -u 7"; do
		# shellcheck disable=SC2086
		run "$driver" $opt "$TMP/img" sh -c '[ -e /dev/null ] && exit 9'
		is "$opt" "$status $output" "9 "
	done
	run "$driver" -T "$TMP/img" sh -c 'ip addr show lo | grep -c "inet 127.0.0.1"; ls /sys/class/net'
	is "network" "$output" $'1\nlo'
}

@test "cgroup v2: the container is made in its cgroup, with docker's device rules" {
	[ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ] || skip "the other tests ran on v2"
	unshare -m mount -t cgroup2 none /sys/fs/cgroup || skip "no cgroup v2 in this kernel"
	# A mount namespace in which the v2 tree is all there is.
	run unshare -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh \
		"$ISOLAB" run --rm --as container "$IMG" sh -c 'tail -1 /proc/self/cgroup
			grep -c "/sys/fs/cgroup cgroup2 ro," /proc/mounts
			mknod /tmp/disk b 254 0 && ctr-inside open /tmp/disk
			mknod /tmp/null c 1 3 && ctr-inside open /tmp/null'
	is "output" "$output" $'0::/\n1\nEPERM\nallowed'
	run unshare -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh \
		"$ISOLAB" run --rm --as container --pids-limit 9 "$IMG" true
	is "status" "$status" 125
	unshare -m sh -c 'mount -t cgroup2 none /sys/fs/cgroup && rmdir /sys/fs/cgroup/isolab' || true
	[[ $output == *"pids.max"* ]]
}

@test "-t gives a terminal that is /dev/console" {
	command -v script >/dev/null || skip "no script(1) on this host"
	script -qec "$ISOLAB run --rm -it --as container $IMG sh -c 'ls -l /dev/console | head -c 1; [ -t 0 ] && : >/dev/tty && echo tty'" /dev/null </dev/null >"$TMP/out"
	[ "$(tr -d '\r\n' <"$TMP/out")" = ctty ]
}

@test "memory limit: too much is killed with 137, and the limit is in the cgroup" {
	ctr -m 32m "$IMG" ctr-inside eat 8
	is "within" "$status $output" "0 ate"
	ctr -m 32m "$IMG" ctr-inside eat 128
	is "beyond" "$status $output" "137 "
	ctr -m 32m "$IMG" sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null'
	is "limit" "$output" 33554432
}

@test "a memory limit below docker's minimum is refused" {
	ctr -m 1m "$IMG" true
	is "status" "$status" 125
	[[ $errors == *"not between"* ]]
}

@test "process and CPU limits are in force" {
	ctr --pids-limit 12 "$IMG" ctr-inside fork 50
	is "children" "$output" 11
	ctr --cpus 1.5 "$IMG" sh -c 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null'
	[[ $output == 150000 || $output == "150000 100000" ]]
}

@test "the exit status tells not found, not executable and broken apart" {
	ctr "$IMG" /no/such
	is "not found" "$status" 127
	ctr "$IMG" no-such-command
	is "not in PATH" "$status" 127
	ctr "$IMG" /etc
	is "a directory" "$status" 126
	ctr "$IMG" sh -c 'kill -9 $$; sleep 1; exit 3'
	is "process 1 cannot kill itself" "$status" 3
}

@test "links of the image that point to the host lead nowhere" {
	local target kind
	for target in / ../../../../../.. /../../host; do
		for kind in etc dev proc sys etc/hosts etc/resolv.conf tmp; do
			rm -rf "$TMP/img"
			make_image "$TMP/img"
			rm -rf "${TMP:?}/img/$kind"
			ln -s "$target" "$TMP/img/$kind"
			import_image "$TMP/img"
			ctr "$name" sh -c '[ -f /etc/hosts ] && [ -c /dev/null ] && [ -d /proc/1 ] && echo fine'
			is "$kind -> $target" "$status $output" "0 fine"
			"$ISOLAB" rmi "$name" >/dev/null
		done
	done
}

@test "a link to a file of the host is not written through" {
	make_image "$TMP/img"
	echo precious >"$TMP/precious"
	mkdir -p "$TMP/img/etc"
	ln -s "$TMP/precious" "$TMP/img/etc/hosts"
	ln -s "/proc/1/root$TMP/precious" "$TMP/img/etc/resolv.conf"
	ln -s "../../../../../../../..$TMP/precious" "$TMP/img/etc/hostname"
	import_image "$TMP/img"
	ctr "$name" cat /etc/hosts
	[[ $output == *localhost* ]]
	is "the host's file" "$(cat "$TMP/precious")" precious
}

@test "nothing is left after a normal end" {
	local mounts before
	mounts=$(wc -l </proc/self/mountinfo)
	"$ISOLAB" run --as container --name "n$$" "$IMG" true
	id=$("$ISOLAB" ps -aq --no-trunc | head -1)
	[ -n "$id" ]
	is "cgroups" "$(cgroups_of "$id")" ""
	is "mounts" "$(wc -l </proc/self/mountinfo)" "$mounts"
	"$ISOLAB" rm "$id" >/dev/null
}

@test "processes that outlive process 1 end with it" {
	local mark=2$RANDOM$RANDOM
	ctr "$IMG" sh -c "sleep $mark & sleep $mark & exit 0"
	is "status" "$status" 0
	eventually no_process "sleep $mark"
}

@test "the container dies with a supervisor that is killed, 100 times at random moments" {
	local i pid mark=3$RANDOM$RANDOM ids id left=
	for i in $(seq 100); do
		"$ISOLAB" run --as container "$IMG" sleep "$mark" </dev/null >/dev/null 2>&1 &
		pid=$!
		sleep "0.00$((RANDOM % 10))$((RANDOM % 10))"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	eventually no_process "sleep $mark"
	ids=$("$ISOLAB" ps -aq --no-trunc)
	for id in $ids; do
		"$ISOLAB" rm -f "$id" >/dev/null 2>&1 || true
	done
	for id in $ids; do left+=$(cgroups_of "$id"); done
	is "cgroups" "$left" ""
	is "instances" "$("$ISOLAB" ps -aq)" ""
}

@test "process 1 killed from outside: status 137, nothing left" {
	local mark=4$RANDOM$RANDOM
	"$ISOLAB" run --as container "$IMG" sleep "$mark" </dev/null >/dev/null 2>&1 &
	local cli=$!
	PIDS+=("$cli")
	eventually has_process "^sleep $mark"
	kill -9 "$(pgrep -f "^sleep $mark")"
	status=0
	wait "$cli" || status=$?
	is "status" "$status" 137
	id=$("$ISOLAB" ps -aq --no-trunc | head -1)
	is "cgroups" "$(cgroups_of "$id")" ""
}
