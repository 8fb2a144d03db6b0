#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program with the path of Linux' ring code, made by build.sh, as its last argument. The source is
# that of the default guest's kernel; it is downloaded if the cache has none.
#
# usage: with.sh LINNET PROGRAM [ARGUMENT...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$("$1" kbuild --source --print | sed -n 's/^source=//p')
shift
[ -n "$source" ] || exit 1
"$here/build.sh" "$source" "$work"
"$@" "$work/kring.so"
