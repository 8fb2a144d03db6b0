#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: switch.sh CASE. Guests of several processes on one switch, and passt.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

# begin_switch ARGS...: a switch at $work/s.
begin_switch() {
	"$LINNET" switch -v "$@" "$work/s" >"$work/switch" 2>&1 &
	switch=$!
	pids+=("$switch")
	for _ in $(seq 100); do
		grep -q '^a switch at' "$work/switch" && return
		sleep 0.1
	done
	fail "the switch does not serve: $(cat "$work/switch")"
}

# guest_on N CMD [KEYS]: runs CMD in a guest with the address 192.0.2.N, in the background; output in $work/gN,
# input from $work/inN if that is there.
guest_on() {
	local input=/dev/null
	[ ! -p "$work/in$1" ] || input=$work/in$1
	timeout -k 5 "${LIMIT:-120}" "$LINNET" run "${quick[@]}" --net "switch=$work/s${3:-}" \
		--exec "ip addr add 192.0.2.$1/24 dev eth0; $2" <"$input" >"$work/g$1" 2>&1 &
	pids+=("$!")
	guest_pid[$1]=$!
}

# cost N: prints what six transfers of N blocks took of the switch's CPU, and of the guests' with their
# boot (for docs/performance.md; nothing is compared).
cost() { # blocks
	local ticks
	ticks=$(awk '{ print $14 + $15 }' "/proc/$switch/stat")
	times >"$work/times"
	awk -v ticks="$ticks" -v hz="$(getconf CLK_TCK)" -v mb="$(($1 * 6 / 16))" -v all="$SECONDS" 'NR == 2 {
		split($1 "m" $2, t, /[ms]+/)
		guests = t[1] * 60 + t[2] + t[3] * 60 + t[4]
		printf "%d MiB: %.2f s of the switch, %.2f s of three guests, %d s in all\n", mb, ticks / hz, guests, all
	}' "$work/times"
}

