#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: gdb.sh CASE. `linnet run --gdb`, with Debian's gdb-multiarch and with clients that misbehave.
# $GDB_ELF, $GDB_LOOP and $GDB_REBOOT are programs (gdb.S).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
recipes=$(cd "$here/../../guest/gdb" && pwd)
socket=$work/gdb.sock

need_gdb() {
	command -v gdb-multiarch >/dev/null || {
		echo 'there is no gdb-multiarch'
		exit 77
	}
}

# start_gdb OPTIONS...: the machine, listening at $socket.
start_gdb() {
	local i
	start run --gdb "unix:$socket,${wait:-wait=on}" --time-limit 100 "$@"
	for ((i = 0; i < 600; i++)); do
		grep -q 'target remote' "$work/err" && return
		sleep 0.05
	done
	fail "nobody listens at $socket"
}

# gdb ELF-or-empty: runs the commands on standard input; what it says is in $work/gdb.
gdb() {
	{
		echo 'set pagination off'
		echo 'set confirm off'
		echo "target remote $socket"
		cat
	} >"$work/commands"
	timeout -k 5 100 gdb-multiarch -nx -batch -x "$work/commands" ${1:+"$1"} >"$work/gdb" 2>&1 ||
		fail "gdb: status $?: $(cat "$work/gdb")"
}

expect_gdb() { # regex
	grep -qE -- "$1" "$work/gdb" || fail "gdb does not say: $1; but: $(cat "$work/gdb")"
}

# Sends hexadecimal bytes and 'TEXT's as tests/system/gdb_client.py reads them.
client() {
	timeout -k 5 60 python3 "$here/gdb_client.py" "$socket" "$@" >"$work/client" 2>&1 ||
		fail "client: $(cat "$work/client")"
}

metal() { # OPTIONS...
	need_gdb
	start_gdb --firmware "$GDB_ELF" --smp 2 "$@"
	gdb "$GDB_ELF" <<-'END'
		printf "begins at %#lx in mode %d\n", $pc, $priv
		info threads
		break *&loop
		continue
		printf "s0 is %d\n", $s0
		continue
		printf "s0 is %d\n", $s0
		delete
		watch *(long *)&counter
		continue
		printf "counter %d, behind the store %d\n", *(long *)&counter, $pc == (long)&stored + 4
		delete
		rwatch *(long *)&counter
		continue
		printf "read %d\n", $s2
		delete
		break *&trap
		continue
		delete
		stepi
		printf "handler %d, cause %d\n", $pc == (long)&handler, $mcause
		stepi 3
		printf "mepc %d\n", $mepc == (long)&after
		stepi
		printf "after %d\n", $pc == (long)&after
		set var $t6 = 0x123456789
		set var $mscratch = 7
		set var $ft0.double = 1.5
		printf "%#lx %d %.2f\n", $t6, $mscratch, $ft0.double
		monitor csr mscratch
		set var *(long *)&counter = 77
		print *(long *)&counter
		continue
	END
	expect_gdb 'begins at 0x80000000 in mode 3'
	expect_gdb 'Thread 2 "hart 1" \(M mode'
	expect_gdb 's0 is 5'
	expect_gdb 's0 is 4'
	expect_gdb 'counter 2, behind the store 1'
	expect_gdb 'read 2'
	expect_gdb 'handler 1, cause 11'
	expect_gdb 'mepc 1'
	expect_gdb 'after 1'
	expect_gdb '^0x123456789 7 1.50'
	expect_gdb '^0x7$'
	expect_gdb '= 77'
	expect_gdb 'exited normally'
	finish
	expect_status 0
	expect_in out '^end'
}

case_metal() { metal --engine interp; }
case_metal_jit() { metal --engine jit; }
case_metal_counted() { metal --clock instructions; }

# No hart does anything before gdb lets it, and a breakpoint on one stops the other.
case_wait() {
	need_gdb
	start_gdb --firmware "$GDB_LOOP" --smp 2
	sleep 1
	gdb "$GDB_LOOP" <<-'END'
		printf "counted %d, pc %#lx\n", *(long *)&counter, $pc
		thread 2
		printf "pc %#lx\n", $pc
		break *&common
		continue
		continue
		info threads
		delete
		detach
	END
	expect_gdb 'counted 0, pc 0x80000000'
	expect_gdb '^pc 0x80000000'
	[ "$(grep -c 'Thread . "hart .*hit Breakpoint 1' "$work/gdb")" = 2 ] || fail "$(cat "$work/gdb")"
	# It goes on by itself; a step here and there, with the other hart standing still or not.
	gdb "$GDB_LOOP" <<-'END'
		printf "counts %d\n", *(long *)&counter > 100
		set scheduler-locking on
		stepi 3
		set scheduler-locking off
		thread 2
		stepi 3
		kill
	END
	expect_gdb 'counts 1'
	finish
	expect_status 137
}

# gdb interrupts what runs, leaves, and comes back.
case_interrupt() {
	need_gdb
	wait=wait=off start_gdb --firmware "$GDB_LOOP"
	for _ in 1 2; do
		gdb "$GDB_LOOP" <<-'END'
			python import threading, os, signal
			python interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)
			python gdb.events.cont.connect(lambda event: threading.Timer(1, interrupt).start())
			continue
			printf "in the loop %d\n", $pc >= (long)&loop && $pc < (long)&trap
			detach
		END
		expect_gdb 'SIGINT'
		expect_gdb 'in the loop 1'
	done
	kill -TERM "$started"
	finish
	expect_status 143
	[ ! -e "$socket" ] || fail "$socket is left behind"
}

