#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo_seeing.sh CASE. What is seen of the Duo's two cores from outside, and how they are steered.
. "$(dirname "$0")/lib.sh"

# both CMD [OPTIONS...]: CMD in Linux, beside the firmware. Without the drivers of what CMD drives itself.
both() {
	LIMIT=200 linnet run --machine duo256m --no-extras --small-core "$DUO_FIRMWARE" "${@:2}" --exec "$1" </dev/null
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

# Linux's side of the mailbox, as lines for a shell in the guest.
send() { # command parameter
	echo "devmem 0x01900400 32 $((0x10000 | $1 << 8)); devmem 0x01900404 32 $2"
	echo 'devmem 0x01900030 8 1; devmem 0x01900008 8 1; devmem 0x01900060 8 1'
}

until_word() { # what the first word of channel 0 becomes
	echo "for i in \$(seq 500); do [ \"\$(devmem 0x01900400 32)\" = $1 ] && break; done"
}

mail() { # a message that has no answer: until it is taken
	send "$@" && until_word 0x00000000
}

led() { # 2|3: until it is answered
	send 0x13 "$1" && until_word 0x01001300
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

# Beyond its memory: told of once, if that was not asked for. And what would hang the board.
case_beyond() {
	{
		mail 0x12 0x80200000
		mail 0x12 0x80300000
		echo 'devmem 0x03002000 32 0xfffff7ff; devmem 0x020b0004 32'
		mail 0x11 0x020b0020
		led 2
	} >"$work/sh"
	both 'sh /sh' -v --file "$work/sh:/sh"
	expect_status 0
	expect_in err 'small core loads from 0x80200000 at pc 0x8fe00[0-9a-f]+, which is not reserved for it'
	expect_not_in err '0x80300000'
	expect_in err 'big core loads from 0x20b0004 at pc 0x[0-9a-f]+ while clk_efuse is off: this hangs the board'
	expect_in err 'small core stores to 0x20b0020 at pc 0x8fe00[0-9a-f]+ while clk_efuse is off'
	expect_in err '^small\| RT: LED on 0'
	expect_not_in err 'RT: trap'
}

case_window() {
	{ mail 0x12 0x80200000 && mail 0x11 0x80300000; } >"$work/sh"
	both 'sh /sh; sleep 0.5' -v --file "$work/sh:/sh" \
		--small-core-window 0x8fe00000-0x90000000,0x80200000-0x80201000
	expect_status 0
	expect_in err 'small core stores to 0x80300000 at pc 0x8fe00[0-9a-f]+, which is outside of its --small-core-window'
	expect_not_in err '0x80200000 at pc'
	expect_in err '^small\| RT: trap 7'
}

case_mistakes() {
	local w
	for w in 0x1000 0x1000- -0x1000 0x2000-0x1000 0x1000-0x1000 0x1000-0x2fff 0x1000-0x2000, z-0x2000; do
		linnet run --machine duo "--small-core-window=$w" --exec true
		expect_status 125
		expect_in err "--small-core-window $w: give A-B"
	done
	linnet run --small-core-window 0x1000-0x2000 --exec true
	expect_in err '--small-core-window: the machine virt has no small core'
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
