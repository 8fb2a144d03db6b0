#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: jit_dump.sh JIT_DUMP_BLOCKS PROGRAMS GOLDEN
# What the translator makes of programs/watch.S, against the text in GOLDEN/jit-blocks.txt. Code that has
# become better changes it: UPDATE=1 writes the file again, and the commit shows the difference.
set -u
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
"$1" "$2" >"$work/blocks" || exit 1
if ! grep -q ' mov ' "$work/blocks"; then
	echo 'skipped: no libcapstone here, or its header was not there when this was built'
	exit 77
fi
if [ "${UPDATE:-0}" = 1 ]; then
	cp "$work/blocks" "$3/jit-blocks.txt"
	exit
fi
diff -u "$3/jit-blocks.txt" "$work/blocks" || {
	echo "FAILED: the translator's code has changed; if it should, run this test with UPDATE=1" >&2
	exit 1
}
