#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-format.sh [TREE]
# Layout of C files by clang-format 14 and .clang-format; `clang-format-14 -i FILE` repairs it. It
# leaves comments alone; here they have at most 100 columns.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
failed=0
"$here/sources.sh" '^(src|tests|guest|tools)/.*\.[ch]$' | xargs -r -d '\n' awk '
	function width(line,   part, n, columns) {
		n = split(line, part, "\t")
		for (i = 1; i < n; i++) {
			columns += length(part[i])
			columns += 8 - columns % 8
		}
		return columns + length(part[n])
	}
	/^[ \t]*(\/\*|\*( |\t|$))|\/\*.*\*\/[ \t]*$/ && width($0) > 100 {
		printf "%s:%d: a comment of %d columns\n", FILENAME, FNR, width($0)
		failed = 1
	}
	END { exit failed }' || failed=1
"$here/sources.sh" '^(src|tests|guest|tools)/.*\.[ch]$' |
	xargs -r -d '\n' -n 1 -P "$(nproc)" sh -c '
		clang-format-14 "$0" | diff -u --label "$0" --label "$0, formatted" "$0" -' || failed=1
exit $failed
