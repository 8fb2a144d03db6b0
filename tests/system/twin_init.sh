#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The init of a machine that drivers.sh makes of Debian's amd64 kernel: runs the drivers' tests, says
# "status: N" on the console, and switches the machine off.
/bin/busybox --install -s /bin
export PATH=/bin
echo 'root::0:0:root:/:/bin/sh
nobody:*:65534:65534:nobody:/:/bin/false' >/etc/passwd
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
mkdir /dev/pts
mount -t devpts devpts /dev/pts
chmod 1777 /tmp
echo "kernel: $(uname -r) $(uname -m)"
sh /test/run.sh short scull kxo &&
	sh /test/run.sh foreign irqlab &&
	echo '32 bits' && sh /test32/run.sh short scull kxo
echo "status: $?"
sync
poweroff -f
