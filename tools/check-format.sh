#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-format.sh [TREE]
# Layout of C files by clang-format 14 and .clang-format; `clang-format-14 -i FILE` repairs it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
"$here/sources.sh" '^(src|tests|guest|tools)/.*\.[ch]$' |
	xargs -r -d '\n' -n 1 -P "$(nproc)" sh -c '
		clang-format-14 "$0" | diff -u --label "$0" --label "$0, formatted" "$0" -'
