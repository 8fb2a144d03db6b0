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

# Each format with and without its features, as the guest says that it uses them: indirect, event-idx,
# access-platform, packed, in-order, notification-data, queue-reset. Linux 6.12 knows no IN_ORDER, and
# resets no queue over mmio.
case_rings() {
	local carrier ring bits
	truncate -s 32M "$work/image"
	while read -r carrier ring bits; do
		guest 'set -e; cut -c 29-30,34-36,39,41 /sys/bus/virtio/devices/virtio0/features >&2
			dd if=/dev/urandom of=/tmp/in bs=64k count=100 2>/dev/null
			dd if=/tmp/in of=/dev/vda bs=16k 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches
			dd if=/dev/vda bs=64k count=100 2>/dev/null | cmp - /tmp/in; echo "GET /" | nc 10.0.2.2 1 || echo refused' \
			--transport "$carrier" --ring "$ring" --engine jit --smp 2 --disk "$work/image"
		expect_status 0
		expect_in err "^$bits\$"
		expect_in out '^refused$'
	done <<-END
		mmio split,event-idx=off,indirect=off 0000000
		mmio split,access-platform=on,notification-data=on,in-order=on,size=32 1110010
		mmio packed,event-idx=off,indirect=off,size=37 0001000
		pci packed,size=100,notification-data=on 1101011
	END
}

