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

# With no terminal the board would show something of itself: duo_linux/ping_pong.
case_own_tree() {
	start run --machine duo256m --engine interp --append linnet.mode=shell
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

# A message into channel 0 of the mailbox, as Linux's side sends it: LED on or off. By hand, so
# without the driver.
led() { # 2|3
	echo 'devmem 0x01900400 32 0x00011300'
	echo "devmem 0x01900404 32 $1"
	echo 'devmem 0x01900030 8 1; devmem 0x01900008 8 1; devmem 0x01900060 8 1'
	# The reply: valid for Linux, and done.
	echo 'until [ "$(devmem 0x01900400 32)" = 0x01001300 ]; do :; done; devmem 0x01900404 32'
}

# Both cores at work: the small one before Linux, ticks and lines of its own, commands and replies.
case_small_core() {
	{ led 2 && led 3; } >"$work/leds"
	LIMIT=200 linnet run --machine duo256m --no-extras --small-core "$DUO_FIRMWARE" -v "$@" \
		--file "$work/leds:/leds" --exec 'sh /leds; sleep 2' </dev/null
	expect_status 0
	expect_out '0x00000004
0x00000004'
	expect_in err '^small\| RT: up 0'
	expect_in err '^small\| RT: LED on 0'
	expect_in err '^small\| RT: LED off 0'
	expect_in err '^small\| RT: seconds 2'
	expect_not_in err 'RT: trap'
}

case_small_core_counted() {
	case_small_core --clock instructions
}

# Stopped and started again by the register that Linux's side has for it, with the same firmware.
case_small_core_restart() {
	{
		led 2
		echo 'devmem 0x03003024 32 0xffffffbf; sleep 1'
		echo 'devmem 0x03003024 32 0xffffffff; sleep 1'
		led 3
	} >"$work/leds"
	LIMIT=200 linnet run --machine duo256m --no-extras --small-core "$DUO_FIRMWARE" -v \
		--file "$work/leds:/leds" --exec 'sh /leds' </dev/null
	expect_status 0
	[ "$(grep -c 'RT: up 0' "$work/err")" = 2 ] || fail 'it did not start again'
	expect_in err 'RT: LED off 0'
}

case_mistakes() {
	linnet run --small-core "$DUO_FIRMWARE" --exec true
	expect_status 125
	expect_in err '--small-core: the machine virt has no small core'
	linnet run --machine duo256m --small-core "$work/none" --exec true
	expect_in err '--small-core .*/none: .*No such file'
	echo text >"$work/flat"
	linnet run --machine duo256m --small-core "$work/flat" --exec true
	expect_status 125
	expect_in err '--small-core '
	linnet run --machine duo256m --small-core "$work/flat@here" --exec true
	expect_in err 'give FILE, or FILE@ADDRESS'
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
