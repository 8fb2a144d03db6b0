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

"case_$1"
