# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# Sets of downloaded files in a cache. Sourced by fetch.sh and by tools/peers.sh, after apt.sh.
#
# DIR/current is a symbolic link to the set in use, a directory beside it. A set is made under
# another name and takes effect by a rename of that link, so an interrupted run leaves the old one.
# The set before it stays for those who have just read the link. DIR/lock makes writers wait for each
# other; readers take no lock.

fail()
{
	say "$*"
	exit 1
}

# The set in use, or nothing; the one that is being made, or nothing; and what a failure means to
# the user: each failing command ends the script (set -e), so it is said on the way out.
present=
new=
despair=

cache_exit()
{
	status=$?
	[ -z "$new" ] || rm -rf "$new"
	if [ $status -ne 0 ] && [ $status -lt 128 ] && [ -n "$despair" ]; then
		say "$despair"
		exit 1
	fi
}

# cache_find DIR: sets $present.
cache_find()
{
	present=
	[ ! -L "$1/current" ] || present=$1/$(readlink "$1/current")
}

# cache_lock DIR: waits for others, and clears away what killed runs have left.
cache_lock()
{
	mkdir -p "$1"
	exec 9>"$1/lock"
	if ! flock -n 9; then
		say 'waiting for another fetch to end'
		flock 9
	fi
	trap cache_exit EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	rm -rf "$1/link.new" "$1"/new.*
	cache_find "$1"
}

cache_unlock()
{
	exec 9>&-
	trap - EXIT INT TERM HUP
}

# cache_new DIR: sets $new, an empty directory. To be called under the lock, as cache_put is.
cache_new()
{
	new=$(mktemp -d "$1/new.XXXXXX")
	chmod 755 "$new"
}

# cache_put DIR: makes $new the set in use.
cache_put()
{
	set_name=set.${new##*.}
	mv "$new" "$1/$set_name"
	new=
	ln -s "$set_name" "$1/link.new"
	mv -T "$1/link.new" "$1/current"
	find "$1" -maxdepth 1 -name 'set.*' ! -name "$set_name" ! -name "${present##*/}" \
		-exec rm -rf {} +
	present=$1/$set_name
}

# Sums: NAME.sums in a set has a line "CHECKSUM SIZE TIME FILE" for each of some of its files.

# sums_write SET NAME FILE...
sums_write()
{
	(
		cd "$1" || exit 1
		out=$2.sums
		shift 2
		for file; do
			sum=$(sha256sum <"$file")
			echo "${sum%% *} $(stat -c '%s %Y' "$file") $file"
		done >"$out.new"
		mv "$out.new" "$out"
	)
}

# Whether the files of SET that NAME... are about have the size and time noted. Takes milliseconds.
sums_quick()
{
	(
		cd "$1" && shift || exit 1
		for name; do
			shift
			set -- "$@" "$name.sums"
		done
		noted=$(cut -d ' ' -f 2- "$@" 2>/dev/null) || exit 1
		# shellcheck disable=SC2046 # names without blanks
		found=$(stat -c '%s %Y %n' $(cut -d ' ' -f 4 "$@") 2>/dev/null) || exit 1
		[ -n "$noted" ] && [ "$noted" = "$found" ]
	)
}

# Whether SET's files that NAME is about are what they were: by size and time; if these differ,
# by their content, and then the new times are noted.
sums_good()
{
	sums_quick "$1" "$2" && return 0
	[ -s "$1/$2.sums" ] || return 1
	(cd "$1" && awk '{ print $1 "  " $4 }' "$2.sums" | sha256sum --status -c 2>/dev/null) ||
		return 1
	# shellcheck disable=SC2046 # names without blanks
	sums_write "$1" "$2" $(cut -d ' ' -f 4 "$1/$2.sums")
}
