#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-cppcheck.sh [TREE [STATE]]
# cppcheck over src/ with tools/cppcheck.txt; STATE is a directory (of a build) for what it learned, so
# that the next run looks only at what changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
state=
if [ -n "${2-}" ]; then
	mkdir -p "$2"
	state=--cppcheck-build-dir=$(cd "$2" && pwd)
fi
cd "${1:-$here/..}"
sources=$(mktemp)
trap 'rm -f "$sources"' EXIT
"$here/sources.sh" '^src/.*\.c$' >"$sources"
[ -s "$sources" ] || exit 0
cppcheck --quiet --std=c11 --language=c --platform=unix64 -D_GNU_SOURCE -D__GNUC__=12 \
	-D__x86_64__ -D__linux__ -I src \
	--enable=warning,performance,portability --inline-suppr --suppressions-list=tools/cppcheck.txt \
	--error-exitcode=1 -j "$(nproc)" ${state:+"$state"} --file-list="$sources"
