#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/check-headers.sh [TREE]
# Every header compiles alone, and may be included twice.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/..}"
"$here/sources.sh" '^(src|tests|guest/image)/.*\.h$' | xargs -r -d '\n' -n 1 -P "$(nproc)" sh -c '
	printf "#include \"%s\"\n#include \"%s\"\n" "$PWD/$0" "$PWD/$0" |
		gcc -std=gnu11 -D_GNU_SOURCE -Isrc -I. -Itests/unit -Wall -Wextra -Wundef \
			-Wno-unused-parameter -Werror -fsyntax-only -x c -
'
