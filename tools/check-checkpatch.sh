#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-checkpatch.sh [TREE [LINUX-SOURCE]]
# What runs in the kernel, by the kernel's own scripts/checkpatch.pl; that comes with the source that
# `linnet kbuild --source` keeps in the cache, which is looked for if none is given. Without it there
# is nothing to check with (77). Programs of the drivers are not the kernel's matter.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
linux=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/linnet/source/current/linux}
cd "${1:-$here/..}"
[ -f "$linux/scripts/checkpatch.pl" ] || {
	echo "skipped: no checkpatch.pl in $linux"
	exit 77
}
# COMPLEX_MACRO: a list of commands that calls X(name) for each cannot stand in parentheses.
"$here/sources.sh" '^guest/drivers/.*\.[ch]$' | grep -vE '/(test|testing|train|user)/|/td_table\.c$' |
	xargs -r -d '\n' perl "$linux/scripts/checkpatch.pl" --no-tree --terse --show-types --no-summary \
		--max-line-length=100 --ignore COMPLEX_MACRO -f
