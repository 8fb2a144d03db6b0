#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: firmware.sh CASE. What --firmware takes: bare-metal programs, OpenSBI and U-Boot.
. "$(dirname "$0")/lib.sh"
tools=$(cd "$(dirname "$0")/../../tools" && pwd)
programs=$(dirname "$LINNET")/tests/baremetal

peer() { # name of a directory that peers.sh prints
	"$tools/peers.sh" | sed -n "s/^$1=//p"
}

of_guest() { # kernel|initrd
	"$LINNET" fetch --print | sed -n "s/^$1=//p"
}

# Programs that print and end by HTIF; the status is theirs.
case_htif() {
	local clock
	for clock in host instructions; do
		linnet run --firmware "$programs/htif_42.elf" --clock $clock --smp 2 --time-limit 60 </dev/null
		expect_status 42
		[ "$(head -n 1 "$work/out")" = 'by character' ] || fail "not the first line"
		[ "$(grep -cx 'a line by write' "$work/out")" = 2000 ] || fail "not 2000 lines"
		[ "$(tail -n 1 "$work/out")" = last ] || fail "not the last line"
	done
	linnet run --firmware "$programs/htif_0.elf" --time-limit 60 </dev/null
	expect_status 0
	[ ! -s "$work/err" ] || fail "success is no news"
}

# The same bytes without their ELF: no symbols, so no HTIF, but the power switch works.
case_flat() {
	riscv64-linux-gnu-objcopy -O binary "$programs/csr.elf" "$work/csr.bin"
	linnet run --firmware "$programs/csr.elf" --time-limit 60 </dev/null
	expect_status 0
	mv "$work/out" "$work/elf"
	linnet run --firmware "$work/csr.bin" --time-limit 60 </dev/null
	expect_status 0
	[ -s "$work/out" ] || fail "no output"
	cmp "$work/elf" "$work/out" || fail "the flat binary did something else"
}

case_misplaced() {
	riscv64-linux-gnu-objcopy --strip-symbol=tohost --add-symbol tohost=0x80000004 \
		"$programs/htif_0.elf" "$work/odd.elf"
	linnet run --firmware "$work/odd.elf" --time-limit 60 </dev/null
	expect_status 1
	expect_in err "--firmware $work/odd.elf: .*tohost at 0x80000004 .*align"
	linnet run --firmware "$programs/csr.elf" --kernel "$programs/htif_0.elf" --initrd /dev/null </dev/null
	expect_status 1
	expect_in err "--kernel $programs/htif_0.elf: .*0x80000000 .*--firmware"
	linnet run --firmware "$programs/csr.elf" --exec true </dev/null
	expect_status 125
	expect_in err '--exec .*--kernel'
}

# Debian's kernel behind OpenSBI, to a command and the power switch.
opensbi() { # file [OPTIONS...]
	local kernel
	kernel=$(of_guest kernel)
	guest 'dmesg | grep "SBI implementation"; nproc' --firmware "$(peer opensbi)/$1" --kernel "$kernel" \
		--smp 2 "${@:2}"
	expect_status 0
	expect_in out 'SBI implementation ID=0x1 ' # OpenSBI's number
	[ "$(tail -n 1 "$work/out")" = 2 ] || fail "not 2 harts"
}

case_opensbi_jump() { opensbi fw_jump.elf --mem 128M; } # little, as it moves the device tree
case_opensbi_jump_flat() { opensbi fw_jump.bin --clock instructions; }
case_opensbi_dynamic() { opensbi fw_dynamic.elf; }
case_opensbi_aia() { opensbi fw_dynamic.elf --interrupts aia --transport pci; }
case_opensbi_dynamic_flat() { opensbi fw_dynamic.bin; }

# A disk with one partition, from which U-Boot boots Debian's kernel and init.
make_boot_disk() {
	mkdir -p "$work/root/extlinux"
	cp "$(of_guest kernel)" "$work/root/Image"
	cp "$(of_guest initrd)" "$work/root/initrd"
	cat >"$work/root/extlinux/extlinux.conf" <<-END
		default linux
		label linux
			kernel /Image
			initrd /initrd
			append console=ttyS0 panic=-1 linnet.mode=off
	END
	truncate -s 97M "$work/disk"
	PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -t ext4 -E offset=1048576 -d "$work/root" "$work/disk" 96M ||
		fail "no file system"
	# The partition table: type 0x83 from sector 2048, 0x30000 sectors.
	printf '\200\0\0\0\203\0\0\0\0\010\0\0\0\0\003\0' |
		dd of="$work/disk" bs=1 seek=446 conv=notrunc status=none
	printf '\125\252' | dd of="$work/disk" bs=1 seek=510 conv=notrunc status=none
	rm -r "${work:?}/root"
	echo 'no archive' >"$work/initrd" # so that it must be the disk's
}

uboot_boots() { # OPTIONS...
	make_boot_disk
	linnet run "$@" --initrd "$work/initrd" --disk "path=$work/disk,ro=on" --net none </dev/null
	expect_status 0
	expect_in out 'U-Boot 20'
	expect_in out 'Retrieving file: /initrd'
	expect_in out 'Starting kernel'
	expect_in out 'Run /init as init process'
	expect_in out 'Power down'
}

case_uboot_on_sbi() {
	uboot_boots --kernel "$(peer uboot)/qemu-riscv64_smode/uboot.elf"
}

case_uboot_on_opensbi() {
	uboot_boots --firmware "$(peer opensbi)/fw_dynamic.bin" \
		--kernel "$(peer uboot)/qemu-riscv64_smode/u-boot.bin" --smp 2
}

case_uboot_m() {
	local file
	for file in uboot.elf u-boot.bin; do
		start run --firmware "$(peer uboot)/qemu-riscv64/$file"
		wait_for 'Hit any key'
		say ''
		say 'version; bdinfo'
		wait_for 'boot hart *= 0x0'
		say poweroff
		finish
		expect_status 0
	done
}

"case_$1"
