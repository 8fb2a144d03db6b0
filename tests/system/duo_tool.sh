#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo_tool.sh CASE. `linnet duo`: files of real boards, and the small core of a running machine.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/system/lib.sh
. "$here/lib.sh"

make_image() { # RUN
	"$here/fip.py" "$work/fip.bin" "$@" || fail 'no image'
}

part() { # NAME: where it is in fip.bin, its size and where it runs
	"$LINNET" duo fip "$work/fip.bin" | awk -v name="$1" '$1 == name { print $2, $3, $4 }'
}

# The exchanged firmware is the one that was given, and runs where the file says.
case_fip() {
	local at size run
	make_image 8fe00000
	cp "$work/fip.bin" "$work/old"
	[ "$(part BLCP_2ND)" = '0x2600 0x400 0x8fe00000' ] || fail "before: $(part BLCP_2ND)"
	linnet duo fip "$work/fip.bin" --small-core "$FIRMWARE/led-duo256m.elf"
	expect_status 0
	expect_out ''
	read -r at size run < <(part BLCP_2ND)
	[ "$at $run" = '0x2600 0x8fe00000' ] || fail "after: $(part BLCP_2ND)"
	tail -c +$((at + 1)) "$work/fip.bin" | head -c $((size)) >"$work/flat"
	cmp <(tail -c 1536 "$work/old") <(tail -c 1536 "$work/fip.bin") || fail 'what is behind it has changed'
	guest 'sleep 1' --machine duo256m --small-core "$work/flat@${run#0x}" --no-extras -v "${quick[@]}"
	expect_status 0
	expect_in err '^small\| RT: up'
	# A flat one goes where the old one was; without an old one, somebody has to say where that is.
	make_image
	linnet duo fip "$work/fip.bin" --small-core "$work/flat"
	expect_status 1
	expect_in err 'has no firmware for the small core, so say where'
	linnet duo fip -o "$work/new" "$work/fip.bin" --small-core "$work/flat@8fe00000"
	expect_status 0
	cmp "$work/fip.bin" <("$here/fip.py" /dev/stdout) || fail 'it wrote into IMAGE'
	mv "$work/new" "$work/fip.bin"
	[ "$(part BLCP_2ND)" = "0x2600 $size 0x8fe00000" ] || fail "new: $(part BLCP_2ND)"
}

refused() { # words, of `duo fip` with $work/fip.bin
	linnet duo fip "$work/fip.bin" "${@:2}"
	expect_status 1
	expect_in err "^linnet duo: $work/fip.bin: $1"
}

case_fip_mistakes() {
	make_image 83f40000
	cp "$work/fip.bin" "$work/good"
	head -c $((768 * 1024 + 1)) /dev/zero >"$work/large"
	: >"$work/empty"
	refused '.*/large: does not fit: the small core has 768 KiB at 0x83f40000' --small-core "$work/large"
	refused '.*/empty: ' --small-core "$work/empty"
	refused '.*/none: .*No such file' --small-core "$work/none"
	refused '.*does not fit: the small core has 768 KiB' --small-core "$FIRMWARE/led-duo256m.elf"
	refused 'the firmware cannot run at 0x1000' --small-core "$work/large@1000"
	refused "$work: is no regular file" --small-core "$FIRMWARE/led-duo.elf" -o "$work"
	refused '/dev/none/x: No such file' --small-core "$FIRMWARE/led-duo.elf" -o /dev/none/x
	cmp "$work/fip.bin" "$work/good" || fail 'a refused firmware has changed the file'
	printf x | dd of="$work/fip.bin" bs=1 seek=$((0x2a01)) conv=notrunc status=none
	refused 'the check sum of MONITOR is 0xcafe.* and should be 0xcafe'
	expect_in out 'MONITOR .* wrong: 0xcafe'
	refused 'the check sum of MONITOR' --small-core "$FIRMWARE/led-duo.elf"
	head -c 10000 "$work/good" >"$work/fip.bin"
	refused 'BLCP_2ND would be .* cut off'
	echo text >"$work/fip.bin"
	refused 'it is no fip.bin'
	rm "$work/fip.bin"
	refused 'No such file'
	for words in '' 'fip' 'fip a b' 'fip a -o b' 'fip a --small' '--none' 'a b c d e f g h i'; do
		# shellcheck disable=SC2086 # words
		linnet duo $words
		expect_status 2
		expect_in err '^linnet duo: '
	done
	linnet duo "$work/none" stop
	expect_status 3
}

