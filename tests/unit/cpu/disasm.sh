#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: disasm.sh LIST
# Our disassembler against GNU's, by the lines that LIST (disasm_list.c) prints. Instructions that this
# binutils does not know yet are listed; all of them have to be of the extensions named here.
set -u
unknown='^(czero|fli|fround|froundnx|fminm|fmaxm|fleq|fltq|fcvtmod)\.'
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
fail() {
	echo "FAILED: $*" >&2
	exit 1
}

"$1" 40 >"$work/list" || fail "$1"
cut -f1 "$work/list" >"$work/list.s"
cut -f2- "$work/list" >"$work/ours"
riscv64-linux-gnu-as -o "$work/list.o" \
	-march=rv64gc_zba_zbb_zbc_zbs_zicbom_zicbop_zicboz_zawrs_svinval_xtheadcmo_xtheadsync "$work/list.s" || fail as
# Of `  10:	fe000ee3    	beq	x0,x0,c <.text+0xc>` the instruction; targets get our 0x.
riscv64-linux-gnu-objdump -d -M no-aliases,numeric "$work/list.o" | sed -n 's/^ *[0-9a-f]*:\t[0-9a-f ]*\t//p' |
	sed -E 's/([\t,])([0-9a-f]+) <[^>]*>$/\10x\2/; s/ *#.*//' >"$work/gnu"
[ "$(wc -l <"$work/ours")" = "$(wc -l <"$work/gnu")" ] || fail "not as many lines"
[ "$(wc -l <"$work/ours")" -gt 10000 ] || fail "too few lines"

paste -d '|' "$work/ours" "$work/gnu" >"$work/both"
awk -F '|' -v unknown="$unknown" '
	$1 == $2 { same++; next }
	$2 ~ /^\.4byte/ && $1 ~ unknown { sub(/\t.*/, "", $1); skipped[$1] = 1; next }
	{ wrong++; if (wrong <= 20) print "ours: " $1 "\ngnu:  " $2 }
	END {
		printf "%d alike, %d different; not known to GNU:", same, wrong
		for (name in skipped) printf " %s", name
		print ""
		exit wrong > 0
	}' "$work/both" || fail "the two disassemblers differ"
