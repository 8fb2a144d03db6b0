#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-budget.sh [TREE [BUILD]]
# Sizes and state, against tools/budget-allow.txt:
#   - a file has at most 600 lines, a function at most 60 (from its name to its closing brace);
#   - no object of src/ in BUILD holds a variable that can change: nothing in a .data, .bss or
#     thread-local section, where a `static` inside a function lands too. The object is asked, not the
#     text, since only there `const` means what it says;
#   - each .c file of src/ has an object in BUILD, so that none escapes that.
# Without BUILD the last two are left out.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${2:+$(cd "$2" && pwd)}
cd "${1:-$here/..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Each finding becomes a line: KIND KEY MESSAGE.
find_long_files() {
	"$here/sources.sh" '^(src|guest|tests|tools)/.*\.(c|h|S|sh)$' | xargs -r -d '\n' awk '
		FNR > 600 { print "file", FILENAME, "more than 600 lines"; nextfile }'
}

find_long_functions() {
	"$here/sources.sh" '^(src|guest|tests|tools)/.*\.[ch]$' >"$work/c"
	ctags-universal --quiet --options=NONE --langmap=C:.c.h --languages=C --c-kinds=f --fields=ne \
		--excmd=number -o - -L "$work/c" | awk -F '\t' '
		/^!/ { next }
		{
			first = last = 0
			for (i = 3; i <= NF; i++) {
				if ($i ~ /^line:/) first = substr($i, 6)
				if ($i ~ /^end:/) last = substr($i, 5)
			}
			if (!last) {
				print "function", $2 ":" $1, "its end was not found"
				next
			}
			if (last - first + 1 > 60)
				print "function", $2 ":" $1, last - first + 1, "lines, 60 are allowed"
		}'
}

# Prints `OBJECT SOURCE` for each compilation of src/ in the build.
list_objects() {
	ninja -C "$build" -t commands |
		sed -n 's/.* -o \([^ ]*\.o\) -c \([^ ]*\)$/\1 \2/p' |
		sed -n 's|^\([^ ]*\) \(.*/\)\{0,1\}\(src/[^ ]*\)$|\1 \3|p'
}

find_state() {
	list_objects >"$work/objects"
	while read -r object source; do
		echo "== $source"
		nm -f sysv "$build/$object"
	done <"$work/objects" | awk -F '|' '
		/^== / { source = substr($0, 4); next }
		NF == 7 && $7 ~ /^(\.t?(data|bss)|\*COM\*)/ && $7 !~ /^\.data\.rel\.ro/ {
			gsub(/ /, "", $1)
			if ($1 != "")
				print "state", source ":" $1, "a variable that can change"
		}'
}

find_uncompiled() {
	cut -d ' ' -f 2 "$work/objects" | sort -u >"$work/compiled"
	"$here/sources.sh" '^src/.*\.c$' | comm -23 - "$work/compiled" |
		sed 's/.*/uncompiled & no object of the build comes from this file/'
}

: >"$work/found"
find_long_files >>"$work/found"
find_long_functions >>"$work/found"
kinds='file function'
if [ -n "$build" ]; then
	find_state >>"$work/found"
	find_uncompiled >>"$work/found"
	kinds="$kinds state uncompiled"
fi
"$here/allow.sh" "$kinds" "$work/found"
