#!/bin/sh
# SPDX-License-Identifier: MIT
# What tests/system/rpmsg.sh has done in the guest: rpmsg_guest.sh CASE... Each that went well says so.

# Until a file is there: the kernel makes it when the announcement has come.
await() {
	for _ in $(seq 100); do
		[ ! -e "$1" ] || return 0
		sleep 0.1
	done
	echo "$1 does not come"
	exit 1
}

# Fails; why is in /tmp/said.
refused() {
	if "$@" 2>/tmp/said; then
		return 1
	fi
}

echoes() {
	linnet-rpmsg ping -n 992 rpmsg-raw
	linnet-rpmsg flood -n 3000 rpmsg-raw
}

# One byte more than a buffer has room for.
too_long() {
	refused dd if=/dev/zero of=/dev/rpmsg0 bs=497 count=1
	grep 'Message too long' /tmp/said
}

# The channel takes a millisecond for each message, the ring has 256: the sender has to wait.
slow() {
	file=$(linnet-rpmsg create slow -1 1027)
	linnet-rpmsg flood -n 400 "$file"
	linnet-rpmsg flood -N -n 400 "$file" | tee /tmp/said
	grep 'no buffer at times' /tmp/said
	linnet-rpmsg destroy "$file"
	[ ! -e "$file" ]
}

tty() {
	modprobe rpmsg_tty
	await /dev/ttyRPMSG0
	stty -F /dev/ttyRPMSG0 raw -echo
	exec 3<>/dev/ttyRPMSG0
	echo 'over the tty' >&3
	read -r line <&3
	exec 3>&-
	[ "$line" = 'over the tty' ]
}

sample() {
	modprobe rpmsg_client_sample
	for _ in $(seq 100); do
		! dmesg | grep 'rpmsg_client_sample .*goodbye!' || return 0
		sleep 0.1
	done
	return 1
}

several() {
	a=$(linnet-rpmsg create a -1 1024)
	b=$(linnet-rpmsg create b 77 1025)
	linnet-rpmsg list
	linnet-rpmsg list | grep -E '^rpmsg[0-9]+ +b +77 +1025$'
	linnet-rpmsg ping -n 300 "$a" &
	first=$!
	linnet-rpmsg ping -n 300 "$b" &
	second=$!
	linnet-rpmsg ping -n 300 rpmsg-raw
	wait $first
	wait $second
	printf 'one\ntwo\n' | linnet-rpmsg console -n 2 b >/tmp/said
	[ "$(cat /tmp/said)" = "$(printf 'one\ntwo')" ]
	linnet-rpmsg destroy "$a"
	linnet-rpmsg destroy "$b"
}

# A member of the group has this channel; neither another one nor the means to make one.
group() {
	echo 'some:x:99:nobody' >>/etc/group
	file=$(linnet-rpmsg create mine -1 1024 some)
	su -s /bin/sh nobody -c "linnet-rpmsg ping -n 50 $file"
	refused su -s /bin/sh nobody -c 'linnet-rpmsg create his -1 1024'
	grep 'rpmsg_ctrl0: Permission denied' /tmp/said
	refused su -s /bin/sh nobody -c 'linnet-rpmsg ping rpmsg-raw'
	grep 'rpmsg0: Permission denied' /tmp/said
	linnet-rpmsg destroy "$file"
}

# as USER COMMAND
as() {
	su -s /bin/sh "$1" -c "$2"
}

# await_owner FILE "USER GROUP MODE": init does it when the file has appeared.
await_owner() {
	for _ in $(seq 100); do
		[ "$(stat -c '%u %g %a' "$1" 2>/dev/null)" != "$2" ] || return 0
		sleep 0.1
	done
	ls -l "$1"
	return 1
}

# Members of a channel's group, or else of rpmsg, have the channel as soon as it is there, and that alone.
nodes() {
	printf 'alice:*:1001:1001::/:/bin/sh\nbob:*:1002:1002::/:/bin/sh\n' >>/etc/passwd
	sed -i 's/^rpmsg:.*/rpmsg:x:60:alice/' /etc/group
	echo 'rpmsg-tty:x:61:bob' >>/etc/group
	for _ in 1 2; do
		await_owner /dev/rpmsg0 '0 60 660'
		as alice 'linnet-rpmsg ping -n 50 rpmsg-raw'
		refused as bob 'linnet-rpmsg ping rpmsg-raw'
		grep 'rpmsg0: Permission denied' /tmp/said
		rmmod virtio_rpmsg_bus
		modprobe virtio_rpmsg_bus
	done
	rmmod rpmsg_tty 2>/dev/null || true
	modprobe rpmsg_tty
	await_owner /dev/ttyRPMSG0 '0 61 660'
	as bob 'exec 3<>/dev/ttyRPMSG0'
	refused as alice 'exec 3<>/dev/ttyRPMSG0'
	grep 'Permission denied' /tmp/said
	file=$(linnet-rpmsg create mine -1 1024)
	for user in alice bob; do
		refused as $user 'linnet-rpmsg create his -1 1024'
		grep 'rpmsg_ctrl0: Permission denied' /tmp/said
		refused as $user "linnet-rpmsg ping $file"
		grep 'Permission denied' /tmp/said
	done
	await_owner /dev/rpmsg_ctrl0 '0 0 600'
	linnet-rpmsg destroy "$file"
}

# Linux' side is taken away and comes back, while messages fly too.
again() {
	for _ in 1 2 3; do
		file=$(linnet-rpmsg create slow -1 1027)
		linnet-rpmsg flood -n 100 "$file" >/dev/null 2>&1 &
		linnet-rpmsg ping -n 20 rpmsg-raw
		rmmod virtio_rpmsg_bus
		wait
		[ ! -e /dev/rpmsg0 ]
		modprobe virtio_rpmsg_bus
		await /dev/rpmsg0
	done
	linnet-rpmsg ping -n 50 rpmsg-raw
}

modprobe rpmsg_ctrl
modprobe rpmsg_char
await /dev/rpmsg0
for name; do
	# A function's commands end it only if it is not asked for its status.
	(set -e; "$name")
	# shellcheck disable=SC2181 # see above
	[ $? -eq 0 ] || { echo "$name: failed"; exit 1; }
	echo "$name: well"
done
