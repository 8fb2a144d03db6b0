#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: control.sh CASE. `--control` and `linnet ctl`, with a real guest behind them.
. "$(dirname "$0")/lib.sh"

sock=$work/sock

# ctl ARGS...: its output in $work/ctl and $work/ctl.err, its exit status in $ctl_status.
ctl() {
	timeout -k 5 60 "$LINNET" ctl "$sock" "$@" >"$work/ctl" 2>"$work/ctl.err"
	ctl_status=$?
}

expect_ctl() { # status [regex that a line of its output matches]
	[ "$ctl_status" = "$1" ] || fail "ctl: exit status $ctl_status instead of $1: $(cat "$work/ctl.err")"
	[ $# -lt 2 ] || grep -qE -- "$2" "$work/ctl" "$work/ctl.err" ||
		fail "ctl: nothing matches $2: $(cat "$work/ctl" "$work/ctl.err")"
}

# A machine in the background with a command in it that says "up"; its options follow.
machine() { # command [options...]
	: >"$work/out"
	timeout -k 5 120 "$LINNET" run --control "unix:$sock" "${@:2}" --exec "$1" \
		</dev/null >"$work/out" 2>"$work/err" &
	started=$!
	pids+=("$started")
	wait_for '^up$'
}

ended() {
	wait "$started"
	status=$?
}

# metric NAME LABELS: the value of the sample in the answer to stats --format openmetrics.
metric() {
	awk -v want="linnet_$1_total$2" '$1 == want { print $2; found = 1 } END { exit !found }' "$work/ctl" ||
		fail "no sample linnet_$1_total$2"
}

expect_between() { # number least most
	[ "$1" -ge "$2" ] || fail "$1 is less than $2"
	[ "$1" -le "$3" ] || fail "$1 is more than $3"
}

# What can be asked, stopped and started, in one guest.
case_verbs() {
	local ticks before after
	machine 'echo up; while [ ! -e /tmp/go ]; do echo tick; usleep 20000; done' --smp 2
	[ "$(stat -c %a "$sock")" = 600 ] || fail "the socket has mode $(stat -c %a "$sock")"
	ctl status
	expect_ctl 0 '^state +running$'
	expect_ctl 0 '^machine +virt, engine [a-z]+, 2 harts, 512M$'
	expect_ctl 0 '^disk0 +blk +0 +ready +15 +0x[0-9a-f]+ +1$'
	expect_ctl 0 '^input0 +input +4 +ready '
	ctl --json status
	expect_ctl 0 '^\{"ok":true,"state":"running",.*"pid":[0-9]+.*\}$'
	ctl stats
	expect_ctl 0 '^DEVICE +QUEUE +KICKS +INTERRUPTS +CHAINS'
	expect_ctl 0 '^disk0 +0 +[1-9]'

	# Paused, neither output nor instructions nor time.
	ctl pause
	expect_ctl 0 '^paused$'
	ctl pause
	expect_ctl 0 '^paused$'
	ctl status
	expect_ctl 0 '^state +paused$'
	ctl stats --format openmetrics
	expect_ctl 0
	before=$(metric hart_instructions '{hart="0"}') || exit 1
	before="$before $(metric machine_time_seconds '')"
	for _ in $(seq 20); do # what is on its way out comes out
		ticks=$(wc -l <"$work/out")
		sleep 0.3
		[ "$(wc -l <"$work/out")" != "$ticks" ] || break
	done
	[ "$(wc -l <"$work/out")" = "$ticks" ] || fail "the guest goes on while it is paused"
	ctl stats --format openmetrics
	after="$(metric hart_instructions '{hart="0"}') $(metric machine_time_seconds '')"
	[ "$before" = "$after" ] || fail "$before before, $after after a pause"
	ctl resume
	expect_ctl 0 '^running$'
	wait_for '^tick$' $((ticks + 5))
	ctl stats --format openmetrics
	after=$(metric hart_instructions '{hart="0"}')
	[ "$after" -gt "${before%% *}" ] || fail "no instructions after resume"

	mistakes_of_ctl
	hostile
	ctl quit
	expect_ctl 0 '^ending$'
	ended
	expect_status 125 # of the command there is no status
	[ ! -e "$sock" ] || fail "the socket is left behind"
	ctl status
	expect_ctl 3 'is there a machine that was started with --control unix:'
}

mistakes_of_ctl() {
	ctl stat
	expect_ctl 2 'did you mean stats\?'
	ctl status now
	expect_ctl 2 'now: status takes no argument'
	ctl status --format openmetrics
	expect_ctl 1 'status takes no argument format'
	ctl
	expect_ctl 2 'give PATH and VERB'
}

# send TEXT: what one client sends, and its answers.
send() {
	printf '%b' "$1" | timeout 10 nc.openbsd -N -U "$sock" >"$work/ctl" 2>"$work/ctl.err"
	ctl_status=$?
}

# Clients that do as they like; the machine goes on, and its memory does not grow by it.
hostile() {
	local i rss
	send '{"verb":"status","id":3}\n'
	expect_ctl 0 '"id":3\}$'
	send 'garbage\n{"verb":"no"}\n{"verb":"help"'
	expect_ctl 0 '^\{"error":\{"code":"syntax"'
	expect_ctl 0 '^\{"error":\{"code":"verb"'
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$(pidof_machine)/status")
	for i in 1 2 3; do
		head -c 10M /dev/zero | tr '\0' x | timeout 20 nc.openbsd -N -U "$sock" >"$work/ctl"
	done
	for i in $(seq 100); do
		{ sleep 3; } | timeout 5 nc.openbsd -U "$sock" >/dev/null 2>&1 &
	done
	# Asks for more than a socket holds, and reads none of it.
	mkfifo "$work/unread"
	exec 7<>"$work/unread"
	yes '{"verb":"stats","args":{"format":"openmetrics"}}' | head -n 20000 |
		timeout 5 nc.openbsd -U "$sock" >"$work/unread" 2>/dev/null &
	sleep 1
	ctl status
	expect_ctl 0 '^state +running$'
	i=$(awk '/VmRSS/ { print $2 }' "/proc/$(pidof_machine)/status")
	[ $((i - rss)) -lt 16384 ] || fail "$((i - rss)) KiB more for clients"
}

pidof_machine() { # $started is timeout's
	"$LINNET" ctl --json "$sock" status | sed 's/.*"pid":\([0-9]*\).*/\1/'
}

# The numbers are those of the traffic, and the text is OpenMetrics.
case_openmetrics() {
	local value
	truncate -s 16M "$work/image"
	machine 'dd if=/dev/urandom of=/dev/vda bs=1M count=8 2>/dev/null; sync
		dd if=/dev/vda of=/dev/null bs=1M skip=8 count=4 2>/dev/null
		echo up; exec sleep 100' --disk "path=$work/image"
	ctl stats --format openmetrics
	expect_ctl 0
	cp "$work/ctl" "$work/ctl.kept"
	awk -f "$(dirname "$0")/openmetrics.awk" "$work/ctl" >"$work/out" || fail "not OpenMetrics"
	value=$(metric virtio_queue_read_bytes '{device="disk0",queue="0"}') || exit 1
	expect_between "$value" $((8 << 20)) $((10 << 20))
	value=$(metric virtio_queue_written_bytes '{device="disk0",queue="0"}') || exit 1
	expect_between "$value" $((4 << 20)) $((14 << 20))
	value=$(metric virtio_queue_kicks '{device="disk0",queue="0"}') || exit 1
	[ "$value" -gt 0 ] || fail "no kicks"
	[ "$(metric virtio_device_errors '{device="disk0"}')" = 0 ] || fail "errors"
	metric uart_sent_bytes '{device="uart0"}' >/dev/null
	metric hart_cpu_seconds '{hart="0"}' >/dev/null
	ctl quit
	expect_ctl 0
	ended
	# The checker sees what is wrong: without its end, twice, and with samples apart.
	for value in '$d' 'p' '/TYPE linnet_virtio_queue_kicks/d' 's/"0"/0/' 's/_total/_sum/' '$a x 1'; do
		! sed "$value" "$work/ctl.kept" | awk -f "$(dirname "$0")/openmetrics.awk" >/dev/null ||
			fail "the checker accepts: $value"
	done
}

# The power button shuts the default guest down in good order: its disk is clean.
case_powerbutton() {
	truncate -s 32M "$work/image"
	/sbin/mkfs.ext4 -q -F "$work/image" || fail "mkfs.ext4"
	rm -f "$work/out"
	start run --control "unix:$sock" --disk "path=$work/image" --append quiet
	wait_for 'linnet:~#'
	say 'echo unsynced >/mnt/file; echo wri""tten'
	wait_for '^written'
	ctl powerbutton --wait
	expect_ctl 0
	finish
	expect_status 0
	[ ! -e "$sock" ] || fail "the socket is left behind"
	/sbin/e2fsck -fn "$work/image" >"$work/fsck" 2>&1 || fail "e2fsck: $(cat "$work/fsck")"
	[ "$(/sbin/debugfs -R 'cat /file' "$work/image" 2>/dev/null)" = unsynced ] || fail "the file is lost"
}

# A program that has no driver for the button, at a machine that cannot be asked otherwise.
case_bare() {
	timeout -k 5 60 "$LINNET" run --control "unix:$sock" --firmware "$HANG" --console "file:$work/con" \
		</dev/null >"$work/out" 2>"$work/err" &
	started=$!
	pids+=("$started")
	until ctl status && [ "$ctl_status" = 0 ]; do
		kill -0 "$started" || fail "it has ended"
		sleep 0.05
	done
	ctl powerbutton
	expect_ctl 1 'it needs the driver virtio_input; `quit` ends the machine'
	"$LINNET" run --control "unix:$sock" --firmware "$HANG" --console "file:$work/con2" \
		</dev/null >"$work/out" 2>"$work/err"
	status=$?
	expect_status 1
	expect_in err 'another process listens there; end it or give another path'
	kill -KILL "$(pidof_machine)"
	wait "$started"
	[ -S "$sock" ] || fail "kill -9 removed the socket?"
	# What it left is replaced. Here with counted time, where nothing else would wake the loop.
	timeout -k 5 60 "$LINNET" run --control "unix:$sock" --firmware "$HANG" --clock instructions \
		--console "file:$work/con" </dev/null >"$work/out" 2>"$work/err" &
	started=$!
	pids+=("$started")
	until ctl pause && [ "$ctl_status" = 0 ]; do
		kill -0 "$started" || fail "it has ended"
		sleep 0.05
	done
	ctl status
	expect_ctl 0 '^state +paused$'
	ctl quit
	expect_ctl 0
	ended
	expect_status 0
	touch "$work/file"
	linnet run --control "unix:$work/file" --firmware "$HANG" </dev/null
	expect_status 1
	expect_in err 'no socket; remove it or give another path'
	linnet run --control "$sock" </dev/null
	expect_status 2
	expect_in err "--control $sock: give unix:PATH"
}

# The machine has ended and its process waits for the command's reader, who takes nothing.
case_unread() {
	mkfifo "$work/pipe"
	exec 8<>"$work/pipe"
	timeout -k 5 120 "$LINNET" run --control "unix:$sock" --exec 'head -c 68000 /dev/zero; exit 4' \
		</dev/null >&8 2>"$work/err" &
	started=$!
	pids+=("$started")
	for _ in $(seq 600); do
		ctl status
		grep -q 'the machine has ended' "$work/ctl.err" && break
		sleep 0.1
	done
	for verb in status stats pause resume powerbutton; do
		ctl "$verb"
		expect_ctl 1 'the machine has ended'
	done
	ctl quit
	expect_ctl 0
	ended
	expect_status 4
}

# Each block that the guest was told is on the disk is there after quit in the middle of its writes.
case_quit_loses_nothing() {
	local n last
	truncate -s 64M "$work/image"
	machine 'echo up; n=0
		while :; do n=$((n + 1))
		printf "%04095d\n" $n | dd of=/dev/vda bs=4k seek=$n conv=fsync,notrunc 2>/dev/null && echo "done $n"
		done' --disk "path=$work/image"
	wait_for '^done 30$'
	ctl quit
	expect_ctl 0
	# ctl returned, so it is all there, whether or not the process has been waited for.
	cp "$work/image" "$work/then"
	ended
	expect_status 125
	last=$(sed -n 's/^done //p' "$work/out" | tail -n 1)
	[ "$last" -ge 30 ] || fail "only $last blocks"
	for ((n = 1; n <= last; n++)); do
		[ "$(dd if="$work/then" bs=4k skip=$n count=1 2>/dev/null | sed 's/^0*//')" = "$n" ] ||
			fail "block $n of $last is lost"
	done
}

"case_$1"
