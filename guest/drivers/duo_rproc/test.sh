#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: test.sh short|long
# Tries duo_rproc with the firmware of guest/firmware: bare/remote.c and apps/rpmsg.c, which lie in
# /lib/firmware.
. ../testing.sh

rounds=3
[ "$1" = short ] || rounds=100
rproc=/sys/class/remoteproc/remoteproc0

state()
{
	expect state "$(cat $rproc/state)" "$1"
}

# tell FILE WORD
tell()
{
	echo "$2" >$rproc/"$1" || fail "$2 to $1"
}

refuse_word() # FILE WORD ERROR
{
	got=$( (echo "$2" >$rproc/"$1") 2>&1) && fail "$1 took $2"
	case $got in *"$3"*) ;; *) fail "$1, $2: $got" ;; esac
}

# After the core was reset it speaks on its own after a while.
until_up()
{
	until grep -q '^up' $rproc/trace; do sleep 0.02; done
}

try modprobe duo_mailbox
try modprobe duo_rproc
dmesg | grep -q 'duo_rproc.*: assigned reserved memory node pool@8fc20000$' || fail 'it has no pool'
echo '- what runs already, and words that do not fit'
expect name "$(cat $rproc/name)" duo-c906l
state detached
refuse_word state start 'resource busy'
refuse_word firmware remote.elf 'resource busy'
tell state stop
state offline
refuse_word state stop 'Invalid argument'
refuse_word state sideways 'Invalid argument'
refuse_word firmware '' 'Invalid argument'
tell firmware none.elf
refuse_word state start 'No such file'
dmesg | grep -q 'duo_rproc.*: none.elf cannot be read: -2$' || fail 'no word about it'

echo '- firmware that is of no use'
dmesg -c >/dev/null
n=$(duo-bad /lib/firmware/remote.elf) || fail "$n"
state offline
[ "$(dmesg | grep -c 'duo_rproc.*: bad.elf ')" -ge "$n" ] || fail "no word about some of $n"

echo '- it runs, is stopped, and runs again'
tell firmware remote.elf
for _ in $(seq $rounds); do
	tell state start
	state running
	until_up
	refuse_word state start 'resource busy'
	refuse_word firmware none.elf 'resource busy'
	try duo-cmdqu led
	tell state stop
	state offline
done

echo '- a core that is stuck, with interrupts off, by a crash, with the lock'
for way in full crash hold; do
	tell state start
	until_up
	try duo-cmdqu $way
	tell state stop
done
tell state start
until_up
try duo-cmdqu lost
try duo-cmdqu led

tell state stop

echo "- RPMsg, and $rounds times stopped and started under traffic"
for module in virtio_rpmsg_bus rpmsg_ns rpmsg_char rpmsg_ctrl; do
	try modprobe $module
done
tell firmware rpmsg.elf
tell state start
until [ -e /dev/rpmsg0 ]; do sleep 0.02; done
file=$(linnet-rpmsg create ping-pong 0x41e 30) || fail 'no second endpoint'
n=$(linnet-rpmsg ping-pong "$file" | grep -c '^ping-pong hop=[0-9]*$')
expect hops "$n" 32
try linnet-rpmsg destroy "$file"
try duo-rpmsg sizes

echo "- Linux' side goes and comes back, and the core runs on"
for _ in 1 2 3; do
	try rmmod virtio_rpmsg_bus
	[ ! -e /dev/rpmsg0 ] || fail 'the channel is still there'
	try modprobe virtio_rpmsg_bus
	try duo-rpmsg sizes
done
tell state stop
[ ! -e /dev/rpmsg0 ] || fail 'the channel is still there'
try duo-rpmsg cycles $rounds

echo '- a core that lies in a ring, and one that takes nothing from it'
tell firmware remote.elf
lie() # WAY COMPLAINT
{
	dmesg -c >/dev/null
	tell state start
	until_up
	try duo-cmdqu "$1"
	n=0
	until dmesg | grep -q "$2"; do
		[ $((n += 1)) -lt 500 ] || fail "$1: no complaint"
		sleep 0.02
	done
	tell state stop
}
lie id 'id 70000 out of range'
lie index 'msg received with no recipient'
lie length 'inbound msg too big'
tell state start
until_up
try duo-rpmsg full
tell state stop
if [ "$1" = long ]; then
	tell state start
	until_up
	try duo-rpmsg blocked
	state offline
fi

echo '- what it left is cleared away'
dmesg -c >/dev/null
try rmmod duo_rproc
[ ! -e /sys/class/remoteproc ] || fail 'the class is still there'
try modprobe duo_rproc
dmesg | grep -q 'duo_rproc.*: assigned reserved memory node pool@8fc20000$' || fail 'its pool was not free'
state offline
tell firmware remote.elf
tell state start
until_up
try duo-cmdqu led
try rmmod duo_rproc
try rmmod duo_mailbox