# Stops in the init of a module of our own, with its symbols, and goes through it line by line.
module() { # OPTIONS...
	local i
	need_gdb
	linnet new-driver blinker "$work/blinker"
	linnet kbuild "$work/blinker"
	expect_status 0
	start_gdb --smp 2 --file "$work/blinker/blinker.ko:/blinker.ko" --exec '
		cat /proc/kallsyms; echo ready; read go
		insmod /blinker.ko size=77 && cat /sys/module/blinker/parameters/size' "$@"
	printf '' | gdb # wait=on: let it go
	wait_for '^ready$'
	grep -v '^ready$' "$work/out" >"$work/kallsyms"
	(
		sleep 1 # so that gdb waits already; should it not yet, insmod waits for gdb's hold
		say go
	) &
	gdb <<-END
		source $recipes/linnet.py
		linnet-kernel $work/kallsyms
		linnet-module $work/blinker/blinker.ko
		break blinker_init
		continue
		info threads
		print size
		print blinker_dev.misc.name
		next
		next
		next
		next
		next
		next
		next
		next
		next
		next
		info symbol \$pc
		monitor phys 0xffffffff80000000
		delete
		continue
	END
	expect_gdb 'blinker: loaded at 0xf'
	expect_gdb 'blinker_init \(\) at .*blinker.c:[0-9]'
	expect_gdb 'Thread 2 "hart 1" \(S mode'
	expect_gdb '\$1 = 77'
	expect_gdb '\$2 = 0x[0-9a-f]+ "blinker"'
	expect_gdb 'misc_register\(&blinker_dev.misc\);$'
	expect_gdb 'pr_info\('
	expect_gdb 'load_module|init_module_from_file|finit_module'
	expect_gdb '^0xffffffff80000000 is physical 0x80[0-9a-f]+$'
	expect_gdb 'exited normally'
	finish
	expect_status 0
	[ "$(tail -n 1 "$work/out")" = 77 ] || fail "not the module's parameter"
}

case_module() { module --engine interp; }
case_module_jit() { module --engine jit; }

# Ends of the guest, as the client sees them: while it runs, and while it stands still.
case_ends() {
	start_gdb --firmware "$GDB_ELF"
	client 'vCont;c' expect 'W00'
	finish
	expect_status 0
	start_gdb --firmware "$GDB_REBOOT" --no-reboot
	client 'vCont;c' expect 'W00'
	finish
	expect_status 0
	# Without --no-reboot it is another machine, which gdb may have as well.
	start_gdb --firmware "$GDB_REBOOT"
	client 'vCont;c' expect 'W00'
	client '?' expect 'T05' 'k'
	finish
	expect_status 137
	start_gdb --firmware "$GDB_LOOP"
	client 'vCont;c' signal "$(ps -o pid= --ppid "$started" | tr -d ' ')" expect 'X0f'
	finish
	expect_status 143
	start_gdb --firmware "$GDB_LOOP"
	client '?' expect 'T05' signal "$(ps -o pid= --ppid "$started" | tr -d ' ')" eof
	finish
	expect_status 143
}

# Clients that no gdb is.
case_faults() {
	local wait=wait=off
	start_gdb --firmware "$GDB_LOOP" --smp 2
	client silence expect-alive
	client raw '$m80000000,4' # gone in the middle of a packet
	client '?' expect 'T05' 'Z0,8000001c,4' 'vCont;c' raw '$g' # and while the harts run
	client '?' expect 'T05'
	client garbage 1000000 '?' expect 'T05'
	client second
	client deaf # never reads its answers
	client '?' expect 'T05' 'D' expect 'OK'
	! grep -qv 'target remote' "$work/err" || fail "something is on standard error"
	kill -TERM "$started"
	finish
	expect_status 143
}

case_options() {
	local bad
	for bad in '' unix: 1234 :x :99999 ::1 host:1 '[::1]' wait=on ':1,wait=maybe' ':1,other=1'; do
		linnet run --gdb "$bad" --firmware "$GDB_ELF" </dev/null
		[ "$status" = 1 ] || [ "$status" = 2 ] || fail "--gdb $bad: status $status"
		expect_in err '--gdb'
	done
	linnet run --gdb "unix:$work/no/socket" --firmware "$GDB_ELF" </dev/null
	expect_status 1
	expect_in err "--gdb unix:$work/no/socket: cannot listen there: No such file"
	linnet run --gdb unix:/proc/version --firmware "$GDB_ELF" </dev/null
	expect_status 1
	expect_in err 'cannot listen there'
	# Ports of the loopback, of both kinds.
	linnet run --gdb :0 --firmware "$GDB_ELF" </dev/null
	expect_status 0
	expect_in err 'target remote 127.0.0.1:[1-9]'
	linnet run --gdb localhost:0 --firmware "$GDB_ELF" </dev/null
	expect_status 0
	# A socket file that was left behind is no obstacle; one that is in use is.
	start_gdb --firmware "$GDB_LOOP"
	[ "$(stat -c %a "$socket")" = 600 ] || fail "others may connect"
	linnet run --gdb "unix:$socket" --firmware "$GDB_ELF" </dev/null
	expect_status 1
	expect_in err 'in use'
	kill -KILL "$(ps -o pid= --ppid "$started" | tr -d ' ')"
	finish
	[ -S "$socket" ] || fail "a killed process has tidied up"
	wait=wait=off
	linnet run --gdb "unix:$socket" --firmware "$GDB_ELF" </dev/null
	expect_status 0
}

"case_$1"
