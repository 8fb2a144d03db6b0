#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds kernel modules for a kernel of the default guest: see docs/drivers.md.
#
# usage: kbuild.sh [OPTION...] [DIR [MAKE-ARGUMENT...]]
#	--cache DIR	as for image/fetch.sh, and so are the next two
#	--init FILE
#	--mirror URI
#	--kernel NAME	for one of Linnet's own kernels, small or debug, which is built if it is not there
#	--source	get the kernel's source too
#	--source-only	get it, but neither headers nor tools
#	--extras	build Linnet's own drivers (drivers/*), for `linnet run` to bring along
#	--cached	with --extras: download nothing of the kernel's source, and leave out those drivers
#			that want files of it which are not in the cache
#	--parts		only get these files, and print where they are
#	--print		print lines "name=value": release, headers, source
#
# DIR has a Kbuild or Makefile that names modules in obj-m. Standard output gets the path of each module
# that was built; all else goes to standard error. The exit status is make's.
#
# Sets in the cache (see cache.sh), all for exactly the guest's kernel:
#	kbuild/	Debian's headers, and its kbuild tools for this host's CPU
#	source/	linux/, the source with Debian's changes
#	parts/	linux/, no more of it than the drivers' files "from-kernel" name
#	extras/	cpio, Linnet's own drivers with the indexes for all modules of the guest, and the
#		drivers' programs
#	extras-NAME/	the same for the kernel NAME, which has its headers beside it (see kernel.sh)
#
# These tools are of the guest's release, which is newer than many a host. Only one of them needs the
# newer C library, modpost: it gets its own copy, and is started by that copy's loader.
set -eu
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=guest/image/apt.sh
. "$here/image/apt.sh"
# shellcheck source=guest/image/cache.sh
. "$here/image/cache.sh"
# shellcheck source=guest/image/extras.sh
. "$here/image/extras.sh"

usage()
{
	sed -n 's/^# usage: /usage: /p; s/^#	--/	--/p' "$0" >&2
	exit 2
}

# --- what the cache holds -------------------------------------------------------------------------

ask_fetch()
{
	sh "$here/image/fetch.sh" --cache "$cache" ${init:+--init "$init"} ${mirror:+--mirror "$mirror"} \
		--print "$@"
}

