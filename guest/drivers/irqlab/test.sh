#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: test.sh short|long|foreign
# Tries the driver of irqlab in a guest that has two of them: as platform devices, or on PCI, where the
# interrupts may be messages. All numbers are counts; none depends on how fast anything is.
# With "foreign", in one that has none, but another device on PCI: QEMU's edu.
. ../testing.sh

debugfs=/sys/kernel/debug
rounds=5
seconds=2
[ "$1" = short ] || {
	rounds=100
	seconds=60
}

# count FILE WORD...: the number behind these words in FILE of the device that is looked at.
count()
{
	file=$1
	shift
	sed -n "s/^$* \([0-9]*\).*/\1/p" "$lab/$file"
}

# column ROW N: the Nth number of a row in counts.
column()
{
	awk -v row="$1" -v n="$2" '$1 == row {print $(n + 1)}' "$lab/counts"
}

# handled N: how often the Nth cause happened and the driver was told: by an interrupt of its own, or by
# one that stood for several.
handled()
{
	echo $(($(column interrupts "$1") + $(column overruns "$1")))
}

# settle N WANTED: waits until the Nth cause was handled so often, 10 s at most.
settle()
{
	for _ in $(seq 200); do
		[ "$(handled "$1")" -ge "$2" ] && return
		sleep 0.05
	done
	fail "cause $1: $(handled "$1") instead of $2"
}

interrupts()
{
	awk -v name="$1" '$0 ~ name {for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i} END {print n + 0}' /proc/interrupts
}

