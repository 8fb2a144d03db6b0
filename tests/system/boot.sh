#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: boot.sh CASE. Debian on machines of several sizes, and how runs end.
. "$(dirname "$0")/lib.sh"

check_size() { # smp mem least-MB
	guest 'nproc; free -m | grep Mem' --smp "$1" --mem "$2"
	expect_status 0
	[ "$(head -n 1 "$work/out")" = "$1" ] || fail "--smp $1 gave $(head -n 1 "$work/out") processors"
	[ "$(awk '/Mem/ {print $2}' "$work/out")" -ge "$3" ] || fail "--mem $2 gave too little"
}

case_smp1_small() { check_size 1 128M 60; }
case_smp2() { check_size 2 512M 400; }
case_smp4() { check_size 4 1G 900; }
case_big() { check_size 1 4G 3700; }

append_off() {
	"$LINNET" fetch --print | sed -n 's/^append_off=//p'
}

case_ends() {
	linnet run --append-only "$(append_off)" </dev/null
	expect_status 0
	expect_in out 'Linux version'
}

# A reboot starts the machine again in the same process; its disk keeps what was written.
case_reboot() {
	start run
	wait_for '^[^ ]*# *$'
	say 'echo kept >/mnt/mark; sync; reboot'
	wait_for 'Run /init' 2
	wait_for '^[^ ]*# *$' 1
	sleep 1
	say 'cat /mnt/mark; poweroff'
	finish
	expect_status 0
	expect_in out '^kept'
}

case_no_reboot() {
	start run --no-reboot
	wait_for '^[^ ]*# *$'
	say reboot
	finish
	expect_status 0
	[ "$(grep -c 'Run /init' "$work/out")" = 1 ] || fail "not one boot"
}

case_panic() {
	linnet run --append 'rdinit=/nowhere init=/nowhere root=/dev/none' --time-limit 60 </dev/null
	expect_status 1
	expect_in out 'Kernel panic'
	expect_in err 'panicked'
	# A kernel that halts after its panic is noticed as well.
	linnet run --append 'rdinit=/nowhere init=/nowhere root=/dev/none panic=0' --time-limit 60 </dev/null
	expect_status 1
}

case_terminated() {
	"$LINNET" run </dev/null >"$work/out" 2>"$work/err" &
	pids+=("$!")
	sleep 5
	kill -TERM "${pids[0]}"
	wait "${pids[0]}"
	status=$?
	pids=()
	expect_status 143
}

# The same run twice: the same console, at the same count of instructions.
case_repeatable() {
	local i
	for i in 1 2; do
		linnet run --clock instructions -v --net none --append-only "$(append_off)" </dev/null
		expect_status 0
		cp "$work/out" "$work/console$i"
		grep instructions "$work/err" >"$work/count$i"
	done
	cmp "$work/console1" "$work/console2" || fail "the consoles differ"
	cmp "$work/count1" "$work/count2" || fail "the counts differ: $(cat "$work"/count?)"
}

# Both engines count time by instructions, so they see the same events at the same places.
case_engines() {
	local engine
	if [ "$(uname -m)" != x86_64 ]; then exit 77; fi
	for engine in interp jit; do
		linnet run --engine "$engine" --clock instructions -v --net none \
			--append-only "$(append_off)" </dev/null
		expect_status 0
		cp "$work/out" "$work/console-$engine"
		grep instructions "$work/err" >"$work/count-$engine"
	done
	cmp "$work/console-interp" "$work/console-jit" || fail "the consoles differ"
	cmp "$work/count-interp" "$work/count-jit" || fail "the counts differ: $(cat "$work"/count-*)"
}

case_kernel_forms() { # gzip, and with modules given by hand
	local kernel
	kernel=$("$LINNET" fetch --print | sed -n 's/^kernel=//p')
	gzip -1 -c "$kernel" >"$work/Image.gz"
	guest 'uname -m' --kernel "$work/Image.gz"
	expect_status 0
	expect_out riscv64
}

case_dtb() {
	linnet run --dump-dtb "$work/dtb" --smp 3
	expect_status 0
	dtc -I dtb -O dts "$work/dtb" >"$work/dts" 2>"$work/err" || fail "dtc does not read it"
	[ "$(grep -c 'device_type = "cpu"' "$work/dts")" = 3 ] || fail "not three harts"
	grep -q 'riscv,isa-extensions' "$work/dts" || fail "no riscv,isa-extensions"
}

"case_$1"
