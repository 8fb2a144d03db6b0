#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo_linux.sh CASE. Linux's drivers for the small core with what is outside of Linux: a board that
# does not do as they say, a host that listens. The rest their own tests show (system/drivers/duo).
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/system/lib.sh
. "$here/lib.sh"

on_duo() { # CMD [OPTIONS...]
	guest "$1" --machine duo256m "${quick[@]}" "${@:2}"
}

# In the tree the reset controller is where the board has an SD host, which this machine lacks: what is
# written there is not kept.
case_refused() {
	linnet kbuild --extras
	expect_status 0
	on_duo 'cat /sys/firmware/fdt'
	expect_status 0
	LC_ALL=C sed 's/\(\x02\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\)\x03\x00\x30\x00/\1\x04\x31\x00\x00/' \
		<"$work/out" >"$work/tree"
	! cmp -s "$work/out" "$work/tree" || fail 'the tree has no such node'
	on_duo 'cd /sys/class/remoteproc/remoteproc0 && cat state && echo remote.elf >firmware
		echo start >state; dmesg | tail -n 1; cat state' \
		--dtb "$work/tree" --file "$DUO_REMOTE:/lib/firmware/remote.elf"
	expect_status 0
	expect_in err 'write error: I/O error|write error: Input/output error'
	expect_in out 'duo_rproc 20b0000.remoteproc: the reset register refuses 0x40: it is 0x0$'
	[ "$(grep -c '^offline$' "$work/out")" = 2 ] || fail 'it believes that the core runs'
}

# Samples from a converter through the small core, Linux and TCP to the host: each comes once, and has its
# value. Who takes them does not read before they are piled up in Linux.
case_stream() {
	local n=50000
	linnet kbuild --extras
	expect_status 0
	listen python3 "$here/samples.py" PORT "$work/samples" "$work/out" 'the reader is slow, samples wait'
	cat >"$work/sh" <<-END
		cd /sys/class/remoteproc/remoteproc0 && echo sensor.elf >firmware && echo start >state || exit 1
		modprobe -a virtio_rpmsg_bus rpmsg_char rpmsg_ctrl || exit 1
		for i in \$(seq 100); do [ -e /dev/rpmsg_ctrl0 ] || sleep 0.1; done
		samples=\$(linnet-rpmsg create samples -1 36) && linnet-rpmsg stream -n $n \$samples 10.0.2.2:$port
	END
	on_duo 'sh /sh' --clock instructions --file "$work/sh:/sh" --spi 2:0=adc \
		--file "$FIRMWARE/sensor-duo256m.elf:/lib/firmware/sensor.elf"
	expect_status 0
	wait "${pids[-1]}" || fail 'the reader has failed'
	expect_in out "^stream: $n samples, none lost; waited [1-9]"
	awk -v n=$n 'BEGIN { for (i = 0; i < n; i++) print i, 16 * i % 4096 }' | cmp - "$work/samples" ||
		fail 'samples are missing, doubled or wrong'
}

# A firmware that has the rings elsewhere.
case_rings() {
	local place
	linnet kbuild --extras
	expect_status 0
	on_duo 'cd /sys/class/remoteproc/remoteproc0 && cat state && echo start >state || exit
		modprobe -a virtio_rpmsg_bus rpmsg_char
		for i in $(seq 100); do [ -e /dev/rpmsg0 ] || sleep 0.1; done
		linnet-rpmsg ping -n 20 rpmsg-raw' \
		--rings 0x8fd00000 --file "$BIG/rings.elf:/lib/firmware/duo-c906l.elf" --trace "$work/trace"
	expect_status 0
	expect_in out '^ping: 20 messages of 1 to 496 bytes came back whole'
	grep -q '"event":"announce","name":"rpmsg-raw"' "$work/trace" || fail 'the trace does not find them'
	expect_not_in err 'not reserved for it'
	on_duo 'cd /sys/class/remoteproc/remoteproc0 && echo start >state; dmesg | tail -n 1' \
		--file "$BIG/rings.elf:/lib/firmware/duo-c906l.elf"
	expect_status 0
	expect_in out 'a ring that is not in the memory for rings'
	for place in 0x8fdff001 0x 0 x 0x8fd00000-; do
		linnet run --machine duo256m --rings "$place" --exec true
		expect_status 125
		expect_in err "--rings $place: give a hexadecimal multiple of 0x1000"
	done
	for place in 0x10000 0x8fff1000 0xfffffffffffff000; do
		linnet run --machine duo256m --rings "$place" --exec true
		expect_status 125
		expect_in err "--rings $place: its 64 KiB have to be within the memory, 0x80000000 to 0x90000000$"
	done
	for place in 0x8fe00000 0x8fdf1000 0x8fc10000 0x8fc5f000; do
		linnet run --machine duo256m --rings "$place" --exec true
		expect_status 125
		expect_in err "--rings $place: 0x8f[ce][0-9]0000 to 0x[0-9a-f]+ serve another purpose"
	done
	linnet run --rings 0x8fd00000 --exec true
	expect_status 125
	expect_in err '--rings: the machine virt has no small core'
}

# hops: that many lines, and nothing else; the small core keeps to its memory.
expect_hops() {
	expect_status 0
	expect_out "$(seq -f 'ping-pong hop=%g' "$1")"
	expect_not_in err 'not reserved for it'
}

# Given nothing to do, and no terminal, the board shows that both cores talk.
case_ping_pong() {
	linnet kbuild --extras
	expect_status 0
	linnet run --machine duo256m "${quick[@]}" </dev/null
	expect_hops 32
	# Somebody's pipe is no terminal either, and what can fail says so.
	linnet run --machine duo256m "${quick[@]}" --clock instructions \
		--file "$FIRMWARE/led-duo256m.elf:/lib/firmware/duo-c906l.elf" < <(echo words)
	expect_status 1
	expect_out ''
	expect_in err '^ping-pong failed: the small core announces no channel'
	echo nonsense >"$work/firmware"
	linnet run --machine duo256m "${quick[@]}" --file "$work/firmware:/lib/firmware/duo-c906l.elf" </dev/null
	expect_status 1
	expect_in err '^ping-pong failed: .*duo_rproc .*: duo-c906l.elf '
	linnet run --machine duo256m --no-extras </dev/null
	expect_status 1
	expect_in err '^ping-pong failed: .*duo_rproc.*linnet kbuild --extras$'
	linnet run --machine duo </dev/null
	expect_status 1
	expect_in err '^linnet run: the machine duo is too small for Debian.s kernel; add --kernel small'
}

# The board with as little memory as it has, on the kernel that fits.
case_ping_pong_small() {
	linnet kbuild --kernel small --extras
	expect_status 0
	linnet run --machine duo --kernel small "${quick[@]}" </dev/null
	expect_hops 32
}

"case_$1"
