#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: loads.sh LINNET KERNEL LOADS [ROUNDS [NAME[=N]...]]. Host CPU seconds (user and system, all
# threads) that each load of LOADS (bench/loads.c, built for riscv64) needs as process 1 of KERNEL,
# beyond a boot without any, on Linnet's engine jit and on qemu-system-riscv64 in turn: the least of
# ROUNDS (3). What the loads computed has to be the same on both.
set -u
linnet=$1 kernel=$2 program=$3 rounds=${4:-3}
shift $(($# < 4 ? $# : 4))
loads=("$@")
[ ${#loads[@]} -gt 0 ] || loads=(mix=40000 sort=20 sha=300 chase=100 bytecode=400 calls=500 nbody=1000
	matrix=1000 fft=3000 copy=500 fill=800 syscalls=2000 faults=30 spawn=200 pingpong=40)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cp "$program" "$work/loads"
(cd "$work" && echo loads | cpio -o -H newc --quiet >initrd) || exit 1

once() { # engine load: its seconds; the result in $work/ENGINE
	local args="console=ttyS0 panic=-1 cryptomgr.notests quiet rdinit=/loads -- $2" TIMEFORMAT='%U %S'
	if [ "$1" = qemu ]; then
		set -- qemu qemu-system-riscv64 -M virt -m 512 -nographic -nic none -no-reboot \
			-kernel "$kernel" -initrd "$work/initrd" -append "$args"
	else
		set -- "$1" "$linnet" run --engine "$1" --mem 512M --net none --kernel "$kernel" \
			--initrd "$work/initrd" --append-only "$args"
	fi
	{ time timeout -k 2 300 "${@:2}" </dev/null >"$work/out" 2>/dev/null; } 2>"$work/time"
	grep -aoE '^[a-z]+=[0-9]+: [0-9a-f]{16}' "$work/out" >"$work/$1"
	awk '{print $1 + $2}' "$work/time"
}

least() { # engine load
	for ((i = 0; i < rounds; i++)); do once "$1" "$2"; done | sort -n | head -n 1
}

boot_jit=$(least jit '') boot_qemu=$(least qemu '')
echo "boot without a load: jit $boot_jit, qemu $boot_qemu"
for load in "${loads[@]}"; do
	jit=$(least jit "$load") qemu=$(least qemu "$load")
	[ -s "$work/jit" ] && cmp -s "$work/jit" "$work/qemu" || echo "$load: the results differ"
	awk -v l="$load" -v j="$jit" -v q="$qemu" -v bj="$boot_jit" -v bq="$boot_qemu" \
		'BEGIN {printf "%-14s jit %.2f, qemu %.2f: %.2f\n", l, j - bj, q - bq, (q - bq) / (j - bj)}'
done
