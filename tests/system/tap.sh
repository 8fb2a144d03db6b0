#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tap.sh CASE. The network over a TAP device, in a network namespace of the test's own.
. "$(dirname "$0")/lib.sh"

# Runs the case named in_CASE below in such a namespace, where there is t0, the host's end of the cable.
apart() {
	need_namespaces n
	if [ ! -c /dev/net/tun ] || [ ! -w /dev/net/tun ]; then
		echo "skipped: this user may not open /dev/net/tun"
		exit 77
	fi
	timeout 400 "${apart[@]}" bash "$0" "in_$1"
	exit
}

cable() {
	ip tuntap add dev t0 mode tap || fail "no TAP device"
	ip addr add 192.0.2.1/24 dev t0
	ip link set t0 up
	ip link set lo up
}

plugged=(--net 'tap,ifname=t0,mac=52:54:00:aa:bb:cc')
address='ip addr add 192.0.2.2/24 dev eth0'

case_transfer() {
	apart transfer
}

# Pings, 100 MB each way, and how: without segments larger than a frame it were 70000 frames.
# (nc itself writes 1 KiB at a time, cat much more.)
case_in_transfer() {
	local sum frames
	cable
	head -c 100M /dev/urandom >"$work/data"
	serve 80 busybox httpd -f -p 192.0.2.1:80 -h "$work"
	serve 81 nc.openbsd -d -l 192.0.2.1 81 >"$work/up"
	guest "$address; ping -q -c 3 -i 0.1 192.0.2.1 >&2 || exit 9
		cat /sys/class/net/eth0/address /sys/class/net/eth0/device/features
		wget -q -O - http://192.0.2.1/data | sha256sum
		cat /sys/class/net/eth0/statistics/rx_packets
		nc 192.0.2.1 81 -e cat /dev/vda" --disk "path=$work/data,ro=on" "${plugged[@]}" "${quick[@]}"
	expect_status 0
	sum=$(sha256sum <"$work/data")
	expect_in out '^52:54:00:aa:bb:cc$'
	expect_in out '^11.....11..11' # CSUM, GUEST_CSUM, GUEST_TSO4 and 6, HOST_TSO4 and 6
	expect_in out "^$sum$"
	frames=$(tail -n 1 "$work/out")
	[ "$frames" -lt 35000 ] || fail "$frames frames went down: no segmentation offload"
	wait "${pids[-1]}"
	cmp "$work/data" "$work/up" || fail "other bytes came up"
	frames=$(ip -s link show t0 | awk 'found { print $2; exit } /RX:/ { found = 1 }')
	[ "$frames" -lt 35000 ] || fail "$frames frames came up: no segmentation offload"
}

# iperf3 of Debian, in the guest by the disk that guest/userland.sh makes, both ways over 1 to 4 queues.
case_iperf3() {
	IPERF_DISK=$("$(dirname "$0")/../../guest/userland.sh" iperf3 2>"$work/err" | sed -n 's/^image=//p')
	[ -n "$IPERF_DISK" ] || fail "there is no disk with iperf3"
	export IPERF_DISK
	apart iperf3
}