duo() { # ARGS...: an answer in $work/answer
	timeout 60 "$LINNET" duo "$work/ctl" "$@" >"$work/answer" 2>&1
}

until_is() { # regex: the first line of its status
	local i
	for ((i = 0; i < 300; i++)); do
		duo && grep -qE -- "^$1, start " "$work/answer" && return
		sleep 0.1
	done
	fail "it is not $1 but: $(cat "$work/answer")"
}

# ping N: over RPMsg, for the Nth time.
ping() {
	say 'linnet-rpmsg ping -n 20 rpmsg-raw'
	wait_for '^ping: 20 messages' "$1"
}

# Broken and reloaded from outside while Linux has it: what its driver sees, and how it has it again.
case_steer() {
	local n=1 again='echo stop >state; echo start >state; until [ -e /dev/rpmsg0 ]; do sleep 0.1; done'
	linnet kbuild --source --extras
	expect_status 0
	LIMIT=200 start run --machine duo256m --control "unix:$work/ctl" "${quick[@]}"
	wait_for 'This is Linnet'
	until_is stopped
	! duo hang || fail 'it hangs in reset'
	grep -q 'linnet ctl: small: the small core does not run' "$work/answer" || fail "$(cat "$work/answer")"
	say 'cd /sys/class/remoteproc/remoteproc0; modprobe -a virtio_rpmsg_bus rpmsg_char rpmsg_ctrl'
	say 'echo start >state; until [ -e /dev/rpmsg0 ]; do sleep 0.1; done'
	ping $((n++))
	until_is running
	duo hang || fail "$(cat "$work/answer")"
	until_is hung
	say "$again"
	ping $((n++))
	duo crash || fail "$(cat "$work/answer")"
	until_is crashed
	grep -q 'mcause 0x1, mtval 0x40000000' "$work/answer" || fail "$(cat "$work/answer")"
	say "$again"
	ping $((n++))
	# Its kicks stay in the mailbox from then on, until that is full and neither side can kick.
	duo lose || fail "$(cat "$work/answer")"
	say 'echo word >/dev/rpmsg0'
	say "$again"
	ping $((n++))
	duo restart "$FIRMWARE/led-duo256m.elf" || fail "$(cat "$work/answer")"
	until_is running
	say 'cat state; ls /dev/rpmsg0'
	wait_for '^running' 1
	wait_for '^/dev/rpmsg0'
	say "$again"
	ping $((n++))
	! duo dance || fail 'it dances'
	grep -q 'action dance: give status, ' "$work/answer" || fail "$(cat "$work/answer")"
	! duo hang "$work/none" || fail 'it takes a firmware to hang'
	say poweroff
	finish
	expect_status 0
	expect_not_in out 'Oops|BUG:|WARNING:'
}

# Linux reboots under traffic while the small core runs: the board starts both anew, and all is as it was.
case_reboot() {
	local n
	linnet kbuild --source --extras
	expect_status 0
	LIMIT=200 start run --machine duo256m --control "unix:$work/ctl" "${quick[@]}" \
		--small-core "$FIRMWARE/rpmsg-duo256m.elf"
	for n in 1 2 3; do
		wait_for 'This is Linnet' $n
		until_is running
		say 'cd /sys/class/remoteproc/remoteproc0; modprobe -a virtio_rpmsg_bus rpmsg_char rpmsg_ctrl'
		say 'cat state; echo stop >state; echo start >state; until [ -e /dev/rpmsg0 ]; do sleep 0.1; done'
		wait_for '^detached' $n
		ping $n
		[ $n = 3 ] || say 'linnet-rpmsg flood -n 1000000 rpmsg-raw & sleep 0.5; reboot -f'
	done
	say poweroff
	finish
	expect_status 0
	expect_not_in out 'Oops|BUG:|WARNING:'
}

"case_$1"
