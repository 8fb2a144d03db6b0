#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: devices.sh CASE. Disks and the network, with real file systems and real peers.
. "$(dirname "$0")/lib.sh"

# What the guest wrote is on the host's file system, and e2fsck finds nothing to say.
case_ext4() {
	truncate -s 64M "$work/image"
	/sbin/mkfs.ext4 -q -F "$work/image" || fail "mkfs.ext4"
	guest 'set -e; mkdir -p /tmp/d; mount /dev/vda /tmp/d
		dd if=/dev/urandom of=/tmp/d/file bs=64k count=200 2>/dev/null
		for i in $(seq 200); do echo $i >/tmp/d/$i; done
		rm /tmp/d/1*; sync; sha256sum </tmp/d/file; umount /tmp/d' --disk "path=$work/image,serial=mine"
	expect_status 0
	cp "$work/out" "$work/sum"
	/sbin/e2fsck -fn "$work/image" >"$work/fsck" 2>&1 || fail "e2fsck: $(cat "$work/fsck")"
	guest 'set -e; mkdir -p /tmp/d; mount -o ro /dev/vda /tmp/d; sha256sum </tmp/d/file
		ls /tmp/d | wc -l >&2; echo $(cat /sys/block/vda/serial) >&2; cat /sys/block/vda/ro >&2' \
		--disk "path=$work/image,ro=on,serial=mine"
	expect_status 0
	cmp "$work/out" "$work/sum" || fail "another content after a restart"
	expect_in err '^mine$'
	expect_in err '^1$'
}

case_snapshot() {
	truncate -s 8M "$work/image"
	sha256sum <"$work/image" >"$work/before"
	guest 'dd if=/dev/urandom of=/dev/vda bs=1M count=8 2>/dev/null; sync
		echo 3 >/proc/sys/vm/drop_caches; sha256sum </dev/vda; sha256sum </dev/vda' \
		--disk "path=$work/image,snapshot=on"
	expect_status 0
	[ "$(sort -u "$work/out" | wc -l)" = 1 ] || fail "the guest reads two contents"
	! cmp -s "$work/out" "$work/before" || fail "the guest does not see its own writes"
	sha256sum <"$work/image" | cmp - "$work/before" || fail "the image has changed"
}

# 10 MB each way through the user network, to a server on the host's loopback.
case_net() {
	local port
	mkdir "$work/www"
	head -c 10M /dev/urandom >"$work/www/down"
	for port in $(shuf -i 20000-50000 -n 20); do
		busybox httpd -f -p "127.0.0.1:$port" -h "$work/www" &
		pids+=("$!")
		sleep 0.2
		kill -0 "${pids[-1]}" 2>/dev/null && break
	done
	guest "wget -q -O - http://10.0.2.2:$port/down | sha256sum"
	expect_status 0
	expect_out "$(sha256sum <"$work/www/down")"
}

case_net_up() {
	local port
	for port in $(shuf -i 20000-50000 -n 20); do
		nc.openbsd -N -l 127.0.0.1 "$port" >"$work/up" 2>/dev/null </dev/null &
		pids+=("$!")
		sleep 0.2
		kill -0 "${pids[-1]}" 2>/dev/null && break
	done
	guest "head -c 10485760 /dev/urandom >/tmp/up; sha256sum </tmp/up; nc 10.0.2.2 $port </tmp/up"
	expect_status 0
	wait "${pids[-1]}"
	[ "$(sha256sum <"$work/up")" = "$(head -n 1 "$work/out")" ] || fail "other bytes came up"
}

case_forward() {
	local port=$((20000 + RANDOM % 20000))
	"$LINNET" run --net "user,hostfwd=tcp:127.0.0.1:$port-:7" \
		--exec 'echo ready; nc -l -p 7 -e cat' </dev/null >"$work/out" 2>"$work/err" &
	pids+=("$!")
	for _ in $(seq 600); do
		[ -s "$work/out" ] && break
		sleep 0.1
	done
	sleep 1
	printf 'through the forward\n' | timeout 20 busybox nc -w 5 127.0.0.1 "$port" >"$work/answer"
	grep -q 'through the forward' "$work/answer" || fail "no answer through the forward"
}

case_rng() {
	guest 'cat /sys/class/misc/hw_random/rng_current; head -c 1000 /dev/hwrng | wc -c'
	expect_status 0
	expect_in out '^virtio_rng'
	expect_in out '^1000$'
}

"case_$1"
