#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: parts.sh CASE. What the demonstration of a Duo needs beyond Debian's kernel comes by itself: files
# of the kernel's source (guest/kbuild.sh), out of a package of that source.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
tree=$(cd "$(dirname "$0")/../.." && pwd)

# Linnet in a tree of its own, $work/t, with the drivers that the demonstration needs; and a cache with the
# guest and headers alone. Its packages come from the folder $work/mirror, which nobody has signed.
own_tree() {
	local user=${XDG_CACHE_HOME:-$HOME/.cache}/linnet name
	linnet kbuild --print
	expect_status 0
	export XDG_CACHE_HOME=$work/xdg
	cache=$XDG_CACHE_HOME/linnet
	mkdir -p "$cache" "$work/t/build/guest/image" "$work/t/guest/drivers"
	ln -s "$user/guest" "$user/kbuild" "$cache"
	cp "$LINNET" "$work/t/build/linnet"
	ln -s "$(dirname "$LINNET")/guest/image/init" "$work/t/build/guest/image/init"
	ln -s "$FIRMWARE" "$work/t/build/guest/firmware"
	LINNET=$work/t/build/linnet
	cp -R "$tree"/guest/*.sh "$tree/guest/image" "$work/t/guest/"
	for name in include duo_mailbox duo_rproc rpmsg; do
		cp -R "$tree/guest/drivers/$name" "$work/t/guest/drivers/"
	done
	sed -i "s/signed-by=\$keyring/trusted=yes/" "$work/t/guest/image/apt.sh"
	echo "apt_find_mirror() { echo 'file:$work/mirror'; }" >>"$work/t/guest/image/apt.sh"
}

# fill_mirror SOURCE FILE...: the package of the kernel's source that has these files of it.
fill_mirror() {
	local source=$1 version name deb index arch
	version=$(sed -n "s/^linux-image-[^ ]* //p" "$cache/guest/current/packages")
	name=linux-source-$(echo "$version" | cut -d . -f 1,2)
	deb=$work/deb/$name
	rm -rf "$work/mirror" "$work/deb"
	mkdir -p "$work/mirror/pool" "$deb/DEBIAN" "$deb/usr/src"
	tar -c -J -C "$source" --transform "s|^|$name/|" -f "$deb/usr/src/$name.tar.xz" "${@:2}" || fail 'no source'
	printf '%s\n' "Package: $name" "Version: $version" 'Architecture: all' 'Maintainer: nobody <nobody@localhost>' \
		'Description: a part of the source of Linux' >"$deb/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$deb" "$work/mirror/pool/source.deb" >/dev/null || fail 'no package'
	for arch in riscv64 "$(dpkg --print-architecture)"; do
		index=$work/mirror/dists/trixie/main/binary-$arch
		mkdir -p "$index"
		{
			cat "$deb/DEBIAN/control"
			echo 'Filename: pool/source.deb'
			echo "Size: $(stat -c %s "$work/mirror/pool/source.deb")"
			echo "SHA256: $(sha256sum <"$work/mirror/pool/source.deb" | cut -d ' ' -f 1)"
		} >"$index/Packages"
	done
	cd "$work/mirror/dists/trixie" || fail 'no mirror'
	{
		printf '%s\n' 'Codename: trixie' 'Components: main' "Date: $(date -Ru)" 'SHA256:'
		for index in main/binary-*/Packages; do
			echo " $(sha256sum <"$index" | cut -d ' ' -f 1) $(stat -c %s "$index") $index"
		done
	} >Release
	cd "$tree" || fail 'no tree'
}

demo() {
	LIMIT=${LIMIT:-300} linnet run --machine duo256m "${quick[@]}" "$@" </dev/null
}

expect_nothing_left() { # what killed or failed runs may leave behind
	[ -z "$(find "$cache/parts" -name 'new.*')" ] || fail 'something is left in the cache'
}

