#!/bin/sh
# SPDX-License-Identifier: MIT
# Gets what tests compare Linnet with, and what they run on it: Debian trixie's qemu-user and
# qemu-system-riscv, newer than what the host may have, OpenSBI and U-Boot. They are unpacked into the
# cache, not installed; the emulators run with their own loader and libraries.
#
# usage: peers.sh [--cache DIR] [--mirror URI] [--update]
#	Options as for guest/image/fetch.sh. Prints lines "name=value":
#	qemu_user	qemu-riscv64, a static program
#	qemu_system	a script that runs qemu-system-riscv64
#	version		of both
#	opensbi		a directory with OpenSBI's fw_jump and fw_dynamic
#	uboot		a directory with U-Boot's qemu-riscv64 and qemu-riscv64_smode
set -eu
export LC_ALL=C
umask 022

image=$(cd "$(dirname "$0")/../guest/image" && pwd)
# shellcheck source=guest/image/apt.sh
. "$image/apt.sh"
# shellcheck source=guest/image/cache.sh
. "$image/cache.sh"

# Unpacks the packages in $1/debs into $1, and writes the script that starts the system emulator.
unpack()
{
	for deb in "$1"/debs/*.deb; do
		case ${deb##*/} in
		qemu-user_*) # 400 MB of other CPUs' emulators stay out
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" ./usr/bin/qemu-riscv64
			;;
		u-boot-qemu_*)
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --wildcards './usr/lib/u-boot/*riscv64*'
			;;
		*) dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --keep-directory-symlink ;;
		esac
	done
	loader=$(cd "$1" && find . -name 'ld-linux*.so.*' | head -n 1)
	libraries=$(cd "$1" && find . -name 'libc.so.6' -printf '%h\n' | head -n 1)
	[ -n "$loader" ] && [ -n "$libraries" ]
	cat >"$1/qemu-system-riscv64" <<-END
		#!/bin/sh
		d=\$(dirname "\$0")
		export QEMU_MODULE_DIR="\$d/$libraries/qemu"
		exec "\$d/$loader" --library-path "\$d/$libraries" "\$d/usr/bin/qemu-system-riscv64" \\
			-L "\$d/usr/share/qemu" -L "\$d/usr/lib/riscv64-linux-gnu/opensbi/generic" "\$@"
	END
	chmod 755 "$1/qemu-system-riscv64"
}

# Whether a set is one of today: older ones have no U-Boot.
has_all()
{
	[ -e "$1/usr/lib/u-boot/qemu-riscv64/u-boot.bin" ]
}

fetch_peers()
{
	cache_new "$peers"
	apt_open "$new/apt" "$(dpkg --print-architecture)" "$mirror"
	apt_version qemu-system-riscv | sed 's/^[0-9]*://; s/[+-].*//' >"$new/version"
	[ -s "$new/version" ]
	if [ -n "$present" ] && cmp -s "$new/version" "$present/version"; then
		rm -rf "$new"
		new=
		say 'the peer emulators are up to date'
		return 0
	fi
	say 'downloading qemu-user, qemu-system-riscv, OpenSBI and U-Boot for tests'
	# Nothing is installed in this apt's eyes, so it brings all that is needed.
	apt_private apt-get -y --download-only install qemu-user qemu-system-riscv \
		opensbi u-boot-qemu
	mv "$new/apt/cache/archives" "$new/debs"
	rm -rf "$new/apt"
	say 'unpacking them'
	unpack "$new"
	rm -rf "$new/debs"
	sums_write "$new" peers version qemu-system-riscv64 usr/bin/qemu-riscv64 \
		usr/bin/qemu-system-riscv64 usr/lib/u-boot/qemu-riscv64/u-boot.bin
	cache_put "$peers"
}

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
mirror=
update=
while [ $# -gt 0 ]; do
	case $1 in
	--update) update=1 ;;
	--cache)
		cache=${2:?}
		shift
		;;
	--mirror)
		mirror=${2:?}
		shift
		;;
	*) fail "usage: peers.sh [--cache DIR] [--mirror URI] [--update]" ;;
	esac
	shift
done
cache=$(realpath -m "$cache")
peers=$cache/peers

cache_find "$peers"
if [ -n "$update" ] || [ -z "$present" ] || ! has_all "$present" ||
	! sums_quick "$present" peers; then
	need_tools apt-get:apt dpkg-deb:dpkg flock:util-linux || exit 1
	cache_lock "$peers"
	despair='the emulators to compare with could not be downloaded'
	[ -z "$present" ] || { has_all "$present" && sums_good "$present" peers; } || present=
	if [ -z "$present" ] || [ -n "$update" ]; then
		fetch_peers
	fi
	despair=
	cache_unlock
fi
cat <<-END
	qemu_user=$present/usr/bin/qemu-riscv64
	qemu_system=$present/qemu-system-riscv64
	version=$(cat "$present/version")
	opensbi=$present/usr/lib/riscv64-linux-gnu/opensbi/generic
	uboot=$present/usr/lib/u-boot
END
