#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo_seeing.sh CASE. What is seen of the Duo's two cores from outside, and how they are steered.
. "$(dirname "$0")/lib.sh"

# both CMD [OPTIONS...]: CMD in Linux, beside the firmware.
both() {
	LIMIT=200 linnet run --machine duo256m --small-core "$DUO_FIRMWARE" "${@:2}" --exec "$1" </dev/null
}

# The small core's lines are whole, and Linux's too, though both are printed at the same time.
case_prefix() {
	both 'for i in $(seq 300); do echo "big line $i" >/dev/console; done; sleep 1' -v
	expect_status 0
	expect_in err '^small\| RT: up 0'
	expect_in err '^small\| RT: seconds 1'
	expect_not_in err '^.+small\|'
	expect_not_in err '^RT:'
	[ "$(tr -d '\r' <"$work/err" | grep -xE 'big line [0-9]+' | sort -u | wc -l)" = 300 ] ||
		fail 'a line of Linux is torn'
}

case_console() {
	both 'sleep 1' -v --small-console "file:$work/small"
	expect_status 0
	expect_not_in err 'RT:'
	grep -q '^RT: up 0' "$work/small" || fail 'no line of the small core in its file'
	! grep -qv '^RT: ' "$work/small" || fail "lines of another: $(grep -v '^RT: ' "$work/small")"
}

case_mistakes() {
	linnet run --small-console pty --exec true
	expect_status 125
	expect_in err '--small-console: the machine virt has no small core'
	linnet run --machine duo --small-console wall --exec true
	expect_status 125
	expect_in err '--small-console wall: give stdio, file:PATH'
	linnet run --machine duo --small-console "file:$work/no/dir" --exec true
	expect_status 125
	expect_in err '--small-console file:.*/no/dir: '
}

"case_$1"
