#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: hostile.sh CASE. Guests that do not behave (tests/hostile): the monitor lives, says so once, and
# the devices work for whoever comes next.
. "$(dirname "$0")/lib.sh"

disk() { # a sector's bytes are their offsets, modulo 128
	for _ in 1 2 3 4; do
		for byte in $(seq 0 127); do
			printf '%b' "\\x$(printf %02x "$byte")"
		done
	done >"$work/disk"
	truncate -s 1M "$work/disk"
}

# A device that is broken again and again must not fill the log: a few lines for each.
expect_quiet() { # lines
	[ "$(wc -l <"$work/err")" -le "$1" ] || fail "$(wc -l <"$work/err") lines of log"
}

rings() { # options
	local engine
	disk
	for engine in interp jit; do
		linnet run --firmware "$HOSTILE_RINGS" --engine $engine --mem 32M --disk "$work/disk" --net user \
			--ring packed,in-order=on "$@"
		expect_status 0
		for device in blk net rng; do
			expect_in out "^$device: split: 20 classes, 0 wrong"
			expect_in out "^$device: packed: 19 classes, 0 wrong"
		done
		expect_quiet 30
	done
}

case_rings() {
	rings
}

case_rings_pci() {
	rings --transport pci
}

survive() { # options
	disk
	linnet run --firmware "$HOSTILE_MMIO" --mem 32M --net user --disk path="$work/disk,snapshot=on" "$@"
	expect_status 0
	grep -a -q 'survived 400000 accesses, some of them trapped' "$work/out" || fail "no last word"
	expect_quiet 30
}

case_mmio() {
	survive
}

case_pci() {
	survive --transport pci
}

"case_$1"
