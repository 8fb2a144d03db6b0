#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tests/baremetal/run.sh LINNET PEER [PROGRAM...]
# Runs the programs (all, if none is named) on LINNET and on PEER, a qemu-system-riscv64 of version 10 or
# later, and compares what they print. PEER "-" is the one that tools/peers.sh unpacks. The programs
# are taken from tests/baremetal beside LINNET. Exit status 0 when all agree.
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 2 ]; then
	sed -n '3,6s/^# //p' "$0" >&2
	exit 2
fi
linnet=$1 peer=$2
elfs=$(dirname "$linnet")/tests/baremetal
shift 2
[ $# -gt 0 ] || set -- csr privilege trap interrupt mmu pmp memory counter code harts harts_broken
if [ "$peer" = - ]; then
	peer=$("$here/../../tools/peers.sh" | sed -n 's/^qemu_system=//p')
	[ -n "$peer" ] || exit 1
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The same hart as ours: what the programs do not tell apart may differ.
cpu=rv64,h=false,v=false,sv39=on,sstc=on,svadu=on,svade=off,svinval=on,svnapot=on,svpbmt=on,zbc=on,zfa=on,zawrs=on
cpu+=,zicbom=on,zicboz=on,zicbop=on,zicond=on,zba=on,zbb=on,zbs=on

# Prints status and transcript.
on_linnet() { # program harts
	timeout -k 5 200 "$linnet" run --firmware "$elfs/$1.elf" --smp "$2" --mem 64M --net none \
		</dev/null 2>"$work/err"
	echo "exit status $?"
}

on_peer() { # program harts
	local options=()
	case $1 in
	counter) options=(-icount shift=0) ;; # else instret counts nanoseconds
	# Without the advanced interrupt architecture, QEMU takes the interrupt of the lowest
	# number first, against the specification; with it, the orders are the same.
	interrupt) options=(-cpu "$cpu,smaia=on,ssaia=on") ;;
	esac
	timeout -k 5 200 "$peer" -M virt -cpu "$cpu" -smp "$2" -m 64M -display none -monitor none \
		-serial stdio -bios "$elfs/$1.elf" "${options[@]}" </dev/null 2>"$work/err"
	echo "exit status $?"
}

complain() { # text
	echo "baremetal/$program: $1" >&2
	sed 's/^/  stderr| /' "$work/err" | tail -n 10 >&2
	bad=1
}

compare() {
	local harts=1
	[ "$program" = harts ] && harts=4
	on_linnet "$program" $harts >"$work/linnet"
	tail -n 1 "$work/linnet" | grep -qx 'exit status 0' || complain 'did not end well on Linnet'
	on_peer "$program" $harts >"$work/peer"
	tail -n 1 "$work/peer" | grep -qx 'exit status 0' || complain 'did not end well on the peer'
	if ! diff -u --label peer --label linnet "$work/peer" "$work/linnet" >"$work/diff"; then
		head -n 60 "$work/diff" >&2
		complain 'the transcripts differ'
	fi
	echo "baremetal/$program: $(($(wc -l <"$work/linnet") - 1)) lines"
}

# With LR and SC replaced by a load and a store, updates must get lost; the program says so. It is a
# matter of time slices, which on a busy host may suffice for all of a hart's work: it has some attempts.
must_break() {
	for _ in $(seq 30); do
		on_linnet "$program" 4 >"$work/linnet"
		if grep -q WRONG "$work/linnet"; then
			echo "baremetal/$program: $(grep -c WRONG "$work/linnet") sums are wrong, as they must be"
			return
		fi
	done
	complain 'no update was lost without LR and SC'
}

bad=0
for program; do
	case $program in
	harts_broken) must_break ;;
	*) compare ;;
	esac
done
exit $bad
