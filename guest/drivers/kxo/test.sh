#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. ../testing.sh

state=/sys/class/kxo/kxo/kxo_state

echo '- three games, with moves that the records tell'
try modprobe kxo tick_us=1000
expect 'the mode' "$(stat -c '%a %F' /dev/kxo)" '666 character special file'
try xo-user --games 3 --seed 1 >/tmp/games
expect 'games' "$(grep -c '^game [123]: ' /tmp/games)" 3
expect 'moves' "$(grep -c '^Moves: [A-D][0-3] -> ' /tmp/games)" 3
expect 'records' "$(sed -n 2p $state)" 3
try modprobe -r kxo
