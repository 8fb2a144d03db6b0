#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo.sh CASE. The Duo boards with Debian's kernel, which needs more memory than they have.
. "$(dirname "$0")/lib.sh"

# at_the_shell MODEL: Linux knows where it runs, and the shell on the UART works.
at_the_shell() {
	wait_for 'This is Linnet'
	say 'cat /proc/device-tree/model; echo; grep -E "^(mmu|mvendorid)" /proc/cpuinfo; echo $((6 * 7))!'
	wait_for '^42!'
	expect_in out "^$1"
	expect_in out '^mmu.*: sv39'
	expect_in out '^mvendorid.*: 0x5b7'
	say 'dmesg | grep -c " at MMIO 0x4140000 "; poweroff'
	finish
	expect_status 0
	expect_in out '^1'
	expect_not_in out 'Oops|BUG:|WARNING:'
}

# The tree as the kernel's package ships it: its clocks have a driver, without which no UART works.
case_stock_tree() {
	local dtb
	dtb=$("$LINNET" fetch --print | sed -n 's/^dtb=//p')/cv1800b-milkv-duo.dtb
	start run --machine duo --mem 256M --dtb "$dtb" "${quick[@]}"
	at_the_shell 'Milk-V Duo'
}

case_own_tree() {
	start run --machine duo256m --engine interp
	at_the_shell duo256m
}

# With virtio in its tree it is a machine like any other.
case_exec() {
	head -c 102400 /dev/urandom >"$work/data"
	linnet run --machine duo256m --ring packed --disk "path=$work/data,ro=on" \
		--exec 'md5sum </dev/vda; ip -4 -o addr show eth0; ls /sys/bus/platform/drivers/virtio-mmio' </dev/null
	expect_status 0
	expect_in out "^$(md5sum <"$work/data" | cut -c 1-32)"
	expect_in out 'inet 10.0.2.15/24'
	expect_in out '^60000000.virtio_mmio'
}

case_mistakes() {
	linnet run --machine duo --transport pci --exec true
	expect_status 125
	expect_in err '--transport pci: the machine duo'
	linnet run --machine duo256m --mmu sv48 --exec true
	expect_in err '--mmu sv48: the machine duo256m'
	linnet run --machine duo --smp 2 --exec true
	expect_status 125
	expect_in err '--smp 2: the machine duo has at most 1'
	linnet run --machine duo --exec true # Debian's kernel in 64 MiB
	expect_status 125
	expect_in err 'Kernel panic.*Failed to allocate'
}

"case_$1"