# Without network it says what is missing; with it, it gets that and no more, once.
case_demo() {
	local source wanted
	linnet kbuild --source --print
	expect_status 0
	source=$(sed -n 's/^source=//p' "$work/out")
	own_tree
	demo
	expect_status 1
	expect_out ''
	expect_in err '^linnet: what drivers take from the source of Linux .* could not be downloaded$'
	expect_in err '^linnet: without rpmsg, which needs .*: linnet kbuild --extras gets them'
	expect_in err '^ping-pong failed: the guest has no RPMsg .*: linnet kbuild --extras$'
	expect_nothing_left
	wanted=$(sed '/^#/d' "$tree/guest/drivers/rpmsg/from-kernel")
	# shellcheck disable=SC2086 # names without blanks
	fill_mirror "$source" $wanted Makefile
	demo
	expect_status 0
	expect_out "$(seq -f 'ping-pong hop=%g' 32)"
	expect_in err '^linnet: downloading what drivers take from the source of Linux '
	[ "$(cd "$cache/parts/current/linux" && find . -type f | sort)" = "$(echo "$wanted" | sed 's|^|./|' | sort)" ] ||
		fail 'it keeps other files than those that are wanted'
	[ -z "$(find "$cache/parts/" -name '*.deb')" ] || fail 'it keeps the package'
	[ ! -e "$cache/source" ] || fail 'it fetched all of the source'
	expect_nothing_left
	rm -r "$work/mirror"
	demo
	expect_status 0
	expect_not_in err '^linnet: (downloading|building|without)'
	more_is_wanted "$source"
}

# Another list is another set, and one that cannot be had leaves the old one alone.
more_is_wanted() { # source
	local parts=("$work/t/guest/kbuild.sh" --init "$work/t/build/guest/image/init" --parts)
	local before
	before=$(readlink "$cache/parts/current")
	echo COPYING >>"$work/t/guest/drivers/rpmsg/from-kernel"
	fill_mirror "$1" Makefile
	! "${parts[@]}" >"$work/out" 2>"$work/err" || fail 'it takes a package that lacks a file'
	expect_in err 'could not be downloaded$'
	[ "$(readlink "$cache/parts/current")" = "$before" ] || fail 'the set of before is gone'
	# shellcheck disable=SC2046 # names without blanks
	fill_mirror "$1" $(sed '/^#/d' "$work/t/guest/drivers/rpmsg/from-kernel")
	"${parts[@]}" >"$work/out" 2>"$work/err" || fail 'no set for another list'
	cmp "$1/COPYING" "$(cat "$work/out")/COPYING" || fail 'a file differs'
}

case_interrupted() {
	own_tree
	mkdir "$cache/parts"
	interrupt_fetch "$cache/parts/lock" run --machine duo256m
	expect_not_in err 'ping-pong|without rpmsg'
	[ ! -e "$cache/extras/current" ] || fail 'it went on'
}

# What was not there when Linnet was built or is not there now is named.
case_tools() {
	local bin=$work/bin
	own_tree
	mkdir "$bin"
	find /usr/bin /usr/sbin /bin /sbin -maxdepth 1 ! -name 'riscv64-linux-gnu-gcc' ! -type d -exec ln -sf -t "$bin" {} +
	PATH=$bin demo
	expect_status 1
	expect_in err '^linnet: please install: gcc-riscv64-linux-gnu$'
	expect_in err '^ping-pong failed: the guest has no driver of the small core .*: linnet kbuild --extras$'
	demo --no-extras
	expect_status 1
	expect_in err '^ping-pong failed: .*: linnet kbuild --extras$'
	[ ! -e "$cache/parts" ] || fail 'it was asked to leave the drivers out'
}

# All of it out of Debian's archive, as somebody new meets it.
case_archive() {
	local user=${XDG_CACHE_HOME:-$HOME/.cache}/linnet
	linnet kbuild --print
	expect_status 0
	export XDG_CACHE_HOME=$work/xdg
	mkdir -p "$XDG_CACHE_HOME/linnet"
	ln -s "$user/guest" "$user/kbuild" "$XDG_CACHE_HOME/linnet"
	LIMIT=1000 demo
	expect_status 0
	expect_in out '^ping-pong hop=32$'
	[ "$(du -s --apparent-size -B 1000 "$XDG_CACHE_HOME/linnet/parts" | cut -f 1)" -lt 1000 ] ||
		fail 'it keeps more than the files wanted'
	[ ! -e "$XDG_CACHE_HOME/linnet/source" ] || fail 'it fetched all of the source'
}

"case_$1"
