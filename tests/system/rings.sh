#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: rings.sh CASE. Our rings against others: see tests/kernel_ring.
. "$(dirname "$0")/lib.sh"

# Linux' own ring code, of the default guest's kernel, in a process with our side.
case_kernel() {
	local source
	source=$("$LINNET" kbuild --source --print 2>"$work/err" | sed -n 's/^source=//p')
	[ -n "$source" ] || fail "no source: $(cat "$work/err")"
	"$(dirname "$0")/../kernel_ring/build.sh" "$source" "$work" || fail "the kernel's ring code does not compile"
	timeout 100 "$KERNEL_RING" "$work/kring.so" >"$work/out" || fail "$(cat "$work/out")"
	[ "$(grep -c ': ok$' "$work/out")" = 3 ] || fail "$(cat "$work/out")"
}

"case_$1"
