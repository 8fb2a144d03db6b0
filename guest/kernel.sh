#!/bin/sh
# SPDX-License-Identifier: MIT
# Keeps Linnet's own kernels in the cache: see docs/guest.md.
#
# usage: kernel.sh [OPTION...] NAME VERSION
#	--cache DIR	as for image/fetch.sh, which runs this, and so are the next two
#	--init FILE
#	--mirror URI
#	--print		print lines "name=value"
#	NAME		small or debug
#	VERSION		of Debian's kernel in the default guest
#
# A set in the cache (see image/cache.sh) is what kernels/build.sh makes, and
#	modules.cpio	its modules as an archive for behind the initramfs
# It is for one VERSION, and for one state of the options and of the recipe, comments apart. A key
# made of these is part of what `uname -r` says, so that a module that was built for another state
# does not load.
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

# The files of options in kernels/ that make a kernel; where two differ, the later counts.
fragments()
{
	case $1 in
	small) echo small.config ;;
	debug) echo small.config debug.config ;;
	*) fail "there is no kernel $1; give small or debug" ;;
	esac
}

# Everything that decides what the kernel is.
kernel_key()
{
	# shellcheck disable=SC2086 # a list of names
	{
		(cd "$here/kernels" && cat build.sh $files) |
			sed '/^# CONFIG_/!{/^[[:space:]]*#/d; /^$/d}'
		echo "$version"
	} | sha256sum | cut -c 1-8
}

# Whether $present is the set that is wanted.
fits()
{
	[ -n "$present" ] && [ "$(cat "$present/packages" 2>/dev/null)" = "$wanted" ]
}

# About how many steps the build takes.
steps()
{
	# shellcheck disable=SC2086 # a list of names
	(cd "$here/kernels" && cat $files) | sed -n 's/^# Steps: //p' | tail -n 1
}

# Reads make's output, and tells how far it is out of about $1 steps: as a line that changes on a
# terminal, else once in a while.
progress()
{
	done=0
	while read -r step rest; do
		case $step in
		CC | AS | LD | AR) done=$((done + 1)) ;;
		*) continue ;;
		esac
		if [ -t 2 ]; then
			printf '\rlinnet: %d of about %d steps  %-40.40s' $done "$1" "$rest" >&2
		elif [ $((done % 250)) = 0 ]; then
			say "building the $own kernel: $done of about $1 steps"
		fi
	done
	[ ! -t 2 ] || printf '\r%79s\r' '' >&2
}

# A pipe has the status of its last command only, so that a file has to tell.
run_build()
{
	# shellcheck disable=SC2086 # a list of names
	(cd "$here/kernels" && sh ./build.sh "$source" "$new" "the $own kernel" \
		"-linnet-$own-$key" $files) && : >"$new/complete"
}

build_set()
{
	source=$(sh "$here/kbuild.sh" --cache "$cache" "$@" --source-only --print | sed -n 's/^source=//p')
	[ -n "$source" ]
	cache_new "$cache/kernel-$own"
	say "building the $own kernel out of Linux $version; this takes some minutes, once"
	run_build | progress "$(steps)"
	rm "$new/complete"
	mkdir -p "$new/root/lib"
	mv "$new/modules" "$new/root/lib/"
	pack_cpio "$new/root" "$new/modules.cpio"
	mv "$new/root/lib/modules" "$new/"
	rm -r "$new/root"
	echo "$wanted" >"$new/packages"
	# shellcheck disable=SC2046 # names without blanks
	sums_write "$new" kernel packages $(cd "$new" && find kernel vmlinux config release modules* \
		headers/.config headers/Makefile headers/Module.symvers headers/scripts/mod/modpost \
		headers/include/generated -type f)
	cache_put "$cache/kernel-$own"
}

work()
{
	cache_lock "$cache/kernel-$own"
	if fits && ! sums_good "$present" kernel; then
		say "the $own kernel in the cache is damaged"
		present=
	fi
	fits || build_set "$@"
	cache_unlock
}

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
init=
mirror=
print=
while [ $# -gt 0 ]; do
	case $1 in
	--print) print=1 ;;
	--cache | --init | --mirror)
		[ $# -ge 2 ] || usage
		case $1 in
		--cache) cache=$2 ;;
		--init) init=$2 ;;
		--mirror) mirror=$2 ;;
		esac
		shift
		;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -eq 2 ] || usage
own=$1
version=$2
cache=$(realpath -m "$cache")
files=$(fragments "$own") || exit 1
key=$(kernel_key)
wanted="kernel $own $version $key"

cache_find "$cache/kernel-$own"
if ! fits || ! sums_quick "$present" kernel; then
	need_tools make:make gcc:gcc riscv64-linux-gnu-gcc:gcc-riscv64-linux-gnu flex:flex bison:bison \
		bc:bc cpio:cpio flock:util-linux || exit 1
	work ${init:+--init "$init"} ${mirror:+--mirror "$mirror"}
fi
if [ -n "$print" ]; then
	release=$(cat "$present/release")
	cat <<-END
		kernel=$present/kernel
		vmlinux=$present/vmlinux
		headers=$present/headers
		modules=$present/modules.cpio
		version=$release
	END
	wanted=$(extras_wanted "$here/drivers" "$release" "$present")
	extras_print "$cache/extras-$own" "$wanted"
fi
