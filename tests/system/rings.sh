#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: rings.sh CASE. Our rings against others: see tests/kernel_ring.
. "$(dirname "$0")/lib.sh"

# Linux' own ring code, of the default guest's kernel, in a process with our side.
case_kernel() {
	timeout 100 "$(dirname "$0")/../kernel_ring/with.sh" "$LINNET" "$KERNEL_RING" >"$work/out" \
		2>"$work/err" || fail "status $?"
	[ "$(grep -c ': ok$' "$work/out")" = 3 ] || fail "not all parts passed"
}

"case_$1"
