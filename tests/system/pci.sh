#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: pci.sh CASE. The devices carried by PCI, as Linux finds and uses them.
. "$(dirname "$0")/lib.sh"

on_pci() { # command options...
	guest "$1" --transport pci "${@:2}"
}

# The functions with their drivers and resources, what was negotiated, and that each of them works.
case_listing() {
	truncate -s 8M "$work/image"
	on_pci 'cd /sys/bus/pci/devices && for d in *; do
			set -- $(cat $d/vendor $d/device $d/revision $d/class $d/enable)
			echo "$d $* $(basename $(readlink $d/driver)) $(ls $d | grep ^virtio)"
			sed -n "1s/^/$d /p" $d/resource >&2
		done
		ls /sys/bus/platform/drivers/virtio-mmio 2>/dev/null | grep virtio_mmio@
		for v in /sys/bus/virtio/devices/*; do echo $(cut -c 33,41 $v/features); done | sort -u
		grep -c "SiFive PLIC  3[3-7] .*virtio" /proc/interrupts
		dd if=/dev/urandom of=/tmp/in bs=64k count=100 2>/dev/null
		dd if=/tmp/in of=/dev/vda 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=64k count=100 2>/dev/null | cmp - /tmp/in && echo same
		head -c 100 /dev/hwrng | wc -c
		wget -q -O - http://10.0.2.2:1 2>&1 | grep -o refused
		dmesg | grep -iE "pci.*(fail|error|conflict|exceeds|no compatible)"' \
		--smp 2 --disk "$work/image" --control "unix:$work/control"
	expect_status 1 # grep finds no complaint
	expect_out '0000:00:01.0 0x1af4 0x1042 0x01 0x018000 1 virtio-pci virtio0
0000:00:02.0 0x1af4 0x1041 0x01 0x020000 1 virtio-pci virtio1
0000:00:03.0 0x1af4 0x1043 0x01 0x078000 1 virtio-pci virtio2
0000:00:04.0 0x1af4 0x1044 0x01 0xff0000 1 virtio-pci virtio3
0000:00:05.0 0x1af4 0x1052 0x01 0x098000 1 virtio-pci virtio4
11
5
same
100
refused'
	expect_in err '^0000:00:01.0 0x0000000400000000 0x0000000400003fff '
	expect_in err '^0000:00:05.0 0x0000000400010000 0x0000000400013fff '
}

# Each format with and without its features; notifications with data are PCI's own.
case_rings() {
	local ring bits
	truncate -s 32M "$work/image"
	while read -r ring bits; do
		on_pci 'set -e; cut -c 29-30,35,39 /sys/bus/virtio/devices/virtio0/features >&2
			dd if=/dev/urandom of=/tmp/in bs=64k count=100 2>/dev/null
			dd if=/tmp/in of=/dev/vda bs=16k 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches
			dd if=/dev/vda bs=64k count=100 2>/dev/null | cmp - /tmp/in
			wget -q -O - http://10.0.2.2:1 2>&1 | grep -o refused' \
			--ring "$ring" --disk "path=$work/image,queues=2" --smp 2
		expect_status 0
		expect_in err "^$bits\$"
		expect_in out '^refused$'
	done <<-END
		split,event-idx=off,indirect=off 0000
		split,notification-data=on 1101
		packed,notification-data=on 1111
	END
}

# A queue's own reset, which Linux uses to give a ring another size, and traffic in both directions
# before and after.
case_resize() {
	mkdir "$work/www"
	head -c 1M /dev/urandom >"$work/www/file"
	listen busybox httpd -f -p 127.0.0.1:PORT -h "$work/www"
	on_pci "get() { wget -q -O - http://10.0.2.2:$port/file | sha256sum; }"'
		cut -c 41 /sys/class/net/eth0/device/features
		get; for n in "32 256" "16 64" "128 32" "256 256"; do /ring_param eth0 $n && get; done' \
		--file "$RING_PARAM:/ring_param"
	expect_status 0
	expect_in out '^1$'
	expect_in out '^rx 32 of 256, tx 256 of 256$'
	expect_in out '^rx 128 of 256, tx 32 of 256$'
	[ "$(grep -c "$(sha256sum <"$work/www/file")" "$work/out")" = 5 ] || fail "not the file each time"
	# Without the feature Linux has nothing to do it by.
	on_pci '/ring_param eth0 64 64' --file "$RING_PARAM:/ring_param" --ring split,queue-reset=off
	expect_status 1
	expect_in out '^refused'
}

# A function that is taken away and found again gets its BAR anew; one whose driver is unbound and
# bound is reset.
case_rescan() {
	truncate -s 8M "$work/image"
	on_pci 'set -e; cd /sys/bus/pci
		for n in 1 2 3; do
			echo 1 >devices/0000:00:01.0/remove
			echo 1 >devices/0000:00:02.0/remove
			echo 1 >rescan
		done
		for n in 1 2 3; do
			echo 0000:00:01.0 >drivers/virtio-pci/unbind
			echo 0000:00:01.0 >drivers/virtio-pci/bind
		done
		for n in $(seq 100); do [ -b /dev/vda ] && break; sleep 0.1; done
		dd if=/dev/urandom of=/tmp/in bs=64k count=10 2>/dev/null
		dd if=/tmp/in of=/dev/vda 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=64k count=10 2>/dev/null | cmp - /tmp/in && echo same' --disk "$work/image"
	expect_status 0
	expect_out same
}

# The same run twice is the same to the byte, with the loop and the harts in turns.
case_repeatable() {
	local i
	for i in 1 2; do
		on_pci 'head -c 1000000 /dev/urandom >/mnt/f; sync; sha256sum </mnt/f' --no-extras --clock instructions --net none -v
		expect_status 0
		grep 'memory sum [0-9a-f]' "$work/err" >"$work/sum.$i"
		cp "$work/out" "$work/out.$i"
	done
	cmp "$work/out.1" "$work/out.2" || fail "two runs differ in output"
	[ -s "$work/sum.1" ] || fail "no sum of memory"
	cmp "$work/sum.1" "$work/sum.2" || fail "two runs differ in memory"
}

# A function that is pulled out is all ones, and the guest goes on without it, and ends.
case_gone() {
	on_pci 'f=$(realpath /sys/bus/virtio/drivers/virtio_rng/virtio*/..)
		ids() { od -An -tx1 -N 4 $f/config; }
		ids; while [ "$(ids)" != " ff ff ff ff" ]; do timeout 1 head -c 64 /dev/hwrng >/dev/null; done
		ids; cat $f/virtio*/status' --fault rng0:gone,after=10 --time-limit 100
	expect_status 0
	expect_out ' f4 1a 44 10
 ff ff ff ff
