#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-coverage.sh TREE BUILD
# Runs the unit tests of BUILD, which counts lines (tools/builddir.sh cov), and holds the shares of
# lines that they executed against TREE/tools/coverage-floors.txt. Prints each layer's share, and for
# what lies below its floor the lines that no test executes. Nothing is built.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What an earlier run counted, perhaps of other code.
find "$build" -name '*.gcda' -delete
# One at a time: whoever runs this has other tests for the other CPUs.
if ! meson test -C "$build" --no-rebuild --suite unit --num-processes 1 --timeout-multiplier 4 \
	--print-errorlogs >"$work/tests" 2>&1; then
	cat "$work/tests"
	exit 1
fi
if ! gcovr -r . -f src/ --csv "$work/shares" --txt "$work/lines" "$build" >"$work/log" 2>&1; then
	cat "$work/log"
	exit 1
fi
if awk -F '[, ]+' -f "$here/coverage.awk" tools/coverage-floors.txt "$work/shares" >"$work/verdict"; then
	cat "$work/verdict"
	exit 0
fi
cat "$work/verdict"
echo 'Lines that no unit test executes, in files below a floor:'
# gcovr breaks its row where a path is long: then the numbers stand on the next line.
sed -n 's/^below: \(src[^ :]*\):.*/\1/p' "$work/verdict" | while read -r path; do
	grep -A 1 "^$path\( \|\$\)" "$work/lines" | sed '/^--/d; 2{/^src/d;}'
done
exit 1
