#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: boot.sh CASE. Debian on machines of several sizes, and how runs end.
. "$(dirname "$0")/lib.sh"

# The guest's shell waits for a line; it has asked the terminal where its cursor is.
prompt=$'^linnet:~# (\e\\[6n)?$'

check_size() { # smp mem least-MB
	guest 'nproc; free -m | grep Mem' --smp "$1" --mem "$2"
	expect_status 0
	[ "$(head -n 1 "$work/out")" = "$1" ] || fail "--smp $1 gave $(head -n 1 "$work/out") processors"
	[ "$(awk '/Mem/ {print $2}' "$work/out")" -ge "$3" ] || fail "--mem $2 gave too little"
}

case_smp1_small() { check_size 1 128M 60; }
case_smp2() { check_size 2 512M 400; }
case_smp4() { check_size 4 1G 900; }
case_smp8() { check_size 8 512M 400; }
case_big() { check_size 1 4G 3700; }

case_sv48() {
	guest 'cat /proc/cpuinfo' --mmu sv48 --smp 2
	expect_status 0
	expect_in out 'mmu.*sv48'
	guest 'cat /proc/cpuinfo'
	expect_in out 'mmu.*sv39'
}

# Counters by SBI's PMU, as perf_event_open() sees them, on either engine: at least what the work
# takes, and not much more.
case_perf() {
	local engine name least most n
	for engine in interp jit; do
		guest /perf --file "$PERF:/perf" --engine $engine
		expect_status 0
		while read -r name least most; do
			n=$(sed -n "s/^$name //p" "$work/out")
			if [ "${n:-0}" -lt "$least" ] || [ "$n" -gt "$most" ]; then
				fail "$name: ${n:-nothing}, not $least to $most on $engine"
			fi
		done <<-END
			instructions 2000000 9000000
			cycles 2000000 9000000
			loads 4096 100000
			stores 4096 100000
			exceptions 4096 50000
		END
	done
}

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
	wait_for "$prompt"
	say 'echo kept >/mnt/mark; sync; reboot'
	wait_for 'Run /init' 2
	wait_for "$prompt" # the first one is followed by what was typed
	say 'cat /mnt/mark; poweroff'
	finish
	expect_status 0
	expect_in out '^kept'
}

case_no_reboot() {
	start run --no-reboot
	wait_for "$prompt"
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
	# So is one that dies before its console is there; with so little memory Debian's does.
	linnet run --mem 64M --exec true </dev/null
	expect_status 125
	expect_in err 'Kernel panic'
	# A kernel that halts after its panic is noticed as well.
	linnet run --append 'rdinit=/nowhere init=/nowhere root=/dev/none panic=0' --time-limit 60 </dev/null
	expect_status 1
}

case_terminated() {
	local signal
	for signal in TERM INT; do
		start run
		wait_for 'Linux version'
		# The started process is timeout, which sends the signal on.
		kill -$signal "$started"
		finish
		if [ $signal = TERM ]; then
			expect_status 143
		else
			expect_status 130
		fi
	done
}

# Nothing that a guest does keeps the time limit from ending it: here harts that run in a circle, or
# wait, with their interrupts off.
case_hang() {
	local clock smp firmware
	for firmware in "$HANG" "$SLEEP"; do
		for clock in host instructions; do
			for smp in 1 3; do
				linnet run --firmware "$firmware" --clock $clock --smp $smp \
					--time-limit 1 </dev/null
				expect_status 124
				expect_in err 'time-limit 1'
			done
		done
	done
}

# Where two runs are compared the guest is without the drivers that another test may be building.

# The same run twice: the same console, the same memory, at the same count of instructions. With two
# harts, a disk at work and a command's streams as well.
case_repeatable() {
	local i
	for i in 1 2; do
		linnet run --no-extras --clock instructions -v --net none --append-only "$(append_off)" </dev/null
		expect_status 0
		cat "$work/out" "$work/err" >"$work/off$i"
		guest 'cat /proc/uptime; dd if=/dev/urandom of=/mnt/file bs=4k count=1000 2>/dev/null
			sync; sha256sum /mnt/file' --no-extras --clock instructions --smp 2 -v
		expect_status 0
		cat "$work/out" "$work/err" >"$work/exec$i"
	done
	for i in off exec; do
		grep -q 'memory sum [0-9a-f]' "$work/${i}1" || fail "no sum of the memory"
		cmp "$work/${i}1" "$work/${i}2" || fail "$(diff "$work/${i}1" "$work/${i}2")"
	done
}

# Both engines count time by instructions, so they see the same events at the same places.
case_engines() {
	local engine
	if [ "$(uname -m)" != x86_64 ]; then exit 77; fi
	for engine in interp jit; do
		linnet run --engine "$engine" --no-extras --clock instructions -v --net none \
			--append-only "$(append_off)" </dev/null
		expect_status 0
		cp "$work/out" "$work/console-$engine"
		grep instructions "$work/err" >"$work/count-$engine"
	done
	cmp "$work/console-interp" "$work/console-jit" || fail "the consoles differ"
	cmp "$work/count-interp" "$work/count-jit" || fail "the counts differ: $(cat "$work"/count-*)"
}

