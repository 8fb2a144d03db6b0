#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: irqlab.sh CASE. The device of --irqlab with its driver, beyond what drivers.sh does with it: on
# each bus with each interrupt controller, and what would make noise on the debug kernel.
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/drivers_lib.sh
. "$(dirname "$0")/drivers_lib.sh"

linnet kbuild --extras
expect_status 0
expect_not_in err 'warning|WARNING'

# The driver's own test.
tried() { # short|long option...
	options=()
	gather irqlab
	guest "sh /test/run.sh $1 irqlab" "${quick[@]}" --smp 2 "${options[@]}" "${@:2}"
	expect_status 0
	expect_in out '^irqlab: passed$'
}

# Platform devices on the PLIC are in drivers.sh.
case_messages() {
	tried short --interrupts aia --transport pci
	expect_in out '^- each cause has a message of its own$'
}

case_wires() {
	tried short --transport pci
	expect_in out '^- the line is shared'
	tried short --interrupts aia
	expect_in out '^- the line is shared'
}

# A line that is high while nobody admits to it is switched off by the kernel, for all its devices. Ten
# times a second it asks their handlers then, and the next driver that wants the line has it back.
case_nobody_cared() {
	guest 'mount -t debugfs debugfs /sys/kernel/debug; labs=/sys/kernel/debug/irqlab
		taken() { awk "/10010000.irqlab, /{print \$2}" /proc/interrupts; }
		trigger() {
			echo 1 >$labs/10011000.irqlab/trigger
			for n in $(seq 200); do
				grep "^interrupts  *1 " $labs/10011000.irqlab/counts && return; sleep 0.05
			done
		}
		modprobe irqlab
		echo 1 >$labs/10010000.irqlab/stuck
		for n in $(seq 200); do dmesg | grep -q "Disabling IRQ" && break; sleep 0.05; done
		dmesg | grep -oE "nobody cared|Disabling IRQ" >/tmp/said; sort -u /tmp/said
		taken; trigger; taken
		rmmod irqlab; modprobe irqlab
		trigger; [ "$(taken)" -gt 100000 ] && echo more' "${quick[@]}" --irqlab 2
	expect_status 0
	expect_out 'Disabling IRQ
nobody cared
100000
interrupts            1          0          0          0
100000
interrupts            1          0          0          0
more'
}

# The device's clock is the machine's: with counted time even latencies are the same to the nanosecond.
case_repeatable() {
	local i
	for i in 1 2; do
		guest 'mount -t debugfs debugfs /sys/kernel/debug
			modprobe irqlab; cd /sys/kernel/debug/irqlab/10010000.irqlab
			echo softirq >/sys/devices/platform/soc/10010000.irqlab/bottom_half
			echo 20000 50 >timer; echo "10000 300000" >dma; echo 3 >pulse; sleep 0.1
			cat counts latency' "${quick[@]}" --irqlab 1 --clock instructions --net none
		expect_status 0
		expect_in out '^events +0 +50 +1 +0$'
		expect_in out '^top half to softirq: '
		expect_in out '^pulses 3 interrupts 1 seen 3$'
		cp "$work/out" "$work/out.$i"
	done
	cmp "$work/out.1" "$work/out.2" || fail "two runs differ"
}

case_mistakes() {
	local n
	for n in 0 5 x; do
		linnet run --irqlab "$n" --exec true
		expect_status 125
		expect_in err "^linnet run: --irqlab $n: "
	done
	linnet run --interrupts gic --exec true
	expect_status 125
	expect_in err 'interrupts.*gic.*plic'
	for n in '--irqlab 1' '--interrupts aia'; do
		# shellcheck disable=SC2086 # two words
		linnet run --machine duo $n --exec true
		expect_status 125
		expect_in err "^linnet run: ${n%% 1}: the machine duo.* has none"
	done
	linnet run --transport pci --irqlab 4 --rng off --net none --dump-dtb "$work/dtb" --interrupts aia --exec true
	expect_status 0
	fdtget -t x "$work/dtb" /soc/aplic@d000000 riscv,num-sources >"$work/out"
	expect_out 5f
}

# Loaded and unloaded 100 times while it is busy; as platform devices, that is drivers/long_irqlab.
case_reload() {
	LIMIT=1000
	tried long --interrupts aia --transport pci
}

"case_$1"
