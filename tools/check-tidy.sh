#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-tidy.sh [TREE [BUILD]]
# clang-tidy with .clang-tidy over each C file that BUILD (TREE/build-clang) compiles, and over those
# of guest/image as the guest's compiler would see them. A file is looked at again only when it, a header it includes, its flags or .clang-tidy have changed: a verdict is
# kept in BUILD/tidy/ under the hash of all these. Complexity findings go through
# tools/budget-allow.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# The part that xargs runs, two at a time and more: check one file, given as its number.
if [ "${1-}" = --one ]; then
	cd "$build"
	command=$(sed -n "$2p" "$work/commands")
	source=${command##* -c }
	# Comments stay in (-C), since they may hold NOLINT.
	flags=$(echo "${command% -c *}" | sed 's/^[^ ]* //; s/ -MD -MQ [^ ]* -MF [^ ]*//; s/ -o [^ ]*//')
	hash=$({
		cat "$work/salt"
		echo "$flags"
		eval "clang-14 $flags -E -C $source"
	} | sha256sum | cut -d ' ' -f 1)
	echo "$hash" >"$work/hash.$2"
	[ ! -f "tidy/$hash" ] || exit 0
	status=0
	eval "clang-tidy-14 --quiet $source -- $flags" >"$work/out.$2" 2>"$work/err.$2" </dev/null ||
		status=$?
	if [ $status != 0 ] && ! grep -q ' error: ' "$work/out.$2"; then
		cat "$work/err.$2"
		exit 1
	fi
	mv "$work/out.$2" "tidy/$hash"
	exit 0
fi

tree=$(cd "${1:-$here/..}" && pwd)
build=$(cd "${2:-$tree/build-clang}" && pwd)
cd "$tree"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export build work

failed=0
if "$here/sources.sh" '^(src|tests|guest|tools)/.*\.[ch]$' |
	xargs -r -d '\n' grep -Hn NOLINT | grep -vE 'NOLINTEND|NOLINT(BEGIN|NEXTLINE)?\([a-z].*\): .'; then
	echo 'NOLINT without the name of a check or without a reason'
	failed=1
fi

mkdir -p "$build/tidy"
{ "$here/sources.sh" '(^|/)\.clang-tidy$' | xargs -d '\n' cat; clang-tidy-14 --version; } >"$work/salt"
ninja -C "$build" -t commands | grep -E ' -c \S*\.c$' >"$work/commands" || :
guest='clang-14 --target=riscv64-linux-gnu -nostdlibinc -isystem /usr/riscv64-linux-gnu/include'
guest="$guest -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter"
"$here/sources.sh" '^guest/image/.*\.c$' | sed "s|.*|$guest -c ../&|" >>"$work/commands"
count=$(wc -l <"$work/commands")
if [ "$count" = 0 ]; then
	echo 'no C file is compiled in the build directory'
	exit 1
fi
seq "$count" | xargs -n 1 -P "$(nproc)" "$here/check-tidy.sh" --one || failed=1

# One finding is one line; a header's finding comes once for each file that includes it.
find "$work" -name 'hash.*' -exec cat {} + | sort -u >"$work/hashes"
while read -r hash; do
	cat "$build/tidy/$hash" 2>/dev/null || : # --one has failed then, and said so
done <"$work/hashes" | sed "s|$build/\.\./||; s|^\.\./||; s|$tree/||" >"$work/all"

grep -E ': (warning|error): ' "$work/all" | sort -u >"$work/findings" || :
sed -n "s|^\([^:]*\):[0-9:]* [a-z]*: function '\([^']*\)' has cognitive complexity of \([0-9]*\).*|complexity \1:\2 complexity of \3, 25 are allowed|p" \
	"$work/findings" >"$work/complexity"
"$here/allow.sh" complexity "$work/complexity" || failed=1
if grep -v 'readability-function-cognitive-complexity' "$work/findings" >"$work/rest"; then
	# With the line of code and the mark below it, not with the path that led there.
	awk 'FILENAME == ARGV[1] { wanted[$0] = 1; next }
		/: (warning|error): / && ($0 in wanted) && !seen[$0]++ { show = 3 }
		show-- > 0' "$work/rest" "$work/all"
	echo 'how the analyzer came to it: clang-tidy-14 -p build-clang FILE'
	failed=1
fi
# What is kept for files as they no longer are.
for kept in "$build"/tidy/*; do
	grep -qx "${kept##*/}" "$work/hashes" || rm -f "$kept"
done
exit $failed
