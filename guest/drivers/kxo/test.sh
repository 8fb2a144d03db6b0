#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. ../testing.sh

class=/sys/class/kxo/kxo
state=$class/kxo_state
debug=/sys/kernel/debug/kxo

# value FILE NAME: the second word of the line that begins with NAME.
value()
{
	awk -v name="$2" '$1 == name { print $2 }' "$1"
}

echo '- it refuses bad parameters, and its node is for everybody'
refuse modprobe kxo tick_us=99
refuse modprobe kxo tick_us=1000001
try modprobe kxo tick_us=4000
expect 'the node' "$(stat -c '%a %F' /dev/kxo)" '666 character special file'
expect 'the tick' "$(cat $class/tick_us)" 4000
refuse sh -c "echo 99 >$class/tick_us"
refuse sh -c "echo x >$class/tick_us"

echo '- call by call'
try kxo-io

store()
{
	printf '%s\n' "$1" >$state
}

echo '- kxo_state takes its form and nothing else'
expect 'the first line' "$(head -n 1 $state)" '1 1 0'
for bad in '' '1' '1 1' '1 1 0 ' ' 1 1 0' '1 1 2' '1  1 0' '110' '1 1 0 0' '1,1,0' 'a b c' '-1 1 0'; do
	refuse store "$bad"
	expect "the first line after '$bad'" "$(head -n 1 $state)" '1 1 0'
done

echo '- the records are those of the games, the newest last, in one page'
try xo-user --games 400 --boards 8 --x td --o random --quiet
try xo-user --games 3 --seed 1 >/tmp/games
[ "$(wc -c <$state)" -le 4096 ] || fail 'more than a page'
records=$(sed -n 2p $state)
expect 'the lines' "$(sed 1,2d $state | grep -c '^[0-9a-f]\{16\}$')" "$records"
expect 'all lines' "$(wc -l <$state)" $((records + 2))
[ "$records" -gt 230 ] || fail "$records records"
# The lowest digit is the first move's cell, row by row.
sed -n 's/^Moves: //p' /tmp/games | awk -F ' -> ' '{
	r = ""
	for (i = 1; i <= 16; i++) {
		if (i <= NF)
			d = index("ABCD", substr($i, 1, 1)) - 1 + 4 * substr($i, 2)
		r = sprintf("%x", d) r
	}
	print r }' >/tmp/records
tail -n 3 $state | cmp - /tmp/records || fail 'other records'

echo '- a user plays for one side or for both; the kernel offers its CPU'
for who in 'mcts@user negamax' 'td negamax@user' 'mcts@user td@user'; do
	try xo-user --games 4 --boards 2 --x "${who% *}" --o "${who#* }" >/tmp/games
	expect "games of $who" "$(grep -c ^Moves: /tmp/games)" 4
done

echo '- somebody without rights plays too, and cannot stop the others'
cp "$(command -v xo-user)" /tmp/xo-user # where anybody may run it
try su -s /bin/sh nobody -c '/tmp/xo-user --games 2 --quiet' >/tmp/games
grep -q ^ann: /etc/passwd || echo 'ann:*:1001:1001:ann:/:/bin/sh' >>/etc/passwd
for user in root nobody ann; do # at once, and each has games of their own
	su -s /bin/sh $user -c '/tmp/xo-user --games 20 --boards 4 --x td --o random --seed 3' >/tmp/of-$user &
	players="${players-} $!"
done
for player in $players; do
	wait "$player" || fail 'a player beside others'
done
expect "root's games" "$(grep -c ^Moves: /tmp/of-root)" 20
for user in nobody ann; do # in the order in which they ended
	expect "$user's games" "$(grep ^Moves: /tmp/of-$user | sort)" "$(grep ^Moves: /tmp/of-root | sort)"
done
refuse su -s /bin/sh nobody -c "echo '0 0 1' >$state"
expect 'the first line' "$(head -n 1 $state)" '1 1 0'

