#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-layers.sh [TREE]
# Every #include of every C file against tools/layers.txt. It reads text, not what a compiler sees,
# so that what is compiled out counts too.
#
# A project header is included by its path from src/ (from the root for a header of guest/), with
# quotes. In tests/ and guest/ a name without a folder means a file beside the source. A driver in
# guest/drivers is built by itself, and so is guest/firmware: their own headers may be included by
# their path from there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"

"$here/sources.sh" '^(src|tests|guest)/.*\.(c|h|inc|S)$' | xargs -r -d '\n' awk '
function bad(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	failed = 1
}
# The layer whose rules hold for a path; "" where all is allowed.
function layer_of(path,   part, n) {
	n = split(path, part, "/")
	if (part[1] == "src")
		return n > 2 ? part[2] : "(none)"
	if (part[1] == "tests")
		return part[2] == "unit" && n > 3 ? part[3] : ""
	return part[1]
}
function exists(path,   line, found) {
	found = (getline line < path) >= 0
	close(path)
	return found
}
function beside(name,   path) {
	path = FILENAME
	sub(/[^\/]*$/, "", path)
	return exists(path name)
}
FILENAME == "tools/layers.txt" {
	sub(/#.*/, "")
	if (split($0, half, ":") < 2)
		next
	gsub(/[ \t]/, "", half[1])
	known[half[1]] = 1
	may[half[1], half[1]] = 1
	n = split(half[2], word, " ")
	for (i = 1; i <= n; i++)
		may[half[1], word[i]] = 1
	next
}
FNR == 1 {
	layer = layer_of(FILENAME)
	inside_src = FILENAME ~ /^src\//
	driver = match(FILENAME, /^guest\/(drivers\/[^\/]+|firmware)\//) ? substr(FILENAME, 1, RLENGTH) : ""
	if (layer != "" && !(layer in known)) {
		bad("the folder \"" layer "\" is not in tools/layers.txt")
		nextfile
	}
}
!/^[ \t]*#[ \t]*include/ { next }
{
	if (!match($0, /["<][^">]+[">]/)) {
		bad("an #include that names no file")
		next
	}
	name = substr($0, RSTART + 1, RLENGTH - 2)
	quoted = substr($0, RSTART, 1) == "\""
	folder = name
	sub(/\/.*/, "", folder)
}
name ~ /^\.\.?\// || name ~ /\/\.\.\// {
	bad("\"" name "\": a path that climbs; write it from src/")
	next
}
layer == "" { next }
!quoted {
	if (folder in known && name ~ /\// && folder != "guest")
		bad("<" name ">: a header of the project goes in quotes")
	else if (inside_src && (layer, "freestanding") in may && name !~ freestanding)
		bad("<" name ">: " layer " is freestanding")
	next
}
name !~ /\// {
	if (inside_src)
		bad("\"" name "\": write the path from src/")
	else if (!beside(name))
		bad("\"" name "\": no such file beside this one")
	next
}
(layer, name) in may { next }
driver != "" && exists(driver name) { next }
folder == "lib" && !inside_src { next }
!(folder in known) {
	bad("\"" name "\": no folder \"" folder "\" in tools/layers.txt")
	next
}
!((layer, folder) in may) {
	bad("\"" name "\": " layer " may not include " folder)
}
END { exit failed }
' freestanding='^(float|iso646|limits|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdnoreturn)[.]h$' \
	tools/layers.txt
