#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: diagnose.sh CASE. `linnet ctl PATH diagnose`: each cause is made, and named.
. "$(dirname "$0")/lib.sh"

diagnose() { # DEVICE REGEX: until its verdict matches
	local i
	for ((i = 0; i < 100; i++)); do
		timeout 20 "$LINNET" ctl "$work/ctl" diagnose >"$work/answer" 2>&1 || fail "$(cat "$work/answer")"
		grep -qE "^$1: .*$2" "$work/answer" && return
		sleep 0.1
	done
	fail "of $1: $(grep -A4 "^$1" "$work/answer")"
}

case_causes() {
	[ -x /usr/lib/qemu/virtiofsd ] || { echo 'skipped: no virtiofsd'; exit 77; }
	unshare -Ur true 2>/dev/null || [ "$(id -u)" = 0 ] || { echo 'skipped: no user namespaces'; exit 77; }
	mkdir "$work/shared"
	# shellcheck disable=SC2016 # for the guest
	start run --share "$work/shared" --balloon on --control "unix:$work/ctl" --exec 'cd /; rmmod virtio_balloon; echo ready; read x
		d=$(basename $(dirname $(grep -l 0x0004 /sys/bus/virtio/devices/*/device)))
		echo $d >/sys/bus/virtio/drivers/virtio_rng/unbind; ls /share/new & echo done; read x'
	wait_for '^ready'
	diagnose disk0 'it works'
	grep -qE '^  queue 0: 128 entries, 0 posted, [1-9][0-9]* kicks, [1-9]' "$work/answer" || fail "disk0's queue"
	diagnose net0 'it works|never kicked'
	grep -qE '^  queue 0: 256 entries, [1-9][0-9]* posted,' "$work/answer" || fail "net0's buffers"
	diagnose balloon0 'load virtio_balloon'
	diagnose rng0 'it works|never kicked'
	pkill -STOP -f "virtiofsd.*source=$work/shared" || fail "no virtiofsd"
	say go
	wait_for '^done'
	diagnose rng0 'no driver has taken it: load virtio-rng'
	diagnose fs0 'requests wait for its back end'
	pkill -KILL -f "virtiofsd.*source=$work/shared"
	diagnose fs0 'it is broken: the back end has ended'
	timeout 20 "$LINNET" ctl "$work/ctl" fault net0:gone >/dev/null || fail "no fault"
	diagnose net0 'taken away'
	say end
	finish
	# Nothing runs that could look at a device.
	start run --firmware "$SLEEP" --net none --control "unix:$work/ctl" </dev/null
	for ((i = 0; i < 100; i++)); do
		[ -S "$work/ctl" ] && break
		sleep 0.1
	done
	diagnose rng0 'the guest has not looked at it'
	timeout 20 "$LINNET" ctl "$work/ctl" quit >/dev/null
	finish
}

# A guest of ours whose drivers stop at each step of the way, by both carriers.
case_steps() {
	local transport
	truncate -s 1M "$work/a" "$work/b"
	for transport in mmio pci; do
		start run --firmware "$HOSTILE_STAGES" --mem 32M --transport $transport --control "unix:$work/ctl" \
			--disk "$work/a" --disk "$work/b" --balloon on --vsock "$work/vsock" --net user
		wait_for '^ready'
		diagnose disk0 'says that it is ready, and has set up no queue'
		diagnose disk1 'no driver has taken it: load virtio_blk'
		diagnose balloon0 'did not agree on features'
		diagnose vsock0 'has not said that it is ready'
		diagnose input0 'the driver gave it up'
		diagnose net0 'never kicked a queue'
		diagnose rng0 'no interrupt was ever wanted'
		timeout 20 "$LINNET" ctl "$work/ctl" quit >/dev/null || fail "no end"
		finish
		expect_status 0
	done
}

"case_$1"
