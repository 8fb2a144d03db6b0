#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: fault.sh CASE. Faults on purpose, as a guest sees them. The disk that suffers is the second one,
# since nobody in the guest reads it unasked.
. "$(dirname "$0")/lib.sh"
export LIMIT=60

# broken CMD RULE|OPTION...: runs CMD in a guest with these rules. /dev/vdb is $work/disk.
broken() {
	local options=() rule
	for rule in "${@:2}"; do
		case $rule in
		--*) options+=("$rule") ;;
		*) options+=(--fault "$rule") ;;
		esac
	done
	truncate -s 4M "$work/empty"
	guest "$1" --engine "${ENGINE:-jit}" --disk "path=$work/empty,snapshot=on" --disk "path=$work/disk" -v "${options[@]}"
	expect_status 0
}

letters() { # letter size
	head -c "$2" /dev/zero | tr '\0' "$1"
}

refuse() { # rule regex
	linnet run --fault "$1" --exec true </dev/null
	expect_status 125
	expect_in err "^linnet run: --fault $1: .*$2"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "not one line for: $1"
}

# Every mistake is answered with its cure.
case_mistakes() {
	refuse disk disk0:read
	refuse disk9:read,error 'disk9; this machine has disk0, net0, console0, rng0, uart0$'
	refuse disk0:raed,error 'raed: .*it has read, write, flush, irq, gone, broken$'
	refuse disk0:read 'Add error, delay=TIME, short, corrupt$'
	refuse disk0:read,lost 'lost: .*use error, delay=TIME, short, corrupt$'
	refuse disk0:read,delay=5 'delay=200ms'
	refuse disk0:read,error,p=1.5 'p=1.5: .*p=0.1'
	refuse disk0:irq,nth=5,spurious 'every=10ms or after=1s'
	refuse disk0:read,sometimes,error 'sometimes: .*--fault help'
	linnet run --fault help
	expect_status 0
	expect_in out '^  disk0 +flush +error, delay=TIME, drop$'
	[ "$(wc -L <"$work/out")" -le 80 ] || fail "the table is wider than 80 columns"
	linnet run --fault disk0:flush,nth=1000,error --exec true </dev/null
	expect_status 0
	expect_in err '^linnet: --fault disk0:flush,nth=1000,error: never happened'
}

# Each fault of a disk, one request after the other: the status that dd gets, the kernel's words, and
# what is on the disk afterwards.
case_disk() {
	letters A 4M >"$work/disk"
	broken 'head -c 65536 /dev/zero | tr "\0" B >/tmp/B
		write() { dd if=/tmp/B of=/dev/vdb bs=8k count=1 seek=$1 oflag=direct conv=notrunc 2>/dev/null; }
		read() { dd if=/dev/vdb of=/tmp/got bs=8k count=1 skip=$1 iflag=direct 2>/dev/null; }
		for i in 0 1 2 3 4; do write $i; echo write $i: $?; done
		for i in 10 11 12; do read $i; echo read $i: $?; done
		tr -d A </tmp/got | wc -c; wc -c </tmp/got
		before=$(cut -d. -f1 /proc/uptime); read 13; echo read 13: $?
		echo waited $(($(cut -d. -f1 /proc/uptime) - before))' \
		disk1:write,nth=2,error disk1:write,nth=3,short disk1:write,nth=4,drop disk1:write,nth=5,corrupt \
		disk1:read,sector=160-175,error disk1:read,sector=180,short disk1:read,sector=192,corrupt \
		disk1:read,sector=208,delay=3s
	sed -i '/^waited [2-9]/s/ .*/ long enough/' "$work/out"
	expect_out "$(printf '%s\n' 'write 0: 0' 'write 1: 1' 'write 2: 1' 'write 3: 0' 'write 4: 0' \
		'read 10: 1' 'read 11: 1' 'read 12: 0' 1 8192 'read 13: 0' 'waited long enough')"
	expect_in err 'I/O error, dev vdb, sector 16 op 0x1:\(WRITE\)'
	expect_in err 'I/O error, dev vdb, sector 32 op 0x1:\(WRITE\)'
	expect_in err 'I/O error, dev vdb, sector 160 op 0x0:\(READ\)'
	{
		letters B 8K # as it should be
		letters A 8K # error
		letters B 4K # short
		letters A 4K
		letters A 8K # drop
	} >"$work/expected"
	cmp -n 32768 "$work/expected" "$work/disk" || fail "other contents than these faults make"
	[ "$(tail -c +32769 "$work/disk" | head -c 8192 | tr -d B | wc -c)" = 1 ] ||
		fail "not one byte is another one"
	expect_in err '^linnet: fault disk1:write,nth=5,corrupt: 1 of 5$'
}