# Sets $release (of the kernel, as uname -r says it) and $version (of its package).
find_guest()
{
	guest=$(ask_fetch) || exit 1
	release=$(echo "$guest" | sed -n 's/^version=//p')
	kernel=$(echo "$guest" | sed -n 's/^kernel=//p')
	read -r image version <"${kernel%/*}/packages"
	guest=${kernel%/*}
	if [ "$image" != "linux-image-$release" ]; then
		fail "the default guest's kernel $release is not of the package $image"
	fi
}

# The same for the kernel $own, with its $headers; it is of the guest's version.
find_own()
{
	guest=$(ask_fetch --kernel "$own") || exit 1
	release=$(echo "$guest" | sed -n 's/^version=//p')
	headers=$(echo "$guest" | sed -n 's/^headers=//p')
	guest=${headers%/*}
}

# Puts modpost behind a script that starts it with its own loader and C library.
wrap_modpost()
{
	dpkg-deb --fsys-tarfile "$1"/debs/libc6_*.deb | tar -x -C "$1/debs" --wildcards \
		'./*/ld-linux*.so.*' './*/libc.so.6'
	find "$1/debs" -type f -name '*.so.*' -exec mv {} "$2/" \;
	loader=$(cd "$2" && echo ld-linux*.so.*)
	[ -f "$2/$loader" ] && [ -f "$2/libc.so.6" ] && [ -f "$2/modpost.real-lsb-64" ]
	cat >"$2/modpost" <<-END
		#!/bin/sh
		d=\${0%/*}
		exec "\$d/$loader" --library-path "\$d" "\$d/modpost.real-lsb-64" "\$@"
	END
}

make_kbuild_set()
{
	common=linux-headers-${release%-*}-common
	headers=usr/src/linux-headers-$release
	for deb in "$1"/debs/linux-*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$1" --exclude='./usr/share' \
			--exclude='./usr/lib/modules'
	done
	# Debian's has an absolute path; a set can be anywhere.
	# shellcheck disable=SC2016 # for make to expand
	echo 'include $(dir $(lastword $(MAKEFILE_LIST)))../'"$common/Makefile" \
		>"$1/$headers/Makefile"
	wrap_modpost "$1" "$1/$headers/scripts/mod"
	rm -rf "$1/debs"
	sums_write "$1" kbuild packages "usr/src/$common/Makefile" "$headers/Makefile" \
		"$headers/.config" "$headers/Module.symvers" "$headers/scripts/basic/fixdep" \
		"$headers/scripts/mod/modpost" "$headers/scripts/mod/modpost.real-lsb-64"
}

make_source_set()
{
	mkdir "$1/linux"
	dpkg-deb --fsys-tarfile "$1"/debs/linux-source-*.deb |
		tar -x -C "$1/debs" --wildcards './usr/src/*.tar.xz'
	tar -x -J -C "$1/linux" --strip-components=1 -f "$1"/debs/usr/src/*.tar.xz
	rm -rf "$1/debs"
	sums_write "$1" source packages linux/Makefile linux/Kconfig
}

# Of the source package's archive only the files wanted are written; the rest flows by.
make_parts_set()
{
	mkdir "$1/linux"
	extras_kernel_files "$here/drivers" | sed 's|^|*/|' >"$1/debs/wanted"
	dpkg-deb --fsys-tarfile "$1"/debs/linux-source-*.deb |
		tar -x -O --wildcards './usr/src/*.tar.xz' |
		tar -x -J -C "$1/linux" --strip-components=1 --wildcards --no-wildcards-match-slash \
			-T "$1/debs/wanted"
	rm -rf "$1/debs"
	# shellcheck disable=SC2046 # names without blanks
	sums_write "$1" parts packages $(cd "$1" && find linux -type f)
}

# The packages of a set that have the kernel's version.
packages_of()
{
	case $1 in
	kbuild)
		echo "linux-headers-$release:riscv64"
		echo "linux-headers-${release%-*}-common"
		echo "linux-kbuild-${release%-*}"
		;;
	source | parts) echo "linux-source-$(echo "$version" | cut -d . -f 1,2)" ;;
	esac
}

# What a set of $kind is for: the guest's kernel, and the files wanted of its source.
purpose()
{
	files=
	[ "$kind" != parts ] || files=$(extras_kernel_files "$here/drivers" | sha256sum | cut -c 1-16)
	echo "$kind $release $version${files:+ $files}"
}

# Whether $present is a set of $kind that fits.
of_guest()
{
	[ -n "$present" ] && [ "$(cat "$present/packages" 2>/dev/null)" = "$(purpose)" ]
}

fetch_set()
{
	cache_new "$cache/$kind"
	native=$(dpkg --print-architecture)
	apt_open "$new/apt" "$(printf '%s\n' "$native" riscv64 | uniq | paste -s -d ' ')" "$mirror"
	set --
	for package in $(packages_of "$kind"); do
		if ! apt_has "$package" "$version"; then
			despair="Debian's archive no longer has $package $version"
			despair="$despair; linnet fetch --update gets a newer guest"
			return 1
		fi
		set -- "$@" "$package=$version"
	done
	[ "$kind" != kbuild ] || set -- "$@" libc6
	mkdir "$new/debs"
	case $kind in
	kbuild) size=19 ;;
	*) size=150 ;;
	esac
	say "downloading $what of Linux $release ($size MB)"
	(cd "$new/debs" && apt_download "$@")
	rm -rf "$new/apt"
	say 'unpacking'
	purpose >"$new/packages"
	"make_${kind}_set" "$new"
	cache_put "$cache/$kind"
}

