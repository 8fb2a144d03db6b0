# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# How the tests of Linnet's own drivers get into a guest: for drivers.sh and irqlab.sh. Sourced after
# lib.sh, whose $work is used.
# shellcheck disable=SC2154 # see there
here=$(cd "$(dirname "$0")" && pwd)
drivers=$(cd "$here/../../guest/drivers" && pwd)
# shellcheck source=guest/image/extras.sh
. "$here/../../guest/image/extras.sh"

# lay_out FOLDER COMPILER NAME...: what the tests of these drivers are in a guest.
lay_out() {
	local to=$1 compiler=$2 name
	shift 2
	mkdir -p "$to"
	cp "$here/drivers_guest.sh" "$to/run.sh"
	cp "$drivers/testing.sh" "$to/"
	for name; do
		mkdir -p "$to/$name"
		extras_programs "$drivers/$name" tests "$to/$name" "$compiler" 2>"$work/err" ||
			fail "$name: its test programs do not compile"
		[ ! -s "$work/err" ] || fail "$name: warnings in its test programs"
		cp "$drivers/$name/test.sh" "$to/$name/"
	done
}

# gather NAME...: adds what their tests need to `options`.
gather() {
	local name file
	lay_out "$work/test" riscv64-linux-gnu-gcc "$@"
	while read -r file; do
		options+=(--file "$work/test/$file:/test/$file")
	done < <(cd "$work/test" && find . -type f -printf '%P\n')
	for name; do
		[ ! -f "$drivers/$name/options" ] ||
			mapfile -t -O "${#options[@]}" options < <(grep -v '^#' "$drivers/$name/options")
	done
}
