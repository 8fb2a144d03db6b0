#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/drivers.sh LINNET
# Builds guest/drivers for the default guest where the guest and its kernel's headers are in the cache
# already: `make` downloads nothing but a guest that this version has other modules for, and leaves out
# the drivers for which it would have to. Else it says how to get them, and that is no failure.
set -eu
guest=$(dirname "$0")/../guest
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/linnet
if [ -e "$cache/guest/current" ] && [ -e "$cache/kbuild/current" ]; then
	exec "$guest/kbuild.sh" --init "$(dirname "$1")/guest/image/init" --cached --extras
fi
echo "guest/drivers are not built: \`$1 kbuild --extras\` gets the kernel headers that they need"
