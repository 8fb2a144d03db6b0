#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tests/run.sh [fast|check|long [REGEX]]
# Installs what is missing, gets the guest, builds, and runs the tests of a tier whose name matches
# REGEX. docs/testing.md tells what a tier holds and how to add a test.
#
# This script only makes a list; tools/pool.sh runs it, prints a line for each test and the sum. A test
# is a command with a name and a limit. Unit and system tests are those that meson knows, asked for
# with `meson introspect`: their suites say to which tier and build directory they belong.
set -u
cd "$(dirname "$0")/.." || exit 1
tier=${1:-check}
regex=${2:-.}
case $tier in
fast) suites='fast' fuzz_seconds=0 ;;
check) suites='fast check' fuzz_seconds=20 ;;
long) suites='fast check long' fuzz_seconds=${FUZZ_SECONDS:-600} ;;
*)
	echo 'usage: tests/run.sh [fast|check|long [REGEX]]' >&2
	exit 2
	;;
esac

export LC_ALL=C.UTF-8 LINNET="$PWD/build/linnet"
export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
if symbolizer=$(command -v llvm-symbolizer-14); then
	export ASAN_SYMBOLIZER_PATH=$symbolizer
	TSAN_OPTIONS+=:external_symbolizer_path=$symbolizer
fi
# A well-shuffled address space can collide with the sanitizers' shadow memory.
plain_layout=
setarch -R true 2>/dev/null && plain_layout='setarch -R env ' # env, since a test's variables come first

builds='gcc clang asan tsan fuzz'
[ "$tier" = fast ] || builds+=' cov'

declare -A wanted=()  # build directories that a chosen test needs
declare -A targets=() # build directory -> what to build in it; nothing means all
items=$(mktemp) || exit 1
trap 'rm -f "$items"' EXIT

item() { # when seconds needs name command
	(IFS=$'\t' && echo "$*") >>"$items"
}

# Adds a test if it is asked for.
add() { # when seconds build-directory name command
	[[ $4 =~ $regex ]] || return 1
	if [ "$3" = - ]; then
		item "$@"
	else
		wanted[$3]=1
		item "$1" "$2" "build/$3" "$4" "$5"
	fi
}

# What is slow happens once, before the tests. A step that fails becomes a failed test; the others
# still run.
prepare() { # name command...
	if "${@:2}"; then
		item first 10 - "prepare/$1" true
	else
		item first 10 - "prepare/$1" 'echo "for the reason see above the list of tests"; false'
	fi
}

# Prints the tests that meson knows in a build directory: suites, seconds, whether it may run beside
# others, name, what to build for it, command. A test's own limit is for a fast machine with nothing
# else to do.
meson_tests() { # build directory
	meson introspect --tests --targets --force-object-output "$1" | python3 -c '
import json, os, shlex, sys
known = json.load(sys.stdin)
files = {target["id"]: target["filename"] for target in known["targets"]}
for test in known["tests"]:
    suites = " ".join(suite.split(":")[-1] for suite in test["suite"])
    needs = [file for need in test["depends"] for file in files.get(need, [])]
    program = " ".join(os.path.relpath(file, sys.argv[1]) for file in needs)
    env = "".join(f" {k}={shlex.quote(v)}" for k, v in test["env"].items())
    command = ("env" + env + " " if env else "") + shlex.join(test["cmd"])
    if test["workdir"]:
        command = "cd " + shlex.quote(test["workdir"]) + " && " + command
    when = "pool" if test["is_parallel"] else "last"
    print(f" {suites} ", 4 * test["timeout"], when, test["name"], program, command, sep="\t")
' "$PWD/$1"
}

add_unit_tests() { # build directory, suite, prefix
	local suites seconds when name program command
	while IFS=$'\t' read -r suites seconds when name program command; do
		[[ $suites == *" $2 "* ]] || continue
		add "$when" "$seconds" "$1" "$3/$name" "$plain_layout$command" && targets[$1]+=" $program"
	done < <(meson_tests "build-$1")
}

