# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Linnet's own drivers for the default guest. Sourced by fetch.sh, ../kbuild.sh and ../kernel.sh, after
# cache.sh.
#
# ../kbuild.sh builds them into a set in the cache, an archive that `linnet run` appends to the
# initramfs. A set is for one kernel, one choice of the guest's modules (its indexes replace theirs)
# and one state of the drivers' sources.

# extras_drivers DRIVERS: prints the names of the drivers in that folder. The template is for others.
extras_drivers()
{
	(cd "$1" && ls -d -- */) | while IFS=/ read -r name _; do
		[ ! -f "$1/$name/Kbuild" ] || [ "$name" = template ] || echo "$name"
	done
}

# extras_sources DRIVERS: prints the files that modules and programs are made of, without what kbuild
# has left beside them.
extras_sources()
{
	# shellcheck disable=SC2046 # names without blanks
	(cd "$1" && find include $(extras_drivers .) -type f \
		\( -name Kbuild -o -name programs -o -name from-kernel -o -name '*.[ch]' \) ! -name '*.mod.c' ! -path '*/test/*' | sort)
}

# extras_wanted DRIVERS RELEASE GUEST: GUEST is the default guest's set; prints what the file
# "packages" of the set says that fits.
extras_wanted()
{
	sources=$(cd "$1" && {
		extras_sources .
		extras_sources . | xargs cat "$3/modules/$2/modules.dep"
	} | sha256sum | cut -c 1-16)
	echo "extras $2 $sources"
}

# extras_kernel_files DRIVERS: prints what the drivers' files "from-kernel" name of the kernel's source.
extras_kernel_files()
{
	(cd "$1" && extras_drivers . | sed 's|$|/from-kernel|' | xargs cat 2>/dev/null | sed '/^#/d' | sort -u)
}

# extras_from_kernel DRIVER SOURCE: copies what the driver's file "from-kernel" names of the kernel's
# source, a path a line, beside the driver's own files.
extras_from_kernel()
{
	[ -f "$1/from-kernel" ] || return 0
	sed '/^#/d' "$1/from-kernel" | while read -r file; do
		cp "$2/$file" "$1/" || return 1
	done
}

# extras_programs DRIVER FILE OUT [COMPILER]: builds the programs that FILE names into the folder OUT.
# DRIVER is one's folder; FILE there has lines "PROGRAM: SOURCE...", with sources and patterns from
# DRIVER.
extras_programs()
{
	[ -f "$1/$2" ] || return 0
	sed '/^#/d; s/:/ /' "$1/$2" | while read -r program sources; do
		# shellcheck disable=SC2086 # patterns
		(cd "$1" && "${4:-riscv64-linux-gnu-gcc}" -std=gnu11 -D_GNU_SOURCE \
			-D_FILE_OFFSET_BITS=64 -O2 -Wall -Wextra -static -s -pthread -I../include -I.. -I. \
			-o "$3/$program" $sources) || return 1
	done
}

# Whether $present is a set for $1, the first line of its file "packages". A second line, "without NAME...",
# says which drivers it lacks because files of the kernel's source were not there.
extras_fit()
{
	[ -n "$present" ] && [ "$(head -n 1 "$present/packages" 2>/dev/null)" = "$1" ] &&
		sums_quick "$present" extras
}

# extras_lacking: prints what $present lacks.
extras_lacking()
{
	sed -n 's/^without //p' "$present/packages"
}

# extras_print HOME WANTED: prints, as lines "name=value", the archive of the set in the folder HOME of a
# cache, if that is what extras_wanted has printed, and what it lacks.
extras_print()
{
	cache_find "$1"
	extras_fit "$2" || return 0
	echo "extras=$present/cpio"
	extras_lacking | sed 's/^/extras_lacking=/'
}

# pack_cpio ROOT OUT: makes an archive of what is below ROOT; the same input gives the same bytes.
pack_cpio()
{
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -mindepth 1 | sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible) >"$2"
}
