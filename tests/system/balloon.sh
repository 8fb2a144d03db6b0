#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: balloon.sh CASE. The memory balloon: what the guest gives up, the host really gets.
. "$(dirname "$0")/lib.sh"

# Sets $held: MiB that the guest's memory occupies on the host.
measure() {
	local fd pid
	held=0
	pid=$(pgrep -P "$started" -f 'linnet run' || echo "$started")
	for fd in /proc/"$pid"/fd/*; do
		[[ $(readlink "$fd") == /memfd:linnet-ram* ]] || continue
		held=$((held + $(stat -L -c %b "$fd") / 2048))
	done
	[ "$held" -gt 0 ] || fail "no memory of a guest's in process $pid"
}

# until_held -le|-ge MIB
until_held() {
	local i
	for ((i = 0; i < 300; i++)); do
		measure
		test "$held" "$1" "$2" && return
		sleep 0.1
	done
	fail "the guest holds $held MiB, not $1 $2"
}

ctl() {
	timeout 20 "$LINNET" ctl "$work/ctl" "$@" >"$work/answer" 2>&1
}

counter() { # NAME: of the balloon
	ctl --json stats || fail "stats: $(cat "$work/answer")"
	python3 -c 'import json, sys
stats = json.load(sys.stdin)
print(stats["balloon"][sys.argv[1]])' "$1" <"$work/answer"
}

until_counter() { # NAME -eq|-le|-ge NUMBER
	local i now
	for ((i = 0; i < 100; i++)); do
		now=$(counter "$1")
		test "$now" "$2" "$3" && return
		sleep 0.2
	done
	fail "$1 is $now, not $2 $3"
}

case_inflate() {
	start run --mem 512M --balloon on --control "unix:$work/ctl" \
		--exec 'head -c 209715200 /dev/zero | tr "\0" x >/tmp/file; echo ready; read x; rm /tmp/file
			echo gone; read x; free -m; head -c 209715200 /dev/zero | tr "\0" y >/tmp/file && md5sum /tmp/file'
	wait_for '^ready'
	until_held -ge 200
	say go
	wait_for '^gone'
	# Free pages are reported by the guest itself, some seconds later, in blocks.
	until_held -le 150
	[ "$(counter reported_bytes)" -gt $((50 << 20)) ] || fail "nothing was reported"
	ctl balloon 200M || fail "$(cat "$work/answer")"
	until_counter actual_bytes -eq $((200 << 20))
	[ "$(counter inflated_bytes)" -ge $((200 << 20)) ] || fail "not inflated"
	until_counter guest_free_bytes -le $((300 << 20))
	[ "$(counter guest_total_bytes)" -gt $((400 << 20)) ] || fail "the guest has too little"
	ctl balloon 0 || fail "$(cat "$work/answer")"
	until_counter actual_bytes -eq 0
	say go
	finish
	expect_status 0
	expect_in out "$(head -c 200M /dev/zero | tr '\0' y | md5sum | cut -c 1-32)"
}

# A guest that runs out of memory takes it back, and nothing is killed.
case_deflate_on_oom() {
	start run --kernel small --mem 256M --balloon on --control "unix:$work/ctl" \
		--exec 'echo ready; read x; head -c 104857600 /dev/zero | tr "\0" x >/tmp/file && md5sum /tmp/file; dmesg'
	wait_for '^ready'
	ctl balloon 180M || fail "$(cat "$work/answer")"
	until_counter actual_bytes -ge $((150 << 20))
	say go
	finish
	expect_status 0
	expect_in out "$(head -c 100M /dev/zero | tr '\0' x | md5sum | cut -c 1-32)"
	expect_not_in out 'Out of memory'
}

case_mistakes() {
	start run --kernel small --mem 128M --control "unix:$work/ctl" --exec 'echo ready; read x'
	wait_for '^ready'
	ctl balloon 16M && fail "a balloon that is not there"
	grep -q 'start it with --balloon on' "$work/answer" || fail "$(cat "$work/answer")"
	ctl balloon 1G && fail "more than there is"
	ctl balloon lots && fail "no size"
	say end
	finish
	# Debian's kernel has the driver as a module that is not there.
	start run --balloon on --control "unix:$work/ctl" --exec 'echo ready; read x; rmmod virtio_balloon
		echo unloaded; read x'
	wait_for '^ready'
	say go
	wait_for '^unloaded'
	ctl balloon 16M && fail "nobody serves it"
	grep -q 'does not serve its balloon' "$work/answer" || fail "$(cat "$work/answer")"
	say end
	finish
}

"case_$1"
