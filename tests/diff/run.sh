#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: run.sh [--find TEXT] DIFFER [OPTION...]
# Runs the differential test with Debian trixie's qemu-riscv64, which tools/peers.sh gets. With --find
# the test must fail, and blame an instruction whose line holds TEXT.
set -eu
find=
if [ "$1" = --find ]; then
	find=$2
	shift 2
fi
differ=$1
shift
if ! peers=$("$(dirname "$0")/../../tools/peers.sh"); then
	echo 'qemu-riscv64 of Debian trixie could not be fetched'
	exit 77
fi
peer=$(echo "$peers" | sed -n 's/^qemu_user=//p')
[ -n "$find" ] || exec "$differ" --peer "$peer" "$@"

status=0
log=$("$differ" --peer "$peer" "$@") || status=$?
echo "$log"
if [ "$status" != 1 ]; then
	echo "exit status $status, where a difference was to be found"
	exit 1
fi
echo "$log" | grep -qF "$find" || {
	echo "it is not blamed on $find"
	exit 1
}
echo "found, as it must be"
