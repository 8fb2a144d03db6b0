#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo_coherence.sh CASE. --check-coherence: what both cores do right is not told of, what they do
# wrong is, with the places where it is done.
. "$(dirname "$0")/lib.sh"

[ -f "$BIG/big_rpmsg.elf" ] || fail 'the firmware is not built: its compiler, gcc-riscv64-unknown-elf, is missing'

# checked [OPTIONS...]: without Linux, by instructions' time.
checked() {
	linnet run --machine duo256m --engine interp --time-limit 100 --check-coherence \
		--firmware "$BIG/big_rpmsg.elf" "$@" </dev/null
	expect_status 0
}

reports() {
	sed -n 's/^linnet: coherence: \([bs][a-z]* core [re][a-z]* 0x.*\)/\1/p' "$work/err"
}

expect_nothing() {
	expect_in err '^linnet: coherence: nothing was wrong$'
	[ -z "$(reports)" ] || fail 'reports of what is right'
}

case_right() {
	local seed
	checked --clock instructions --small-core "$FIRMWARE/rpmsg-duo256m.elf"
	expect_nothing
	for seed in 1 2 3; do
		checked --deterministic --seed $seed --small-core "$FIRMWARE/rpmsg-duo256m.elf"
		expect_nothing
	done
}

# code NAME [REPORT]: of code that the big core has written these are all reports.
code() {
	checked --clock instructions --firmware "$BIG/code_$1.elf"
	reports | sed -E 's/ 0x8[0-9a-f]+ \((memcpy)\+0x[0-9a-f]+\)/ \1/' >"$work/reports"
	[ "$(cat "$work/reports")" = "${2-}" ] || fail "$1: $(cat "$work/reports")"
}

case_code() {
	local at='small core executed 0x8fe00%s at pc 0x8fe00%s: big core wrote it at pc memcpy'
	code right
	expect_nothing
	# shellcheck disable=SC2059 # what stands above
	{
		code no_clean "$(printf "$at" 000 000) and it was never written back (th.dcache.cva or .cpa missing)"
		code no_replace "$(printf "$at" 100 100) and it was never written back (th.dcache.cva or .cpa missing)"
		code no_drop "$(printf "$at" 100 100) and the reader has not dropped its copies of code (fence.i or th.icache.iall missing)"
	}
}

# left_out NAME WHO FUNCTIONS PATTERN: of the firmware without that operation all reports match the pattern, and
# the pc behind WHO is in one of the functions, and its name is told.
left_out() {
	local elf="$BIG/no_$1.elf" function
	checked --clock instructions --small-core "$elf"
	reports >"$work/reports"
	[ -s "$work/reports" ] || fail "$1: no report"
	grep -qvE "$4" "$work/reports" && fail "$1: reports of something else"
	for function in $(sed "s/.*$2 at pc \(0x[0-9a-f]*\).*/\1/" "$work/reports" |
		xargs riscv64-unknown-elf-addr2line -fe "$elf" | sed -n '1~2p'); do
		[[ " $3 " == *" $function "* ]] || fail "$1: $function is not one of $3"
	done
	expect_in err "^linnet: coherence: [0-9]+ accesses were wrong, in $(wc -l <"$work/reports") pairs of places\$"
}