# Registers and memory every million instructions. A log of another interval has other lines.
case_state_log() {
	local engine
	if [ "$(uname -m)" != x86_64 ]; then exit 77; fi
	for engine in interp jit; do
		linnet run --engine "$engine" --no-extras --clock instructions --net none --mem 128M \
			--state-log "$work/$engine,every=2000000" --append-only "$(append_off)" </dev/null
		expect_status 0
	done
	[ "$(wc -l <"$work/jit")" -gt 100 ] || fail "$(wc -l <"$work/jit") lines"
	cmp "$work/interp" "$work/jit" ||
		fail "the first difference: $(diff "$work/interp" "$work/jit" | head -n 4)"
}

case_kernel_forms() { # gzip, zstd and ELF
	local kernel
	kernel=$("$LINNET" fetch --print | sed -n 's/^kernel=//p')
	gzip -1 -c "$kernel" >"$work/packed"
	guest 'uname -m' --kernel "$work/packed"
	expect_status 0
	expect_out riscv64
	zstd -q -f "$kernel" -o "$work/packed"
	guest 'uname -m' --kernel "$work/packed"
	expect_status 0
	expect_out riscv64
	linnet run --kernel "$ELF_KERNEL" </dev/null
	expect_status 0
	expect_out up
}

# A kernel with a lib/modules tree of its user's: as a whole, or one version of it.
case_modules() {
	local set kernel release dir
	kernel=$("$LINNET" fetch --print | sed -n 's/^kernel=//p')
	set=$(dirname "$kernel")
	release=$(cat "$set/release")
	mkdir "$work/modules"
	cp -R "$set/modules/$release" "$work/modules/"
	mkdir "$work/modules/$release/extra"
	cp "$work/modules/$release/kernel/net/core/failover.ko" "$work/modules/$release/extra/mine.ko"
	echo 'extra/mine.ko:' >>"$work/modules/$release/modules.dep"
	for dir in "$work/modules" "$work/modules/$release"; do
		guest 'modprobe mine && grep -c ^failover /proc/modules' --net none \
			--kernel "$kernel" --modules "$dir"
		expect_status 0
		expect_out 1
	done
	linnet run --modules "$work" </dev/null
	expect_status 1
	expect_in err "--modules $work: no modules.dep"
}

case_console_file() {
	linnet run --console "file:$work/console" --append-only "$(append_off)" </dev/null
	expect_status 0
	expect_out ''
	grep -q 'Power down' "$work/console" || fail "the console is not in the file"
	guest 'echo hello; echo word >/dev/console' --console "file:$work/console"
	expect_status 0
	expect_out hello
	grep -q '^word' "$work/console" || fail "the console is not in the file under --exec"
}

# What `make run` does without a terminal.
case_demo() {
	"$(dirname "$0")/../../tools/demo.sh" "$LINNET" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	expect_status 0
	expect_in out '^kernel:  Linux [0-9]'
	expect_in out '^network: 10\.0\.2\.15'
	expect_in out '^http:    a page from the host'
	expect_in out '^disk:    written to the disk'
	expect_in out '^linnet: demo passed'
}

case_dtb() {
	linnet run --dump-dtb "$work/dtb" --smp 3
	expect_status 0
	dtc -I dtb -O dts "$work/dtb" >"$work/dts" 2>"$work/err" || fail "dtc does not read it"
	[ "$(grep -c 'device_type = "cpu"' "$work/dts")" = 3 ] || fail "not three harts"
	grep -q 'riscv,isa-extensions' "$work/dts" || fail "no riscv,isa-extensions"
}

# What --dump-dtb writes is a good --dtb, and what is added to it arrives in the guest.
case_user_dtb() {
	linnet run --dump-dtb "$work/dtb"
	expect_status 0
	fdtput -c "$work/dtb" /soc/gauge@3000000
	fdtput -t s "$work/dtb" /soc/gauge@3000000 compatible "linnet,gauge"
	fdtput -t s "$work/dtb" /chosen bootargs "of another run"
	guest 'cat /proc/device-tree/soc/gauge@3000000/compatible; echo; cat /proc/cmdline' \
		--dtb "$work/dtb" --append my.option
	expect_status 0
	expect_in out '^linnet,gauge'
	expect_in out 'linnet.mode=exec.* my.option$'
	refuse_dtb() { # regex
		guest true --dtb "$work/bad" "${@:2}"
		expect_status 125
		expect_in err "--dtb $work/bad: $1"
	}
	refuse_dtb 'cannot be read: No such file'
	: >"$work/bad"
	refuse_dtb 'is empty'
	head -c 100 /dev/urandom >"$work/bad"
	refuse_dtb 'is no device tree blob'
	head -c 3000 "$work/dtb" >"$work/bad"
	refuse_dtb 'is truncated'
	truncate -s 1G "$work/bad"
	refuse_dtb 'is too large'
	cp "$work/dtb" "$work/bad"
	refuse_dtb 'names 512 MiB of RAM.*--mem' --mem 256M
}

"case_$1"
