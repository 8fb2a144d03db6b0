#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: drivers_guest.sh short|long NAME...  Runs in a guest, for drivers.sh: the test of each driver,
# and after each of them what the kernel has to say. With kmemleak, at the end what was not freed.
tests=$(cd "$(dirname "$0")" && pwd)
mode=$1
shift
leaks=/sys/kernel/debug/kmemleak
[ -d /sys/kernel/debug/block ] || mount -t debugfs debugfs /sys/kernel/debug || exit 1

# Words of the kernel's own trouble reports.
trouble()
{
	dmesg | grep -E -A 40 'BUG:|WARNING:|Oops|Call Trace:|INFO: |UBSAN|stack-protector'
}

trouble && exit 1
for name; do
	dmesg -c >/dev/null
	cd "$tests/$name" || exit 1
	if ! PATH=$PWD:$PATH sh ./test.sh "$mode"; then
		trouble
		echo "$name: FAILED"
		exit 1
	fi
	if trouble; then
		echo "$name: the kernel complains"
		exit 1
	fi
	echo "$name: passed"
done

# kmemleak takes what is older than five seconds, and reports what two scans find.
if [ -e $leaks ]; then
	sleep 6
	echo scan >$leaks
	echo scan >$leaks
	if [ -s $leaks ]; then
		cat $leaks
		exit 1
	fi
	echo 'no leaks'
fi
exit 0
