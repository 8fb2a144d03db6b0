#!/bin/sh
# SPDX-License-Identifier: MIT
# Gets the default guest, and keeps it in a cache: see docs/guest.md.
#
# usage: fetch.sh [--cache DIR] [--init FILE] [--mirror URI] [--update] [--print] [--kernel NAME]...
#	--cache DIR	default: $XDG_CACHE_HOME/linnet or ~/.cache/linnet
#	--init FILE	the static riscv64 init; default: "init" beside this script
#	--mirror URI	where Debian is; default: what this host's apt is set up with
#	--update	look for newer packages; without it, a set that is there is kept
#	--print		print what the set consists of, as lines "name=value"
#	--kernel NAME	also build this kernel of Linnet's own, small or debug; --print then tells of it
#			in place of Debian's
#
# A set (see cache.sh) holds
#	kernel busybox modules/ release packages	out of Debian's packages
#	disk					an empty ext4, sparse
#	initrd.KEY				KEY: checksum of init and recipes
# and for each of these three lines a NAME.sums. What is damaged is made or fetched again.
set -eu
export LC_ALL=C
umask 022
PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=guest/image/apt.sh
. "$here/apt.sh"
# shellcheck source=guest/image/cache.sh
. "$here/cache.sh"
# shellcheck source=guest/image/ext4.sh
. "$here/ext4.sh"
# shellcheck source=guest/image/extras.sh
. "$here/extras.sh"

# The modules that the guest loads by itself or that its users would miss. The order matters: a module
# stands before those that ask for it by an alias.
modules='crc32c_generic virtio_mmio virtio_blk virtio_net virtio-rng ext4'
# Those of the power button, the balloon and vsock, loaded where the machine has one.
rare_modules='virtio_input evdev virtio_balloon vmw_vsock_virtio_transport'
# What the Duo boards have drivers for, with the device tree that the kernel's package has for them.
duo_modules='clk-sophgo-cv1800 gpio-dwapb spi-dw-mmio i2c-designware-platform'
# Those of parts that a user puts on the boards' wires: docs/spi.md.
wire_modules='spi-nor mtdblock mcp320x i2c-dev at24'
dtbs='sophgo/cv1800b-milkv-duo.dtb'

# Kernel options. cryptomgr.notests: the self-tests of crypto algorithms are a third of the
# instructions of a boot. "panic=-1" makes a panic a reset, which the host sees at once. With "earlycon" a
# kernel that dies before it has a console says why.
append='console=ttyS0 earlycon panic=-1 cryptomgr.notests'

usage()
{
	sed -n 's/^# usage: /usage: /p; s/^#	--/	--/p' "$0" >&2
	exit 2
}

# --- the parts of a set ---------------------------------------------------------------------------

# Everything that decides what the initramfs looks like, beyond the set.
initrd_key()
{
	(
		cd "$here"
		cat "$init" initramfs.sh
		find root -type f | sort | while read -r file; do
			echo "$file"
			cat "$file"
		done
	) | sha256sum | cut -c 1-16
}

make_initrd()
{
	"$here/initramfs.sh" "$1/busybox" "$init" "$1/initrd.$key" "$1/modules"
	sums_write "$1" "initrd.$key" "initrd.$key"
	# Each build of init has its own; the last four are kept.
	find "$1" -maxdepth 1 -name 'initrd.*' ! -name '*.sums' -printf '%T@ %p\n' | sort -rn |
		sed '1,4d; s/^[^ ]* //' | while read -r old; do
		rm -f "$old" "$old.sums"
	done
}

make_disk()
{
	ext4_make "$1/disk" 256M 6c696e6e-6574-4064-8000-000000000001 -J size=4 -N 16384
	sums_write "$1" disk disk
}

# make_base SET IMAGE-PACKAGE: unpacks the downloaded packages.
make_base()
{
	say "unpacking the kernel and its modules"
	mkdir "$1/unpacked" "$1/modules"
	dpkg-deb --fsys-tarfile "$1"/debs/busybox-static_*.deb | tar -x -C "$1/unpacked"
	dpkg-deb --fsys-tarfile "$1/debs/$2"_*.deb | tar -x -C "$1/unpacked" --wildcards \
		'./boot/vmlinu*' '*/lib/modules/*' '*.dtb'
	find "$1/unpacked" -path '*/bin/busybox' -type f -exec mv {} "$1/busybox" \;
	mv "$1"/unpacked/boot/vmlinu* "$1/kernel"
	tree=$(find "$1/unpacked" -path '*/lib/modules/*' -prune -type d)
	basename "$tree" >"$1/release"
	mkdir "$1/dtb"
	for dtb in $dtbs; do
		find "$1/unpacked" -path "*/$dtb" -exec mv {} "$1/dtb" \;
	done
	# shellcheck disable=SC2086 # a list of names
	"$here/modules.sh" "$tree" "$1/modules/$(cat "$1/release")" $modules $rare_modules $duo_modules \
		$wire_modules
	rm -rf "$1/unpacked" "$1/debs"
	# shellcheck disable=SC2046 # names without blanks
	sums_write "$1" base kernel busybox release packages $(cd "$1" && find modules dtb -type f)
}

