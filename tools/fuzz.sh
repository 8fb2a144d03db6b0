#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/fuzz.sh NAME SECONDS
# Runs the fuzzer tests/fuzz/NAME of build-fuzz. Its corpus grows in build-fuzz/corpus/NAME, which
# begins as a copy of the seeds in tests/fuzz/corpus/NAME; a crashing input is left in
# build-fuzz/crashes/ and named.
set -eu
cd "$(dirname "$0")/.."
name=$1
seconds=$2
corpus=build-fuzz/corpus/$name
crashes=build-fuzz/crashes
mkdir -p "$corpus" "$crashes"
seeds=tests/fuzz/corpus/$name
[ ! -d "$seeds" ] || cp "$seeds"/* "$corpus/"

status=0
"build-fuzz/tests/fuzz/$name" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 \
	-print_final_stats=1 -verbosity=1 -artifact_prefix="$crashes/$name-" "$corpus" 2>&1 || status=$?
if [ $status != 0 ]; then
	echo "fuzz/$name: status $status. To see it again, with the file named above:"
	echo "build-fuzz/tests/fuzz/$name $crashes/$name-..."
fi
exit $status
