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

# A reader that goes away ends the command as in any pipe, and leaves no process.
case_head() {
	timeout 120 "$LINNET" run --exec yes </dev/null 2>"$work/err" | head -n 1 >"$work/out"
	local statuses=("${PIPESTATUS[@]}")
	expect_out y
	[ "${statuses[0]}" = 141 ] || fail "status ${statuses[0]} instead of 141 (SIGPIPE)"
}

start_in_background() { # command; its first line of output is waited for
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
}

case_second_signal() {
	start_in_background 'trap "echo no" INT; echo ready; while :; do sleep 1; done'
	kill -INT "$pid"
	sleep 0.3
	kill -INT "$pid"
	wait "$pid"
	status=$?
	expect_status 130
}

case_time_limit() {
	guest 'echo started; sleep 1000' --time-limit 20
	expect_status 124
	expect_in out started
	expect_in err 'time-limit'
}

case_panic() {
	guest 'echo c >/proc/sysrq-trigger; sleep 60'
	expect_status 125
	expect_in err 'panicked'
	expect_in err 'sysrq triggered crash'
}

case_poweroff() {
	guest 'poweroff -f; sleep 60'
	expect_status 125
	expect_in err 'before the command.s status'
}

case_background() { # what the command leaves behind does not hold the run up
	guest 'sleep 1000 & echo done'
	expect_status 0
	expect_out "done"
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
	guest 'true' --file "$work/none:/none"
	expect_status 125
	expect_in err "$work/none"
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
