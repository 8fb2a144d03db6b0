#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds one of Linnet's own kernels. ../kernel.sh runs it and keeps the result: see docs/guest.md.
#
# usage: build.sh SOURCE OUT WHAT LOCALVERSION FRAGMENT...
#	SOURCE		the kernel's source tree; nothing is written there
#	OUT		an empty directory that gets what is listed below
#	WHAT		words for messages, such as "the small kernel"
#	LOCALVERSION	what `uname -r` says behind the version
#	FRAGMENT	a file of options; where two give the same one, the later counts
#
#	kernel		the Image to boot
#	vmlinux		the same with debugging information
#	config		all options
#	release		what `uname -r` says
#	headers/	what building modules for it takes; a tree that can be moved
#	modules/	as lib/modules: its own modules
#
# Standard output gets a line for each step of make's. An option that no fragment names is off, or
# at the default of those that only experts may change.
# The result does not show where or when it was made.
set -eu
export LC_ALL=C
umask 022

here=$(cd "$(dirname "$0")" && pwd)
source=$1
out=$2
what=$3
localversion=$4
shift 4
work=$out/work
cross=riscv64-linux-gnu-
export KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_VERSION=1 KBUILD_BUILD_USER=linnet
export KBUILD_BUILD_HOST=linnet

# What a make outside of us was told is not for this one.
unset MAKEFLAGS MFLAGS MAKELEVEL KCFLAGS KAFLAGS KCPPFLAGS

run_make()
{
	make -C "$source" "O=$work" ARCH=riscv "CROSS_COMPILE=$cross" \
		"LOCALVERSION=$localversion" \
		"KCFLAGS=-fdebug-prefix-map=$work=." "$@"
}

# Kconfig leaves out in silence what it does not know or what something else is missing for.
check_config()
{
	awk -F= '
		/^CONFIG_/ { wanted[$1] = $0 }
		/^# CONFIG_.* is not set$/ { split($0, word, " "); delete wanted[word[2]] }
		END { for (name in wanted) print wanted[name] }' "$work/fragments" |
		grep -vxF -f "$work/.config" >"$work/lost" || return 0
	echo "these options did not come into being:"
	cat "$work/lost"
	return 1
}

configure()
{
	mkdir "$work"
	cat "$@" >"$work/fragments"
	run_make "KCONFIG_ALLCONFIG=$work/fragments" allnoconfig && check_config
}

# What the makefiles read and run when they build modules, as one tree in which source and objects
# lie together: paths in it are relative.
copy_headers()
{
	mkdir "$out/headers"
	(
		cd "$source"
		find scripts -type d \( -name kconfig -o -name dtc -o -name package -o -name coccinelle \
			-o -name gcc-plugins \) -prune -o -type f -print
		find Makefile arch/riscv/Makefile* arch/riscv/include include -type f
	) | tar -c -f - -C "$source" -T - | tar -x -f - -C "$out/headers"
	(
		cd "$work"
		find scripts -type d \( -name kconfig -o -name dtc \) -prune -o \
			-type f ! -name '*.o' ! -name '*.cmd' -print
		find .config Module.symvers include arch/riscv/include -type f ! -name '*.cmd'
	) | tar -c -f - -C "$work" -T - | tar -x -f - -C "$out/headers"
}

# Its own modules, without the debugging information, and their indexes.
copy_modules()
{
	mkdir -p "$work/tree" "$out/modules"
	: >"$work/tree/modules.builtin"
	set --
	while read -r object; do
		module=${object%.o}
		mkdir -p "$work/tree/kernel/${module%/*}"
		"${cross}strip" --strip-debug -o "$work/tree/kernel/$module.ko" "$work/$module.ko"
		set -- "$@" "${module##*/}"
	done <"$work/modules.order"
	sh "$here/../image/modules.sh" "$work/tree" "$out/modules/$(cat "$out/release")" "$@"
}

if ! configure "$@" >"$out/log" 2>&1 ||
	! run_make "-j$(nproc)" Image vmlinux modules 2>"$out/log"; then
	echo "linnet: $what could not be built:" >&2
	tail -n 20 "$out/log" >&2
	exit 1
fi
mv "$work/arch/riscv/boot/Image" "$out/kernel"
mv "$work/vmlinux" "$out/vmlinux"
cp "$work/.config" "$out/config"
cp "$work/include/config/kernel.release" "$out/release"
copy_headers
copy_modules
rm -rf "$work" "$out/log"
