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

# What crossed between the cores, in order, as a chart and for another program.
case_trace() {
	{ led 2 && led 3 && mail 0x10 0x40000000; } >"$work/sh"
	both 'sh /sh' --file "$work/sh:/sh" --trace "$work/trace" -v
	expect_status 0
	linnet trace "$work/trace"
	expect_status 0
	grep -oE 'start of small|mail 0, 0x2?3?00011300 -+>|claim 61|taken 0$|<-+ mail 0, 0x401001300|crash at 0x40000000' \
		"$work/out" >"$work/order"
	[ "$(tr -s - <"$work/order")" = 'start of small
mail 0, 0x200011300 ->
claim 61
taken 0
<- mail 0, 0x401001300
mail 0, 0x300011300 ->
claim 61
taken 0
<- mail 0, 0x401001300
claim 61
taken 0
crash at 0x40000000' ] || fail "another order: $(cat "$work/order")"
	expect_not_in out 'disk0|missing'
	linnet trace --all "$work/trace"
	expect_in out 'o kick of disk0, queue 0'
	expect_in out '\| interrupt of disk0, queue 0'
	linnet trace --chrome "$work/trace"
	python3 -c 'import json, sys; sys.exit(len(json.load(sys.stdin)["traceEvents"]) < 100)' <"$work/out" ||
		fail 'it is no JSON, or not all'
	head -c 1000 "$work/trace" >"$work/cut"
	linnet trace "$work/cut"
	expect_status 1
	expect_in err '/cut:[0-9]+: is no event of a trace'
}

# The same seed, the same trace, to the byte; another one, another order.
case_deterministic() {
	local n=0 seed
	{ led 2 && led 3; } >"$work/sh"
	for seed in 5 5 6; do
		both 'sh /sh' --file "$work/sh:/sh" --deterministic --seed $seed --trace "$work/trace$((n += 1))"
		expect_status 0
	done
	cmp "$work/trace1" "$work/trace2" || fail 'two runs with one seed differ'
	! cmp -s "$work/trace1" "$work/trace3" || fail 'the seed makes no difference'
	grep -q '"event":"mail".*0x401001300' "$work/trace3" || fail 'no answer in the trace'
}

# RPMsg between our firmware and a program that plays Linux' part: announcements, then 32 times there and
# back, twice, since that restarts.
case_rpmsg() {
	linnet run --machine duo256m --deterministic --time-limit 100 --firmware "$BIG/big_rpmsg.elf" \
		--small-core "$FIRMWARE/rpmsg-duo256m.elf" --trace "$work/trace" </dev/null
	expect_status 0
	linnet trace "$work/trace"
	expect_status 0
	expect_in out 'o announces rpmsg-sg2002-c906l-channel at 30$'
	[ "$(grep -cE 'o-+ rpmsg [0-9]+ > 30, 4 -+>\|' "$work/out")" = 64 ] || fail 'not 64 messages to the counter'
	[ "$(grep -cE '\|<-+ rpmsg 30 > [0-9]+, 4 -+o' "$work/out")" = 64 ] || fail 'not 64 from it'
	expect_not_in out 'missing'
	linnet trace --all "$work/trace"
	expect_in out 'ring to big: [0-9]+, used [0-9]+'
	linnet trace --pcap "$work/trace"
	expect_status 0
	python3 "$(dirname "$0")/pcap_rpmsg.py" <"$work/out" || fail 'these are not the messages'
	script -qec "'$LINNET' trace --pcap '$work/trace'" /dev/null >"$work/out"
	expect_in out '--pcap: is no text'
}

ctl() { # ARGS...: an answer in $work/answer
	timeout 60 "$LINNET" ctl "$work/ctl" "$@" >"$work/answer" 2>&1
}

until_answer() { # regex ARGS...
	local i
	for ((i = 0; i < 200; i++)); do
		ctl "${@:2}" && grep -qE -- "$1" "$work/answer" && return
		sleep 0.1
	done
	fail "ctl ${*:2} does not answer $1 but: $(cat "$work/answer")"
}

# From outside, while Linux runs: stopped, started, given another program, crashed, mended.
case_ctl() {
	LIMIT=200 start run --machine duo256m --no-extras --small-core "$DUO_FIRMWARE" --small-core-after linux \
		--control "unix:$work/ctl" --small-console "file:$work/small"
	wait_for 'This is Linnet'
	ctl small || fail "$(cat "$work/answer")"
	grep -qx 'stopped, start 0x8fe00000, 0 instructions' "$work/answer" || fail "$(cat "$work/answer")"
	ctl small start && until_answer '^running, start 0x8fe00000, [1-9]' small
	say 'devmem 0x03003024; echo $((6 * 7))!'
	wait_for '^0xFFFFFFFF'
	ctl small stop && until_answer '^stopped, start 0x8fe00000, 0 ' small status
	say 'devmem 0x03003024; echo $((7 * 7))!'
	wait_for '^0xFFFFFFBF'
	printf '\x73\x00\x10\x00' >"$work/ebreak" # with mtvec 0
	(cd "$work" && ctl small restart ebreak@8fe80000) || fail "$(cat "$work/answer")"
	until_answer '^crashed, start 0x8fe80000' small
	until_answer 'breakpoint .mcause 0x3, mtval 0x8fe80000. at pc 0x8fe80000' small
	! ctl small restart "$work/none" || fail 'it has started nothing'
	grep -qE 'firmware /.*/none: .*No such file' "$work/answer" || fail "$(cat "$work/answer")"
	until_answer '^stopped' small
	ctl small restart "$DUO_FIRMWARE" && until_answer '^running, start 0x8fe00000, [1-9]' small
	! ctl small dance || fail 'it dances'
	grep -q 'action dance: give status' "$work/answer" || fail "$(cat "$work/answer")"
	! ctl small stop "$DUO_FIRMWARE" || fail 'it takes a firmware to stop'
	ctl pause && ctl small restart "$DUO_FIRMWARE" && ctl resume
	until_answer '^running' small
	ctl quit
	finish
	[ "$(grep -c 'RT: up' "$work/small")" -ge 2 ] || fail 'it has not started twice'
}

case_mistakes() {
	linnet run --machine duo --seed 4 --exec true
	expect_status 125
	expect_in err '--seed 4: is for --deterministic'
	linnet run --deterministic --exec true
	expect_in err '--deterministic: the machine virt has no small core'
	linnet run --machine duo --deterministic --iothreads 1 --exec true
	expect_in err '--clock instructions makes each run the same'
	linnet trace
	expect_status 2
	linnet trace "$work/none"
	expect_status 1
	expect_in err "$work/none: No such file"
	linnet run --machine duo --trace "$work/no/dir" --exec true
	expect_status 125
	expect_in err '--trace .*/no/dir: cannot be opened for writing: '
	linnet run --trace "$work/t" --exec true
	expect_in err '--trace: the machine virt has no small core'
	local w
	for w in 0x1000 0x1000- -0x1000 0x2000-0x1000 0x1000-0x1000 0x1000-0x2fff '0x1000-0x2000,' z-0x2000; do
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
