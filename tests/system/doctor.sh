#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: doctor.sh CASE. What `linnet doctor` says of this host, and of hosts on which something is made
# to be missing.
. "$(dirname "$0")/lib.sh"

# doctor STATUS COMMAND...: runs it by the command, and its JSON to $work/out.
doctor() {
	local want=$1
	shift
	timeout -k 5 60 "$@" "$LINNET" doctor --json >"$work/out" 2>"$work/err"
	status=$?
	expect_status "$want"
}

# finding NAME STATE CURE-REGEX: of the last doctor.
finding() {
	python3 -c '
import json, re, sys
name, state, cure = sys.argv[1:]
report = json.load(sys.stdin)
probe = {p["name"]: p for p in report["probes"]}[name]
assert probe["state"] == state, probe
assert re.search(cure, probe["cure"]), probe
assert (probe["state"] == "ok") == (probe["cure"] == ""), probe
assert probe["found"] and probe["purpose"], probe
' "$@" <"$work/out" 2>"$work/err" || fail "about $1"
}

case_here() {
	local name
	doctor 0 env
	grep -q '"run_works": true' "$work/out" || fail "run does not work here?"
	for name in program guest memory network; do
		finding "$name" ok ''
	done
	mapfile -t names < <(sed -n 's/^ *"name": "\(.*\)",$/\1/p' "$work/out")
	[ "${#names[@]}" -ge 12 ] || fail "only ${#names[@]} probes"
	linnet doctor
	expect_status 0
	for name in "${names[@]}"; do
		expect_in out "^(ok|limited|missing) +$name +[^ ]"
	done
	expect_in out '^linnet run works here'
	[ "$(wc -L <"$work/out")" -le 80 ] || fail "wider than 80 columns"
	linnet doctor --jsno
	expect_status 2
	linnet doctor twice
	expect_status 2
}

case_limits() {
	# shellcheck disable=SC2016 # for the inner shell
	local limited='ulimit "$1" "$2"; shift 2; exec "$@"'
	doctor 1 bash -c "$limited" bash -v 400000
	finding memory missing 'ulimit|limit.*--mem'
	grep -q '"run_works": false' "$work/out" || fail "run works?"
	doctor 0 bash -c "$limited" bash -l 64
	finding memlock limited 'ulimit -l'
}

case_guest() {
	mkdir "$work/empty" "$work/tools"
	doctor 0 env XDG_CACHE_HOME="$work/empty"
	finding guest limited 'linnet fetch'
	doctor 1 env XDG_CACHE_HOME="$work/empty" PATH="$work/tools"
	finding guest missing 'dpkg.*cpio.*xz-utils'
	finding kbuild missing 'make gcc-riscv64-linux-gnu'
	doctor 0 env PATH="$work/tools" # it is there already
	finding guest ok ''
	PATH=$work/tools XDG_CACHE_HOME=$work/empty "$LINNET" doctor >"$work/out"
	expect_in out '^NEEDED +guest'
	expect_in out '^linnet run does not work here'
	[ -z "$(ls -A "$work/empty")" ] || fail "something was written"
	doctor 1 env -u XDG_CACHE_HOME HOME=/dev/null
	finding guest missing 'HOME or XDG_CACHE_HOME'
}

case_library() {
	mkdir "$work/lib"
	echo no library >"$work/lib/libslirp.so.0"
	doctor 1 env LD_LIBRARY_PATH="$work/lib"
	finding network missing 'libslirp0.*--net none'
}

case_program() {
	cp "$LINNET" "$work/linnet"
	LINNET=$work/linnet doctor 1 env
	finding program missing 'again'
}

# In namespaces of one's own /dev and limits can be anything.
case_devices() {
	need_namespaces m
	unshare -rm true || {
		echo "skipped: this user may not make namespaces"
		exit 77
	}
	# shellcheck disable=SC2016 # for the inner shell
	doctor 0 unshare -rm bash -c '
		mount -t tmpfs none /dev/net 2>/dev/null
		[ ! -e /dev/kvm ] || mount --bind /dev/null /dev/kvm
		echo 0 >/proc/sys/user/max_user_namespaces
		exec setpriv --bounding-set=-sys_chroot "$@"' bash
	finding tun missing 'modprobe tun'
	finding kvm missing 'dmesg|modprobe'
	finding namespaces missing 'user.max_user_namespaces'
	finding share missing 'user.max_user_namespaces'
	if [ -x /usr/lib/qemu/virtiofsd ]; then
		# shellcheck disable=SC2016 # for the inner shell
		doctor 0 unshare -rm bash -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' bash
		finding share ok '^$'
	fi
	# shellcheck disable=SC2016 # for the inner shell
	if [ -e /dev/net/tun ]; then
		doctor 0 unshare -rm bash -c 'mount --bind /dev/null /dev/net/tun && exec "$@"' bash
		finding tun missing 'no TUN device'
	fi
	mkdir "$work/empty"
	# shellcheck disable=SC2016 # for the inner shell
	if [ -d /usr/lib/qemu ]; then
		doctor 0 unshare -rm bash -c 'mount --bind "$1" /usr/lib/qemu && shift && exec "$@"' bash "$work/empty"
		finding share missing 'qemu-system-common'
	fi
}

# Somebody whom the devices do not let in.
case_other_user() {
	local as=()
	if [ "$(id -u)" = 0 ]; then
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		install -d -o 65534 "$work/home"
		chmod 755 "$work"
	else
		mkdir "$work/home"
	fi
	"${as[@]}" test -x "$LINNET" || {
		echo "skipped: another user may not run $LINNET"
		exit 77
	}
	"${as[@]}" test -e /dev/net/tun -a ! -r /dev/net/tun || {
		echo "skipped: /dev/net/tun is open to all here, or not there"
		exit 77
	}
	HOME=$work/home XDG_CACHE_HOME='' timeout 60 "${as[@]}" "$LINNET" doctor --json >"$work/out" \
		2>"$work/err"
	finding tun missing 'chmod'
	[ -r /dev/kvm ] || [ ! -e /dev/kvm ] || finding kvm missing 'adduser'
}

"case_$1"
