#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: exec.sh CASE. What `linnet run --exec` promises about streams, statuses and signals.
. "$(dirname "$0")/lib.sh"

case_status() {
	guest 'echo to out; echo to err >&2; exit 7'
	expect_status 7
	expect_out 'to out'
	expect_in err '^to err$'
	expect_not_in err 'Linux version'
	guest 'kill -9 $$'
	expect_status 137
	guest 'true'
	expect_status 0
	guest 'no-such-command'
	expect_status 127
	guest 'exit 255'
	expect_status 255
}

case_surroundings() {
	guest 'pwd; echo "$A|$B|$PATH"' --cwd /sys/class --env A=1 --env 'B=two words' --env A=2 \
		--env PATH=/sbin:/bin
	expect_status 0
	expect_out $'/sys/class\n2|two words|/sbin:/bin'
	guest 'echo started' --cwd /no/such
	expect_status 125
	expect_out ''
	expect_in err '^linnet: --cwd /no/such: the guest cannot go there: No such file'
	guest 'pwd' --cwd /proc/version
	expect_status 125
	expect_in err 'Not a directory'
}

case_verbose() {
	guest 'echo hello' -v
	expect_status 0
	expect_out hello
	expect_in err 'Linux version'
	expect_in err '[0-9]+ instructions$'
}

case_stdin() {
	guest 'cat; echo end' # standard input is empty
	expect_status 0
	expect_out end
	printf 'a line' | timeout 120 "$LINNET" run --exec 'cat; cat /dev/stdin' >"$work/out" || fail "status $?"
	expect_out 'a line'
}

# 16 MB of random bytes there and back while standard error is flooded.
case_bytes() {
	head -c 16M /dev/urandom >"$work/in"
	timeout 300 "$LINNET" run --exec 'yes noise | head -c 1000000 >&2 & cat; wait' \
		<"$work/in" >"$work/back" 2>"$work/noise" || fail "status $?"
	cmp "$work/in" "$work/back" || fail "the bytes differ"
	[ "$(stat -c %s "$work/noise")" = 1000000 ] || fail "standard error is not complete"
}

# 1 GB there and back, compared while it comes: nothing is kept but a key for the same bytes twice.
case_gigabyte() {
	LIMIT=600
	bytes() {
		openssl enc -aes-128-ctr -nosalt -pass pass:linnet -pbkdf2 -iter 1 -in /dev/zero 2>/dev/null |
			head -c 1000000000
	}
	bytes | timeout -k 5 $LIMIT "$LINNET" run --exec cat 2>"$work/err" | cmp - <(bytes) ||
		fail "the bytes differ"
}

# A reader that goes away ends the command as in any pipe, and leaves no process.
case_head() {
	mkfifo "$work/pipe"
	head -n 1 <"$work/pipe" >"$work/out" &
	exec 8>"$work/pipe"
	linnet_in_session run --exec yes
	exec 8>&-
	wait "$pid"
	status=$?
	expect_status 141 # SIGPIPE
	expect_out y
	expect_no_process
}

# A reader that stays and takes nothing holds up neither the time limit nor a signal, before the end of
# the command and after it.
case_slow_reader() {
	mkfifo "$work/pipe" "$work/pipe2"
	exec 8<>"$work/pipe"
	linnet_in_session run --time-limit 20 --exec yes
	wait "$pid"
	status=$?
	expect_status 124
	expect_no_process
	exec 8<>"$work/pipe2"
	linnet_in_session run --exec 'head -c 68000 /dev/zero; echo written >&2; exit 5'
	wait_for_line err '^written$'
	sleep 2 # most of it is in the pipe, the rest with us
	kill -0 "$pid" || fail "it has not waited for its reader"
	kill -TERM "$session"
	wait "$pid"
	status=$?
	expect_status 5
	expect_no_process
}

wait_for_line() { # out|err regex
	for _ in $(seq 1200); do
		grep -qE "$2" "$work/$1" 2>/dev/null && return
		sleep 0.1
	done
	fail "waiting for a line: $2"
}

start_in_background() { # command; its first line of output is waited for
	: >"$work/out"
	"$LINNET" run --exec "$1" </dev/null >"$work/out" 2>"$work/err" &
	pid=$!
	pids+=("$pid")
	for _ in $(seq 1200); do
		[ -s "$work/out" ] && return
		sleep 0.1
	done
	fail "the command did not start"
}

