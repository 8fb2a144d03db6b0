#!/bin/sh
# SPDX-License-Identifier: MIT
# Gets the default guest's kernel and busybox as Debian builds them for amd64, with what builds modules
# for that kernel: drivers are tried there too, also by 32-bit programs, which riscv64 does not run.
#
# usage: twin.sh [--cache DIR] [--mirror URI]
#	Options as for guest/image/fetch.sh. Prints lines "name=value":
#	kernel	vmlinuz
#	release	of the kernel
#	busybox	static
#	headers	for makefiles, on an amd64 host
#
# The headers want the parts that all architectures share and the tools of kbuild, so these come again
# and lie beside them. Like modpost (see guest/kbuild.sh), objtool is of a newer release than many a
# host, and gets its libraries and the loader of these.
set -eu
export LC_ALL=C
umask 022

guest=$(cd "$(dirname "$0")/../guest" && pwd)
# shellcheck source=guest/image/apt.sh
. "$guest/image/apt.sh"
# shellcheck source=guest/image/cache.sh
. "$guest/image/cache.sh"

# wrap PROGRAM: starts it with the libraries of the set that it is in.
wrap()
{
	mv "$1" "$1.bin"
	cat >"$1" <<-'END'
		#!/bin/sh
		program=$(realpath "$0")
		lib=${program%/usr/lib/linux-*}/lib
		exec "$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$program.bin" "$@"
	END
	chmod 755 "$1"
}

unpack()
{
	mkdir "$1/lib"
	for deb in "$1"/debs/*.deb; do
		case ${deb##*/} in
		linux-image-*)
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --wildcards './boot/vmlinuz-*'
			;;
		busybox-static_*)
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1/debs" --wildcards '*/busybox'
			find "$1/debs" -type f -name busybox -exec mv {} "$1/busybox" \;
			;;
		linux-*)
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --exclude='./usr/share' \
				--exclude='./usr/lib/modules'
			;;
		*)
			dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1/debs" --wildcards '*.so*'
			find "$1/debs" \( -type f -o -type l \) -name '*.so*' -exec mv -n {} "$1/lib/" \;
			;;
		esac
	done
	mv "$1"/boot/vmlinuz-* "$1/kernel"
	# shellcheck disable=SC2016 # for make to expand
	echo 'include $(dir $(lastword $(MAKEFILE_LIST)))../'"linux-headers-$base-common/Makefile" \
		>"$1/usr/src/linux-headers-$release/Makefile"
	rm -rf "${1:?}/boot" "$1/debs"
	wrap "$1/usr/lib/linux-kbuild-$base/scripts/mod/modpost.real-lsb-64"
	wrap "$1/usr/lib/linux-kbuild-$base/tools/objtool/objtool.real-x86"
}

fetch_twin()
{
	cache_new "$twin"
	apt_open "$new/apt" amd64 "$mirror"
	mkdir "$new/debs"
	say "downloading Linux $release and its headers, for tests"
	(cd "$new/debs" && apt_download "linux-image-$release=$version" \
		"linux-headers-$release=$version" "linux-headers-$base-common=$version" \
		"linux-kbuild-$base=$version" libc6 libelf1t64 zlib1g libzstd1 \
		busybox-static)
	rm -rf "$new/apt"
	say 'unpacking them'
	unpack "$new"
	echo "$packages" >"$new/packages"
	sums_write "$new" twin kernel busybox packages "usr/src/linux-headers-$release/Makefile" \
		"usr/src/linux-headers-$release/Module.symvers"
	cache_put "$twin"
}

of_guest()
{
	[ -n "$present" ] && [ "$(cat "$present/packages" 2>/dev/null)" = "$packages" ] &&
		sums_quick "$present" twin
}

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
mirror=
while [ $# -gt 0 ]; do
	case $1 in
	--cache)
		cache=${2:?}
		shift
		;;
	--mirror)
		mirror=${2:?}
		shift
		;;
	*) fail "usage: twin.sh [--cache DIR] [--mirror URI]" ;;
	esac
	shift
done
cache=$(realpath -m "$cache")
twin=$cache/twin

cache_find "$cache/guest"
[ -n "$present" ] || fail 'there is no default guest yet: linnet fetch'
read -r image version <"$present/packages"
release=${image#linux-image-}
base=${release%-*}
release=$base-amd64
packages="twin $release $version busybox"
cache_find "$twin"
if ! of_guest; then
	need_tools apt-get:apt dpkg-deb:dpkg xz:xz-utils flock:util-linux || exit 1
	cache_lock "$twin"
	despair="Linux $release could not be downloaded"
	of_guest || fetch_twin
	despair=
	cache_unlock
fi
cat <<-END
	kernel=$present/kernel
	release=$release
	busybox=$present/busybox
	headers=$present/usr/src/linux-headers-$release
END
