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

# kmemleak takes what is older than five seconds, and reports what two scans find. Its file has no size,
# and is there when it is off, but then takes no command: that must not pass for a scan.
if [ -e $leaks ] && ! grep -qw kmemleak=off /proc/cmdline; then
	sleep 6
	echo scan >$leaks || exit 1
	echo scan >$leaks || exit 1
	cat $leaks >/tmp/leaks || exit 1
	if [ -s /tmp/leaks ]; then
		cat /tmp/leaks
		exit 1
	fi
	echo 'no leaks'
fi
exit 0
