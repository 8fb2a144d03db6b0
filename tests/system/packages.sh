#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: packages.sh CASE. Debian's own programs in the guest, from a disk that guest/userland.sh
# makes. What they compute must be what the same programs compute on the host, or in another emulator.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
programs=$here/packages

# debian CMD [OPTIONS...]: runs a shell's command line in the guest, with the disk as its root; its
# output is in $work/results/out, and other files that it leaves in /tmp/results are beside it. The
# status is its own.
debian() {
	local image status_file=$work/results/status
	image=$("$programs/disk.sh" 2>"$work/err" | sed -n 's/^image=//p')
	[ -n "$image" ] || fail "there is no disk with Debian's programs"
	rm -rf "$work/results"
	mkdir "$work/results"
	echo "$1" >"$work/command"
	LIMIT=${LIMIT:-400} guest 'mkdir /tmp/results
		/mnt/enter bash -e /tmp/command >/tmp/results/out 2>&1 </dev/null; echo $? >/tmp/results/status
		tar -c -C /tmp/results .' --mem 1G --disk "path=$image,snapshot=on" --net none \
		--file "$work/command:/tmp/command" "${@:2}"
	expect_status 0
	tar -x -m -C "$work/results" -f "$work/out" || fail "no results"
	cp "$work/results/out" "$work/out"
	status=$(cat "$status_file")
}

same() { # FILE NAME: the results have NAME as FILE is
	diff "$1" "$work/results/$2" >"$work/out" || fail "other results (<) than in the guest (>), $2"
}

