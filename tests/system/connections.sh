#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: connections.sh CASE. Very many TCP connections: over a TAP device, and through the user network,
# whose policy for those that come to nothing must not harm the others. In a network namespace of the
# test's own; tcp.c is both ends.
. "$(dirname "$0")/lib.sh"

# Runs the case named in_CASE below in such a namespace.
apart() {
	need_namespaces n
	if [ ! -c /dev/net/tun ] || [ ! -w /dev/net/tun ]; then
		echo "skipped: this user may not open /dev/net/tun"
		exit 77
	fi
	timeout "${LIMIT:-400}" "${apart[@]}" bash "$0" "in_$1"
	exit
}

serve() { # address; sets $port
	"$TCP" serve "$1" >"$work/port" &
	pids+=("$!")
	until grep -q port= "$work/port"; do
		kill -0 "${pids[-1]}" || fail "no server"
		sleep 0.05
	done
	port=$(sed -n s/^port=//p "$work/port")
}

# All over a TAP device with two queues, open at the same time, each with some messages.
exchange() { # connections
	ip tuntap add dev t0 mode tap multi_queue || fail "no TAP device"
	ip addr add 192.0.2.1/24 dev t0
	ip link set t0 up
	ip link set lo up
	serve 192.0.2.1
	guest "ip addr add 192.0.2.2/24 dev eth0; echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range
		/tcp exchange 192.0.2.1 $port $1 5" --mem 1G --smp 2 \
		--net tap,ifname=t0,queues=2 --file "$TCP_GUEST:/tcp" "${quick[@]}"
	expect_status 0
	expect_out "$1 connections, $(($1 * 5)) messages"
}

case_tap() {
	apart tap
}

case_in_tap() {
	exchange 1000
}

case_tap_long() {
	export LIMIT=1200
	apart tap_long
}

case_in_tap_long() {
	exchange 20000
}

# The user network. Somebody knocks where nobody answers, again and again, while one connection has
# messages to and fro and another one is quiet: both are whole afterwards.
half_open() { # number
	local away ended
	ip link set lo up
	# Who sends there loses it.
	ip tuntap add dev nobody mode tun || fail "no TUN device"
	ip addr add 198.51.100.1/24 dev nobody
	ip link set nobody up
	serve 127.0.0.1
	start run --net user,connections=300 --smp 2 --control "unix:$work/c" "${quick[@]}" --file "$TCP_GUEST:/tcp" \
		--exec "{ sleep 1; /tcp knock 198.51.100.2 $1 300 >&2; sleep 1; } |
			{ /tcp wait 10.0.2.2 $port <&0 & /tcp ping 10.0.2.2 $port 0 && wait \$!; } || exit 9
			echo ready; read wait"
	wait_for '^ready$'
	"$LINNET" ctl "$work/c" stats --format openmetrics >"$work/stats" || fail "no statistics"
	say end
	finish
	expect_status 0
	cat "$work/out"
	expect_in out '^waited, and was heard$'
	[ "$(sed -n 's/ round trips.*//p' "$work/out")" -gt 10 ] || fail "the healthy connection had hardly a turn"
	away=$(sed -n "s/^$1 knocked, \(.*\) were turned away/\1/p" "$work/err")
	# Those that are left, with room for them, may have come to their end since.
	ended=$(awk '/^linnet_net_user_(half_open|displaced|refused)_total/ { n += $2 } END { print n }' "$work/stats")
	if [ "$ended" -lt "${away:-1}" ] || [ "$ended" -gt "$1" ]; then
		fail "$away were turned away, but $ended counted"
	fi
}

case_half_open() {
	apart half_open
}

case_in_half_open() {
	half_open 2000
}

case_half_open_long() {
	export LIMIT=1200
	apart half_open_long
}

case_in_half_open_long() {
	PATIENCE=11000 half_open 20000
}

"case_$1"
