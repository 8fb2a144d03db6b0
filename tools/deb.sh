#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: tools/deb.sh [DIR]
# Builds what is not built, and makes of what `make install` installs a Debian package for this CPU,
# linnet_VERSION_ARCH.deb in DIR (default: build). Needs neither root nor debhelper. The same tree gives the same package:
# its times are those of the last commit, or SOURCE_DATE_EPOCH.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
umask 022
dir=${1:-build}
tools/deps.sh -n deb
tools/build.sh build

maintainer="${DEBFULLNAME:-Linnet developers} <${DEBEMAIL:-linnet@packages.invalid}>"
version=$(build/linnet --version | cut -d ' ' -f 2)
arch=$(dpkg --print-architecture)
if [ -z "${SOURCE_DATE_EPOCH-}" ]; then
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
fi
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$root"
chmod 755 "$root"

# The program finds its files by its own path, so whatever prefix `build` has, the tree can be moved.
DESTDIR=$work/dest meson install -C build --no-rebuild --quiet
program=$(find "$work/dest" -path '*/bin/linnet' -type f)
mv "${program%/bin/linnet}" "$root/usr"
if [ -d "$root/usr/share/zsh/site-functions" ]; then # Debian's place for packages
	mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
fi
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root/usr/bin/linnet"
find "$root/usr/share/man" -type f -exec gzip -9n {} +

doc=$root/usr/share/doc/linnet
mkdir -p "$doc" "$root/usr/share/lintian/overrides" "$root/DEBIAN"
{
	cat <<-END
		Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
		Upstream-Name: linnet

		Files: *
	END
	sed -n 's/^Copyright (c) /Copyright: /p' LICENSE
	echo 'License: Expat'
	sed '1,/^Copyright/d; /./,$!d; s/^$/./; s/^/ /' LICENSE
	cat <<-END

		Files: usr/share/linnet/drivers/*
	END
	sed -n 's/^Copyright (c) /Copyright: /p' LICENSE
	cat <<-END
		License: GPL-2
		 On Debian systems the text is in /usr/share/common-licenses/GPL-2.
	END
} >"$doc/copyright"
gzip -9n >"$doc/changelog.gz" <<-END
	linnet ($version) unstable; urgency=medium

	  * Built from the source tree; see its history.

	 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
cat >"$root/usr/share/lintian/overrides/linnet" <<-END
	# The init of the guest, which has another CPU and no libraries: data to this host.
	linnet: arch-dependent-file-in-usr-share [usr/share/linnet/image/init]
	linnet: binary-from-other-architecture [usr/share/linnet/image/init]
	linnet: statically-linked-binary [usr/share/linnet/image/init]
	# Programs of another core, with what a debugger of theirs wants to know: data too.
	linnet: arch-dependent-file-in-usr-share [usr/share/linnet/firmware/*]
	linnet: binary-from-other-architecture [usr/share/linnet/firmware/*]
	linnet: statically-linked-binary [usr/share/linnet/firmware/*]
	linnet: unstripped-binary-or-object [usr/share/linnet/firmware/*]
	# Begins a driver's directory.
	linnet: package-contains-vcs-control-file [usr/share/linnet/drivers/.gitignore]
END

# The libraries that the program is linked to, in the versions whose symbols it uses.
mkdir "$work/debian"
printf 'Source: linnet\n\nPackage: linnet\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O root/usr/bin/linnet | sed -n 's/^shlibs:Depends=//p')
[ -n "$libraries" ]
# Depends: what `linnet run` needs to get its default guest (image/fetch.sh). Recommends: what the
# program loads at run time. Suggests: kbuild.sh, kernel.sh, and completion.
cat >"$root/DEBIAN/control" <<-END
	Package: linnet
	Version: $version
	Architecture: $arch
	Maintainer: $maintainer
	Installed-Size: $(du -k -s "$root/usr" | cut -f 1)
	Depends: $libraries, apt, binutils-riscv64-linux-gnu, cpio, debian-archive-keyring, e2fsprogs, gpgv, kmod, xz-utils
	Recommends: libslirp0, qemu-system-common
	Suggests: bash-completion, bc, bison, flex, gcc, gcc-riscv64-linux-gnu, gdb-multiarch, libc6-dev-riscv64-cross, make
	Section: otherosfs
	Priority: optional
	Description: virtual board for people who write drivers and embedded systems
	 Linnet boots stock Debian, or a kernel of one's own, on a RISC-V machine made
	 in software, with network, disk and console, without root and without KVM. It
	 runs single commands in a fresh kernel, builds kernel modules for it, and
	 starts bare-metal programs and firmware.
END
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$dir/linnet_${version}_$arch.deb" >/dev/null
echo "$dir/linnet_${version}_$arch.deb"
