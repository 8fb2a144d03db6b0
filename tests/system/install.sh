#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: install.sh CASE. What `make install` and `make deb` make, used by somebody who is neither root nor
# has ever run it before.
. "$(dirname "$0")/lib.sh"
# shellcheck source=guest/image/extras.sh
. "$(dirname "$0")/../../guest/image/extras.sh"
cd "$(dirname "$0")/../.." || exit 1

# The default guest alone, in a cache that nobody may write to: $work/cache.
copy_cache() {
	local set
	set=$("$LINNET" fetch --print | sed -n 's/^kernel=//p')
	set=$(dirname "$set")
	mkdir -p "$work/cache/linnet/guest"
	cp -a --sparse=always "$set" "$work/cache/linnet/guest/" || fail "copying the guest"
	ln -s "$(basename "$set")" "$work/cache/linnet/guest/current"
	chmod -R a+rX,a-w "$work/cache"
}

# Sets $as, a command that runs another as somebody with nothing but a home of their own.
become_somebody() {
	mkdir "$work/home"
	chmod 755 "$work"
	as=(env -i "HOME=$work/home" PATH=/usr/bin:/bin LANG=C.UTF-8 "XDG_CACHE_HOME=$work/cache")
	[ "$(id -u)" != 0 ] || {
		chown 65534 "$work/home"
		as=(setpriv --reuid=65534 --regid=65534 --clear-groups "${as[@]}")
	}
	as=(timeout -k 5 120 "${as[@]}")
}

somebody() { # command...: in that home; output and status as linnet()
	(cd "$work/home" && exec "${as[@]}" "$@") </dev/null >"$work/out" 2>"$work/err"
	status=$?
}

# All that `kbuild --extras` builds drivers and programs of.
expect_drivers() { # folder
	(cd guest/drivers && extras_sources . | grep -v ^kxo/train/) >"$work/out"
	(cd "$1" && extras_sources .) | diff "$work/out" - >"$work/err" || fail "sources of drivers are missing"
}

# use TREE: the commands out of TREE/bin, TREE/share.
use() {
	copy_cache
	become_somebody
	somebody "$1/bin/linnet" machines
	expect_status 0
	expect_in out '^virt '
	somebody "$1/bin/linnet" run --exec 'uname -s; exit 7'
	expect_status 7
	expect_in out '^Linux$'
	somebody "$1/bin/linnet" doctor
	expect_status 0
	expect_in out "share/linnet"
	somebody "$1/bin/linnet" new-driver blinker
	expect_status 0
	[ -x "$work/home/blinker/test.sh" ] || fail "no driver was begun"
	expect_drivers "$1/share/linnet/drivers"
	[ -s "$1/share/linnet/firmware/rpmsg-duo256m.elf" ] || fail "no firmware"
	[ -s "$1/share/bash-completion/completions/linnet" ] || fail "no completion for bash"
	! command -v man >/dev/null || [ "$(MANPATH=$1/share/man man -w linnet-run)" ] || fail "no man page"
}

case_prefix() {
	local prefix
	prefix=$(meson introspect build --buildoptions | python3 -c 'import json, sys
print(*(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
	make -s install DESTDIR="$work/dest" PREFIX="$prefix" >"$work/out" 2>&1 || fail "make install"
	use "$work/dest$prefix"
}

case_deb() {
	mkdir "$work/again"
	tools/deb.sh "$work" >"$work/out" 2>"$work/err" || fail "tools/deb.sh"
	tools/deb.sh "$work/again" >"$work/out" 2>"$work/err" || fail "tools/deb.sh again"
	cmp "$work"/linnet_*.deb "$work"/again/linnet_*.deb || fail "two packages of one tree differ"
	dpkg-deb -f "$work"/linnet_*.deb >"$work/out"
	expect_in out '^Depends: .*libc6 .*libjansson4'
	expect_in out '^Recommends: .*libslirp0'
	if command -v lintian >/dev/null; then
		lintian --fail-on error "$work"/linnet_*.deb >"$work/out" 2>"$work/err" || fail "lintian"
	fi
	dpkg-deb -x "$work"/linnet_*.deb "$work/tree" || fail "unpacking"
	[ -z "$(find "$work/tree" -type f -perm /7022)" ] || fail "odd modes in the package"
	use "$work/tree/usr"
}

# A Debian of its own, installed from where this host's packages come from, in which apt gets what the
# package says that it needs, and Linnet its guest.
case_chroot() {
	local mirror root=$work/chroot tool
	if [ "$(id -u)" != 0 ]; then
		echo "skipped: only root can install a Debian"
		exit 77
	fi
	for tool in debootstrap apt-get; do
		command -v "$tool" >/dev/null || {
			echo "skipped: no $tool here"
			exit 77
		}
	done
	mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(CREATED_BY) $(REPO_URI)' |
		awk '$1 == "bookworm" && $2 == "main" && $3 == "Packages" { print $4; exit }')
	[ -n "$mirror" ] || {
		echo "skipped: this host's apt knows no bookworm"
		exit 77
	}
	tools/deb.sh "$work" >"$work/out" 2>"$work/err" || fail "tools/deb.sh"
	timeout 1200 debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/out" 2>"$work/err" ||
		fail "debootstrap"
	rm -f "$root/etc/apt/sources.list"
	cp -a /etc/apt/. "$root/etc/apt/"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	cp "$work"/linnet_*.deb "$root/linnet.deb"
	cat >"$root/inside.sh" <<-'END'
		set -eu
		mount -t proc proc /proc
		export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
		apt-get -q update
		apt-get -q -y install --install-recommends /linnet.deb
		useradd -m somebody
		cd ~somebody
		as() { setpriv --reuid=somebody --regid=somebody --init-groups env HOME=$(pwd) "$@" </dev/null; }
		as linnet doctor
		as linnet run --exec 'echo "guest: $(uname -s)"; ip -4 -o addr show eth0'
		echo '{"smp": 2}' >two.json
		as linnet run --config two.json --exec 'echo "harts: $(nproc)"'
		apt-get -q -y purge linnet
		[ ! -e /usr/share/linnet ]
		echo all is well
	END
	timeout 1800 unshare -m --propagation private chroot "$root" /bin/bash /inside.sh \
		>"$work/out" 2>"$work/err"
	status=$?
	expect_status 0
	expect_in out '^guest: Linux$'
	expect_in out 'inet 10\.0\.2\.15'
	expect_in out '^harts: 2$'
	expect_in out '^all is well$'
}

"case_$1"
