#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
. ../testing.sh
sys=/sys/class/scull
debug=/sys/kernel/debug/scull

# Small sets and little memory, so that tests meet their ends.
load()
{
	try modprobe scull qset=10 limit=4194304
}

unload()
{
	try modprobe -r scull
}

# fifo_as_kernels SEED OPERATIONS: the same program's words about a FIFO of the kernel's and of ours.
fifo_as_kernels()
{
	[ -p /tmp/fifo ] || try mkfifo /tmp/fifo
	scull-fifo /tmp/fifo "$1" "$2" >/tmp/wanted || fail "$(tail -n 3 /tmp/wanted)"
	scull-fifo /dev/scullpipe1 "$1" "$2" >/tmp/got || fail "$(tail -n 3 /tmp/got)"
	diff /tmp/wanted /tmp/got >/tmp/diff || fail "seed $1: another FIFO: $(head -n 20 /tmp/diff)"
}

nodes()
{
	for node in scull0 scull1 scull2 scull3 scullpipe0 scullpipe1 scullpipe2 scullpipe3 \
		scullsingle sculluid scullwuid scullpriv; do
		expect "the node $node" "$(stat -c '%a %F' /dev/$node)" '666 character special file'
	done
}

shell_commands()
{
	try cp /bin/busybox /dev/scull0
	try cmp /bin/busybox /dev/scull0
	try cp /dev/scull0 /tmp/copy
	try cmp /bin/busybox /tmp/copy
	expect 'size in sysfs' "$(cat $sys/scull0/size)" "$(stat -c %s /bin/busybox)"
	echo one >/dev/scull1
	echo two >>/dev/scull1
	expect 'what was redirected' "$(tr '\n' ' ' </dev/scull1)" 'one two '
	dd if=/dev/zero of=/dev/scull2 bs=1 count=1 seek=1000000 2>/dev/null || fail 'dd seek'
	expect 'allocated' "$(cat $sys/scull2/allocated)" 4096
	dd if=/dev/scull2 bs=1000 skip=1 count=2 2>/dev/null | tr -d '\0' | wc -c >/tmp/n
	expect 'what is not zero in a hole' "$(cat /tmp/n)" 0
	grep -q '^scull2: size 1000001 allocated 4096 quantum 4096 qset 10$' $debug/mem ||
		fail "$(cat $debug/mem)"
	grep -q '^  set 24: 1 quanta$' $debug/mem || fail "$(cat $debug/mem)"
	grep -q '^scullpipe3: stream capacity 4096 bytes 0 readers 0 writers 0$' $debug/pipes ||
		fail "$(cat $debug/pipes)"
	grep -q '^sculluid: files 0 size 0 allocated 0$' $debug/access || fail "$(cat $debug/access)"
	: >/dev/scull0
	expect 'emptied' "$(cat $sys/scull0/size $sys/scull0/allocated | tr '\n' ' ')" '0 0 '
}

# Random I/O in quanta of this size.
fsx()
{
	echo "$1" >$sys/scull3/quantum || fail "quantum $1"
	try scull-fsx /dev/scull3 "$2" "$3"
}

short()
{
	echo '- bad parameters are refused'
	refuse modprobe scull quantum=15
	refuse modprobe scull quantum=1048577
	refuse modprobe scull qset=0
	refuse modprobe scull qset=65537
	load
	echo '- the nodes are there, for all'
	nodes
	echo '- cp, cat, dd and redirection'
	shell_commands
	echo '- requests, opens, seeks, limits, mappings, splices'
	try scull-mem /dev/scull0
	echo '- random I/O against a model'
	fsx 4096 500 1
	fsx 16 100 2
	fsx 8192 200 3
	echo '- ioctls and sysfs'
	try scull-ioctl /dev/scull0 /dev/scullpipe0 $sys/scull0
	echo '- who may open'
	try scull-access
	echo '- pipes'
	try scull-pipe /dev/scullpipe0
	echo '- a FIFO as the kernel'"'"'s'
	echo 1 >$sys/scullpipe1/fifo || fail 'fifo'
	fifo_as_kernels 1 500
	exec 3<>/dev/scullpipe1
	refuse sh -c "echo 0 >$sys/scullpipe1/fifo"
	exec 3<&-
	echo '- threads'
	try scull-stress 1
	echo '- calls without memory'
	try scull-fault
	echo '- it does not unload while it is in use'
	exec 3</dev/scull0
	refuse modprobe -r scull
	exec 3<&-
	unload
	[ ! -e /dev/scull0 ] || fail '/dev/scull0 is still there'
}

# Traffic that goes on while the module comes and goes under it.
traffic()
{
	while [ ! -e /tmp/stop ]; do
		dd if=/bin/busybox of=/dev/scull0 bs=10000 count=20 conv=notrunc
		dd if=/dev/scull0 of=/dev/null bs=10000
		echo line >/dev/scullpipe0
		rm -f /dev/scull0.not
	done 2>/dev/null
}

long()
{
	echo '- loaded and unloaded 100 times'
	for _ in $(seq 100); do
		load
		echo something >/dev/scull0
		unload
	done
	echo '- and 100 times under traffic'
	rm -f /tmp/stop
	traffic &
	traffic &
	for _ in $(seq 100); do
		load
		cat /bin/busybox >/dev/scull1
		until rmmod scull 2>/dev/null; do :; done
	done
	: >/tmp/stop
	wait
	rm -f /dev/scull* # files that the traffic made while there were no devices
	load
	echo '- many FIFOs of random traffic'
	echo 1 >$sys/scullpipe1/fifo || fail 'fifo'
	for seed in $(seq 2 11); do
		fifo_as_kernels "$seed" 5000
	done
	echo '- much random I/O'
	for quantum in 16 100 4000 4096 8192 65536 1000000; do
		fsx $quantum 3000 $quantum
	done
	echo '- threads'
	try scull-stress 60
	unload
	echo '- loading without memory'
	try scull-fault 1
	# The kernel tells where it was when it got no memory; nothing else may be there.
	dmesg | grep -E 'BUG:|WARNING:|Oops' && fail 'the kernel complains'
	dmesg -c >/dev/null
}

"$1"