# The program that the guest's gcc made runs once more in an emulator of another make, and compiled by
# the host's compiler for the host.
case_gcc() {
	local of user flags='-O2 -pthread -frounding-math -ffp-contract=off'
	debian "cd /tmp/results
		gcc $flags -static -Wall -Werror /tmp/mix.c -o mix -lm; ./mix >mix.out
		gcc $flags -flto -fPIE -pie /tmp/mix.c -o /tmp/mix2 -lm; /tmp/mix2 >mix2.out
		gcc -O0 -g ${flags#-O2} -save-temps /tmp/mix.c -o /tmp/mix0 -lm; /tmp/mix0 >mix0.out" \
		"${quick[@]}" --smp 2 --file "$programs/mix.c:/tmp/mix.c"
	expect_status 0
	# shellcheck disable=SC2086 # a list of options
	gcc $flags "$programs/mix.c" -o "$work/mix" -lm || fail "the host's compiler"
	"$work/mix" >"$work/mix.out"
	for of in mix mix2 mix0; do
		same "$work/mix.out" $of.out
	done
	user=$("$here/../../tools/peers.sh" | sed -n 's/^qemu_user=//p')
	timeout 60 "$user" "$work/results/mix" >"$work/mix.out" || fail "status $? in $user"
	same "$work/mix.out" mix.out
}

# The same assembler, byte by byte, from both engines.
case_gcc_engines() {
	local engine
	for engine in interp jit; do
		[ $engine = interp ] || [ ${#quick[@]} != 0 ] || continue
		debian 'cd /tmp/results; gcc -O2 -S -pthread /tmp/mix.c; gcc -c mix.s; sha256sum mix.s mix.o' \
			--engine $engine --file "$programs/mix.c:/tmp/mix.c"
		expect_status 0
		[ $engine = interp ] || same "$work/interp" out
		cp "$work/results/out" "$work/interp"
	done
}

case_git() {
	debian /tmp/git.sh "${quick[@]}" --file "$programs/git.sh:/tmp/git.sh"
	expect_status 0
	"$programs/git.sh" >"$work/host" 2>&1 || fail "the host's git"
	same "$work/host" out
}

python() { # "PARTS of the script" OPTIONS...
	local parts=$1
	debian "python3 /tmp/check.py $parts" "${@:2}" --file "$programs/check.py:/tmp/check.py"
	expect_status 0
	# shellcheck disable=SC2086 # a list of words
	python3 "$programs/check.py" $parts >"$work/host" || fail "the host's python"
	same "$work/host" out
}

case_python() {
	python '' "${quick[@]}" --smp 2
}

case_python_interp() {
	python 'json math numbers re containers exceptions' --engine interp
}

# A slice of what tests Python itself: those that look at the CPU more than at the network and files.
# test_queue is not among them: its readers spin and starve its writers, for minutes on a slow CPU,
# in QEMU too.
python_suite() { # names
	LIMIT=1800 debian "python3 -m test --timeout 600 $*" "${quick[@]}" --smp 2
	[ "$status" = 0 ] || fail "Python's own tests: $(grep -E '^(FAIL|ERROR|test_.* failed)' "$work/out")"
	expect_in out '^Result: SUCCESS$'
}

case_python_arithmetic() {
	python_suite test_float test_cmath test_struct test_complex test_thread
}

case_python_long() {
	python_suite test_math test_long test_int test_strtod test_array test_memoryview test_fractions test_json \
		test_hashlib test_re test_zlib test_threadsignals test_fork1 test_signal test_mmap test_ctypes \
		test_sqlite3
}

openssl_same() { # OPTIONS...: of linnet
	local name
	debian '/tmp/openssl.sh /tmp/results' "$@" --file "$programs/openssl.sh:/tmp/openssl.sh"
	expect_status 0
	mkdir "$work/here"
	"$programs/openssl.sh" "$work/here" >"$work/host" 2>&1 || fail "the host's openssl"
	same "$work/host" out
	for name in rsa ec; do
		openssl dgst -sha256 -verify "$work/results/$name.pub" -signature "$work/results/$name.sig" \
			"$work/here/data" >"$work/out" 2>&1 || fail "the guest's signature by $name"
	done
}

case_openssl() {
	openssl_same "${quick[@]}"
}

case_openssl_interp() {
	openssl_same --engine interp
}

# It verifies what it signs, and says so if it cannot. Its figures depend on the host.
case_openssl_speed() {
	local name
	debian 'openssl speed -seconds 1 -bytes 4096 md5 sha256 sha512 rsa2048 ecdsap256 ecdhx25519 ed25519
		for name in aes-128-cbc aes-256-gcm chacha20-poly1305 sha3-256; do
			openssl speed -seconds 1 -bytes 4096 -evp $name
		done
		openssl speed -seconds 1 -multi 2 -evp sm3 2>/dev/null | tail -n 1' "${quick[@]}" --smp 2
	expect_status 0
	expect_not_in out '[Ff]ailure|^Error|Illegal|Segmentation|^[^ ]+ +0\.00k'
	for name in md5 sha256 sha512 AES-128-CBC AES-256-GCM ChaCha20-Poly1305 sha3-256 sm3; do
		expect_in out "^$name +[0-9.]+k( |\$)"
	done
	expect_in out '^rsa +2048 bits +[0-9.]+s'
	expect_in out '^ *256 bits ecdsa \(nistp256\) +[0-9.]+s'
	expect_in out '^ *253 bits EdDSA \(Ed25519\) +[0-9.]+s'
}

recipe() { # its arguments
	"$here/../../guest/userland.sh" --cache "$work/cache" "$@" >"$work/out" 2>"$work/err"
}

# The recipe as a user meets it: a small disk, whose files root owns whoever made it; what is there is
# not made again; mistakes are told.
case_userland() {
	recipe --size 300M --copy "$work/disk" dash || fail "status $?"
	expect_in out "^image=$work/disk\$"
	[ "$(stat -c %s "$work/disk")" = $((300 << 20)) ] || fail "the size of the disk"
	/sbin/e2fsck -fn "$work/disk" >"$work/out" 2>&1 || fail "the file system"
	guest '/mnt/enter sh -ec "echo written >/etc/file; id -un; stat -c %u:%a /usr/bin/su /etc; cat /etc/file"' \
		"${quick[@]}" --disk "path=$work/disk"
	expect_status 0
	expect_out "$(printf 'root\n0:4755\n0:755\nwritten')"
	recipe --size 300M dash || fail "status $?"
	[ ! -s "$work/err" ] || fail "it has something to say"
	! recipe --copy "$work/disk" dash || fail "it wrote over a file"
	expect_in err 'exists already'
	! recipe linnet-no-such-package || fail "a package that is none"
	expect_in err 'linnet-no-such-package'
	expect_in err 'could not be made'
	[ ! -s "$work/out" ] || fail "an image of nothing"
}

"case_$1"