# Nothing there: it loads. Told to try a device that is none of its own, it says so, and has nothing of it.
foreign()
{
	edu='1234 11e8'
	pci=/sys/bus/pci
	device=$(grep -l 0x11e8 $pci/devices/*/device) || fail 'there is no edu'
	device=$(basename "${device%/device}")
	refuse modprobe irqlab storm_limit=many
	for round in $(seq 20); do
		try modprobe irqlab oneshot=$((round % 2))
		expect 'what it found' "$(ls $debugfs/irqlab)" ''
		dmesg -c >/dev/null
		echo "$edu" >$pci/drivers/irqlab/new_id || fail 'new_id'
		dmesg | grep -q "$device: error -ENODEV: this is no irqlab" || fail 'it took it'
		[ ! -e $pci/devices/"$device"/driver ] || fail 'it has it'
		echo "$device" >$pci/drivers/irqlab/bind && fail 'it was bound'
		grep -q irqlab /proc/iomem /proc/interrupts && fail 'something is left'
		try rmmod irqlab
		[ ! -e $debugfs/irqlab ] || fail "$debugfs/irqlab is still there"
	done 2>/dev/null
}

if [ "$1" = foreign ]; then
	foreign
	exit 0
fi
try modprobe irqlab
first=$(find $debugfs/irqlab/* -maxdepth 0 | head -n 1)
second=$(find $debugfs/irqlab/* -maxdepth 0 | tail -n 1)
lab=$first
[ "$first" != "$second" ] || fail 'there are no two devices: --irqlab 2'
device=$(find /sys/bus/*/drivers/irqlab/ -name "${first##*/}")
driver=${device%/*}
wires=$(grep -c "${first##*/}" /proc/interrupts)

echo '- each bottom half does what the top half left to it'
expect 'the first one' "$(cat "$device/bottom_half")" '[irq] softirq work thread'
refuse sh -c "echo tasklet >$device/bottom_half"
echo 0 >"$device/storm_limit"
n=0
for half in irq softirq work thread; do
	echo $half >"$device/bottom_half" || fail "$half"
	echo 0 >"$lab/reset"
	for _ in 1 2 3 4 5; do
		echo 1 >"$lab/trigger" || fail trigger
		n=$((n + 1))
	done
	settle 1 5
	expect "events and interrupts, $half" "$(handled 1)" 5
	for _ in $(seq 200); do
		[ "$(count counts '.* for')" = "$(column interrupts 1)" ] && break
		sleep 0.05
	done
	expect "interrupts that were worked on, $half" "$(count counts '.* for')" "$(column interrupts 1)"
	grep -q "^top half to $half: " "$lab/latency" || fail "no latency of $half"
done

if [ "$wires" -lt 5 ]; then
	echo '- the line is shared: each handler finds out whose interrupt it is'
	grep -q "${first##*/}, ${second##*/}" /proc/interrupts || fail 'it is not'
	echo 0 >"$first/reset"
	echo 0 >"$second/reset"
	for _ in 1 2 3; do
		echo 1 >"$second/trigger"
	done
	lab=$second
	settle 1 3
	asked=$(column interrupts 1)
	lab=$first
	[ "$(count counts not mine)" -ge "$asked" ] || fail 'the first one was not asked'
	expect 'interrupts of the first' "$(column interrupts 1)" 0
else
	echo '- each cause has a message of its own'
	before=$(interrupts "${first##*/}")
	echo 0 >"$first/reset"
	echo 1 >"$first/trigger"
	echo 64 >"$first/dma" || fail dma
	settle 1 1
	settle 3 1
	expect 'interrupts' $(($(interrupts "${first##*/}") - before)) 2
	expect 'of others' "$(count counts not mine)" 0
fi

echo '- pulses: several may be one interrupt, and the count in the device tells'
echo 0 >"$lab/reset"
if [ "$wires" -gt 1 ]; then
	echo 5 >"$lab/pulse"
	for _ in $(seq 200); do
		grep -q '^pulses 5 interrupts [1-5] seen 5$' "$lab/counts" && break
		sleep 0.05
	done
	grep -q '^pulses 5 interrupts [1-5] seen 5$' "$lab/counts" || fail "$(grep pulses "$lab/counts")"
fi

echo '- the timer'
echo 0 >"$lab/reset"
echo 100000 20 >"$lab/timer"
settle 2 20
expect 'ticks' "$(handled 2)" 20
refuse sh -c "echo 1 1 sideways >$lab/timer"

echo '- DMA, and what is too much of it'
for half in irq softirq work thread; do
	echo $half >"$device/bottom_half"
	for n in 1 63 4096 65536; do
		echo "$n 100000" >"$lab/dma" || fail "$n bytes, $half"
	done
done
refuse sh -c "echo 0 >$lab/dma"
refuse sh -c "echo 65537 >$lab/dma"
for _ in 1 2 3 4; do
	(for n in 1 2 3 4 5; do echo "${n}000 20000" >"$lab/dma" || exit 1; done) &
	writers="${writers-} $!"
done
for writer in $writers; do
	wait "$writer" || fail 'a transfer beside others'
done

echo '- a storm that the driver sees, and stops at its source'
echo 0 >"$lab/reset"
echo 50 >"$device/storm_limit"
echo 200 >"$lab/storm"
settle 4 200
expect 'storm' "$(column interrupts 4)" 200
[ "$(count counts storms)" -ge 1 ] || fail 'it was not noticed'
[ "$(sed -n 's/.* polls //p' "$lab/counts")" -ge 1 ] || fail 'nobody looked meanwhile'
echo 0 >"$lab/reset" # it listens again
echo 1 >"$lab/trigger"
settle 1 1
expect 'after the storm' "$(column interrupts 1)" 1
expect 'looks' "$(sed -n 's/.* polls //p' "$lab/counts")" 0

echo '- what its program shows, of each device and kind'
echo work >"$device/bottom_half"
try irqlab-latency 5 >/tmp/latency
for half in irq softirq work thread; do
	grep -q "^${first##*/} .*to $half  *[1-5] " /tmp/latency || fail "$(cat /tmp/latency)"
done
expect 'rows' "$(wc -l </tmp/latency)" 11
expect 'the bottom half' "$(cat "$device/bottom_half")" 'irq softirq [work] thread'
refuse irqlab-latency 0
refuse su -s /bin/sh nobody -c irqlab-latency
refuse su -s /bin/sh nobody -c "echo irq >$device/bottom_half"

echo '- many at once, and afterwards it does what it did before'
try irqlab-stress $seconds "$driver" "${first##*/}" "${second##*/}"
echo 1000 >"$device/storm_limit"
for lab in $second $first; do
	echo 0 >"$lab/reset"
	echo 1 >"$lab/trigger"
	echo '100000 20' >"$lab/timer"
	try sh -c "echo '4096 20000' >$lab/dma"
	settle 1 1
	settle 2 20
	expect 'ticks' "$(handled 2)" 20
	expect 'transfers' "$(handled 3)" 1
	expect 'storms' "$(count counts storms)" 0
done

if [ "$1" = long ]; then
	echo '- probing and calls without memory'
	try irqlab-fault "${first##*/}" "$driver"
fi

echo '- it goes away while it is busy'
for round in $(seq $rounds); do
	echo softirq >"$device/bottom_half"
	echo 1000 0 >"$first/timer" # faster than any kernel can answer
	echo 1000000 >"$second/storm"
	(echo '4096 5000000' >"$second/dma") 2>/dev/null &
	echo "${second##*/}" >"$driver/unbind" || fail "unbind $round"
	wait
	try rmmod irqlab
	try modprobe irqlab storm_limit=50 oneshot=$((round % 2))
done
echo 0 >"$first/reset"
echo 1 >"$first/trigger"
settle 1 1
try rmmod irqlab
[ ! -e $debugfs/irqlab ] || fail "$debugfs/irqlab is still there"
expect 'interrupts left' "$(grep -c "${first##*/}" /proc/interrupts)" 0

if [ "$1" = long ]; then
	echo '- loading without memory'
	try irqlab-fault "${first##*/}" "$driver" 3
	# The kernel tells where it was when it got no memory; nothing else may be there.
	dmesg | grep -E 'BUG:|WARNING:|Oops' && fail 'the kernel complains'
	dmesg -c >/dev/null
fi