case_signals() {
	start_in_background 'trap "echo got it; exit 9" INT; echo ready; while :; do sleep 1; done'
	kill -INT "$pid"
	wait "$pid"
	status=$?
	expect_status 9
	expect_in out 'got it'
	start_in_background 'echo ready; sleep 1000'
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	expect_status 143
	# It reaches the whole group: a shell looks at its own signals only after sleep has ended.
	start_in_background 'trap : TERM; echo ready; sleep 1000; echo "sleep: $?"'
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	expect_status 0
	expect_in out '^sleep: 143$'
}

# One that comes before the command runs is kept for it.
case_early_signal() {
	exec 8>"$work/out"
	linnet_in_session run -v --exec 'sleep 1000'
	wait_for_line err 'Linux version'
	kill -TERM "$session"
	wait "$pid"
	status=$?
	expect_status 143
}

case_second_signal() {
	exec 8>"$work/out"
	linnet_in_session run --exec 'trap "echo no" INT; echo ready; while :; do sleep 1; done'
	wait_for_line out '^ready$'
	for _ in $(seq 20); do # two, if each is seen by itself
		kill -INT "$session" 2>/dev/null || break
		sleep 0.3
	done
	wait "$pid"
	status=$?
	expect_status 130
	expect_no_process
}

case_time_limit() {
	guest 'echo started; sleep 1000' --time-limit 20
	expect_status 124
	expect_in out started
	expect_in err 'time-limit'
	guest 'sleep 1000' --time-limit 1 # while it boots, or soon after
	expect_status 124
}

case_panic() {
	guest 'echo c >/proc/sysrq-trigger; sleep 60'
	expect_status 125
	expect_in err 'panicked'
	expect_in err 'sysrq triggered crash'
	[ "$(grep -c '^  | ' "$work/err")" = 20 ] || fail "not the last 20 lines of the console"
}

case_poweroff() {
	guest 'poweroff -f; sleep 60'
	expect_status 125
	expect_in err 'before the command.s status'
}

case_closed() { # standard descriptors that are not open at all
	"$LINNET" run --exec 'cat; echo out; exit 3' <&- >"$work/out" 2>"$work/err"
	status=$?
	expect_status 3
	expect_out out
	"$LINNET" run --exec 'echo out; echo err >&2; exit 3' </dev/null >&- 2>"$work/err"
	status=$?
	expect_status 3
	expect_in err '^err$'
	"$LINNET" run --exec 'exit 3' <&- >&- 2>&-
	status=$?
	expect_status 3
}

case_background() { # what the command leaves behind does not hold the run up
	guest 'sleep 1000 & echo ended'
	expect_status 0
	expect_out ended
}

case_files() {
	printf '#!/bin/sh\necho "I am $0"\n' >"$work/script"
	chmod +x "$work/script"
	head -c 3M /dev/urandom >"$work/blob"
	guest '/opt/a/b/script; sha256sum </blob' --file "$work/script:/opt/a/b/script" \
		--file "$work/blob:/blob"
	expect_status 0
	expect_in out '^I am /opt/a/b/script$'
	expect_in out "^$(sha256sum <"$work/blob")"
	# Where init mounts something, behind a link of the guest's, with a name that is none for a shell.
	printf odd >"$work/a b;\$c\"d"
	guest 'cat /tmp/x /run/x /usr/bin/x "/root/ü \$(e)"; [ -L /usr/bin ]' \
		--file "$work/a b;\$c\"d:/tmp/x" --file "$work/a b;\$c\"d:/run/x" \
		--file "$work/a b;\$c\"d:/usr/bin/x" --file "$work/a b;\$c\"d:/root/ü \$(e)"
	expect_status 0
	expect_out oddoddoddodd
	guest 'true' --file "$work/none:/none"
	expect_status 125
	expect_in err "$work/none"
}

case_module() { # the way in which a driver's author uses it
	local set
	set=$(dirname "$("$LINNET" fetch --print | sed -n 's/^kernel=//p')")
	guest 'insmod /my.ko && grep "^failover " /proc/modules && dmesg | tail -n 1' --net none \
		--file "$(echo "$set"/modules/*/kernel/net/core/failover.ko):/my.ko"
	expect_status 0
	expect_in out '^failover .* Live '
}

case_parallel() {
	local i
	for i in 1 2 3; do
		"$LINNET" run --exec "echo run $i >/mnt/file; sync; sleep 1; cat /mnt/file" \
			</dev/null >"$work/out$i" 2>"$work/err$i" &
		pids+=("$!")
	done
	for i in 1 2 3; do
		wait "${pids[$((i - 1))]}" || fail "run $i: status $?"
		[ "$(cat "$work/out$i")" = "run $i" ] || fail "run $i printed $(cat "$work/out$i")"
	done
}

"case_$1"