# A file system whose journal cannot be written becomes read-only, and what it has synced is kept.
case_ext4() {
	truncate -s 64M "$work/disk"
	/sbin/mkfs.ext4 -q -F -e remount-ro "$work/disk" || fail "mkfs.ext4"
	broken 'mkdir /tmp/d; mount /dev/vdb /tmp/d; echo kept >/tmp/d/kept; sync
		for i in $(seq 200); do
			echo $i >/tmp/d/$i 2>/dev/null || break
			sync /tmp/d/$i 2>/dev/null
		done
		umount /tmp/d' \
		disk1:write,after=100,error
	expect_in err 'Read-only file system'
	expect_in err 'EXT4-fs.* Remounting filesystem read-only'
	/sbin/e2fsck -fp "$work/disk" >"$work/fsck" 2>&1
	[ $? -le 1 ] || fail "e2fsck: $(cat "$work/fsck")"
	[ "$(/sbin/debugfs -R 'cat /kept' "$work/disk" 2>/dev/null)" = kept ] || fail "what was synced is lost"
}

# A request whose interrupt is lost stays where it is until something else makes the driver look; here
# that is an interrupt without a reason, of which there are more than it takes.
case_interrupts() {
	letters A 4M >"$work/disk"
	broken 'read() { dd if=/dev/vdb of=/dev/null bs=4k count=1 skip=$1 iflag=direct 2>/dev/null; }
		line=$(grep -lw virtio1 /sys/kernel/irq/*/actions); line=${line%/actions}; line=${line##*/}
		for i in $(seq 10); do read $i || echo read $i: $?; done
		while [ "$(sed -n "s/^unhandled //p" "/proc/irq/$line/spurious")" -lt 3 ]; do sleep 0.2; done
		dmesg | grep "nobody cared"; echo done' \
		disk1:irq,nth=6,lost disk1:irq,after=3s,every=20ms,spurious
	expect_out 'done'
	expect_in err '^linnet: fault disk1:irq,nth=6,lost: 1 of 6$'
}

# A device that asks for a reset gets one from its driver; one that is gone is an empty place.
case_gone() {
	letters A 4M >"$work/disk"
	broken 'status() { cat /sys/bus/virtio/devices/$1/status; }
		eth=$(basename /sys/bus/virtio/drivers/virtio_net/virtio*)
		rng=$(basename /sys/bus/virtio/drivers/virtio_rng/virtio*)
		while [ $(status $eth) = 0x0000000f ]; do ping -c 1 -W 1 10.0.2.2; done >/dev/null
		echo net: $(status $eth)
		ping -c 1 -W 1 10.0.2.2 >/dev/null; echo ping: $?
		echo $eth >/sys/bus/virtio/drivers/virtio_net/unbind
		echo $eth >/sys/bus/virtio/drivers/virtio_net/bind
		ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
		ping -c 1 -W 5 10.0.2.2 >/dev/null; echo ping: $?
		echo net: $(status $eth)
		while [ $(status $rng) = 0x0000000f ]; do timeout 2 head -c 64 /dev/hwrng; done >/dev/null 2>&1
		echo rng: $(status $rng)
		timeout 2 head -c 4096 /dev/hwrng >/dev/null; echo hwrng: $?' \
		net0:broken,after=40,once rng0:gone,after=40
	expect_out "$(printf '%s\n' 'net: 0x0000004f' 'ping: 1' 'ping: 0' 'net: 0x0000000f' \
		'rng: 0x00000000' 'hwrng: 143')"
	expect_in err '^linnet: virtio rng: the device is gone'
	expect_in err '^linnet: virtio net: .*needs a reset'
}

# A random number generator that gives one byte at a time, and one that gives none: virtio_rng waits.
case_rng() {
	letters A 4M >"$work/disk"
	broken 'head -c 64 /dev/hwrng | wc -c' rng0:read,short
	expect_out 64
	broken 'timeout 2 head -c 64 /dev/hwrng | wc -c' rng0:read,error
	expect_out 0
	expect_in err '^linnet: fault rng0:read,error: 1 of 1$'
}

# A network that loses and breaks frames: TCP brings every byte, and counts what it sent again.
case_net() {
	letters A 4M >"$work/disk"
	listen nc.openbsd -d -l 127.0.0.1 PORT >"$work/up"
	broken "head -c 1000000 /dev/urandom >/tmp/up; sha256sum </tmp/up; nc 10.0.2.2 $port </tmp/up
		awk '/^Tcp: [0-9]/ { print (\$13 > 0), (\$14 > 0) }' /proc/net/snmp" \
		net0:tx,after=40,p=0.03,drop net0:rx,after=40,every=20,corrupt net0:rx,p=0.1,seed=5,delay=2ms
	wait "${pids[-1]}"
	[ "$(sha256sum <"$work/up")" = "$(head -n 1 "$work/out")" ] || fail "other bytes came up"
	[ "$(tail -n 1 "$work/out")" = '1 1' ] || fail "nothing was sent again, or no sum was wrong"
}

# A serial line that loses one character in ten.
case_uart() {
	linnet run --engine jit --console "file:$work/console" --fault uart0:tx,every=10,drop \
		--exec 'head -c 2000 /dev/zero | tr "\0" "~" >/dev/ttyS0' </dev/null
	expect_status 0
	[ "$(tr -cd '~' <"$work/console" | wc -c)" = 1800 ] || fail "not 1800 of 2000 bytes came"
}

# Rules that come and go while the guest runs.
case_ctl() {
	local sock=$work/sock read='dd if=/dev/vda of=/dev/null bs=4k count=1 iflag=direct'
	truncate -s 4M "$work/disk"
	"$LINNET" run --engine jit --disk "path=$work/disk" --control "unix:$sock" </dev/null >"$work/out" 2>"$work/err" \
		--exec "echo up; until ! $read; do sleep 0.1; done; echo fails; until $read; do sleep 0.1; done; echo mended" &
	started=$!
	pids+=("$started")
	wait_for '^up$'
	"$LINNET" ctl "$sock" fault disk0:read,sector=0-7,error >"$work/ctl" || fail "fault: exit status $?"
	wait_for '^fails$'
	"$LINNET" ctl --json "$sock" fault >"$work/ctl"
	grep -q '"rule":"disk0:read,sector=0-7,error","seen":[1-9][0-9]*,"faults":[1-9]' "$work/ctl" ||
		fail "no such rule: $(cat "$work/ctl")"
	"$LINNET" ctl "$sock" fault disk7:read,error 2>"$work/ctl" && fail "a rule for no device was taken"
	grep -q '^linnet ctl: fault: disk7:read,error: there is no device disk7; this machine has disk0' "$work/ctl" ||
		fail "another message: $(cat "$work/ctl")"
	# The end does not wait for what is delayed; nor does clear.
	"$LINNET" ctl "$sock" fault disk0:read,delay=10min >"$work/ctl"
	"$LINNET" ctl "$sock" fault clear >"$work/ctl"
	[ -s "$work/ctl" ] && fail "rules are left: $(cat "$work/ctl")"
	wait_for '^mended$'
	wait "$started"
	status=$?
	expect_status 0
}

# A run that ends, or is ended, does not wait for a request that a fault holds back.
case_end() {
	letters A 4M >"$work/disk"
	broken 'dd if=/dev/vdb of=/dev/null bs=4k count=1 skip=100 iflag=direct &
		until grep -q "^ *1 " /sys/block/vdb/inflight; do usleep 50000; done; echo done' \
		disk1:read,sector=800,delay=10min
	expect_out 'done'
	expect_in err '^linnet: fault disk1:read,sector=800,delay=10min: 1 of 1$'
}

# The same seed gives the same faults, to the byte; another one gives others.
case_repeatable() {
	local run seed
	for run in first second third; do
		seed=7
		[ $run = third ] && seed=8
		letters A 4M >"$work/disk"
		broken 'for i in $(seq 60); do
				dd if=/dev/vdb of=/dev/null bs=4k count=1 skip=$i iflag=direct 2>/dev/null || echo $i
			done; dmesg | grep "I/O error"' --clock=instructions "disk1:read,p=0.2,seed=$seed,error"
		sed "s/seed=$seed/seed=N/" "$work/err" | grep -E '^linnet: (fault|memory)' >"$work/$run.err"
		cp "$work/out" "$work/$run"
	done
	grep -q 'I/O error' "$work/first" || fail "no fault"
	cmp "$work/first" "$work/second" || fail "the same seed gave other faults"
	cmp "$work/first.err" "$work/second.err" || fail "the same seed gave another run"
	! cmp -s "$work/first" "$work/third" || fail "another seed gave the same faults"
}

"case_$1"
