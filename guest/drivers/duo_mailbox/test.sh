#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: test.sh short|long
# Tries duo_mailbox beside the firmware guest/firmware/bare/remote.c, which runs already.
. ../testing.sh

rounds=100
[ "$1" = short ] || rounds=1000
[ ! -e /sys/kernel/debug/kmemleak ] || rounds=$((rounds / 20)) # a kernel that looks at each byte

# Both were loaded when the guest found the devices; it uses the other.
[ ! -d /sys/module/duo_rproc ] || try rmmod duo_rproc
try modprobe duo_mailbox
echo '- commands, replies, time-outs, signals, news, buffers, a lock that is held'
try duo-cmdqu
dmesg | grep -q 'duo_mailbox.*rang without a message' || fail 'a channel that rang without a message passed'
dmesg | grep -q 'duo_mailbox.*holds the mailbox' || fail 'a lock that is held passed'

if [ -n "$(modinfo duo_mailbox_client 2>/dev/null)" ]; then
	echo '- a client of the mailbox framework'
	try modprobe duo_mailbox_client words=0x11300,2
	dmesg | grep -q 'duo_mailbox_client: reply 0x1001300 0x4$' || fail 'its reply'
	try rmmod duo_mailbox_client
	try duo-cmdqu led
	refuse modprobe duo_mailbox_client words=0x11000,0 # no reply
	try duo-cmdqu led
fi

echo "- $rounds times unloaded and loaded"
exec 3<>/dev/cvi-rtos-cmdqu
refuse rmmod duo_mailbox
exec 3>&-
for _ in $(seq "$rounds"); do
	try rmmod duo_mailbox
	try modprobe duo_mailbox
	try duo-cmdqu led
done
expect 'interrupts' "$(grep -c 1900000.mailbox /proc/interrupts)" 1

echo '- a core that is stuck, and channels that stay full'
try duo-cmdqu full
try rmmod duo_mailbox