add_system_tests() {
	local of seconds when name program command suite
	while IFS=$'\t' read -r of seconds when name program command; do
		for suite in $suites; do
			[[ $of == *" $suite "* ]] && add "$when" "$seconds" - "$name" "$command" && guest=1
		done
		# Root sees too little of what a user meets, so some run once more without its rights.
		if [ "$(id -u)" = 0 ] && [ "$tier" != fast ] && [[ $of == *' rootless '* ]]; then
			add "$when" "$seconds" - "rootless/${name#system/}" \
				"tests/rootless.sh bash -c $(printf %q "$command")" && guest=1
		fi
	done < <(meson_tests build)
}

add_checks() {
	add pool 900 clang check/tidy 'tools/check-tidy.sh . build-clang'
	add pool 300 - check/cppcheck 'tools/check-cppcheck.sh . build-clang/cppcheck'
	add pool 300 - check/layers 'tools/check-layers.sh'
	add pool 300 - check/format 'tools/check-format.sh'
	add pool 300 gcc check/budget 'tools/check-budget.sh . build-gcc'
	add pool 300 - check/headers 'tools/check-headers.sh'
	add pool 300 - check/shell 'tools/check-shell.sh'
	add pool 300 - check/hygiene 'tools/check-hygiene.sh'
	add pool 300 - check/selftest 'tools/selftest.sh'
}

# The unit tests once more, counting lines: one test, since what counts is the sum.
add_coverage() {
	add pool 1800 cov check/coverage 'tools/check-coverage.sh . build-cov' || return
	targets[cov]=$(meson_tests build-cov | awk -F '\t' '$1 ~ / unit / { print $5 }' | tr '\n' ' ')
}

# With the kernel's source at hand.
add_checkpatch() {
	add pool 300 - check/checkpatch 'tools/check-checkpatch.sh' && guest=1
}

add_fuzzers() {
	local source name
	[ "$fuzz_seconds" != 0 ] || return
	for source in tests/fuzz/*.c; do
		name=$(basename "$source" .c)
		grep -qs '^int LLVMFuzzerTestOneInput' "$source" || continue
		add pool $((fuzz_seconds + 120)) fuzz "fuzz/$name" \
			"${plain_layout}tools/fuzz.sh $name $fuzz_seconds"
	done
}

add_builds() {
	local build
	for build in $builds; do
		case $build in
		gcc | clang) [[ build/$build =~ $regex ]] && wanted[$build]=1 ;;
		esac
		[ -n "${wanted[$build]-}" ] || continue
		item first 1800 "prepare/configure-$build" "build/$build" \
			"tools/build.sh build-$build ${targets[$build]-}"
	done
}

tools/deps.sh check || exit 1
prepare configure tools/builddir.sh release
for build in $builds; do
	prepare "configure-$build" tools/builddir.sh "$build"
done
guest=
add_checks
add_unit_tests asan unit unit
[ "$tier" = fast ] || add_unit_tests asan unit-check unit
if [ "$tier" = long ]; then
	add_unit_tests gcc unit-long unit
	unset 'targets[gcc]' # all of it, for the warnings
fi
add_unit_tests tsan threads tsan
[ "$tier" = fast ] || add_coverage
[ "$tier" = fast ] || add_checkpatch
add_fuzzers
add_system_tests
add_builds
if [ -n "$guest" ] || [ "$regex" = . ]; then
	prepare build tools/build.sh build all meson-test-prereq
	prepare guest build/linnet fetch
	[ "$tier" = fast ] || prepare peers tools/peers.sh
	[ "$tier" = fast ] || prepare headers build/linnet kbuild --print
	[ "$tier" = fast ] || prepare kernels build/linnet fetch --small --debug
	! grep -q 'check/checkpatch' "$items" || prepare source build/linnet kbuild --source --print
	! grep -q 'system/tap/iperf3' "$items" || prepare iperf3 guest/userland.sh iperf3
	! grep -q 'system/fio/' "$items" || prepare fio guest/userland.sh fio
	! grep -q 'system/packages/' "$items" || prepare packages tests/system/packages/disk.sh
fi
tools/pool.sh "$items" build/check
