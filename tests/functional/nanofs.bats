#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files in a nano VM: the same commands as in a container, with the same results.

load lib

setup() {
	need_kind nano
	need_kind container
	TMP=$(mktemp -d)
}

teardown() {
	[ -z "${TMP:-}" ] || rm -rf "$TMP"
}

# compare IMAGE COMMAND...: output, errors and status of both kinds are equal.
compare() {
	local kind
	for kind in nano container; do
		"$ISOLAB" run --rm --as "$kind" "$@" >"$TMP/$kind" 2>"$TMP/$kind.err" </dev/null ||
			echo "run failed: $?" >>"$TMP/$kind"
	done
	diff -u "$TMP/container" "$TMP/nano" && diff -u "$TMP/container.err" "$TMP/nano.err"
}

# same IMAGE COMMAND...: equal, and it succeeds. fails: equal, and it fails.
same() {
	compare "$@"
	! grep "^run failed" "$TMP/nano"
}
fails() {
	compare "$@"
	grep -q "^run failed" "$TMP/nano"
}

need_debian() {
	"$ISOLAB" images -q debian 2>/dev/null | grep -q . || skip "no debian image (make build/debian-image.tar)"
}

@test "reading: names, links, sums" {
	same demo ls -l /bin/busybox
	same demo ls /
	same demo cat /etc/passwd /etc/group
	same demo sha256sum /bin/busybox
	same demo readlink -f /bin/ls
	same demo wc -c /bin/busybox
	same demo stat -c '%n %s %a %u %g %h %F' /etc/passwd /bin/ls /dev/null
	# A directory's size and links are its file system's own business.
	same demo stat -c '%n %a %u %g %F' /tmp /etc /dev
	same demo find /etc/passwd /bin/busybox -type f
}

@test "changing: what each command leaves is what it tells" {
	same demo cp -a /etc /tmp/etc2
	same demo mv /etc/passwd /tmp/p
	same demo rm -rf /usr /bin /etc
	same demo mkdir -p /a/b/c
	same demo tar cf /tmp/x.tar /etc
	same demo gzip -k /etc/passwd
	same demo dd if=/dev/zero of=/tmp/z bs=64k count=16
	same demo touch -d '2001-02-03 04:05:06' /etc/passwd
	same demo awk 'BEGIN { f = "/tmp/x"; for (i = 0; i < 2000; i++) print i > f; close(f)
		while ((getline l < f) > 0) s += l; print s }'
	same demo sh -c 'cd /tmp; echo a >f; read x <f; echo $x; echo b >>f; while read y; do echo $y; done <f
		set -C; echo c >f; echo status $?; echo *; cd /proc/self && pwd'
}

@test "refusals have the same words" {
	fails demo ls /nosuch
	fails demo cat /etc
	fails demo rmdir /etc
	fails demo mkdir /etc
	fails demo mv /etc /etc/sub
	fails demo cp /etc/passwd /nosuch/x
	fails demo ln /etc /tmp/l
	fails demo cat /etc/passwd/x
	fails demo rm /dev
	fails --user 1234:1234 demo rm /etc/passwd
	fails --user 1234:1234 demo touch /etc/passwd
	fails --read-only demo touch /tmp/x
}

@test "python: directories, pipes, select, sqlite, shared mappings" {
	need_debian
	same debian python3 -c 'if True:
		import mmap, os, select, shutil, sqlite3, tempfile
		d = tempfile.mkdtemp()
		for i in range(100): open(d + "/%d" % i, "w").write("x" * i * 100)
		print(sorted(os.listdir(d))[:5], sum(e.stat().st_size for e in os.scandir(d)))
		shutil.rmtree(d); print(os.path.exists(d))
		os.makedirs("/tmp/a/b/c"); os.rename("/tmp/a", "/tmp/z"); print(list(os.walk("/tmp/z")))
		r, w = os.pipe(); os.write(w, b"hello"); print(os.read(r, 10))
		print(select.select([r], [w], [], 0.01) == ([], [w], []))
		c = sqlite3.connect("/tmp/x.db"); c.execute("create table t(a)")
		c.executemany("insert into t values(?)", [(i,) for i in range(1000)]); c.commit()
		print(c.execute("select sum(a) from t").fetchall())
		def share(path):
			f = open(path, "r+b"); n = os.fstat(f.fileno()).st_size
			ro = mmap.mmap(f.fileno(), n, mmap.MAP_SHARED, mmap.PROT_READ)
			before = ro[0:4]; os.pwrite(f.fileno(), b"WXYZ", 0); print(ro[0:4])
			rw = mmap.mmap(f.fileno(), n); rw[0:2] = b"!!"
			print(ro[0:4], os.pread(f.fileno(), 4, 0)); os.pwrite(f.fileno(), b"??", 2)
			print(rw[0:4], ro[0:4])
		share("/etc/passwd")
		os.truncate(os.open("/tmp/sparse", os.O_CREAT | os.O_RDWR), 1 << 30); share("/tmp/sparse")
		print(os.stat("/tmp/sparse").st_blocks)'
}

@test "debian's tools: ls, cp, tar, find, split, bash, perl" {
	need_debian
	same debian /bin/ls -l /usr/bin
	same debian cp -a /etc /tmp/etc
	same debian tar -cf /tmp/x.tar -C / etc usr/bin
	same debian du -sh /usr/bin
	same debian install -D -m 600 /etc/passwd /tmp/q/w/e
	same debian truncate -s 1G /tmp/big
	same debian split -b 100 /etc/passwd /tmp/sp
	fails debian bash -c 'echo hi >/tmp/x; read -r a </tmp/x; echo $a; exec 5<>/tmp/x; echo more >&5
		for i in /usr/*; do echo $i; done; [[ -w /etc/passwd ]] && echo w; exit 7'
}
