#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/allow.sh 'KIND...' FOUND
# Holds findings (lines `KIND KEY MESSAGE` of the file FOUND) against tools/budget-allow.txt of the
# working directory. Prints the findings that it does not allow, and the entries of these kinds
# that lack a reason or allow nothing; exit 1 if there are any.
set -eu
awk -v kinds=" $1 " '
FILENAME == "tools/budget-allow.txt" {
	if (/^#/ || NF == 0 || index(kinds, " " $1 " ") == 0)
		next
	if (NF < 4) {
		printf "%s:%d: an entry without a reason\n", FILENAME, FNR
		failed = 1
	}
	line[$1, $2] = FNR
	next
}
{
	key = $2
	if (!(($1, key) in line))
		sub(/:.*/, ":*", key)
	if (($1, key) in line) {
		used[$1, key] = 1
		next
	}
	path = $2
	sub(/:/, ": ", path)
	$2 = path ":"
	kind = $1
	$1 = ""
	print substr($0, 2) " [" kind "]"
	failed = 1
}
END {
	for (entry in line)
		if (!(entry in used)) {
			printf "tools/budget-allow.txt:%d: no longer needed\n", line[entry]
			failed = 1
		}
	exit failed
}' tools/budget-allow.txt "$2"
