#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: loops.sh CASE. `--iothreads`: queues of disks and networks on threads of their own.
. "$(dirname "$0")/lib.sh"

refuse() { # regex of the message, options
	linnet run "${@:2}" --exec true </dev/null
	[ "$status" = 125 ] || fail "exit status $status instead of 125 for ${*:2}"
	expect_in err "$1"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "not one line for: ${*:2}"
}

case_mistakes() {
	refuse '--iothreads n=0: out of range; use 1 to 16' --iothreads 0
	refuse '--iothreads n=17: out of range; use 1 to 16' --iothreads 17
	refuse '--iothreads n=two' --iothreads two
	refuse '--iothreads .*often' --iothreads 1,often=on
	refuse '--disk: iothread=2: --iothreads 2 makes numbers 0 to 1' --iothreads 2 \
		--disk "path=$work/x,iothread=2"
	refuse '--disk: iothread=0: there are none; add --iothreads 1' --disk "path=$work/x,iothread=0"
	refuse '--disk iothread=16: out of range' --disk "path=$work/x,iothread=16"
	refuse '--net: iothread=1: there are none; add --iothreads 2' --net user,iothread=1
	refuse '--net: iothread=4: --iothreads 1 makes numbers 0 to 0' --net user,iothread=4 --iothreads 1
	refuse '--clock instructions .*leave out --iothreads 2' --clock instructions --iothreads 2
}

# What stats and threads tell of a machine: the socket is $work/c.
ctl() {
	timeout -k 5 60 "$LINNET" ctl "$work/c" "$@" >"$work/ctl" 2>"$work/ctl.err" ||
		fail "ctl $*: $(cat "$work/ctl.err")"
}

# CPU time in milliseconds of I/O thread N, of the last `stats --format openmetrics`.
used_ms() {
	awk -v want="linnet_iothread_cpu_seconds_total{device=\"iothread$1\"}" \
		'$1 == want { print int($2 * 1000); found = 1 } END { exit !found }' "$work/ctl" ||
		fail "no sample of iothread$1: $(cat "$work/ctl")"
}

# Random requests, each read checked, by two harts over two queues that live on two threads, beside a
# snapshot of which a thread has all; what the control socket is asked meanwhile looks into them.
case_disk() {
	local i
	truncate -s 32M "$work/a" "$work/b"
	start run --smp 2 --iothreads 2 --control "unix:$work/c" --net none "${quick[@]}" \
		--file "$BLKIO:/blkio" --disk "path=$work/a,queues=2" \
		--disk "path=$work/b,queues=2,snapshot=on,iothread=1" --exec '
			echo up; /blkio verify /dev/vda 3 4 & a=$!; /blkio verify /dev/vdb 3 4 && wait $a &&
			echo verified
			while dd if=/dev/vda of=/dev/null bs=64k count=8 iflag=direct 2>/dev/null; do :; done'
	wait_for '^up$'
	for i in $(seq 20); do
		ctl stats
		ctl diagnose
	done
	wait_for '^verified$'
	[ "$(grep -cE '^[0-9]{2,} requests$' "$work/out")" = 2 ] || fail "not two times some requests"
	ctl stats --format openmetrics
	for i in 0 1; do
		[ "$(used_ms "$i")" -gt 0 ] || fail "thread $i has done nothing"
	done
	# Out goes a disk under load. Its driver waits for ever; the machine lives on, and ends when asked.
	ctl fault disk0:gone
	for i in $(seq 100); do
		grep -q 'virtio blk: the device is gone' "$work/err" && break
		sleep 0.1
	done
	ctl diagnose
	grep -q '^disk0: it was taken away' "$work/ctl" || fail "the disk is not gone: $(cat "$work/ctl")"
	ctl quit
	finish
	expect_status 125
}

# The user network on a thread, disks beside it on two; then the same by another machine on the same
# network and disk: a reboot takes the threads with it.
case_net() {
	local prompt=$'^linnet:~# (\e\\[6n)?$' sum i
	mkdir "$work/www"
	head -c 10M /dev/urandom >"$work/www/data"
	listen busybox httpd -f -p 127.0.0.1:PORT -h "$work/www"
	sum=$(sha256sum <"$work/www/data")
	start run --smp 2 --iothreads 3 "${quick[@]}" --disk "path=$work/www/data,ro=on,queues=2"
	for i in 1 2; do
		wait_for 'Run /init' "$i"
		wait_for "$prompt" # what it stands before is typed now
		say "wget -q -O - http://10.0.2.2:$port/data | sha256sum & sha256sum </dev/vda; wait; echo fin\$((40 + 2))"
		wait_for '^fin42' "$i"
		[ "$(grep -c "^${sum% *}" "$work/out")" = $((2 * i)) ] || fail "other bytes in run $i"
		wait_for "$prompt"
		[ "$i" = 2 ] || say reboot
	done
	say poweroff
	finish
	expect_status 0
}

"case_$1"
