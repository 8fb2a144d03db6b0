#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: rpmsg.sh CASE. The kernel's own RPMsg drivers against --rpmsg echo.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/system/lib.sh
. "$here/lib.sh"

# try CASE... -- OPTION...: the cases of rpmsg_guest.sh in one boot.
try() {
	local cases=()
	while [ "$1" != -- ]; do
		cases+=("$1")
		shift
	done
	shift
	LIMIT=400 # all drivers, if they are not there
	linnet kbuild --extras
	expect_status 0
	expect_not_in err 'warning|WARNING'
	guest "sh /test.sh ${cases[*]} && ! dmesg | grep -E 'BUG|WARNING|Oops|uhm'" --rpmsg echo "${quick[@]}" \
		--file "$here/rpmsg_guest.sh:/test.sh" "$@"
	expect_status 0
	for name in "${cases[@]}"; do
		expect_in out "^$name: well$"
	done
	[ ! -s "$work/err" ] || fail "it has something to say"
}

case_kernel() {
	try echoes too_long slow tty sample several group nodes --
}

case_pci() {
	try echoes sample again -- --transport pci --smp 2
}

case_mistakes() {
	linnet run --rpmsg nothing
	expect_status 2
	expect_in err '--rpmsg nothing: unknown; use none or echo'
	linnet devices
	expect_in out '^rpmsg '
}

"case_$1"
