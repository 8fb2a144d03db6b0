#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-shell.sh [TREE]
# Every shell script, known by its first line or its name: both its own shell and shellcheck read it
# without complaint. A file that is only sourced names its shell in a shellcheck directive, and is
# read again with each script that sources it from its own directory. What is disabled in shellcheck
# carries its reason after a second #.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
failed=0

list_scripts() {
	"$here/sources.sh" '.' | xargs -r -d '\n' awk '
		FNR == 1 && (/^#!.*\/(env )?(ba|da)?sh( |$)/ || FILENAME ~ /\.sh$/) { print FILENAME }
		{ nextfile }'
}

scripts=$(list_scripts)
for file in $scripts; do
	case $(sed -n '1p; 2,3s/^# shellcheck shell=//p' "$file") in
	*bash*) bash -n "$file" || failed=1 ;;
	*) dash -n "$file" || failed=1 ;;
	esac
	if grep -n 'shellcheck disable=[A-Z0-9,]*$' "$file"; then
		echo "$file: shellcheck disable without a reason"
		failed=1
	fi
done
# shellcheck disable=SC2086 # a list of words
[ -z "$scripts" ] || shellcheck -x -P SCRIPTDIR $scripts || failed=1
exit $failed
