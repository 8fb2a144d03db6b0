#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: kernels.sh CASE. Linnet's own kernels, small and debug: built, booted, with modules.
# Both come from the user's cache, where tests/run.sh has put them; what a test damages is a copy.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
recipes=$(cd "$(dirname "$0")/../../guest" && pwd)
user_cache=${XDG_CACHE_HOME:-$HOME/.cache}/linnet
export LINNET

# A cache with the default guest and the kernel's source.
own_cache() {
	linnet kbuild --source --print
	expect_status 0
	mkdir -p "$work/xdg/linnet"
	ln -s "$user_cache/guest" "$user_cache/source" "$user_cache/kbuild" "$work/xdg/linnet/"
	export XDG_CACHE_HOME=$work/xdg
}

# driver NAME [KERNEL]: the template, built for a kernel.
driver() {
	[ -d "$work/$1" ] || linnet new-driver "$1" "$work/$1"
	linnet kbuild ${2:+--kernel "$2"} "$work/$1"
	expect_status 0
	expect_out "$work/$1/$1.ko"
	expect_not_in err 'warning|WARNING'
}

case_mistakes() {
	linnet fetch --small --debug --print
	expect_status 2
	expect_in err '--print tells of one kernel'
	linnet kbuild --kernel large "$work"
	expect_status 2
	expect_in err '--kernel large: give small or debug'
}

# What Debian's kernel does for the default guest, this one does too, and has it built in.
case_small() {
	local engine
	for engine in interp jit; do
		[ "$engine" = interp ] || [ "$(uname -m)" = x86_64 ] || continue
		guest 'uname -r; nproc; grep /mnt /proc/mounts; cat /proc/modules; ip addr show eth0
			cat /sys/class/misc/hw_random/rng_current; date +%Y
			zcat /proc/config.gz | grep KASAN=; dmesg | grep -i -e warning -e "BUG:"; true' \
			--engine "$engine" --kernel small --smp 2 --no-extras
		expect_status 0
		expect_in out '^[0-9.]*-linnet-small-[0-9a-f]{8}$'
		expect_in out '^2$'
		expect_in out '^/dev/vda /mnt ext4 rw'
		expect_in out 'inet 10\.0\.2\.15/24'
		expect_in out '^virtio_rng'
		expect_in out "^$(date +%Y)$"
		[ "$(wc -l <"$work/out")" -ge 8 ] || fail 'something is missing'
		expect_not_in out '^CONFIG_KASAN=|WARNING|BUG:'
		[ ! -s "$work/err" ] || fail 'it has something to say'
	done
	linnet run --kernel small --append linnet.mode=demo </dev/null
	expect_status 0
	expect_in out '^linnet: demo failed: no page|^linnet: demo passed'
}

# With an initial RAM disk of the user's, with firmware before it, and as a file.
case_small_forms() {
	local kernel
	kernel=$("$LINNET" fetch --small --print | sed -n 's/^kernel=//p')
	guest 'echo here' --kernel "$kernel"
	expect_status 0
	expect_out here
	linnet run --kernel small --initrd "$("$LINNET" fetch --print | sed -n 's/^initrd=//p')" \
		--append linnet.mode=off </dev/null
	expect_status 0
	expect_in out 'Power down'
	head -c 30 "$kernel" >"$work/small"
	cd "$work" || fail "cd $work"
	guest true --kernel small
	expect_status 0
	guest true --kernel ./small
	expect_status 125
	expect_in err '--kernel ./small'
}

# The same directory for one kernel after the other; a module for another kernel does not load.
case_modules() {
	local kernel
	driver mine
	guest 'insmod /mine.ko || exit 3' --kernel small --file "$work/mine/mine.ko:/mine.ko"
	expect_status 3
	expect_in err 'invalid module format'
	for kernel in small debug; do
		driver mine "$kernel"
		guest 'insmod /mine.ko || exit 3' --file "$work/mine/mine.ko:/mine.ko"
		expect_status 3
		expect_in err 'invalid module format'
		timeout -k 5 240 "$work/mine/test.sh" --kernel "$kernel" --engine "$(fastest)" \
			>"$work/out" 2>"$work/err"
		status=$?
		expect_status 0
		expect_in out '^mine: passed$'
		riscv64-linux-gnu-objdump -h "$work/mine/mine.ko" >"$work/out"
		expect_in out '\.debug_line'
	done
	driver mine
	timeout -k 5 240 "$work/mine/test.sh" >"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
}

fastest() {
	[ "$(uname -m)" = x86_64 ] && echo jit || echo interp
}

