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

# Those that have a test.
tested() {
	local name
	for name in $(extras_drivers "$drivers"); do
		[ ! -f "$drivers/$name/test.sh" ] || echo "$name"
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

# on KERNEL MODE [APPEND] -- NAME...: all tests in one boot. KERNEL is debian or debug.
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
	guest "sh /test/run.sh $mode $*" "${kernel[@]}" "${quick[@]}" --smp 2 "${options[@]}"
	expect_status 0
	for name; do
		expect_in out "^$name: passed$"
	done
}

case_debian() {
	# shellcheck disable=SC2046 # names without blanks
	on debian short -- $(tested)
}

# All of them in one boot of the kernel that sees mistakes, and nothing is left behind.
case_debug() {
	# shellcheck disable=SC2046 # names without blanks
	on debug short -- $(tested)
	expect_in out '^no leaks$'
}

# long_NAME: the long test of one driver.
if [[ $1 == long_* ]]; then
	LIMIT=1000
	on debian long -- "${1#long_}"
	on debug long kmemleak=off -- "${1#long_}"
	exit
fi

"case_$1"
