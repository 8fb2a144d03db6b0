#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/sources.sh REGEX
# Prints the project's own files below the working directory whose path matches the extended
# regular expression: those git tracks and new ones it does not ignore, or outside of a git tree all
# but the build directories.
set -eu
if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ]; then
	git ls-files -co --exclude-standard
else
	find . -type f ! -path './build*' | sed 's|^\./||'
fi | grep -E "$1" | sort | while IFS= read -r file; do
	[ ! -f "$file" ] || echo "$file"
done
