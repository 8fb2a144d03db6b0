#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: drivers.sh CASE. Linnet's own drivers, guest/drivers/*: the test.sh of each runs in a guest.
# A folder brings everything with it; docs/drivers.md says what, and nothing has to be added here.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
drivers=$(cd "$here/../../guest/drivers" && pwd)
# shellcheck source=guest/image/extras.sh
. "$here/../../guest/image/extras.sh"

# tested [MACHINE]: those that have a test, on that machine or on virt.
tested() {
	local name
	for name in $(extras_drivers "$drivers"); do
		[ -f "$drivers/$name/test.sh" ] || continue
		[ "$(grep -sxA 1 -e --machine "$drivers/$name/options" | tail -n 1)" != "${1-}" ] || echo "$name"
	done
}

# gather NAME...: adds what their tests need to `options`.
gather() {
	local name file
	options+=(--file "$here/drivers_guest.sh:/test/run.sh" --file "$drivers/testing.sh:/test/testing.sh")
	for name; do
		mkdir -p "$work/bin/$name"
		extras_programs "$drivers/$name" tests "$work/bin/$name" 2>"$work/err" ||
			fail "$name: its test programs do not compile"
		[ ! -s "$work/err" ] || fail "$name: warnings in its test programs"
		for file in "$drivers/$name/test.sh" "$work/bin/$name"/*; do
			[ ! -f "$file" ] || options+=(--file "$file:/test/$name/${file##*/}")
		done
		[ ! -f "$drivers/$name/options" ] ||
			mapfile -t -O "${#options[@]}" options < <(grep -v '^#' "$drivers/$name/options")
	done
}

# on KERNEL MODE [APPEND] -- NAME...: all tests in one boot, with $board. KERNEL is debian or debug.
board=(--smp 2)
on() {
	local kernel=() mode=$2 name
	[ "$1" = debian ] || kernel=(--kernel "$1")
	shift 2
	: "${LIMIT:=400}" # for all of them together
	options=(--append oops=panic)
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
	LIMIT=300
	# shellcheck disable=SC2046 # names without blanks
	on debian short -- $(tested)
}

# All of them in one boot of the kernel that sees mistakes, and nothing is left behind.
case_debug() {
	LIMIT=400
	# shellcheck disable=SC2046 # names without blanks
	on debug short -- $(tested)
	expect_in out '^no leaks$'
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

# A 32-bit program on the amd64 kernel of the same version: each ioctl goes through compat_ioctl, which
# riscv64 does not have.
case_compat() {
	local twin kernel headers
	[ "$(uname -m)" = x86_64 ] || {
		echo 'skipped: modules for amd64 are built on amd64'
		exit 77
	}
	twin=$("$here/../../tools/twin.sh" 2>"$work/err") || fail 'there is no kernel for amd64'
	kernel=$(echo "$twin" | sed -n 's/^kernel=//p')
	headers=$(echo "$twin" | sed -n 's/^headers=//p')
	mkdir -p "$work/build" "$work/root/dev" "$work/root/sys"
	(cd "$drivers" && extras_sources . | grep -E '^(include|scull)/' | cpio --quiet -p -d "$work/build")
	# The compiler is older than the kernel's, and lacks one of its options.
	make -C "$headers" "M=$work/build/scull" CC=gcc CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= \
		CONFIG_DEBUG_INFO_BTF_MODULES= modules >"$work/out" 2>"$work/err" ||
		fail 'the module does not build for amd64'
	objcopy --strip-debug "$work/build/scull/scull.ko" "$work/root/scull.ko"
	set -- i686-linux-gnu-gcc -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -static -s
	"$@" -o "$work/root/init" "$here/twin_init.c" 2>"$work/err" || fail 'its init'
	"$@" "-I$drivers/include" -o "$work/root/test" "$drivers/scull/test/ioctl.c" 2>"$work/err" ||
		fail 'the test program'
	pack_cpio "$work/root" "$work/initrd"
	timeout -k 5 "${LIMIT:-400}" qemu-system-x86_64 -accel tcg -m 256 -nodefaults -display none \
		-no-reboot -serial stdio -kernel "$kernel" -initrd "$work/initrd" \
		-append 'console=ttyS0 panic=-1 quiet' </dev/null 2>"$work/err" | tr -d '\r' >"$work/out"
	expect_in out '^kernel: .*-amd64 x86_64$'
	expect_in out '^word: 4$'
	expect_in out '^status: 0$'
}

# long_NAME: the long test of one driver.
if [[ $1 == long_* ]]; then
	LIMIT=1000
	on debian long -- "${1#long_}"
	on debug long kmemleak=off -- "${1#long_}"
	exit
fi

"case_$1"
