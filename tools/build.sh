#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/build.sh DIR [TARGET...]
# Runs ninja: with its progress line on a terminal, else one line of ours and what the compiler says.
set -eu
cd "$(dirname "$0")/.."
dir=$1
shift
if [ -t 1 ]; then
	exec ninja -C "$dir" "$@"
fi
echo "building $dir"
exec ninja --quiet -C "$dir" "$@"