# Each kind of mistake that passes in silence on Debian's kernel. Lockdep is among the first to speak,
# since what KASAN reports switches it off.
case_debug() {
	linnet kbuild --kernel debug --extras
	expect_status 0
	guest 'uname -r; dmesg | grep -e WARNING -e BUG: && exit 1
		for bug in sleep_in_atomic lock_order use_after_free; do
			modprobe linnet_bugs bug=$bug && rmmod linnet_bugs
		done
		dmesg' --kernel debug --engine "$(fastest)"
	expect_status 0
	expect_in out '^[0-9.]*-linnet-debug-[0-9a-f]{8}$'
	expect_in out 'BUG: sleeping function called from invalid context at linnet_bugs/linnet_bugs\.c'
	expect_in out 'WARNING: possible circular locking dependency detected'
	expect_in out 'BUG: KASAN: slab-use-after-free in do_use_after_free'
	guest 'modprobe linnet_bugs bug=overflow; dmesg' --kernel debug --engine "$(fastest)"
	expect_status 0
	expect_in out 'BUG: KASAN: slab-out-of-bounds in do_overflow'
	guest 'modprobe linnet_bugs bug=none' --kernel debug --engine "$(fastest)" --no-extras
	expect_status 1
}

# kmemleak takes what is older than five seconds.
case_debug_leak() {
	linnet kbuild --kernel debug --extras
	expect_status 0
	guest 'mount -t debugfs debugfs /sys/kernel/debug && modprobe linnet_bugs bug=leak || exit 1
		for try in 1 2 3 4 5 6; do
			sleep 6
			echo scan >/sys/kernel/debug/kmemleak
			grep -A 20 "size 1024" /sys/kernel/debug/kmemleak | grep do_leak && exit 0
		done
		cat /sys/kernel/debug/kmemleak
		exit 1' --kernel debug --engine "$(fastest)"
	expect_status 0
}

# It brings modules of its own, which are there without Linnet's.
case_debug_kunit() {
	guest 'modprobe kunit-example-test && dmesg' --kernel debug --engine "$(fastest)" --no-extras
	expect_status 0
	expect_in out '# example: pass:[1-9][0-9]* fail:0'
}

# An option that does not come into being ends the build, and its name is said.
case_options() {
	local source
	source=$("$LINNET" kbuild --source --print | sed -n 's/^source=//p')
	printf 'CONFIG_64BIT=y\nCONFIG_NO_SUCH_THING=y\nCONFIG_IPV6=y\n' >"$work/fragment"
	mkdir "$work/built"
	sh "$recipes/kernels/build.sh" "$source" "$work/built" 'a bad kernel' -bad "$work/fragment" \
		>"$work/out" 2>"$work/err"
	status=$?
	expect_status 1
	expect_in err 'a bad kernel could not be built'
	expect_in err 'CONFIG_NO_SUCH_THING=y'
	expect_in err 'CONFIG_IPV6=y' # what it needs is missing
	expect_not_in err 'CONFIG_64BIT'
}

# A signal ends the build with all it has started, and leaves nothing; so in `linnet run`, which has
# begun it by itself.
case_interrupted() {
	local command
	own_cache
	exec 8>"$work/out"
	for command in 'fetch --small' 'run --kernel small --exec true'; do
		# shellcheck disable=SC2086 # words
		linnet_in_session $command
		for _ in $(seq 600); do
			[ -e "$(echo "$XDG_CACHE_HOME"/linnet/kernel-small/new.*/work/.config)" ] && break
			sleep 0.1
		done
		expect_in err 'building the small kernel'
		kill -TERM -"$session"
		wait "$pid"
		status=$?
		[ "$status" = 143 ] || [ "$status" = 125 ] || fail "status $status"
		expect_no_process
		[ "$(ls "$XDG_CACHE_HOME/linnet/kernel-small")" = lock ] || fail 'it has left something'
	done
}

# Damage is noticed; what cannot be got leads to a message.
case_damage() {
	local set
	need_namespaces n
	"$LINNET" fetch --small
	mkdir -p "$work/xdg/linnet/kernel-small"
	ln -s "$user_cache/guest" "$user_cache/kbuild" "$work/xdg/linnet/"
	set=$(readlink -f "$user_cache/kernel-small/current")
	cp -a "$set" "$work/xdg/linnet/kernel-small/"
	ln -s "${set##*/}" "$work/xdg/linnet/kernel-small/current"
	export XDG_CACHE_HOME=$work/xdg
	"${apart[@]}" "$LINNET" run --kernel small --exec 'echo here' </dev/null >"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_out here
	truncate -s 1000000 "$work/xdg/linnet/kernel-small/current/kernel"
	"${apart[@]}" timeout 300 "$LINNET" run --kernel small --exec 'echo here' </dev/null \
		>"$work/out" 2>"$work/err"
	status=$?
	expect_status 125
	expect_in err 'small kernel in the cache is damaged'
	expect_in err 'source files of Linux .* could not be downloaded'
	expect_in err 'linnet run: the default guest with this kernel is not there'
}

"case_$1"
