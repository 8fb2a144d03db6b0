#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tests/rootless.sh COMMAND...
# Run by root, runs COMMAND as a user who has no rights at all: no capability, no group, a home of its
# own with nothing in it but the caller's cache of guests, read-only. Exit 77 where root is not root
# enough.
#
# The tree may lie where others cannot go, below /root, say. In a mount namespace of the command's own,
# what stands in the way is covered by an empty directory that has only the tree in it, under the
# same path as before.
set -eu
user=65534
tree=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/linnet

if [ "${1-}" = --inside ]; then
	home=$2
	shift 2
	mkdir -p "$home/.cache/linnet" "$home/tree"
	mount --bind "$cache" "$home/.cache/linnet"
	mount -o remount,bind,ro "$home/.cache/linnet"
	mount --bind "$tree" "$home/tree"
	path= # down to the first directory that is closed to others
	IFS=/ read -ra names <<<"${tree#/}"
	for name in "${names[@]}"; do
		path+=/$name
		setpriv --reuid=$user --regid=$user --clear-groups test -x "$path" && continue
		mount -t tmpfs -o mode=755 none "$path"
		mkdir -p "$tree"
		mount --bind "$home/tree" "$tree"
		break
	done
	cd "$tree"
	exec setpriv --reuid=$user --regid=$user --clear-groups --inh-caps=-all --bounding-set=-all \
		env -u XDG_CACHE_HOME -u XDG_RUNTIME_DIR -u SUDO_USER HOME="$home" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
fi

unshare -m true 2>/dev/null || {
	echo 'skipped: this root may not make a mount namespace, so it cannot play another user'
	exit 77
}
"$tree/build/linnet" fetch >/dev/null # the command cannot complete the cache itself
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir "$home/.cache"
chown "$user:$user" "$home" "$home/.cache"
chmod 755 "$home"
unshare -m --propagation private "$0" --inside "$home" "$@"