# Rings are at 0x8fc00000, buffers to receive into at 0x8fc10000, and to send at 0x8fc30000.
case_left_out() {
	local big='0x800[0-9a-f]{5} \([a-z_0-9]+\+0x[0-9a-f]+\)' small='0x8fe[0-9a-f]{5} \([a-z_0-9]+\+0x[0-9a-f]+\)'
	local never="^big core read 0x8fc%s[0-9a-f]{3} at pc $big: small core wrote it at pc $small and it was never written back"
	local stale="^small core read 0x8fc%s[0-9a-f]{3} at pc $small: (big core wrote it at pc $big and the reader has not invalidated|small core wrote this line back)"
	# shellcheck disable=SC2059 # patterns
	{
		left_out clean_message 'wrote it' 'rpmsg_store16 memcpy' "$(printf "$never" '[12][0-9a-f]')"
		left_out clean_entry 'wrote it' rpmsg_store16 "$(printf "$never" '0[2a]')"
		left_out clean_index 'wrote it' vring_store "$(printf "$never" '0[2a]')"
		left_out drop_index 'core read 0x[0-9a-f]*' vring_load "$(printf "$stale" '0[129a]')"
		left_out drop_message 'core read 0x[0-9a-f]*' 'rpmsg_load32 rpmsg_deliver memcpy type count' \
			"$(printf "$stale" '[3-4][0-9a-f]')"
	}
}

# with_linux COUNT [OPTIONS...]: so many messages there and back.
with_linux() {
	guest "cd /sys/class/remoteproc/remoteproc0 && echo rpmsg.elf >firmware && echo start >state || exit
		modprobe -a virtio_rpmsg_bus rpmsg_char rpmsg_ctrl
		until [ -e /dev/rpmsg0 ]; do sleep 0.1; done
		linnet-rpmsg ping -n $1 rpmsg-raw; cat trace; echo stop >state" \
		--machine duo256m --engine interp --check-coherence \
		--file "$FIRMWARE/rpmsg-duo256m.elf:/lib/firmware/rpmsg.elf" "${@:2}"
	expect_status 0
	expect_in out "^ping: $1 messages of 1 to 496 bytes came back whole"
	expect_in out '^RT: link up$'
}

# A tree without memory for buffers, as of a board whose author forgot that: they lie in memory that Linux has in its
# cache, and each message is wrong.
cached_tree() {
	guest 'cat /sys/firmware/fdt' --machine duo256m "${quick[@]}"
	expect_status 0
	grep -qa shared-dma-pool "$work/out" || fail 'the tree has no such memory'
	LC_ALL=C sed 's/shared-dma-pool/forgotten--pool/' <"$work/out" >"$work/tree"
}

case_linux() {
	linnet kbuild --extras
	expect_status 0
	with_linux 500 --clock instructions
	expect_nothing
	cached_tree
	with_linux 20 --clock instructions --dtb "$work/tree" --symbols "$FIRMWARE/rpmsg-duo256m.elf" \
		--symbols "$BIG/big_rpmsg.elf"
	reports >"$work/reports"
	grep -q '^small core read .* at pc 0x8fe[0-9a-f]* ([a-z_]*+0x[0-9a-f]*): big core wrote .* never written back' "$work/reports" || fail 'sent unseen'
	grep -q '^big core read .* small core wrote .* not invalidated' "$work/reports" || fail 'received unseen'
}

case_linux_long() {
	LIMIT=600
	linnet kbuild --extras
	expect_status 0
	with_linux 10000 --clock instructions
	expect_nothing
	with_linux 10000
	expect_nothing
}

case_mistakes() {
	linnet run --machine duo --engine jit --check-coherence --exec true
	expect_status 125
	expect_in err '--check-coherence: the engine jit does not see each access; give --engine interp$'
	linnet run --check-coherence --exec true
	expect_status 125
	expect_in err '--check-coherence: the machine virt has no small core'
	linnet run --machine duo256m --symbols x.elf --exec true
	expect_status 125
	expect_in err '--symbols x.elf: is for --check-coherence; add that$'
	linnet run --machine duo256m --check-coherence --symbols "$work/none" --exec true
	expect_status 125
	expect_in err '--symbols .*/none: '
	linnet run --machine duo256m --check-coherence --kernel "$work/none" --exec true
	expect_status 125
	expect_not_in err 'nothing was wrong'
	checked --clock instructions --engine interp --small-core "$FIRMWARE/led-duo256m.elf" --time-limit 1 \
		--firmware "$BIG/big_mails.elf"
	expect_not_in err 'runs with --engine'
}

"case_$1"
