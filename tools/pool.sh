#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tools/pool.sh ITEMS LOGDIR
# Runs the tests listed in ITEMS, prints a line for each as it ends, the output of those that
# failed after that, and last `N passed, N failed[, N skipped]`. Exit 1 if any failed or none ran.
#
# An item is a line of five fields, separated by tabs:
#   when      `first`: one after the other before all others (builds); `pool`: $JOBS at a time (the
#             number of CPUs); `last`: one after the other at the end, with the machine to itself
#   seconds   a limit, after which the item has failed
#   needs     a name of an item of an earlier time without which this one cannot run, or `-`
#   name      unique
#   command   for bash
# Exit status 0 is a pass; 77 is a skip, whose reason is the last line printed (a skip without one is
# a failure); anything else is a failure.
set -u
items=$1
logs=$2
jobs=${JOBS:-$(nproc)}
mkdir -p "$logs" || exit 1

declare -A state=()                 # name -> ok, FAIL, skip
declare -A job=() began=() path=()  # of what runs now, by pid
declare -a failures=()
passed=0 failed=0 skipped=0 ended=0
total=$(grep -c . "$items")

stop() {
	trap '' INT TERM
	[ ${#job[@]} = 0 ] || kill "${!job[@]}" 2>/dev/null
	wait
	echo "interrupted: $passed passed, $failed failed, $((total - ended)) not run"
	exit 130
}
trap stop INT TERM

clear_line() {
	[ ! -t 1 ] || printf '\r\033[K'
}

report() { # name status seconds note
	ended=$((ended + 1))
	state[$1]=$2
	clear_line
	printf '%-4s  %-44s %6.1f s%s\n' "$2" "$1" "$3" "${4:+  ($4)}"
	case $2 in
	ok) passed=$((passed + 1)) ;;
	skip) skipped=$((skipped + 1)) ;;
	*)
		failed=$((failed + 1))
		failures+=("$1")
		;;
	esac
}

log_of() { # name
	echo "$logs/${1//\//-}.log"
}

start() { # seconds name command
	local log
	log=$(log_of "$2")
	timeout -k 10 "$1" bash -c "$3" </dev/null >"$log" 2>&1 &
	job[$!]=$2
	path[$!]=$log
	began[$!]=$EPOCHREALTIME
	[ ! -t 1 ] || printf '\r\033[K[%d/%d] %s' "$ended" "$total" "${job[*]}"
}

finish() { # waits for one item
	local pid status name seconds reason
	wait -n -p pid "${!job[@]}"
	status=$?
	name=${job[$pid]}
	seconds=$(awk -v a="${began[$pid]}" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
	reason=$(grep -v '^[[:space:]]*$' "${path[$pid]}" | tail -n 1)
	case $status in
	0) report "$name" ok "$seconds" ;;
	77)
		if [ -n "$reason" ]; then
			report "$name" skip "$seconds" "$reason"
		else
			report "$name" FAIL "$seconds" 'skipped without a reason'
		fi
		;;
	124 | 137) report "$name" FAIL "$seconds" 'took too long, or was killed' ;;
	*) report "$name" FAIL "$seconds" "exit status $status" ;;
	esac
	unset "job[$pid]" "began[$pid]" "path[$pid]"
}

run_all() { # when, how many at a time
	local when seconds needs name command
	while IFS=$'\t' read -r when seconds needs name command; do
		[ "$when" = "$1" ] || continue
		if [ "$needs" != - ] && [ "${state[$needs]-ok}" != ok ]; then
			echo "not run, since $needs failed" >"$(log_of "$name")"
			report "$name" FAIL 0 "not run, since $needs failed"
			continue
		fi
		while [ ${#job[@]} -ge "$2" ]; do
			finish
		done
		start "$seconds" "$name" "$command"
	done <"$items"
	while [ ${#job[@]} -gt 0 ]; do
		finish
	done
}

run_all first 1
run_all pool "$jobs"
run_all last 1
clear_line

for name in ${failures[@]+"${failures[@]}"}; do
	log=$(log_of "$name")
	printf '\n---- %s (all of it: %s)\n' "$name" "$log"
	tail -n "${TAIL:-100}" "$log"
done
[ ${#failures[@]} = 0 ] || echo
[ "$ended" = "$total" ] || {
	echo "pool.sh: $total tests were listed and $ended ran: a line of $items has no valid time"
	failed=$((failed + total - ended))
}
summary="$passed passed, $failed failed"
[ "$skipped" = 0 ] || summary+=", $skipped skipped"
echo "$summary"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
