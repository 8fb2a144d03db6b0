#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: rtos.sh CASE. The firmware of guest/firmware, with programs of tests/firmware on the big core instead
# of Linux. By instructions' time each run is the same, whatever else the host does.
. "$(dirname "$0")/lib.sh"

[ -f "$BIG/kernel_test.elf" ] || fail 'the firmware is not built: its compiler, gcc-riscv64-unknown-elf, is missing'

# on_duo [OPTIONS...]: with the clock that counts instructions.
on_duo() {
	linnet run --machine duo256m --clock instructions --time-limit 100 "$@" </dev/null
}

# The kernel's services, one by one.
services() { # engine
	on_duo --engine "$1" --firmware "$BIG/kernel_test.elf"
	expect_status 0
	[ "$(grep -c '^RT: .*: ok' "$work/out")" = 10 ] || fail 'not ten groups of tests'
	[ "$(grep -c '^RT: instructions, ' "$work/out")" = 4 ] || fail 'not four figures'
}

case_services() { services interp; }
case_services_jit() { services jit; }

# Two counting threads: each period once, no tick missed, and never a tick late (125000 counts).
counts() { # seconds engine
	local last jitter
	on_duo --engine "$2" --firmware "$BIG/big_wait_$1.elf" --small-core "$FIRMWARE/count-duo256m.elf"
	expect_status 0
	for i in 0 1; do
		last=$(($1 / (4 << i)))
		diff <(seq "$last") <(sed -n "s/^small| RT: thread $i running: \([0-9]*\),.*/\1/p" "$work/out") >&2 ||
			fail "thread $i has not counted to $last"
	done
	[ "$(grep -c 'ticks missed 0, ' "$work/out")" = "$(grep -c running "$work/out")" ] || fail 'missed ticks'
	while read -r jitter; do
		[ "$jitter" -lt 125000 ] || fail "$jitter counts of jitter"
	done < <(sed -n 's/.* jitter \([0-9]*\).*/\1/p' "$work/out")
}

case_count() { counts 42 interp; }
case_count_20_minutes() { counts 1210 jit; }
case_count_20_minutes_interp() { counts 1210 interp; }

case_mails() {
	local clock
	for clock in instructions host; do
		on_duo --clock $clock --firmware "$BIG/big_mails.elf" \
			--small-core "$FIRMWARE/led-duo256m.elf"
		expect_status 0
		[ "$(grep -c '^small| RT: LED on' "$work/out")" = 9 ] || fail 'not nine times on'
		expect_in out '^small\| RT: LED off'
		expect_in out '^small\| RT: test b 77'
		expect_in out '^small\| RT: command 0x7f is unknown'
	done
}

# All services of the firmware that speaks RPMsg, twice: Linux' side restarts once.
rpmsg() { # OPTIONS...
	on_duo --firmware "$BIG/big_rpmsg.elf" --small-core "$FIRMWARE/rpmsg-duo256m.elf" "$@"
	expect_status 0
	diff <(seq 32; seq 32) <(sed -n 's/^RT: ping-pong hop=\([0-9]*\).*/\1/p' "$work/out") >&2 || fail 'not twice 32 hops'
	[ "$(grep -c '^small| RT: link up' "$work/out")" = 2 ] || fail 'not two links'
}

case_rpmsg() { rpmsg --engine interp; }
case_rpmsg_jit() { rpmsg --engine jit; }
case_rpmsg_host_clock() { rpmsg --clock host; }

# The same firmware, when Linux has loaded it and tells how its driver is.
case_table() {
	on_duo --firmware "$BIG/big_table.elf" --small-core "$FIRMWARE/rpmsg-duo256m.elf"
	expect_status 0
	diff <(printf 'up\ndown\n%.0s' 1 2 3) <(sed -n 's/^small| RT: link \([a-z]*\).*/\1/p' "$work/out") >&2 || fail 'not three links'
}

# Four thousand samples from a converter, none lost and none twice.
case_sensor() {
	on_duo --spi 2:0=adc --firmware "$BIG/big_sensor.elf" --small-core "$FIRMWARE/sensor-duo256m.elf"
	expect_status 0
	expect_in out '^RT: samples 4000'
}

# What nobody expects is told of, with where it was, and ends the firmware.
case_fault() {
	local pc
	on_duo --firmware "$BIG/big_wait_42.elf" --small-core "$BIG/fault.elf"
	expect_status 0
	pc=$(riscv64-unknown-elf-nm "$BIG/fault.elf" | sed -n 's/^0*\([0-9a-f]*\) [a-z] zero.*/\1/p')
	[ "$(sed -n 's/^small| RT: \(.*0x[0-9a-f]*\).*/\1/p' "$work/out")" = "trap cause 2 pc 0x$pc value 0x0" ] ||
		fail 'not that trap, once'
}

# Stopped in the middle of an interrupt, and started again.
case_restart() {
	on_duo --firmware "$BIG/big_restart.elf" --small-core "$BIG/stuck.elf"
	expect_status 0
	expect_in out '^small\| RT: start 2'
}

# A program with the accesses of firmware that others wrote for the real board.
case_like_threadx() {
	local engine
	for engine in interp jit; do
		on_duo --engine $engine --firmware "$BIG/big_like_threadx.elf" --small-core "$BIG/like_threadx.elf"
		expect_status 0
		expect_in out '^small\| RT: threadx 0 running: 2'
		expect_in out '^small\| RT: threadx 1 running: 1'
		expect_in out '^small\| RT: float cal: 1000'
		expect_not_in out 'RT: trap'
	done
}

# The smaller board, whose small core has its memory elsewhere.
case_duo() {
	linnet run --machine duo --clock instructions --time-limit 100 --firmware "$BIG/big_mails.elf" \
		--small-core "$FIRMWARE/led-duo.elf" </dev/null
	expect_status 0
}

"case_$1"
