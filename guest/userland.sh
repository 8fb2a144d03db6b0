#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a disk with Debian's programs for the guest, without root: see docs/guest.md.
#
# usage: userland.sh [OPTION...] PACKAGE...
#	--cache DIR	as for image/fetch.sh, and so is the next
#	--mirror URI
#	--update	look for newer packages; without it, a disk that is there is kept
#	--size SIZE	of the disk (as for truncate); default: half a gigabyte stays free
#	--copy FILE	make FILE, a copy to write to
#
# Prints lines "name=value": image (an ext4, sparse; the cache's own or the copy) and packages (a list
# of what is in it). Debian's essential packages and all that the given ones depend on are in it.
#
# The packages are only unpacked. Their maintainer scripts would have to run in the guest, as root, and
# most have little to do where nothing is upgraded or started; what programs would miss is made by
# settle(). Documentation and translations are left out.
#
# In the cache each list of packages has a directory of its own, userland/KEY, which may be removed.
set -eu
export LC_ALL=C
umask 022
PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=guest/image/apt.sh
. "$here/image/apt.sh"
# shellcheck source=guest/image/cache.sh
. "$here/image/cache.sh"
# shellcheck source=guest/image/ext4.sh
. "$here/image/ext4.sh"

usage()
{
	sed -n 's/^# usage: /usage: /p; s/^#	--/	--/p' "$0" >&2
	exit 2
}

# Everything that decides what the disk looks like, beyond the packages' versions.
userland_key()
{
	{
		cat "$0" "$here/image/ext4.sh" "$here/image/enter"
		echo "size $size"
		printf '%s\n' "$@" | sort -u
	} | sha256sum | cut -c 1-16
}

# Unpacks the packages in $1/debs into $1/root. base-files comes first: it has the links /bin, /lib and
# /sbin into /usr, which directories of other packages must not replace. Root owns all, at once or by
# own().
unpack()
{
	mkdir "$1/root"
	for deb in "$1"/debs/base-files_*.deb "$1"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1/root" --keep-directory-symlink \
			--no-same-owner --same-permissions --exclude='./usr/share/doc/*' \
			--exclude='./usr/share/info/*' --exclude='./usr/share/locale/*' \
			--exclude='./usr/share/man/*'
	done
}

# What maintainer scripts, or the installer of a whole system, would have made.
settle()
{
	for name in passwd group; do
		cp "$1/usr/share/base-passwd/$name.master" "$1/etc/$name"
	done
	[ -e "$1/usr/bin/awk" ] || ln -s mawk "$1/usr/bin/awk"
	echo linnet >"$1/etc/hostname"
	echo '127.0.0.1 localhost linnet' >"$1/etc/hosts"
	: >"$1/etc/resolv.conf"
	install -m 755 "$here/image/enter" "$1/enter"
}

# Makes root the owner of everything on the file system $2, made of the tree $1 by another user.
own()
{
	[ "$(id -u)" != 0 ] || return 0
	find "$1" -mindepth 1 -printf 'sif "/%P" uid 0\nsif "/%P" gid 0\n' >"$2.commands"
	debugfs -w -f "$2.commands" "$2" >"$2.log" 2>&1
	if grep -v '^debugfs' "$2.log" >&2; then
		return 1
	fi
	rm "$2.commands" "$2.log"
}

make_image()
{
	files=$(find "$1/root" | wc -l)
	used=$(du -s -B 1M "$1/root" | cut -f 1)
	ext4_make "$1/image" "${size:-$((used + used / 16 + 576))M}" \
		6c696e6e-6574-4064-8000-000000000002 -J size=16 -N $((files + 65536)) \
		-d "$1/root"
	own "$1/root" "$1/image"
	sums_write "$1" userland image packages
}

# Downloads the packages and puts the disk in place, unless the present one is of the same.
make_set()
{
	cache_new "$userland"
	apt_open "$new/apt" riscv64 "$mirror"
	apt_files '?essential' "$@" | sort >"$new/packages"
	[ -s "$new/packages" ]
	if [ -n "$present" ] && cmp -s "$new/packages" "$present/packages"; then
		rm -rf "$new"
		new=
		say 'the userland is up to date'
		return 0
	fi
	say "downloading $(wc -l <"$new/packages") packages"
	apt_private apt-get -y --download-only install '?essential' "$@"
	mv "$new/apt/cache/archives" "$new/debs"
	rm -rf "$new/apt"
	say 'unpacking them'
	unpack "$new"
	rm -rf "$new/debs"
	settle "$new/root"
	say 'making the disk'
	make_image "$new"
	rm -rf "$new/root"
	cache_put "$userland"
}

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
mirror=
update=
size=
copy=
while [ $# -gt 0 ]; do
	case $1 in
	--update) update=1 ;;
	--cache | --mirror | --size | --copy)
		[ $# -ge 2 ] || usage
		case $1 in
		--cache) cache=$2 ;;
		--mirror) mirror=$2 ;;
		--size) size=$2 ;;
		--copy) copy=$2 ;;
		esac
		shift
		;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || usage
[ -z "$copy" ] || [ ! -e "$copy" ] || fail "$copy exists already"
userland=$(realpath -m "$cache")/userland/$(userland_key "$@")

cache_find "$userland"
if [ -n "$update" ] || [ -z "$present" ] || ! sums_quick "$present" userland; then
	need_tools apt-get:apt dpkg-deb:dpkg mke2fs:e2fsprogs debugfs:e2fsprogs flock:util-linux || exit 1
	cache_lock "$userland"
	despair='the userland could not be made'
	[ -z "$present" ] || sums_good "$present" userland || present=
	if [ -z "$present" ] || [ -n "$update" ]; then
		make_set "$@"
	fi
	despair=
	cache_unlock
fi
image=$present/image
if [ -n "$copy" ]; then
	cp --sparse=always "$image" "$copy"
	image=$copy
fi
echo "image=$image"
echo "packages=$present/packages"
