#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the default guest's initramfs out of what fetch.sh has unpacked.
#
# usage: initramfs.sh BUSYBOX INIT OUT MODULES
#	BUSYBOX	the static riscv64 busybox
#	INIT	the static riscv64 init
#	OUT	the archive to write: cpio "newc", not compressed
#	MODULES	a folder like lib/modules, as modules.sh makes it
#
# The same input gives the same bytes: names are sorted, times 0, owners root, inodes counted.
# It is not compressed because unpacking costs the guest some 20 instructions a byte, and a copy
# less than one.
set -eu
export LC_ALL=C
umask 022

busybox=$1
init=$2
out=$3
modules=$4
here=$(dirname "$0")
work=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The names of the applets that a busybox binary holds. It cannot be asked: it is not for this CPU.
# They stand in it as one sorted run of NUL-ended strings that begins with "[" and "[[".
applets()
{
	tr '\0' '\n' <"$1" | awk '
	function valid(s) { return s ~ /^[a-z0-9][a-z0-9_.-]*$/ }
	$0 == "[[" { run = 1; last = ""; n = 0; next }
	run && valid($0) && $0 > last { name[n++] = last = $0; next }
	run && n > 100 { found = n; for (i = 0; i < n; i++) applet[i] = name[i] }
	{ run = 0 }
	END { for (i = 0; i < found; i++) print applet[i]; exit !found }'
}

root=$work/root
mkdir "$root"
(cd "$root" && mkdir -p bin dev etc lib mnt proc root run sys tmp usr var)
ln -s bin "$root/sbin"
ln -s ../bin "$root/usr/bin"
ln -s ../bin "$root/usr/sbin"
cp -R "$here/root/." "$root/"
install -m 755 "$init" "$root/init"
install -m 755 "$busybox" "$root/bin/busybox"
applets "$busybox" >"$work/applets" || {
	echo "linnet: $busybox: no list of applets in it" >&2
	exit 1
}
while read -r name; do
	[ -e "$root/bin/$name" ] || ln -s busybox "$root/bin/$name"
done <"$work/applets"
mkdir -p "$root/lib/modules"
cp -R "$modules/." "$root/lib/modules/"
chmod -R u=rwX,go=rX "$root"
find "$root" -exec touch -h -d @0 {} +

# The archive ends on a multiple of 512 bytes, so that another can be appended to it.
(cd "$root" && find . -mindepth 1 | sort |
	cpio --quiet -o -H newc -R 0:0 --reproducible) >"$work/cpio"
mv "$work/cpio" "$out"
