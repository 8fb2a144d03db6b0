#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: fio.sh CASE. fio of Debian in the guest, which compares each block that it reads with what it
# wrote there, over each kind of ring and carrier.
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")

# Runs in the guest. At the end it spoils a byte behind fio's back, which fio must find: a test of the
# test.
# shellcheck disable=SC2016 # for the guest's shell
in_guest='
	cd /tmp
	cut -c 35 /sys/block/vdb/device/features
	readlink -f /sys/block/vdb/device/.. | grep -c pci
	/mnt/enter fio --output=/tmp/log /tmp/jobs; status=$?
	cat /tmp/log
	[ $status = 0 ] || exit 1
	one="/mnt/enter fio --output=/tmp/log --name=one --filename=/dev/vdb --size=1m --bs=4k --direct=1
		--rw=randwrite --verify=crc32c"
	$one --do_verify=0 && $one --verify_only || exit 2
	printf "\377" | dd of=/dev/vdb bs=1 count=1 seek=40000 2>/dev/null && sync
	$one --verify_only 2>/tmp/said && exit 3
	grep "verify failed at file /dev/vdb offset 36864" /tmp/said || exit 4'

# verify PACKED PCI MEGABYTES OPTIONS...: the four jobs of fio/verify.fio, each with so much data. The
# guest shall see packed rings or not, and PCI or not.
verify() {
	local image
	image=$("$here/../../guest/userland.sh" fio 2>"$work/err" | sed -n 's/^image=//p')
	[ -n "$image" ] || fail "there is no disk with fio"
	sed "s/MEGABYTES/$3/" "$here/fio/verify.fio" >"$work/jobs"
	truncate -s $(($3 * 2))M "$work/b" "$work/c"
	LIMIT=4800 guest "$in_guest" --smp 2 --net none --file "$work/jobs:/tmp/jobs" "${quick[@]}" \
		--disk "path=$image,snapshot=on" --disk "path=$work/b,queues=2" --disk "path=$work/c,cache=none" "${@:4}"
	expect_status 0
	[ "$(sed -n '1p; 2p' "$work/out" | tr -d '\n')" = "$1$2" ] || fail "other rings, or another carrier"
	[ "$(grep -cE '^[a-z]+: .* err= 0:' "$work/out")" = 4 ] || fail "not four jobs without an error"
	[ ! -s "$work/err" ] || fail "it has something to say"
}

case_mmio() {
	verify 0 0 "${1:-64}"
}

case_pci_packed() {
	verify 1 1 "${1:-64}" --transport pci --ring packed
}

case_mmio_packed() {
	verify 1 0 512 --ring packed
}

case_pci() {
	verify 0 1 512 --transport pci
}

case_mmio_long() {
	case_mmio 1024
}

case_pci_packed_long() {
	case_pci_packed 1024
}

"case_$1"