case_in_iperf3() {
	local queues used
	ip tuntap add dev t0 mode tap multi_queue || fail "no TAP device"
	ip addr add 192.0.2.1/24 dev t0
	ip link set t0 up
	ip link set lo up
	serve 5201 iperf3 -s >/dev/null
	for queues in 1 2 3 4; do
		start run --smp "$queues" --net "tap,ifname=t0,queues=$queues" --control "unix:$work/c" "${quick[@]}" \
			--disk "path=$IPERF_DISK,snapshot=on" --exec "$address
			for way in '-n 16M' '-t 1 -R'; do # (by -n with -R it can wait for ever, by itself)
				/mnt/enter iperf3 -c 192.0.2.1 -P 8 \$way || exit 9
			done
			echo ready; read wait"
		wait_for '^ready$'
		[ "$(grep -cE '^.SUM. .*(sender|receiver)' "$work/out")" = 4 ] || fail "not all has been sent"
		"$LINNET" ctl "$work/c" stats >"$work/stats" || fail "no statistics"
		# DEVICE QUEUE KICKS INTERRUPTS CHAINS: those that received something, and those that sent.
		used=$(awk -v n=$((2 * queues)) '$1 == "net0" && $2 < n && $5 > 4 { k[$2 % 2]++ }
			END { print k[0] "," k[1] }' "$work/stats")
		[ "$used" = "$queues,$queues" ] || fail "with $queues queues $used are used: $(cat "$work/stats")"
		say end
		finish
		expect_status 0
	done
}

case_iothreads() {
	apart iothreads
}

# Two pairs, each side on another thread than the other, with transfers both ways at once.
case_in_iothreads() {
	local sum
	ip tuntap add dev t0 mode tap multi_queue || fail "no TAP device"
	ip addr add 192.0.2.1/24 dev t0
	ip link set t0 up
	ip link set lo up
	head -c 30M /dev/urandom >"$work/data"
	busybox httpd -f -p 192.0.2.1:80 -h "$work" &
	pids+=("$!")
	nc.openbsd -d -l 192.0.2.1 81 >"$work/up" &
	pids+=("$!")
	guest "$address; wget -q -O - http://192.0.2.1/data | sha256sum & nc 192.0.2.1 81 -e cat /dev/vda; wait" \
		--smp 2 --iothreads 2 --disk "path=$work/data,ro=on" --net 'tap,ifname=t0,queues=2' "${quick[@]}"
	expect_status 0
	expect_out "$(sha256sum <"$work/data")"
	wait "${pids[-1]}"
	cmp "$work/data" "$work/up" || fail "other bytes came up"
}

case_mistakes() {
	apart mistakes
}

refuse() { # regex --net value
	linnet run --net "$2" </dev/null
	expect_status 1
	expect_in err "$1"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "not one line for: $2"
}

case_in_mistakes() {
	cable
	refuse 'ifname=t1: there is no such interface; once, as root: ip tuntap add dev t1 mode tap user' \
		tap,ifname=t1
	refuse 'ifname=lo: is no TAP device' tap,ifname=lo
	refuse 'ifname=t0: is no TAP device with several queues; once, as root: ip .* multi_queue' \
		tap,ifname=t0,queues=2
	refuse 'pcap=/nonexistent/f: No such file' tap,ifname=t0,pcap=/nonexistent/f
	refuse 'pcap=/dev/null: is no regular file' tap,ifname=t0,pcap=/dev/null
	refuse 'ifname=0123456789abcdef: is no name' tap,ifname=0123456789abcdef
	start run --net tap,ifname=t0 --exec 'echo ready; sleep 100'
	wait_for '^ready$'
	cp "$work/err" "$work/first"
	[ ! -s "$work/first" ] || fail "it said: $(cat "$work/first")"
	"$LINNET" run --net tap,ifname=t0 </dev/null >"$work/second" 2>&1 && fail "t0 was given twice"
	grep -q 'ifname=t0: is in use' "$work/second" || fail "$(cat "$work/second")"
	# The cable is pulled out for ever: one line, and the machine goes on.
	ip link del t0
	for _ in $(seq 100); do
		grep -q 'the interface is gone' "$work/err" && break
		sleep 0.1
	done
	[ "$(wc -l <"$work/err")" = 1 ] || fail "not one line"
	kill -0 "$started" || fail "it has ended"
	kill "$started"
	finish
	# A user without rights.
	ip tuntap add dev t2 mode tap user 4242
	ip tuntap add dev t3 mode tap
	guest 'ip link set eth0 up; cat /sys/class/net/eth0/address' --net tap,ifname=t3
	expect_status 0
	expect_in err 'ifname=t3: the interface is down'
	expect_in out '^52:54:00'
	setpriv --reuid 4243 --regid 4243 --clear-groups test -w /dev/net/tun || exit 0
	setpriv --reuid 4243 --regid 4243 --clear-groups "$LINNET" run --net tap,ifname=t2 --kernel x \
		--initrd x 2>"$work/err"
	expect_in err 'ifname=t2: this is another user.s; once, as root: ip tuntap'
}

"case_$1"