# have_set KIND WHAT: $present is then that set. WHAT it holds is for messages.
have_set()
{
	kind=$1
	what=$2
	cache_find "$cache/$kind"
	of_guest && sums_quick "$present" "$kind" && return 0
	need_tools apt-get:apt dpkg-deb:dpkg xz:xz-utils flock:util-linux || exit 1
	cache_lock "$cache/$kind"
	despair="$what of Linux $release could not be downloaded"
	if of_guest && ! sums_good "$present" "$kind"; then
		say "damaged in the cache: $what"
		present=
	fi
	of_guest || fetch_set
	despair=
	cache_unlock
}

# cached_source KIND: prints where the files of that set are, if it is in the cache.
cached_source()
{
	(
		kind=$1
		cache_find "$cache/$kind"
		of_guest && sums_quick "$present" "$kind" && echo "$present/linux"
	)
}

# Sets $parts to where the files are that drivers take from the kernel's source: in all of it, or in a set
# of their own. That is got by another process, since this one can do without. Else to nothing.
find_parts()
{
	parts=$stock_source
	[ -n "$parts" ] || parts=$(cached_source parts) || parts=
	[ -z "$parts$cached" ] || return 0
	set -- "$here/kbuild.sh" --cache "$cache" ${init:+--init "$init"} ${mirror:+--mirror "$mirror"}
	parts=$(sh "$@" --parts) || parts=
}

# --- the build ------------------------------------------------------------------------------------

check_directory()
{
	[ -d "$1" ] || fail "$1: there is no such directory"
	if [ ! -f "$1/Kbuild" ] && [ ! -f "$1/Makefile" ]; then
		fail "$1: there is neither a Kbuild nor a Makefile; one line will do: obj-m := NAME.o"
	fi
	[ -w "$1" ] || fail "$1: cannot write there, and kbuild builds beside the source"
	case $(cd "$1" && pwd) in
	*[[:space:]:]*) fail "$1: kbuild cannot work in a path with blanks or colons" ;;
	esac
}

# Whether make is told what to make; else it makes the modules.
has_target()
{
	for word; do
		case $word in
		-* | *=*) ;;
		*) return 0 ;;
		esac
	done
	return 1
}

# The compiler is another than the kernel's; BTF, which would want pahole, stays out. A module has
# debugging information also where the kernel has none.
run_make()
{
	# What a make outside of us was told is not for this one.
	unset MAKEFLAGS MFLAGS MAKELEVEL
	where=$1
	shift
	make --no-print-directory -C "$headers" "M=$where" ARCH=riscv \
		CROSS_COMPILE=riscv64-linux-gnu- CC=riscv64-linux-gnu-gcc \
		CONFIG_DEBUG_INFO_BTF_MODULES= ${own:+CONFIG_DEBUG_INFO=y} "-j$(nproc)" "$@" >&2
}

build()
{
	dir=${1%/}
	shift
	full=$(cd "${dir:-/}" && pwd)
	if has_target "$@"; then
		run_make "$full" "$@"
		return
	fi
	run_make "$full" "$@" modules || return
	if [ ! -s "$full/modules.order" ]; then
		fail "$dir: it names no module; a line is missing such as: obj-m := NAME.o"
	fi
	while read -r object; do
		echo "$dir/${object#"$full/"}" | sed 's/o$/ko/'
	done <"$full/modules.order"
}

# --- Linnet's own drivers -------------------------------------------------------------------------

