#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: vsock.sh CASE. Streams between guest and host by virtio-vsock.
. "$(dirname "$0")/lib.sh"
path=$work/vsock

# server WHAT: a guest with a server on port 1234.
server() {
	start run --vsock "cid=5,path=$path" --file "$VSOCK:/bin/vsock" "${@:2}" \
		--exec "vsock $1 1234 & read x; kill %1"
	wait_for '^listening'
}

host() { # TEST...
	timeout 100 python3 "$(dirname "$0")/vsock_host.py" "$path" 1234 "$@" >"$work/host" 2>&1 ||
		fail "the host's end: $(cat "$work/host")"
}

case_host_calls() {
	server echo
	host echo 1 300000
	host echo 20 100000
	host words
	say end
	finish
	expect_status 0
	[ ! -e "$path" ] || fail "the socket is left behind"
}

case_stress() {
	server echo --smp 2
	host echo 1 20000000
	host abort 100
	host echo 100 200000
	say end
	finish
	expect_status 0
	[ ! -s "$work/err" ] || fail "it has something to say"
}

case_stuck() {
	server sink
	host stuck
	host words
	say end
	finish
	expect_status 0
}

case_guest_calls() {
	head -c 3000000 /dev/urandom >"$work/data"
	# Once each: something that answers, something that only takes, and nobody.
	# (nc, listening, ends when the other side has ended, whatever it has still to send.)
	serve "${path}_77" python3 "$(dirname "$0")/vsock_host.py" "$path" 77 answer "$work/data" "$work/taken" \
		>"$work/host" 2>&1
	guest 'cat /data | vsock call 77 | md5sum; vsock call 78; echo "status $?"' \
		--vsock "$path" --file "$VSOCK:/bin/vsock" --file "$work/data:/data"
	expect_status 0
	expect_in out "^$(md5sum <"$work/data" | cut -c 1-32)"
	expect_in out '^status 1'
	expect_in err 'connect: Connection reset'
	wait "${pids[-1]}" || fail "the host's end: $(cat "$work/host")"
	cmp "$work/data" "$work/taken" || fail "what the host got"
}

# Connections do not outlive their guest's kernel; the socket does.
case_reboot() {
	start run --vsock "$path" --file "$VSOCK:/bin/vsock"
	for i in 1 2; do
		wait_for 'This is Linnet' "$i"
		say 'vsock echo 1234 &'
		wait_for 'listening' "$i"
		host echo 3 50000
		say 'reboot -f'
	done
	wait_for 'This is Linnet' 3
	host refused
	say 'poweroff -f'
	finish
	expect_status 0
}

case_mistakes() {
	guest ls --vsock cid=5
	expect_status 125
	expect_in err "needs the path of a socket"
	guest ls --vsock cid=2,path=/x
	expect_in err '--vsock cid=2: '
	guest ls --vsock "path=$work/no/where"
	expect_in err 'No such file or directory'
	guest ls --vsock "path=/$(head -c 100 /dev/zero | tr '\0' x)"
	expect_in err 'at most 96 bytes'
	touch "$path"
	guest ls --vsock "$path"
	expect_in err 'is no socket'
	guest ls --vsock "$path" --clock instructions
	expect_in err '--clock instructions'
}

"case_$1"