# Every device that there is, in one guest, over each carrier and each format; all of them do something.
case_all() {
	local carrier ring packed
	need_virtiofsd
	mkdir "$work/shared"
	echo hello >"$work/shared/file"
	truncate -s 8M "$work/image"
	for carrier in mmio pci; do
		for ring in split packed; do
			packed=$([ "$ring" = split ] && echo 0 || echo 1)
			guest 'set -e; head -c 1048576 /dev/urandom >/tmp/in; cat /tmp/in >/dev/vda; sync
				echo 3 >/proc/sys/vm/drop_caches; head -c 1048576 /dev/vda | cmp - /tmp/in
				wget -q -O - http://10.0.2.2:1 2>&1 | grep -o refused
				head -c 100 /dev/hwrng | wc -c
				cat /share/file; echo back >/share/back
				vsock call 78 2>&1 || true
				for d in /sys/bus/virtio/devices/*; do
					echo "$(basename "$(readlink $d/driver)") $(cat $d/status) $(cut -c 35 $d/features)"
				done | sort' --transport "$carrier" --ring "$ring" "${quick[@]}" --disk "$work/image" \
				--vsock "$work/vsock" --balloon on --share "$work/shared" --control "unix:$work/control" \
				--file "$VSOCK:/bin/vsock"
			expect_status 0
			expect_out "refused
100
hello
vsock: connect: Connection reset by peer
$(for name in virtio_balloon virtio_blk virtio_console virtio_input virtio_net virtio_rng virtiofs \
				vmw_vsock_virtio_transport; do
				echo "$name 0x0000000f $packed"
			done)"
			expect_not_in err .
			[ "$(cat "$work/shared/back")" = back ] || fail "nothing came back"
			rm "$work/shared/back"
		done
	done
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
	mkdir "$work/www"
	head -c 10M /dev/urandom >"$work/www/down"
	listen busybox httpd -f -p 127.0.0.1:PORT -h "$work/www"
	guest "wget -q -O - http://10.0.2.2:$port/down | sha256sum"
	expect_status 0
	expect_out "$(sha256sum <"$work/www/down")"
}

case_net_up() {
	listen nc.openbsd -d -l 127.0.0.1 PORT >"$work/up"
	guest "head -c 10485760 /dev/urandom >/tmp/up; sha256sum </tmp/up; nc 10.0.2.2 $port </tmp/up"
	expect_status 0
	wait "${pids[-1]}"
	[ "$(sha256sum <"$work/up")" = "$(head -n 1 "$work/out")" ] || fail "other bytes came up"
}

# 100 MB each way.
case_net_100mb() {
	local www up
	mkdir "$work/www"
	head -c 100M /dev/urandom >"$work/www/data"
	listen busybox httpd -f -p 127.0.0.1:PORT -h "$work/www"
	www=$port
	listen nc.openbsd -d -l 127.0.0.1 PORT >"$work/up"
	up=$port
	guest "wget -q -O - http://10.0.2.2:$www/data | sha256sum; nc 10.0.2.2 $up </dev/vda" \
		--disk "path=$work/www/data,ro=on" "${quick[@]}"
	expect_status 0
	expect_out "$(sha256sum <"$work/www/data")"
	wait "${pids[-1]}"
	cmp "$work/www/data" "$work/up" || fail "other bytes came up"
}

case_no_net() {
	guest 'ls /sys/class/net' --net none
	expect_status 0
	expect_out lo
}

# The guest asks the host's name server. Here that is one of ours, in a network and a file system of our
# own where it may have port 53 and be named in /etc/resolv.conf.
case_dns() {
	need_namespaces mn
	echo 'nameserver 127.0.0.1' >"$work/resolv.conf"
	timeout 120 "${apart[@]}" sh -c 'busybox ip link set lo up && mount --bind "$1" /etc/resolv.conf &&
		{ python3 "$2" & } && "$3" run --exec "nslookup linnet.test"; r=$?; kill $!; exit $r' \
		sh "$work/resolv.conf" "$(dirname "$0")/dns.py" "$LINNET" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_in out '192\.0\.2\.53'
}

# A signal that ends the machine in the middle of writes: what the guest had synced is in the image, and
# e2fsck needs no more than the journal.
case_killed() {
	truncate -s 64M "$work/image"
	/sbin/mkfs.ext4 -q -F "$work/image" || fail "mkfs.ext4"
	"$LINNET" run --disk "path=$work/image" </dev/null >"$work/out" 2>"$work/err" --exec '
		head -c 3000000 /dev/urandom >/mnt/kept; sync; sha256sum </mnt/kept
		while :; do head -c 300000 /dev/urandom >/mnt/$((i++ % 50)); done' &
	pids+=("$!")
	for _ in $(seq 1200); do
		[ -s "$work/out" ] && break
		sleep 0.1
	done
	sleep 1
	kill -HUP "${pids[0]}" # SIGTERM would be the command's
	wait "${pids[0]}"
	status=$?
	expect_status 129
	/sbin/e2fsck -p "$work/image" >"$work/fsck" 2>&1 || fail "e2fsck -p: $(cat "$work/fsck")"
	/sbin/e2fsck -fn "$work/image" >"$work/fsck" 2>&1 || fail "e2fsck: $(cat "$work/fsck")"
	/sbin/debugfs -R 'dump /kept '"$work/kept" "$work/image" 2>/dev/null
	[ "$(sha256sum <"$work/kept")" = "$(cat "$work/out")" ] || fail "what was synced is lost"
}

# forwarding tcp|udp COMMAND ...: a machine whose command says "ready", and to whose port 7 leads $port.
forwarding() {
	for port in $(shuf -i 20000-32000 -n 20); do
		start run --net "user,hostfwd=$1:127.0.0.1:$port-:7" --exec "$2" "${@:3}"
		until [ -s "$work/out" ] || ! kill -0 "$started" 2>/dev/null; do
			sleep 0.1
		done
		has_lines '^ready$' && return
		grep -q 'hostfwd' "$work/err" || fail "it does not start"
	done
	fail "no free port"
}

case_forward() {
	forwarding tcp 'echo ready; nc -l -p 7 -e cat'
	for _ in $(seq 100); do # until the guest listens
		printf 'through the forward\n' | timeout 20 busybox nc -w 5 127.0.0.1 "$port" >"$work/answer"
		grep -q 'through the forward' "$work/answer" && break
		sleep 0.1
	done
	grep -q 'through the forward' "$work/answer" || fail "no answer through the forward"
	finish
	expect_status 0
}

case_forward_udp() {
	forwarding udp /udp_echo --file "$UDP_ECHO:/udp_echo"
	timeout 100 python3 "$(dirname "$0")/udp.py" "$port" 1 100 1400 4000 >"$work/answer" 2>&1 ||
		fail "$(cat "$work/answer")"
	exec 9>&-
}

case_rng() {
	guest 'cat /sys/class/misc/hw_random/rng_current; head -c 1000 /dev/hwrng | wc -c'
	expect_status 0
	expect_in out '^virtio_rng'
	expect_in out '^1000$'
}

case_no_rng() {
	guest 'cat /sys/class/misc/hw_random/rng_current; ls /sys/bus/virtio/drivers' --rng off
	expect_status 0
	expect_in out '^none$'
	expect_not_in out rng
}

"case_$1"
