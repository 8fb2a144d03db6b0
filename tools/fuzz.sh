#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/fuzz.sh NAME SECONDS, in the root of the tree
# Runs the fuzzer tests/fuzz/NAME of build-fuzz. Its corpus grows in build-fuzz/corpus/NAME, which
# begins as a copy of the seeds in tests/fuzz/corpus/NAME; a crashing input is left in
# build-fuzz/crashes/ and named.
set -eu
name=$1
seconds=$2
corpus=build-fuzz/corpus/$name
crashes=build-fuzz/crashes
mkdir -p "$corpus" "$crashes"
seeds=tests/fuzz/corpus/$name
[ ! -d "$seeds" ] || cp "$seeds"/* "$corpus/"

if ! "build-fuzz/tests/fuzz/$name" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 \
	-print_final_stats=1 -artifact_prefix="$crashes/$name-" "$corpus" 2>&1; then
	# Not libFuzzer's own status: it uses 77, which means a skip to the tests.
	echo "to see it again: build-fuzz/tests/fuzz/$name INPUT, with the file named above as INPUT"
	exit 1
fi
