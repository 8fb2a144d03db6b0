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

# A message for the small core, as Linux's side sends it.
mail() { # command parameter
	echo "devmem 0x01900400 32 $((0x10000 | $1 << 8)); devmem 0x01900404 32 $2"
	echo 'devmem 0x01900030 8 1; devmem 0x01900008 8 1; devmem 0x01900060 8 1'
}

# ... and wait for the answer.
led() { # 2|3
	mail 0x13 "$1"
	echo 'for i in $(seq 300); do [ "$(devmem 0x01900400 32)" = 0x01001300 ] && break; done'
}

release='devmem 0x03003024 32 0xffffffbf; devmem 0x03003024 32 0xffffffff'

# Linux starts it; it jumps to nowhere and is started again.
case_after_linux() {
	{
		echo "sleep 0.5; echo Linux is up >/dev/console; sleep 0.1; $release; sleep 0.3"
		led 2
		mail 0x10 0x40000000
		echo "sleep 0.3; $release; sleep 0.3"
		led 3
	} >"$work/sh"
	both 'sh /sh' -v --small-core-after linux --file "$work/sh:/sh"
	expect_status 0
	grep -aoE '^(small\| RT: (up|LED).*|Linux is up)' "$work/err" | tr -d '\r' >"$work/order"
	[ "$(cat "$work/order")" = 'Linux is up
small| RT: up 0
small| RT: LED on 0
small| RT: up 0
small| RT: LED off 0' ] || fail "another order: $(cat "$work/order")"
	expect_in err 'small core crashed: jump to where no memory is .mcause 0x1, mtval 0x40000000'
	expect_in err 'crashed: .* at pc 0x40000000, and mtvec, 0x0, leads to no handler that runs'
	expect_in err '^linnet:   zero 0+    ra 000000008fe[0-9a-f]+    sp 000000008fe'
}

case_mistakes() {
	linnet run --machine duo --small-core-after never --exec true
	expect_status 125
	expect_in err '--small-core-after never: '
	linnet run --small-core-after linux --exec true
	expect_in err '--small-core-after: the machine virt has no small core'
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
