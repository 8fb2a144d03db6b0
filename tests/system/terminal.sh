#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: terminal.sh CASE. A user at a terminal: $PTY is tests/system/pty.c, which also checks that each
# run leaves the terminal's settings as it found them.
. "$(dirname "$0")/lib.sh"

# user COMMAND...: follows the script on standard input at a terminal of 33 lines, 111 columns.
user() {
	TERM=xterm timeout -k 5 400 "$PTY" 33 111 "$@" >"$work/out" 2>"$work/err" ||
		fail "the dialogue with: $*"
}

# The size of the terminal, Ctrl-C and Ctrl-A for the guest, and Ctrl-A x. What the guest prints is told
# from the echo of what is typed by a sum.
case_shell() {
	user "$LINNET" run <<-'END'
		expect linnet:~#
		raw
		send stty size; echo $TERM $((40 + 2))\r
		expect 33 111
		expect xterm 42
		send echo $((40 + 4)); sleep 1000\r
		expect 44
		send \x03
		expect linnet:~#
		send echo status $? $((40 + 3))\r
		expect status 130 43
		send echo $((40 + 5)); cat -v\r
		expect 45
		send \x01\x01\r
		expect ^A
		send \x01h
		expect Ctrl-A x: end the machine
		send \x01x
		end 0
	END
}

case_poweroff() {
	user "$LINNET" run <<-'END'
		expect linnet:~#
		send poweroff\r
		expect Power down
		end 0
	END
}

# Twice in one process, and the terminal goes on working.
case_reboot() {
	user "$LINNET" run --net none <<-'END'
		expect linnet:~#
		send echo 1 >/mnt/count; reboot\r
		expect Run /init
		expect linnet:~#
		send echo $(($(cat /mnt/count) + 1)) >/mnt/count; reboot\r
		expect Run /init
		expect linnet:~#
		send echo count $(($(cat /mnt/count) + 1)); stty size\r
		expect count 3
		expect 33 111
		send \x01x
		end 0
	END
}

case_signals() {
	local signal
	for signal in 15 2 1; do
		user "$LINNET" run <<-END
			expect Linux version
			raw
			signal $signal
			end $((128 + signal))
		END
	done
}

# Keys are read even when the guest takes none.
case_hang() {
	user "$LINNET" run --firmware "$HANG" <<-'END'
		raw
		send abc\x01x
		end 0
	END
}

# Under --exec the terminal is the command's and stays in line mode: Ctrl-D ends its input, Ctrl-C goes
# to its process group.
case_exec() {
	user "$LINNET" run --exec 'echo ready; cat; echo the end; exit 3' <<-'END'
		expect ready
		send a line\r
		expect a line
		expect a line
		send \x04
		expect the end
		end 3
	END
	user "$LINNET" run --exec 'trap "echo caught; exit 4" INT; echo ready; while :; do sleep 1; done' \
		<<-'END'
			expect ready
			send \x03
			expect caught
			end 4
		END
}

# `make run` at a terminal.
case_make_run() {
	cd "$(dirname "$0")/../.." || fail 'no tree'
	user make run <<-'END'
		expect linnet:~#
		send uname -m; echo $((40 + 2))\r
		expect riscv64
		expect 42
		send poweroff\r
		end 0
	END
}

wait_in() { # file regex
	local i
	for ((i = 0; i < 600; i++)); do
		[ -f "$1" ] && grep -qE -- "$2" "$1" && return
		kill -0 "$started" 2>/dev/null || break
		sleep 0.1
	done
	grep -qE -- "$2" "$1" || fail "waiting for $2 in: $(tail -n 5 "$1")" # it may have been the last
}

# The serial port on a pseudo-terminal: one program comes late and leaves, another comes later.
case_pty() {
	start run --console "pty,link=$work/tty"
	exec 9>&-
	wait_in "$work/err" '^linnet: the console is /dev/pts/[0-9]+$'
	cat "$work/tty" >"$work/first" &
	pids+=("$!")
	wait_in "$work/first" '^linnet:.*# '
	echo 'stty -echo; echo $((2 * 7)); read x; echo $((6 * 7))' >"$work/tty"
	wait_in "$work/first" '^14'
	kill "${pids[-1]}"
	wait "${pids[-1]}"
	exec 6<"$work/tty" # it is open before the guest goes on
	cat <&6 >"$work/second" 2>/dev/null &
	pids+=("$!")
	exec 6<&-
	echo >"$work/tty"
	wait_in "$work/second" '^42'
	echo poweroff >"$work/tty"
	finish
	expect_status 0
	[ ! -L "$work/tty" ] || fail "the link is left"
	expect_out ''
}

# The same by a socket.
case_unix() {
	start run --console "unix:$work/socket"
	exec 9>&-
	until [ -S "$work/socket" ]; do
		sleep 0.1
	done
	mkfifo "$work/keys"
	nc.openbsd -U "$work/socket" <"$work/keys" >"$work/first" &
	pids+=("$!")
	exec 7>"$work/keys"
	wait_in "$work/first" 'Linux version'
	wait_in "$work/first" '^linnet:.*# '
	echo 'stty -echo; echo $((2 * 7)); read x; echo $((6 * 7))' >&7
	wait_in "$work/first" '^14'
	kill "${pids[-1]}"
	wait "${pids[-1]}"
	exec 7>&-
	nc.openbsd -U "$work/socket" <"$work/keys" >"$work/second" &
	pids+=("$!")
	exec 7>"$work/keys"
	echo >&7
	wait_in "$work/second" '^42'
	echo poweroff >&7
	finish
	expect_status 0
	[ ! -e "$work/socket" ] || fail "the socket is left"
	wait_in "$work/second" 'Power down'
}

"case_$1"
