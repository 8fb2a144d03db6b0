#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: drivers.sh CASE. Linnet's own drivers, guest/drivers/*: the test.sh of each runs in a guest.
# A folder brings everything with it; docs/drivers.md says what, and nothing has to be added here.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/drivers_lib.sh
. "$(dirname "$0")/drivers_lib.sh"

# tested [MACHINE]: those that have a test, on that machine or on virt.
tested() {
	local name
	for name in $(extras_drivers "$drivers"); do
		[ -f "$drivers/$name/test.sh" ] || continue
		[ "$(grep -sxA 1 -e --machine "$drivers/$name/options" | tail -n 1)" != "${1-}" ] || echo "$name"
	done
}

# on KERNEL MODE [APPEND] -- NAME...: all tests in one boot, with $board. KERNEL is debian or debug.
board=(--smp 2)
on() {
	local kernel=() mode=$2 name
	[ "$1" = debian ] || kernel=(--kernel "$1")
	shift 2
	: "${LIMIT:=400}" # for all of them together
	# A hart that stands still for seconds is one that a busy host gave no CPU: that is no report. One
	# that a driver holds for good ends by LIMIT.
	options=(--append 'oops=panic nosoftlockup rcupdate.rcu_cpu_stall_suppress=1')
	while [ "$1" != -- ]; do
		options+=(--append "$1")
		shift
	done
	shift
	linnet kbuild "${kernel[@]}" --extras
	expect_status 0
	expect_not_in err 'warning|WARNING'
	gather "$@"
	guest "sh /test/run.sh $mode $*" "${kernel[@]}" "${quick[@]}" "${board[@]}" "${options[@]}"
	expect_status 0
	for name; do
		expect_in out "^$name: passed$"
	done
}

case_debian() {
	LIMIT=450
	# shellcheck disable=SC2046 # names without blanks
	on debian short -- $(tested)
}

# All of them in one boot of the kernel that sees mistakes, and nothing is left behind.
case_debug() {
	LIMIT=900
	# shellcheck disable=SC2046 # names without blanks
	on debug short -- $(tested)
	expect_in out '^no leaks$'
}

# What the last line of case_debug stands for: the test of the test.
case_leak() {
	options=()
	LIMIT=900
	linnet kbuild --kernel debug --extras
	expect_status 0
	gather linnet_bugs
	echo 'modprobe linnet_bugs bug=leak' >"$work/test/linnet_bugs/test.sh"
	guest 'sh /test/run.sh short linnet_bugs' --kernel debug "${quick[@]}" "${options[@]}"
	expect_status 1
	expect_in out '^linnet_bugs: passed$'
	expect_in out '^unreferenced object .* \(size 1024\):$'
}

# The drivers for the small core of a Duo, which runs a program that knows them.
on_duo() { # KERNEL MODE APPEND
	board=(--small-core "$DUO_REMOTE" --file "$DUO_REMOTE:/lib/firmware/remote.elf"
		--file "$FIRMWARE/rpmsg-duo256m.elf:/lib/firmware/rpmsg.elf")
	# shellcheck disable=SC2046 # names without blanks
	on "$1" "$2" "$3" -- $(tested duo256m)
}

case_duo() {
	on_duo debian short quiet
}

# The debug kernel has no driver for the board's UART.
case_duo_debug() {
	on_duo debug short console=hvc0
	expect_in out '^no leaks$'
}

case_duo_long() {
	LIMIT=1000
	on_duo debian long quiet
	on_duo debug long console=hvc0
}

# twin NAME=: what tools/twin.sh says of it.
twin() {
	sed -n "s/^$1//p" "$work/twin"
}

# twin_modules NAME...: built for amd64, where modprobe in $work/root finds them.
twin_modules() {
	local build=$work/build extra name
	extra=$work/root/lib/modules/$(twin release=)/extra
	mkdir -p "$build" "$extra"
	(cd "$drivers" && extras_sources . | cpio --quiet -p -d "$build")
	for name; do
		# The compiler is older than the kernel's, and lacks one of its options.
		make -C "$(twin headers=)" "M=$build/$name" CC=gcc CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= \
			CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/out" 2>"$work/err" ||
			fail "$name does not build for amd64"
		expect_not_in err 'warning:'
		objcopy --strip-debug "$build/$name/$name.ko" "$extra/$name.ko"
	done
	touch "${extra%/*}/modules.order" "${extra%/*}/modules.builtin" "${extra%/*}/modules.builtin.modinfo"
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$work/root" "$(twin release=)"
}

# The short tests on the amd64 kernel of the same version, under QEMU, and once more by 32-bit programs:
# their ioctls go through compat_ioctl, which riscv64 does not have. irqlab is a device of Linnet's; there
# its driver meets another one.
case_amd64() {
	local root=$work/root
	[ "$(uname -m)" = x86_64 ] || {
		echo 'skipped: modules for amd64 are built on amd64'
		exit 77
	}
	"$here/../../tools/twin.sh" >"$work/twin" 2>"$work/err" || fail 'there is no kernel for amd64'
	mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/sys" "$root/tmp"
	twin_modules scull kxo irqlab
	lay_out "$root/test" gcc scull kxo irqlab
	lay_out "$root/test32" i686-linux-gnu-gcc scull kxo
	extras_programs "$drivers/kxo" programs "$root/bin" gcc
	install -m 755 "$(twin busybox=)" "$root/bin/busybox"
	install -m 755 "$here/twin_init.sh" "$root/init"
	pack_cpio "$root" "$work/initrd"
	timeout -k 5 "${LIMIT:-900}" qemu-system-x86_64 -accel tcg -m 512 -smp 2 -nodefaults \
		-device edu -display none -no-reboot -serial stdio -kernel "$(twin kernel=)" \
		-initrd "$work/initrd" -append 'console=ttyS0 panic=-1 oops=panic quiet' \
		</dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	expect_in out '^kernel: .*-amd64 x86_64$'
	[ "$(grep -c '^scull: passed$' "$work/out")" = 2 ] || fail 'scull'
	[ "$(grep -c '^kxo: passed$' "$work/out")" = 2 ] || fail 'kxo'
	expect_in out '^irqlab: passed$'
	expect_in out '^status: 0$'
}

# long_NAME: the long test of one driver.
if [[ $1 == long_* ]]; then
	LIMIT=2000
	on debian long -- "${1#long_}"
	on debug long kmemleak=off -- "${1#long_}"
	exit
fi

"case_$1"