0x000000ff'
	expect_in err '^linnet: virtio rng: the device is gone'
}

# Where the board takes messages, each queue has one of its own, and one that is not bound to a hart goes
# to the hart that the guest chooses, also while it is busy.
case_messages() {
	truncate -s 8M "$work/image"
	on_pci 'set -e; interrupts() { grep -E "PCI-MSIX.*$1" /proc/interrupts; }
		interrupts "virtio0-(config|req)" | sed "s/.*virtio0/virtio0/"; interrupts virtio1 | wc -l
		grep -c SiFive /proc/interrupts || true
		dd if=/dev/urandom of=/tmp/in bs=64k count=100 2>/dev/null
		dd if=/tmp/in of=/dev/vda bs=4k 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda bs=4k 2>/dev/null count=1600 | cmp - /tmp/in && echo same
		irq=$(interrupts virtio3-input | sed "s/ *\([0-9]*\):.*/\1/")
		# Linux refuses while the last move has not ended.
		move() { echo $1 2>/dev/null >/proc/irq/$irq/smp_affinity; }
		(for n in $(seq 100); do move $((n % 2 + 1)) || true; done) &
		head -c 20000 /dev/hwrng | wc -c
		wait
		for hart in 1 2; do
			until move $hart; do sleep 0.02; done; head -c 6400 /dev/hwrng | wc -c
		done
		interrupts virtio3-input | awk "{exit !(\$2 > 50 && \$3 > 50)}" && echo both' \
		--interrupts aia --smp 2 --disk "path=$work/image,queues=2"
	expect_status 0
	expect_out 'virtio0-config
virtio0-req.0
virtio0-req.1
3
0
same
20000
6400
6400
both'
}

# The small kernel and the interpreter; the tree and what --transport says of itself.
case_kernels() {
	on_pci 'ls /sys/bus/pci/devices | wc -l; cat /proc/partitions | grep -c vda' --kernel small --engine interp
	expect_status 0
	expect_out '4
1'
	linnet run --transport pci --dump-dtb "$work/dtb" --exec true
	expect_status 0
	fdtget "$work/dtb" /soc/pci@30000000 compatible >"$work/out"
	expect_out pci-host-ecam-generic
	linnet run --transport isa --exec true
	expect_status 125
	expect_in err 'transport.*isa.*mmio'
}

"case_$1"
