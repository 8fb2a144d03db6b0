#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/builddir.sh release|gcc|clang|asan|tsan|cov|fuzz
# Configures one build directory, or brings its configuration up to date, and prints nothing
# unless that fails. This is the one place that knows which flags belong to which directory:
#   build        what a user gets: gcc, -O2, no unit tests
#   build-gcc    everything at -O2 with warnings as errors; build-clang: the same by clang
#   build-asan   unit tests with AddressSanitizer and UBSan
#   build-tsan   unit tests of the suite `threads` with ThreadSanitizer
#   build-cov    unit tests that count the lines they execute, for check-coverage.sh
#   build-fuzz   fuzzers: libFuzzer with ASan and UBSan
# A directory whose flags are no longer those below is thrown away and made anew.
set -eu
cd "$(dirname "$0")/.."

dir=build-$1
cc=gcc
case $1 in
release)
	dir=build
	flags='-Dtests=disabled'
	;;
gcc)
	flags='--werror -Dtests=enabled'
	;;
clang)
	cc=clang-14
	flags='--werror -Dtests=enabled'
	;;
asan)
	flags='-Dtests=enabled -Db_sanitize=address,undefined -Doptimization=1
		-Dc_args=-fno-omit-frame-pointer'
	;;
tsan)
	cc=clang-14
	flags='-Dtests=enabled -Db_sanitize=thread -Db_lundef=false -Doptimization=1
		-Dc_args=-fno-omit-frame-pointer'
	;;
cov)
	# Atomic counters: a count that two threads spoil makes others, which derive from it, negative.
	flags='-Dtests=enabled -Db_coverage=true -Doptimization=1 -Dc_args=-fprofile-update=atomic'
	;;
fuzz)
	cc=clang-14
	flags="-Dtests=disabled -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
		-Doptimization=1
		-Dc_args=['-fsanitize=fuzzer-no-link','-fno-sanitize-recover=undefined','-fno-omit-frame-pointer']"
	;;
*)
	echo "builddir.sh: no such build directory: $1" >&2
	exit 2
	;;
esac

quietly() { # command...; its output only when it fails
	"$@" >"$dir.log" 2>&1 </dev/null || {
		cat "$dir.log" >&2
		rm -f "$dir.log"
		exit 1
	}
	rm -f "$dir.log"
}

# `build` also belongs to the user, who may have configured it otherwise.
if [ -f "$dir/build.ninja" ] && { [ "$1" = release ] || [ "$(cat "$dir/flags")" = "$cc $flags" ]; }; then
	quietly ninja -C "$dir" build.ninja
	exit 0
fi
rm -rf "$dir"
# shellcheck disable=SC2086 # a list of words
CC=$cc quietly meson setup "$dir" $flags
echo "$cc $flags" >"$dir/flags"
