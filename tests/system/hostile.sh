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

# attacked_in FILE DEVICE...: each met all classes, in both formats, and nothing was wrong.
attacked_in() {
	local device
	for device in "${@:2}"; do
		[ "$(grep -cE "^$device: (split: 23|packed: 22) classes, 0 wrong" "$work/$1")" = 2 ] ||
			fail "$device: $(grep -a "^$device:" "$work/$1")"
	done
}

attacked() { # DEVICE...
	expect_status 0
	attacked_in out "$@"
	expect_quiet $((8 * $#))
}

rings() { # options
	local engine kernel
	kernel=$("$LINNET" fetch --print | sed -n 's/^kernel=//p')
	disk
	for engine in interp jit; do
		linnet run --firmware "$HOSTILE_RINGS" --engine $engine --mem 32M --disk "$work/disk" --net user \
			--ring packed,in-order=on --balloon on --vsock "$work/vsock" --control "unix:$work/control" \
			--rpmsg echo "$@"
		attacked blk net rng input balloon vsock rpmsg
		# The console's ports belong to --exec, whose command never comes.
		linnet run --firmware "$HOSTILE_RINGS" --kernel "$kernel" --engine $engine --mem 256M --net none --rng off \
			--disk "$work/disk" --ring packed,in-order=on --console "file:$work/serial" --exec true "$@" </dev/null
		[ "$status" = 125 ] || fail "exit status $status"
		attacked_in serial blk console
	done
}

case_rings() {
	rings
}

case_rings_pci() {
	rings --transport pci
}

# The relay to a back end in another process.
remote() { # options
	command -v qemu-storage-daemon >/dev/null || { echo 'skipped: no qemu-storage-daemon'; exit 77; }
	disk
	serve "$work/backend" qemu-storage-daemon --blockdev driver=file,node-name=f,filename="$work/disk" \
		--export type=vhost-user-blk,id=e,addr.type=unix,addr.path="$work/backend",node-name=f,writable=on \
		2>"$work/daemon"
	linnet run --firmware "$HOSTILE_RINGS_REMOTE" "${quick[@]}" --mem 32M --net none --rng off \
		--vhost-user "kind=blk,socket=$work/backend" --ring packed,in-order=on "$@"
	attacked blk
}

case_remote() {
	remote
}

case_remote_pci() {
	remote --transport pci
}

survive() { # options
	disk
	linnet run --firmware "$HOSTILE_MMIO" --mem 32M --net user --disk path="$work/disk,snapshot=on" \
		--balloon on --vsock "$work/vsock" "$@"
	expect_status 0
	grep -a -q 'survived 400000 accesses, some of them trapped' "$work/out" || fail "no last word"
	expect_quiet 50
}

case_mmio() {
	survive
}

case_pci() {
	survive --transport pci
}

"case_$1"
