#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/install.sh [PREFIX]
# Builds what is not built, and installs it below $DESTDIR/PREFIX (default: /usr/local). The program
# finds its files by its own path, so another prefix costs no new compilation.
set -eu
cd "$(dirname "$0")/.."
prefix=${1:-/usr/local}
has=$(meson introspect build --buildoptions |
	python3 -c 'import json, sys
print(*(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
[ "$has" = "$prefix" ] || meson configure build "-Dprefix=$prefix"
tools/build.sh build
meson install -C build --no-rebuild --quiet
echo "installed in ${DESTDIR:-}$prefix"
