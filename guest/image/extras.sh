# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Linnet's own drivers for the default guest. Sourced by fetch.sh, ../kbuild.sh and ../kernel.sh, after
# cache.sh.
#
# ../kbuild.sh builds them into a set in the cache, an archive that `linnet run` appends to the
# initramfs. A set is for one kernel, one choice of the guest's modules (its indexes replace theirs)
# and one state of the drivers' sources.

# extras_wanted DRIVERS RELEASE GUEST: GUEST is the default guest's set; prints what the file "packages" of the set says that fits.
extras_wanted()
{
	sources=$(cd "$1" && cat linnet_*/Kbuild linnet_*/*.[ch] "$3/modules/$2/modules.dep" |
		sha256sum | cut -c 1-16)
	echo "extras $2 $sources"
}

# Whether $present is a whole set with $1 in its file "packages".
extras_fit()
{
	[ -n "$present" ] && [ "$(cat "$present/packages" 2>/dev/null)" = "$1" ] &&
		sums_quick "$present" extras
}

# pack_cpio ROOT OUT: makes an archive of what is below ROOT; the same input gives the same bytes.
pack_cpio()
{
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -mindepth 1 | sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible) >"$2"
}
