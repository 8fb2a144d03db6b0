#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/fuzz.sh NAME SECONDS, in the root of the tree
# Runs the fuzzer tests/fuzz/NAME of build-fuzz. Its corpus grows in build-fuzz/corpus/NAME, which
# begins as a copy of the seeds in tests/fuzz/corpus/NAME; a crashing input is left in
# build-fuzz/crashes/ and named. A run of up to a minute is a gate: from its own copy of the seeds it tries
# the same inputs each time, so that it does not fail today for what it overlooked yesterday. A longer one
# searches.
set -eu
name=$1
seconds=$2
corpus=build-fuzz/corpus/$name
crashes=build-fuzz/crashes
seed=0 # libFuzzer then takes the time for it
if [ "$seconds" -le 60 ]; then
	seed=1
	corpus=build-fuzz/gate/$name
	rm -rf "$corpus"
fi
mkdir -p "$corpus" "$crashes"
seeds=tests/fuzz/corpus/$name
[ ! -d "$seeds" ] || cp "$seeds"/* "$corpus/"

if ! "build-fuzz/tests/fuzz/$name" -seed=$seed -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=10 \
	-print_final_stats=1 -artifact_prefix="$crashes/$name-" "$corpus" 2>&1; then
	# Not libFuzzer's own status: it uses 77, which means a skip to the tests.
	echo "to see it again: build-fuzz/tests/fuzz/$name INPUT, with the file named above as INPUT"
	exit 1
fi
