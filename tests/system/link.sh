#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: link.sh CASE. Why no RPMsg channel came up between the cores of a Duo: each cause is made, by programs on
# both cores (tests/firmware/no_link.h), and named.
. "$(dirname "$0")/lib.sh"

# run_fault FAULT [FIRMWARE]: on the small core.
run_fault() {
	linnet run --machine duo256m --clock instructions --time-limit 100 --firmware "$BIG/no_link_$1.elf" \
		${2+--small-core "$2"} </dev/null
	expect_status 0
}

lost='RPMsg was lost: '
none='no RPMsg channel came up: '

faults() { # in pairs: a fault, and what is said of it
	while read -r fault regex; do
		run_fault "$fault" "$DUO_NO_LINK"
		expect_in err "$regex"
		[ "$(grep -cE "$none|$lost" "$work/err")" = 1 ] || fail "$fault: said twice"
	done
}

case_faults() {
	faults <<-EOF
		early         ${none}announced too early: the small core has kicked .1. before Linux had given buffers
		address_small ${none}the ring address differs: .* at 0x8fc00000, .* never looked there, but at 0x8fd0
		address_big   ${none}the ring address differs: .* at 0x8fd00000, .* never looked there, but at 0x8fc0
		align         ${none}the alignment differs: .* aligned to 16, .* 4096
		fewer         ${none}the number of buffers differs: .* 256 entries, .* with 128 or fewer
		more          ${none}the number of buffers differs: .* 256 entries, .* nor looked where
		count         ${none}the number of buffers differs: .* 64 entries
		stale_small   ${lost}stale index: .* counts from 0 .used index 1. where Linux is at 4
		stale_big     ${lost}stale index: Linux has made its rings anew, .* index is 5, and 4 entries
		en            ${none}the interrupt is masked: channels 0x1 ring at the small core, and EN is 0xfe
		int_mask      ${none}the interrupt is masked: .* INT_MASK is 0xff
		lost          ${none}the edge is lost: kicks .1. to the small core
		plic          ${none}the interrupt is masked: .* source 61 is off at its PLIC
		priority      ${none}the interrupt is masked: source 61 of the small core has priority 0
		claimed       ${none}the small core has claimed source 61 and not completed it
		mie           ${none}the interrupt is masked: .* its mie or mstatus has interrupts off
		no_kick_big   ${none}Linux has given 256 buffers and never kicked
		no_kick_small ${none}the small core never kicked, though it has sent messages .1.
		deaf_big      ${none}the interrupt is masked: .* source 101 is off at its PLIC
		unread        ${none}Linux was told of messages .1. and has read none
		silent        ${none}.* announced nothing .messages: 0.
		crash         ${none}the small core has crashed, cause 0x3 at pc 0x8fe0
		no_rings      ${none}Linux has made no rings, and nobody there listens
	EOF
	run_fault none # and no firmware
	expect_in err "${none}no firmware runs on the small core"
	run_fault stale_both "$FIRMWARE/rpmsg-duo256m.elf"
	expect_in err "${lost}the small core was restarted behind Linux' back: the used index is still 4"
	run_fault none "$DUO_NO_LINK"
	expect_not_in err "$none|$lost"
}

# Nothing is found where nothing is wrong, restarts and hasty firmware included.
case_good() {
	local pair
	for pair in "big_rpmsg $FIRMWARE/rpmsg-duo256m.elf" "big_like_threadx $BIG/like_threadx.elf"; do
		linnet run --machine duo256m --deterministic --time-limit 100 --firmware "$BIG/${pair% *}.elf" \
			--small-core "${pair#* }" </dev/null
		expect_status 0
		expect_not_in err "$none|$lost"
	done
}

# While it runs, by the control socket, also as JSON.
case_ctl() {
	start run --machine duo256m --firmware "$BIG/big_wait_1210.elf" --small-core "$FIRMWARE/rpmsg-duo256m.elf" \
		--control "unix:$work/ctl"
	wait_for '^small. RT: up'
	timeout 60 "$LINNET" ctl "$work/ctl" diagnose >"$work/answer" 2>&1 || fail "$(cat "$work/answer")"
	grep -q '^rpmsg: Linux has made no rings' "$work/answer" || fail "$(cat "$work/answer")"
	grep -qE '^  status small core running, [0-9]+ instructions; 0 names' "$work/answer" || fail "$(cat "$work/answer")"
	grep -qx '  queue 1: not set up' "$work/answer" || fail "$(cat "$work/answer")"
	timeout 60 "$LINNET" ctl "$work/ctl" small stop >/dev/null || fail 'it does not stop'
	timeout 60 "$LINNET" ctl --json "$work/ctl" diagnose >"$work/answer" || fail "$(cat "$work/answer")"
	grep -q '"device": *"rpmsg".*"wrong": *true, *"verdict": *"no firmware runs' "$work/answer" ||
		fail "$(cat "$work/answer")"
	timeout 60 "$LINNET" ctl "$work/ctl" quit >/dev/null
	finish
	expect_not_in err "$none" # which nobody has tried to get
}

"case_$1"