# Downloads a set and puts it in place, unless the present one is as new. Fails with the old set
# untouched.
fetch_set()
{
	cache_new "$guest"
	apt_open "$new/apt" riscv64 "$mirror"
	image=$(apt_private apt-cache show --no-all-versions linux-image-riscv64 |
		sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
	[ -n "$image" ]
	{
		echo "$image $(apt_version "$image")"
		echo "busybox-static $(apt_version busybox-static)"
		echo "modules $modules"
		echo "modules $rare_modules"
		echo "modules $duo_modules"
		echo "modules $wire_modules"
		echo "dtbs $dtbs"
	} >"$new/packages"
	if [ -n "$present" ] && cmp -s "$new/packages" "$present/packages"; then
		rm -rf "$new"
		new=
		say "the default guest is up to date"
		return 0
	fi
	say "downloading $image and busybox-static"
	mkdir "$new/debs"
	(cd "$new/debs" && apt_download "$image" busybox-static)
	rm -rf "$new/apt"
	make_base "$new" "$image"
	say 'making the disk'
	make_disk "$new"
	make_initrd "$new"
	cache_put "$guest"
}

# --- what to do -----------------------------------------------------------------------------------

# Whether the set in use holds the modules that this version of Linnet wants.
modules_current()
{
	grep -qxF "modules $modules" "$present/packages" 2>/dev/null &&
		grep -qxF "modules $rare_modules" "$present/packages" &&
		grep -qxF "modules $duo_modules" "$present/packages" &&
		grep -qxF "modules $wire_modules" "$present/packages" &&
		grep -qxF "dtbs $dtbs" "$present/packages"
}

# Brings the cache up to date under its lock.
work()
{
	cache_lock "$guest"
	if [ -n "$present" ] && ! sums_good "$present" base; then
		say 'the default guest in the cache is damaged'
		present=
	elif [ -n "$present" ] && ! modules_current; then
		say 'the default guest in the cache is of another version of Linnet'
		present=
	fi
	if [ -z "$present" ]; then
		despair='the default guest could not be downloaded. Give one by hand: linnet run'
		despair="$despair --kernel FILE --initrd FILE --disk path=FILE"
		fetch_set
	elif [ -n "$update" ]; then
		despair='the update failed; the default guest of before is kept'
		fetch_set
	fi
	despair=
	sums_good "$present" disk || make_disk "$present"
	sums_good "$present" "initrd.$key" || make_initrd "$present"
	cache_unlock
}

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
init=$here/init
mirror=
update=
print=
kernels=
while [ $# -gt 0 ]; do
	case $1 in
	--update) update=1 ;;
	--print) print=1 ;;
	--cache | --init | --mirror | --kernel)
		[ $# -ge 2 ] || usage
		case $1 in
		--kernel) kernels="$kernels $2" ;;
		--cache) cache=$2 ;;
		--init) init=$2 ;;
		--mirror) mirror=$2 ;;
		esac
		shift
		;;
	*) usage ;;
	esac
	shift
done
[ -r "$init" ] || fail "$init: there is no init to put into the guest"
init=$(realpath "$init")
cache=$(realpath -m "$cache")
guest=$cache/guest
key=$(initrd_key)

cache_find "$guest"
if [ -n "$update" ] || [ -z "$present" ] ||
	! sums_quick "$present" base disk "initrd.$key" || ! modules_current; then
	need_tools apt-get:apt dpkg-deb:dpkg cpio:cpio mke2fs:e2fsprogs xz:xz-utils \
		flock:util-linux riscv64-linux-gnu-objcopy:binutils-riscv64-linux-gnu || exit 1
	work
fi
read -r _ version <"$present/packages"
own=
# Not to be gone before what is started here has cleaned up.
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for name in $kernels; do
	own=$(sh "$here/../kernel.sh" --cache "$cache" --init "$init" ${mirror:+--mirror "$mirror"} \
		--print "$name" "$version") || exit 1
done
[ -n "$print" ] || exit 0
cat <<-END
	initrd=$present/initrd.$key
	disk=$present/disk
	append=$append
	append_off=$append linnet.mode=off
	dtb=$present/dtb
END
if [ -n "$own" ]; then
	printf '%s\n' "$own"
	exit 0
fi
cat <<-END
	kernel=$present/kernel
	version=$(cat "$present/release")
END
wanted=$(extras_wanted "$here/../drivers" "$(cat "$present/release")" "$present")
extras_print "$cache/extras" "$wanted"
