# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the system tests share. Sourced. A test is a sequence of checks; the first that fails says what
# it expected and what it got, and ends the test. Everything a test makes is in $work.
set -u
LINNET=${LINNET:-$PWD/build/linnet}
work=$(mktemp -d) || exit 1
pids=() # processes to end with the test

# The quickest engine of this host, as options.
quick=()
# shellcheck disable=SC2034 # for the tests
[ "$(uname -m)" != x86_64 ] || quick=(--engine jit)

cleanup() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap cleanup EXIT

fail() {
	echo "FAILED: $*" >&2
	for f in out err; do
		[ -f "$work/$f" ] && [ -s "$work/$f" ] && sed "s/^/  $f| /" "$work/$f" | tail -n 40 >&2
	done
	exit 1
}

# linnet ARGS...: runs it with a limit; output in $work/out and $work/err, status in $status.
linnet() {
	timeout -k 5 "${LIMIT:-120}" "$LINNET" "$@" >"$work/out" 2>"$work/err"
	status=$?
}

# guest CMD [OPTIONS...]: runs CMD in the default guest with nothing on standard input.
guest() {
	linnet run "${@:2}" --exec "$1" </dev/null
}

fetched() { # name
	"$LINNET" fetch --print | sed -n "s/^$1=//p"
}

# start ARGS...: linnet in the background, its standard input open for say(), output as above.
start() {
	rm -f "$work/in"
	mkfifo "$work/in" || fail "no fifo"
	: >"$work/out" # nothing that an earlier one said is taken for its words
	: >"$work/err"
	timeout -k 5 "${LIMIT:-120}" "$LINNET" "$@" <"$work/in" >"$work/out" 2>"$work/err" &
	started=$!
	pids+=("$started")
	exec 9>"$work/in"
}

# listens PID WHERE: whether the process listens at a TCP port, or at a socket's path.
listens() {
	local inode
	if [[ $2 == */* ]]; then
		inode=$(awk -v path="$2" '$4 == "00010000" && $8 == path { print $7 }' /proc/net/unix)
	else
		inode=$(awk -v port="$(printf :%04X "$2")" '$2 ~ port "$" && $4 == "0A" { print $10 }' \
			/proc/net/tcp /proc/net/tcp6)
	fi
	[ -n "$inode" ] && readlink "/proc/$1/fd/"* 2>/dev/null | grep -qxF "${inode/#/socket:[}]"
}

# until_listens PID WHERE: false when the process has ended instead.
until_listens() {
	local i
	for ((i = 0; i < 600; i++)); do
		listens "$1" "$2" && return
		kill -0 "$1" 2>/dev/null || return
		sleep 0.05
	done
	fail "process $1 does not listen at $2"
}

# A port of the loopback on which COMMAND PORT... listens; sets $port, its process is the last of $pids.
# Below those ports that the kernel gives to others' connections.
listen() { # command, in which PORT stands for the port
	for port in $(shuf -i 20000-32000 -n 20); do
		"${@//PORT/$port}" 2>/dev/null &
		pids+=("$!")
		until_listens "$!" "$port" && return
	done
	fail "no free port for: $*"
}

# serve WHERE COMMAND...: in the background, and listening there; its process is the last of $pids.
serve() {
	"${@:2}" <&0 &
	pids+=("$!")
	until_listens "$!" "$1" || fail "has ended: ${*:2}"
}

# linnet_in_session ARGS...: in the background in a session of its own, so that what it leaves behind can
# be found; its id is in $session. Standard output goes to descriptor 8.
linnet_in_session() {
	rm -f "$work/session"
	: >"$work/err"
	setsid -w sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$work/session" "$LINNET" "$@" \
		</dev/null >&8 2>"$work/err" &
	pid=$!
	pids+=("$pid")
	until [ -s "$work/session" ]; do
		sleep 0.05
	done
	session=$(cat "$work/session")
}

# Nothing of the session lives any more. In /proc/PID/stat the session is the fourth word behind the
# name, which stands in brackets.
expect_no_process() {
	local left
	left=$(cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | awk -v s="$session" '$4 == s && $1 != "Z"')
	[ -z "$left" ] || fail "processes are left behind: $left"
}

# interrupt_fetch LOCK ARGS...: a signal ends Linnet's wait for a download; here for another program that
# has that lock on the cache.
interrupt_fetch() {
	flock -F "$1" sleep 1000 &
	pids+=("$!")
	while flock -n "$1" true; do
		kill -0 "${pids[-1]}" || fail 'no lock'
		sleep 0.1
	done
	exec 8>"$work/out"
	linnet_in_session "${@:2}"
	for _ in $(seq 300); do
		grep -q 'waiting for another fetch' "$work/err" && break
		sleep 0.1
	done
	kill -TERM "$session"
	wait "$pid"
	status=$?
	expect_status 143
	expect_in err 'waiting for another fetch'
	expect_no_process
}

# Sets $apart, a command that runs another in namespaces of its own: a network (n, with nothing in it
# but a loopback) and mounts (m). Skips the test where this user may not have them.
need_namespaces() { # letters
	apart=(unshare "-$1")
	[ "$(id -u)" = 0 ] || apart=(unshare "-r$1")
	"${apart[@]}" true 2>/dev/null || {
		echo "skipped: this user may not make namespaces"
		exit 77
	}
}

# Skips the test where no folder can be shared.
need_virtiofsd() {
	[ -x /usr/lib/qemu/virtiofsd ] || { echo 'skipped: no virtiofsd'; exit 77; }
	unshare -Ur true 2>/dev/null || [ "$(id -u)" = 0 ] || { echo 'skipped: no user namespaces'; exit 77; }
}

say() { # a line for its standard input
	echo "$1" >&9
}

has_lines() { # regex [count]
	[ "$(grep -cE -- "$1" "$work/out")" -ge "${2:-1}" ]
}

wait_for() { # regex [count]: until that many lines of the output match; PATIENCE in tenths of seconds
	local i
	for ((i = 0; i < ${PATIENCE:-600}; i++)); do
		has_lines "$@" && return
		kill -0 "$started" 2>/dev/null || break
		sleep 0.1
	done
	has_lines "$@" || fail "waiting for: $1" # it may have been the last
}

finish() { # waits for its end; the exit status is in $status
	exec 9>&-
	wait "$started"
	status=$?
}

expect_status() { # number
	[ "$status" = "$1" ] || fail "exit status $status instead of $1"
}

expect_out() { # text, exactly, without the last newline
	[ "$(cat "$work/out")" = "$1" ] || fail "output is not: $1"
}

expect_in() { # out|err regex
	grep -qE -- "$2" "$work/$1" || fail "no line of $1 matches: $2"
}

expect_not_in() { # out|err regex
	! grep -qE -- "$2" "$work/$1" || fail "a line of $1 matches: $2"
}