echo '- without display only the ends come'
try store '0 1 0'
xo-user --games 5 --quiet --x td --o random >/tmp/games
expect 'traffic' "$(sed -n 's/^traffic: \(.*\);.*/\1/p' /tmp/games)" '5 frames in 40 bytes'
try store '1 1 0'

echo '- latencies, traffic and games are shown'
for kind in softirq bh work; do
	awk -v kind=$kind '$1 == kind && $2 > 0 && $4 <= $5 && $5 <= $6 { good = 1 } END { exit !good }' \
		$debug/latency || fail "$kind: $(cat $debug/latency)"
done
expect 'bytes' "$(value $debug/traffic bytes)" $((8 * $(value $debug/traffic frames)))
expect 'as text' "$(value $debug/traffic as_text)" $((66 * $(value $debug/traffic frames)))
expect 'tables' "$(value $debug/games tables)" 0
[ "$(value $debug/games longest_ns)" -gt 0 ] || fail 'no slice was measured'

echo '- many at once'
try kxo-stress 2

echo '- calls without memory'
try kxo-fault

# cgroups of the second version are in Debian's kernel, and not in the debug kernel.
if grep -q cgroup2 /proc/filesystems; then
	echo '- games are charged to who asks for them'
	groups=/tmp/groups
	mkdir -p $groups
	try mount -t cgroup2 none $groups
	echo +memory >$groups/cgroup.subtree_control
	for limit in 64 6; do
		mkdir $groups/kxo
		echo ${limit}M >$groups/kxo/memory.max
		sh -c "echo 0 >$groups/kxo/cgroup.procs; exec kxo-hoard" >/tmp/hoarded
		# With 64 MiB there are as many tables as the driver allows; with 6 it is out of memory.
		case $limit-$? in
		64-3 | 6-0 | 6-137) ;;
		*) fail "status $? with $limit MiB: $(cat /tmp/hoarded)" ;;
		esac
		expect 'tables' "$(value $debug/games tables)" 0
		try rmdir $groups/kxo
	done
	umount $groups
	try xo-user --games 2 --quiet >/dev/null
	dmesg | grep -E 'BUG:|WARNING:|Oops' && fail 'the kernel complains'
	dmesg -c >/dev/null # the kernel told whom it ended
fi

echo '- it does not unload under a player, and then does'
xo-user --quiet >/dev/null &
until [ "$(value $debug/games tables)" = 1 ]; do sleep 0.1; done
refuse rmmod kxo
kill $!
wait $!
expect 'the status' $? 143
try modprobe -r kxo
[ ! -e /dev/kxo ] || fail 'the node is still there'

[ "$1" = long ] || exit 0

echo '- loaded and unloaded 100 times, under traffic'
for i in $(seq 100); do
	modprobe kxo tick_us=1000 || fail "load $i"
	xo-user --boards 8 --x mcts --o mcts@user --quiet >/dev/null &
	one=$!
	xo-user --boards 3 --x td --o random --quiet >/dev/null &
	two=$!
	until [ "$(value $debug/games tables)" = 2 ]; do sleep 0.01; done
	rmmod kxo 2>/dev/null && fail 'unloaded under players'
	kill $one $two
	# Against their closing, until it works.
	until rmmod kxo 2>/dev/null; do :; done
	wait
done

echo '- loading without memory'
try kxo-fault 1
# The kernel tells where it was when it got no memory; nothing else may be there.
dmesg | grep -E 'BUG:|WARNING:|Oops' && fail 'the kernel complains'
dmesg -c >/dev/null

echo '- many at once for a minute'
try modprobe kxo tick_us=4000
try kxo-stress 60
try modprobe -r kxo

echo '- ten thousand games, and the kernel has the memory that it had before'
memory()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^(Slab|VmallocUsed|KernelStack|PageTables|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo
}
try modprobe kxo tick_us=200
try xo-user --games 500 --boards 8 --x td --o random --quiet
before=$(memory)
try xo-user --games 10000 --boards 8 --x td --o random --quiet
after=$(memory)
echo "  $before KiB before, $after KiB after"
[ "$after" -le $((before + 1024)) ] || fail 'it grows'
try modprobe -r kxo