# Each of three guests serves N blocks of 64 KiB to each of the others, and compares what it gets. None
# leaves before all have what they wanted.
exchange() { # blocks
	local sum i
	sum=$(head -c $(($1 * 65536)) /dev/zero | sha256sum)
	begin_switch
	for i in 1 2 3; do
		mkfifo "$work/in$i"
		guest_on "$i" "cat /sys/class/net/eth0/address
			for k in 1 2; do
				while :; do nc -l -p 8\$k -e dd if=/dev/zero bs=64k count=$1 2>/dev/null; done &
			done
			for peer in $((i % 3 + 1)):81 $(((i + 1) % 3 + 1)):82; do
				until ping -q -c 1 -w 1 192.0.2.\${peer%:*} >/dev/null; do :; done
				until nc -w 20 192.0.2.\${peer%:*} \${peer#*:} </dev/null >/tmp/got && [ -s /tmp/got ]; do sleep 0.2; done
				sha256sum </tmp/got
			done
			echo fetched; read end || :"
	done
	exec 5>"$work/in1" 6>"$work/in2" 7>"$work/in3"
	for ((i = 0; i < 10 * ${LIMIT:-100}; i++)); do
		[ "$(cat "$work"/g? 2>/dev/null | grep -c '^fetched')" != 3 ] || break
		sleep 0.1
	done
	exec 5>&- 6>&- 7>&- # their ends of input
	for i in 1 2 3; do
		wait "${guest_pid[$i]}" || fail "guest $i: $(cat "$work/g$i")"
		[ "$(grep -c "^$sum" "$work/g$i")" = 2 ] || fail "guest $i got: $(cat "$work/g$i")"
	done
	[ "$(grep -h '^52:54:' "$work"/g? | sort -u | wc -l)" = 3 ] || fail "not three addresses"
	cost "$1"
	kill "$switch"
	wait "$switch" || fail "status $? of the switch"
	sed "s,^,  ," "$work/switch"
	grep -q '0 bad; 3 connections, 0 refused' "$work/switch" || fail "$(cat "$work/switch")"
	[ ! -e "$work/s" ] || fail "the socket is left behind"
}

case_three() {
	exchange 64
}

# 1 GB over all. The guests' memory holds what one gets.
case_gigabyte() {
	LIMIT=1000 exchange 2560
}

# The uplink: a TAP device, in a network namespace of the test's own.
case_uplink() {
	need_namespaces n
	[ -w /dev/net/tun ] || {
		echo "skipped: this user may not open /dev/net/tun"
		exit 77
	}
	timeout 100 "${apart[@]}" bash "$0" in_uplink
	exit
}

case_in_uplink() {
	ip tuntap add dev t0 mode tap || fail "no TAP device"
	ip addr add 192.0.2.100/24 dev t0
	ip link set t0 up
	ip link set lo up
	head -c 20M /dev/urandom >"$work/data"
	serve 80 busybox httpd -f -p 192.0.2.100:80 -h "$work"
	begin_switch --uplink t0
	guest_on 1 'ping -q -c 1 192.0.2.100; wget -q -O - http://192.0.2.100/data | sha256sum' \
		",pcap=$work/pcap"
	wait "${guest_pid[1]}" || fail "$(cat "$work/g1")"
	grep -q "^$(sha256sum <"$work/data")" "$work/g1" || fail "$(cat "$work/g1")"
	[ "$(stat -c %s "$work/pcap")" -gt 20000000 ] || fail "the recording is too short"
	# The switch goes before its guest: the guest lives on, and is told. It comes back: so does the guest.
	guest_on 2 'echo here; while ping -q -c 1 -w 1 192.0.2.100 >/dev/null; do sleep 0.1; done; echo alone
		cat /sys/class/net/eth0/carrier
		until ping -q -c 1 -w 1 192.0.2.100 >/dev/null; do sleep 0.1; done; cat /sys/class/net/eth0/carrier
		wget -q -O - http://192.0.2.100/data | sha256sum'
	for _ in $(seq 600); do
		grep -q '^here' "$work/g2" && break
		sleep 0.1
	done
	grep -q '^here' "$work/g2" || fail "the second guest does not start: $(cat "$work/g2")"
	kill "$switch"
	for _ in $(seq 600); do
		grep -q '^alone' "$work/g2" && break
		sleep 0.1
	done
	grep -q '^alone' "$work/g2" || fail "$(cat "$work/g2")"
	wait "$switch"
	begin_switch --uplink t0
	wait "${guest_pid[2]}" || fail "$(cat "$work/g2")"
	[ "$(grep '^[01]$' "$work/g2" | tr -d '\n')" = 01 ] || fail "the link is not down and up: $(cat "$work/g2")"
	grep -q 'the back end has ended; waiting' "$work/g2" || fail "$(cat "$work/g2")"
	grep -q 'the back end is there again' "$work/g2" || fail "$(cat "$work/g2")"
	grep -q "^$(sha256sum <"$work/data")" "$work/g2" || fail "$(cat "$work/g2")"
}

# qemu_guest KEYS: the same guest under QEMU, with its network card on the switch. Its shell's input is
# descriptor 8, its console $work/q.
qemu_guest() {
	rm -f "$work/inq"
	mkfifo "$work/inq"
	timeout -k 5 100 qemu-system-riscv64 -M virt,memory-backend=m -nographic -no-reboot \
		-object memory-backend-memfd,id=m,size=512M,share=on \
		-chardev "socket,id=c,path=$work/s" -netdev vhost-user,id=n,chardev=c \
		-device "virtio-net-pci,netdev=n,romfile=$1" -kernel "$(fetched kernel)" -initrd "$(fetched initrd)" \
		-append 'console=ttyS0 quiet' <"$work/inq" >"$work/q" 2>&1 &
	qemu=$!
	pids+=("$qemu")
	exec 8>"$work/inq"
	for _ in $(seq 900); do
		grep -q 'linnet:~# ' "$work/q" && return
		sleep 0.1
	done
	fail "no shell in QEMU's guest: $(cat "$work/q")"
}

# Another front end than ours: QEMU's, with each format of rings.
case_qemu() {
	local keys
	command -v qemu-system-riscv64 >/dev/null || {
		echo 'skipped: there is no qemu-system-riscv64'
		exit 77
	}
	begin_switch
	mkfifo "$work/in1"
	guest_on 1 'while :; do nc -l -p 80 -e dd if=/dev/zero bs=64k count=64 2>/dev/null; done & read end || :'
	exec 5>"$work/in1"
	for keys in '' ',packed=on'; do
		qemu_guest "$keys"
		echo 'ip addr add 192.0.2.9/24 dev eth0; ip link set eth0 up
			until nc 192.0.2.1 80 </dev/null >/tmp/got && [ -s /tmp/got ]; do sleep 0.2; done
			echo sum=$(sha256sum </tmp/got | cut -c1-64); poweroff -f' >&8
		wait "$qemu" || fail "status $? of QEMU: $(cat "$work/q")"
		exec 8>&-
		grep -q "sum=$(head -c 4M /dev/zero | sha256sum | cut -c1-64)" "$work/q" || fail "$(cat "$work/q")"
	done
	exec 5>&-
	wait "${guest_pid[1]}" || fail "$(cat "$work/g1")"
	kill "$switch"
	wait "$switch" || fail "status $? of the switch"
	grep -q '0 bad; 3 connections, 0 refused' "$work/switch" || fail "$(cat "$work/switch")"
}

refuse() { # status regex args...
	linnet "${@:3}" </dev/null
	expect_status "$1"
	expect_in err "$2"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "not one line for: ${*:3}"
}

case_mistakes() {
	refuse 2 'one path' switch
	refuse 2 'one path' switch a b
	refuse 2 'uplin' switch --uplin x a
	refuse 1 'No such file' switch /nonexistent/s
	refuse 1 'no such interface' switch --uplink nosuch0 "$work/s"
	echo >"$work/file"
	refuse 1 'is no socket' switch "$work/file"
	refuse 1 'linnet switch PATH' run --net "switch=$work/none" --kernel x --initrd x
	refuse 1 'linnet switch PATH' run --net "switch,path=$work/none" --kernel x --initrd x
	refuse 2 'switch=PATH' run --net switch
	refuse 2 'switch=PATH' run --net switch=
	refuse 2 'passt,socket=PATH' run --net passt
	refuse 1 'passt.1. with --socket' run --net "passt,socket=$work/none" --kernel x --initrd x
	begin_switch
	refuse 1 'another process listens' switch "$work/s"
	refuse 2 'reconnect=on' run --vhost-user "kind=fs,socket=$work/s,reconnect=on"
	refuse 2 'process.s work' run --net "switch=$work/s" --clock instructions
}

# passt itself, in a namespace of its own, where its host's loopback is the router's address. (It
# answers DHCP to an address that the guest does not have yet, whatever that asked for.)
case_passt() {
	command -v passt >/dev/null || {
		echo "skipped: no passt here"
		exit 77
	}
	need_namespaces n
	unshare -Ur true 2>/dev/null || {
		echo "skipped: passt needs user namespaces"
		exit 77
	}
	timeout 100 "${apart[@]}" bash "$0" in_passt
	exit
}

case_in_passt() {
	ip link set lo up
	ip tuntap add dev out mode tap || fail "no interface"
	ip addr add 198.51.100.2/24 dev out
	ip link set out up
	ip route add default via 198.51.100.1 dev out
	head -c 20M /dev/urandom >"$work/data"
	chmod 755 "$work"
	serve 8080 busybox httpd -f -p 127.0.0.1:8080 -h "$work"
	passt --foreground --socket "$work/p" --runas "$(id -u):$(id -g)" --mtu 1500 >"$work/passt" 2>&1 &
	pids+=("$!")
	for _ in $(seq 50); do
		[ -S "$work/p" ] && break
		sleep 0.1
	done
	[ -S "$work/p" ] || fail "passt does not serve: $(cat "$work/passt")"
	guest 'ip addr add 198.51.100.2/24 dev eth0; ip route add default via 198.51.100.1
		wget -q -O - http://198.51.100.1:8080/data | sha256sum' \
		--net "passt,socket=$work/p,pcap=$work/pcap"
	expect_status 0
	expect_in out "^$(sha256sum <"$work/data")"
	[ "$(stat -c %s "$work/pcap")" -gt 20000000 ] || fail "the recording is too short"
}

declare -A guest_pid
"case_$1"
