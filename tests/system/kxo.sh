#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: kxo.sh CASE. xo-user, the program of the driver kxo, as a user has it before them: alone on this
# host ($XO_USER), and at a terminal in a guest. What the driver does is in guest/drivers/kxo/test.sh.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

if [[ $1 == @(local|options|keys|memory) && -z ${XO_USER-} ]]; then
	echo "skipped: xo-user's switch of stacks is not written for this CPU"
	exit 77
fi

xo() { # options...
	timeout -k 5 100 "$XO_USER" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

case_local() {
	xo --local --games 3 --seed 5
	expect_status 0
	[ "$(grep -c '^game [123]: [XO] won$' "$work/out")" = 3 ] || fail 'there are not three games'
	[ "$(grep -c '^Moves: [A-D][0-3]\( -> [A-D][0-3]\)*$' "$work/out")" = 3 ] || fail 'no moves'
	expect_in out '^3 games: X won [0-3], O won [0-3], drawn 0; X: mcts \(user\), O: negamax \(user\)$'
	grep -v '^slices' "$work/out" >"$work/first"
	xo --local --games 3 --seed 5
	grep -v '^slices' "$work/out" | cmp - "$work/first" || fail 'the same seed, other games'
	xo --local --games 8 --boards 3 --x td --o random --seed 1 --every-move
	expect_status 0
	expect_in out '^8 games: '
	# A frame at the beginning of each game, and one for each move but the last.
	[ "$(grep -c '^board [0-2], move 0$' "$work/out")" = 8 ] || fail 'not each game begins'
}

case_options() {
	local bad
	for bad in '--x nobody' '--o mcts@moon' '--games 0' '--games x' '--games -1' '--boards 9' \
		'--boards 0' '--pace 1s' '--seed 99999999999999999999' '--unknown' 'word'; do
		# shellcheck disable=SC2086 # two words
		xo --local $bad
		expect_status 2
		[ -s "$work/err" ] || fail "nothing is said about $bad"
	done
	xo --help
	expect_status 0
	expect_in out '^usage: xo-user'
	xo --device "$work/none" --games 1
	expect_status 1
	expect_in err "$work/none: No such file"
	xo --device /dev/null --games 1
	expect_status 1
	expect_in err '/dev/null: Inappropriate ioctl'
}

# user COMMAND...: follows the script on standard input at a terminal.
user() {
	TERM=xterm TZ=UTC timeout -k 5 400 "$PTY" 40 120 "$@" >"$work/out" 2>"$work/err" ||
		fail "the dialogue with: $*"
}

# Ctrl-P stops the boards and not the clock; Ctrl-Q ends, restores the terminal and prints all moves.
case_keys() {
	user "$XO_USER" --local --boards 2 --pace 20 <<-'END'
		expect A B C D
		raw
		expect Ctrl-P: draw or not
		expect mcts     load
		send \x10
		expect [not drawing]
		expect draw or not
		expect [not drawing]
		expect draw or not
		expect [not drawing]
		send \x10
		expect A B C D
		expect playing
		expect 5 games:
		send \x11
		expect Moves:
		expect Moves:
		expect games: X won
		end 0
	END
	# While it does not draw: no board.
	awk '/\[not drawing\]/ { off = 1; next } /A B C D/ { off = 0 } off && /^[0-3] [XO.] / { bad = 1 }
		END { exit bad }' "$work/out" || fail 'it draws though it should not'
	user "$XO_USER" --local <<-'END'
		raw
		signal 15
		end 143
	END
	user "$XO_USER" --local --games 2 --pace 0 --x td --o random <<-'END'
		expect Moves:
		expect Moves:
		expect 2 games:
		end 0
	END
}

# In a guest, from the driver: another terminal, the same keys.
case_guest() {
	linnet kbuild --extras
	expect_status 0
	user "$LINNET" run "${quick[@]}" --net none <<-'END'
		expect linnet:~#
		send modprobe kxo; xo-user --x mcts@user; echo status $?; stty -a | grep -o ' icanon'\r
		expect A B C D
		expect 2 games:
		send \x10
		expect [not drawing]
		expect 3 games:
		expect [not drawing]
		send \x10
		expect A B C D
		send \x11
		expect Moves:
		expect traffic:
		expect status 0
		expect icanon
		expect linnet:~#
		send \x01x
		end 0
	END
}

# thinking [OPTION...]: games of both agents on the only hart of a guest whose time is its instructions:
# 100 of them are a microsecond, whatever this host does meanwhile. No agent holds the hart for 50 ms.
thinking() {
	linnet kbuild --extras "${@:1:2}"
	expect_status 0
	LIMIT=${LIMIT:-400} guest 'modprobe kxo; mount -t debugfs none /sys/kernel/debug
		for x in "mcts negamax" "negamax mcts" "td random"; do
			xo-user --games 4 --boards 2 --seed 1 --x ${x% *} --o ${x#* } --quiet
		done
		cd /sys/kernel/debug/kxo; cat games latency; rmmod kxo' \
		"${quick[@]}" --clock instructions --net none "$@"
	expect_status 0
	expect_in out '^ended 12$'
	awk '$1 == "longest_ns" { seen = $2 } END { exit !(seen > 0 && seen < 50e6) }' "$work/out" ||
		fail 'the longest slice is not below 50 ms'
}

# And what wants the hart gets it meanwhile: a work item came late 50 ms at most.
case_slices() {
	thinking
	awk '$1 == "work" && $2 > 10 { late = $6 } END { exit !(late > 0 && late < 50e6) }' "$work/out" ||
		fail 'a work item waited for 50 ms or more'
}

# All checks of the debug kernel belong to a slice there.
case_slices_debug() {
	LIMIT=900
	thinking --kernel debug --append kmemleak=off
}

# Ten thousand games: what is resident after the first hundred is what is resident in the end.
case_memory() {
	local before after
	xo --local --games 10000 --quiet --x mcts --o td --boards 8
	expect_status 0
	read -r before after < <(sed -n 's/^memory: \([0-9]*\) KiB after 100 games, \([0-9]*\) KiB.*/\1 \2/p' \
		"$work/out")
	((before > 0 && after <= before + 64)) || fail "memory grows from $before to $after KiB"
}

"case_$1"
