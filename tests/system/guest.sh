#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: guest.sh CASE. The default guest as a user meets it: `linnet fetch` and the cache behind
# `linnet run`. What the recipes do by themselves is tested in tests/image.
. "$(dirname "$0")/lib.sh"

copy_cache() { # to $work/cache
	local set
	set=$(dirname "$(fetched kernel)")
	mkdir -p "$work/cache/linnet/guest"
	cp -a --sparse=always "$set" "$work/cache/linnet/guest/" || fail "no copy of the cache"
	ln -s "$(basename "$set")" "$work/cache/linnet/guest/current"
}

# Once it is there, nothing is asked of the network.
case_no_network_needed() {
	need_namespaces n
	copy_cache
	"${apart[@]}" env XDG_CACHE_HOME="$work/cache" "$LINNET" run --exec 'echo here' </dev/null \
		>"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_out here
	[ ! -s "$work/err" ] || fail "it has something to say"
}

# An empty cache and no network: the message says what to give by hand.
case_offline() {
	local options
	need_namespaces n
	for options in '' '--exec true'; do
		# shellcheck disable=SC2086 # words
		"${apart[@]}" env XDG_CACHE_HOME="$work/cache" timeout 300 "$LINNET" run $options \
			</dev/null >"$work/out" 2>"$work/err"
		status=$?
		expect_status "$([ -n "$options" ] && echo 125 || echo 1)"
		expect_in err '--kernel FILE --initrd FILE --disk'
	done
	# And that is true.
	"${apart[@]}" env XDG_CACHE_HOME="$work/cache" "$LINNET" run --kernel "$(fetched kernel)" \
		--initrd "$(fetched initrd)" --append linnet.mode=off </dev/null >"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_in out 'Power down'
}

case_interrupted() {
	mkdir -p "$work/cache/linnet/guest"
	export XDG_CACHE_HOME=$work/cache
	interrupt_fetch "$work/cache/linnet/guest/lock" run
}

# Damage is noticed when a machine is started, and mended where that needs no network.
case_damage() {
	need_namespaces n
	copy_cache
	printf X | dd of="$(echo "$work"/cache/linnet/guest/set.*/disk)" bs=1 seek=5000 conv=notrunc 2>/dev/null
	"${apart[@]}" env XDG_CACHE_HOME="$work/cache" "$LINNET" run --exec 'ls /mnt' </dev/null \
		>"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_out lost+found
	truncate -s 1000000 "$work"/cache/linnet/guest/set.*/kernel
	"${apart[@]}" env XDG_CACHE_HOME="$work/cache" timeout 300 "$LINNET" run </dev/null \
		>"$work/out" 2>"$work/err"
	status=$?
	expect_status 1
	expect_in err 'damaged'
}

# The same guest on another emulator, by what `linnet fetch --print` prints.
case_peer() {
	command -v qemu-system-riscv64 >/dev/null || {
		echo 'skipped: there is no qemu-system-riscv64'
		exit 77
	}
	timeout 120 qemu-system-riscv64 -M virt -m 512M -nographic -no-reboot -kernel "$(fetched kernel)" \
		-initrd "$(fetched initrd)" -append "$(fetched append_off)" </dev/null >"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_in out 'Linux version'
	expect_in out 'Power down'
}

"case_$1"