# Builds all drivers below $1, makes the tree $1/tree out of the guest's modules and them, and puts
# their programs into $1/root/bin. $parts has the files that they take from the kernel; those that want it
# and have none go to $lacking.
build_extras()
{
	mkdir -p "$1/tree/extra" "$1/drivers" "$1/root/bin"
	cp -R "$guest/modules/$release/." "$1/tree/"
	: >"$1/tree/modules.builtin" # which modules.sh would look into for what is missing
	(cd "$here/drivers" && extras_sources . | cpio --quiet -p -d "$1/drivers")
	lacking=
	for name in $(extras_drivers "$1/drivers"); do
		driver=$1/drivers/$name
		if [ -z "$parts" ] && [ -f "$driver/from-kernel" ]; then
			lacking="$lacking $name"
			continue
		fi
		extras_from_kernel "$driver" "$parts"
		# A warning shall name the source without the place where it was built.
		run_make "$driver" --quiet "KCFLAGS=-fmacro-prefix-map=$1/drivers/=" modules
		while read -r object; do
			object=$driver/${object#"$driver/"}
			module=${object##*/}
			riscv64-linux-gnu-strip --strip-debug -o "$1/tree/extra/${module%.o}.ko" \
				"${object%.o}.ko"
		done <"$driver/modules.order"
		extras_programs "$driver" programs "$1/root/bin"
	done
}

# The archive holds the drivers, and indexes in place of the initramfs' own.
pack_extras()
{
	modules=$1/root/lib/modules/$release
	# shellcheck disable=SC2046 # names without blanks
	"$here/image/modules.sh" "$1/tree" "$modules" \
		$(find "$1/tree/extra" -name '*.ko' -printf '%f\n' | sed 's/\.ko$//' | sort)
	for index in modules.dep modules.alias; do
		base=$guest/modules/$release/$index
		grep -vxF -f "$base" "$modules/$index" | cat "$base" - >"$1/$index"
	done
	rm -rf "$modules/kernel"
	mv "$1/modules.dep" "$1/modules.alias" "$modules/"
	pack_cpio "$1/root" "$1/cpio"
}

have_extras()
{
	home=$cache/extras${own:+-$own}
	wanted=$(extras_wanted "$here/drivers" "$release" "$guest")
	cache_lock "$home"
	parts=
	if ! extras_fit "$wanted" || [ -n "$(extras_lacking)" ]; then
		find_parts
	fi
	if ! extras_fit "$wanted" || { [ -n "$parts" ] && [ -n "$(extras_lacking)" ]; }; then
		say "building Linnet's own drivers for Linux $release"
		cache_new "$home"
		mkdir "$new/work"
		build_extras "$new/work"
		pack_extras "$new/work"
		mv "$new/work/cpio" "$new/cpio"
		rm -rf "$new/work"
		echo "$wanted" >"$new/packages"
		[ -z "$lacking" ] || echo "without$lacking" >>"$new/packages"
		sums_write "$new" extras cpio packages
		cache_put "$home"
	fi
	lacking=$(extras_lacking)
	[ -z "$lacking" ] || say "without $lacking, which needs files of the kernel's source:" \
		"linnet kbuild --extras${own:+ --kernel $own} gets them (a download of 150 MB)"
	cache_unlock
}

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
init=
mirror=
own=
source=
source_only=
headers=
extras=
cached=
parts_only=
print=
while [ $# -gt 0 ]; do
	case $1 in
	--source) source=1 ;;
	--source-only) source=1 source_only=1 ;;
	--extras) extras=1 ;;
	--cached) cached=1 ;;
	--parts) parts_only=1 ;;
	--print) print=1 ;;
	--cache | --init | --mirror | --kernel)
		[ $# -ge 2 ] || usage
		case $1 in
		--kernel) own=$2 ;;
		--cache) cache=$2 ;;
		--init) init=$2 ;;
		--mirror) mirror=$2 ;;
		esac
		shift
		;;
	--)
		shift
		break
		;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || [ -n "$source$extras$parts_only$print" ] || usage
[ $# -eq 0 ] || check_directory "$1"
cache=$(realpath -m "$cache")
need_tools make:make riscv64-linux-gnu-gcc:gcc-riscv64-linux-gnu cpio:cpio || exit 1
find_guest
if [ -n "$parts_only" ]; then
	have_set parts 'what drivers take from the source'
	echo "$present/linux"
	exit
fi
[ -z "$source" ] || have_set source 'the source files'
stock_source=$(cached_source source) || stock_source= # of the kernel that all of ours are built from
if [ -n "$own" ]; then
	find_own
elif [ -z "$source_only" ]; then
	have_set kbuild 'the headers and build tools'
	headers=$present/usr/src/linux-headers-$release
fi
[ -z "$extras" ] || have_extras
if [ -n "$print" ]; then
	cat <<-END
		release=$release
		headers=$headers
		source=$stock_source
	END
fi
[ $# -eq 0 ] || build "$@"
