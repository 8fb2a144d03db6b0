#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tries sample.ko in a fresh guest; the exit status tells. usage: ./test.sh [OPTION OF linnet run...]
#
# On the host this script starts a guest and has itself run in there, with the argument "in-guest".
# A guest that crashes ends at once (oops=panic) with status 125.
set -u

if [ "${1-}" != in-guest ]; then
	cd "$(dirname "$0")" || exit 1
	if [ ! -f sample.ko ]; then
		echo 'sample.ko is not there; build it first: linnet kbuild .' >&2
		exit 1
	fi
	exec "${LINNET:-linnet}" run --file sample.ko:/sample.ko --file test.sh:/test.sh \
		--append oops=panic --time-limit 120 "$@" --exec 'sh /test.sh in-guest' </dev/null
fi

fail()
{
	echo "FAILED: $*"
	dmesg | tail -n 20
	exit 1
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] || fail "$1: got '$2' instead of '$3'"
}

dev=/dev/sample
parameters=/sys/module/sample/parameters
dmesg -c >/dev/null

echo '- a bad parameter is refused'
insmod /sample.ko size=0 2>/dev/null && fail 'size=0 was taken'

echo '- it loads, and the device node is there'
insmod /sample.ko size=16 || fail 'insmod'
expect 'the parameter' "$(cat $parameters/size)" 16
[ -c $dev ] || fail "there is no $dev"

echo '- what was written is read'
echo hello >$dev || fail 'write'
expect 'one write' "$(cat $dev)" hello
echo world >>$dev || fail 'append'
expect 'two writes' "$(tr '\n' ' ' <$dev)" 'hello world '
echo again >$dev || fail 'write'
expect 'a new beginning' "$(cat $dev)" again

echo '- what does not fit is refused'
printf 0123456789abcdefX 2>/dev/null >$dev && fail '17 bytes in 16'
expect 'what did fit' "$(cat $dev)" 0123456789abcdef

echo '- a parameter can be changed'
dmesg | grep -q 'write of' && fail 'it reports writes without being told'
echo Y >$parameters/verbose
echo hello >$dev || fail 'write'
dmesg | grep -q 'write of 6 bytes: 6' || fail 'a write was not reported'

echo '- many writers at once'
for writer in 1 2 3 4; do
	(for _ in 1 2 3 4 5; do echo "writer $writer" >$dev || exit 1; done) &
	writers="${writers-} $!"
done
for writer in $writers; do
	wait "$writer" || fail 'a writer failed'
done
expect 'the last line' "$(tail -n 1 $dev | tr 1234 x)" 'writer x'

echo '- it does not unload while it is in use, and then does'
exec 3<$dev
rmmod sample 2>/dev/null && fail 'it went away from under an open file'
exec 3<&-
rmmod sample || fail 'rmmod'
[ ! -e $dev ] || fail "$dev is still there"

# Words of the kernel's own trouble reports.
dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace:|INFO: |stack-protector' && fail 'the kernel complains'
echo 'sample: passed'
