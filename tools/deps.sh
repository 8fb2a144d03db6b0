#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/deps.sh [-n] build|run|deb|check
# Installs the Debian packages that building, running or checking Linnet needs and that are
# missing here; -n only names them. Exit 0 when nothing is missing (any more). With nothing missing
# it needs neither root nor network.
#
# A set holds those before it, but for deb, which only holds build. An entry is a package, or package=command where any provider of the
# command will do. Where there is no dpkg, meson and the tests say themselves what they miss.
set -eu

build_set='gcc libc6-dev make=make meson=meson ninja-build=ninja pkg-config=pkg-config
	libslirp-dev libfdt-dev liburing-dev zlib1g-dev libzstd-dev libjansson-dev gcc-riscv64-linux-gnu
	libc6-dev-riscv64-cross gcc-riscv64-unknown-elf'
run_set='e2fsprogs cpio=cpio kmod xz-utils=xz busybox=busybox debian-archive-keyring gpgv=gpgv
	qemu-system-common'
deb_set='dpkg-dev=dpkg-shlibdeps binutils=strip'
check_set='libcmocka-dev libcapstone-dev clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14
	cppcheck=cppcheck gcovr=gcovr shellcheck=shellcheck universal-ctags=ctags-universal binutils
	flex=flex bison=bison bc=bc zstd=zstd git=git curl=curl netcat-openbsd=nc.openbsd iproute2=ip time=time
	device-tree-compiler=dtc qemu-system-misc qemu-utils=qemu-img openssl=openssl man-db=man
	mandoc=mandoc zsh=zsh gdb-multiarch=gdb-multiarch iperf3=iperf3 passt=passt
	qemu-system-x86=qemu-system-x86_64 gcc-i686-linux-gnu=i686-linux-gnu-gcc libc6-dev-i386-cross'

installed() { # package[=command]
	case $1 in
	*=*) command -v "${1#*=}" >/dev/null && return 0 ;;
	esac
	dpkg-query -W -f '${db:Status-Status}\n' "${1%%=*}" 2>/dev/null | grep -qx installed
}

# Reads apt's status lines (kind:package:percent:text) and draws them as one line on a terminal.
progress() {
	if [ ! -t 2 ]; then
		cat >/dev/null
		return
	fi
	while IFS=: read -r kind _ percent text; do
		case $kind in
		dlstatus) what=download ;;
		pmstatus) what=install ;;
		*) continue ;;
		esac
		percent=${percent%%.*}
		bar=$(printf '%*s' $((percent / 4)) '' | tr ' ' '#')
		printf '\r%-8s [%-25s] %3d%% %-40.40s' "$what" "$bar" "$percent" "$text" >&2
	done
	printf '\r%79s\r' '' >&2
}

apt() { # arguments of apt-get; output goes to the log, the result is apt-get's
	{
		$sudo sh -c 'log=$1; shift; DEBIAN_FRONTEND=noninteractive exec apt-get -q -y \
			-o DPkg::Lock::Timeout=300 -o APT::Status-Fd=3 "$@" 3>&1 >>"$log" 2>&1 </dev/null' \
			sh "$logdir/log" "$@" && : >"$logdir/ok"
	} | progress
	[ -e "$logdir/ok" ] && rm "$logdir/ok"
}

only_name=0
[ "${1-}" = -n ] && only_name=1 && shift
case ${1-} in
build) wanted=$build_set ;;
run) wanted="$build_set $run_set" ;;
deb) wanted="$build_set $deb_set" ;;
check) wanted="$build_set $run_set $deb_set $check_set" ;;
*)
	echo 'usage: tools/deps.sh [-n] build|run|deb|check' >&2
	exit 2
	;;
esac
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || exit 0

missing=
for entry in $wanted; do
	installed "$entry" || missing="$missing ${entry%%=*}"
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if [ -n "$sudo" ] && [ $only_name = 0 ] && ! { command -v sudo >/dev/null &&
	{ [ -t 0 ] || sudo -n true 2>/dev/null; }; }; then
	echo 'linnet: not root and no way to become it (sudo); what is missing can only be named' >&2
	only_name=1
fi
if [ $only_name = 1 ]; then
	echo "linnet: these packages are missing:$missing" >&2
	echo "linnet: install them with: ${sudo:+sudo }apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

logdir=$(mktemp -d)
trap 'rm -rf "$logdir"' EXIT
trap 'exit 130' INT TERM
echo "linnet: installing with apt-get:$missing" >&2
apt update || echo 'linnet: apt-get update failed; going on with the lists that are here' >&2
# shellcheck disable=SC2086 # a list of words
if ! apt install --no-install-recommends $missing; then
	tail -n 30 "$logdir/log" >&2
	echo "linnet: apt-get could not install:$missing" >&2
	exit 1
fi
