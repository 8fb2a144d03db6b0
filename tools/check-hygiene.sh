#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-hygiene.sh [TREE]
# What may not be in the tree:
#   - a source, script or build file without a SPDX line at its top that names its licence: GPL-2.0
#     for guest/drivers, else MIT (a guest's passwd and the like have no comments);
#   - a binary, but for seeds of fuzzers up to 64 KiB;
#   - the host of a package archive, as this machine's apt knows them, or a path of somebody's
#     machine: what is fetched from where is the host's business;
#   - a remark about how a text came about instead of about the thing;
#   - work that is announced instead of done, or trailing blanks.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() { # message; the lines on standard input are the evidence
	sed "s|\$| [$1]|" | grep . && failed=1
	return 0
}

"$here/sources.sh" . >"$work/all"
grep -vE '^(LICENSE|(.*/)?\.gitignore|\.gitattributes|\.clang-format|tests/fuzz/corpus/.*|guest/image/root/etc/[a-z]+|.*\.(md|json|txt\.in))$' \
	"$work/all" >"$work/sources" || :
xargs -r -d '\n' -a "$work/sources" awk '
	FNR == 1 && NR > 1 && !seen { print last }
	FNR == 1 {
		seen = 0
		last = FILENAME
		licence = FILENAME ~ /^guest\/drivers\/.*\/./ ? "GPL-2.0" : "MIT"
	}
	FNR <= 3 && $0 ~ "SPDX-License-Identifier: " licence "( |$)" { seen = 1 }
	END { if (NR && !seen) print last }' >"$work/found"
xargs -r -d '\n' -a "$work/sources" sh -c 'for f; do [ -s "$f" ] || echo "$f"; done' sh >>"$work/found"
complain 'no SPDX line in the first three' <"$work/found"

grep -v '^tests/fuzz/corpus/' "$work/all" | xargs -r -d '\n' sh -c '
	for f; do [ ! -s "$f" ] || LC_ALL=C grep -qI . "$f" || echo "$f"; done' sh >"$work/found"
complain 'a binary' <"$work/found"
[ ! -d tests/fuzz/corpus ] || find tests/fuzz/corpus -type f -size +64k >"$work/found.seeds"
[ ! -s "$work/found.seeds" ] || complain 'a seed of more than 64 KiB' <"$work/found.seeds"

search() { # message, grep's arguments
	message=$1
	shift
	grep -vE '^tests/fuzz/corpus/' "$work/all" | xargs -r -d '\n' grep -InH "$@" >"$work/found" || :
	complain "$message" <"$work/found"
}

if command -v apt-get >/dev/null; then
	apt-get indextargets --format '$(SITE)' 2>/dev/null |
		sed -n 's|^[a-z+]*://\([^/@]*@\)\{0,1\}\([^/:]*\).*|\2|p' | sort -u >"$work/hosts"
	[ ! -s "$work/hosts" ] || search "a package archive's host" -F -f "$work/hosts"
fi
# The brackets keep these patterns from finding themselves.
search 'a path of one machine' -E '(^|[^A-Za-z0-9_.$}/-])/(h[o]me|r[o]ot|w[o]rk|f[a]rm|U[s]ers)/[a-z]'
search 'a remark on how the text came about' -iE \
	'\b(l[a]nguage model|c[o]ding agent|sub-?[a]gent|as an a[i]|a[i] assistant|(this|previous|last|next) (s[e]ssion|s[i]tting))\b'
search 'announced, not done' -E '\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b'
grep -vE '^LICENSE$' "$work/all" >"$work/text"
search 'trailing blanks' -E '[[:blank:]]+$'
exit $failed
