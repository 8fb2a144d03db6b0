#!/bin/sh
# SPDX-License-Identifier: MIT
# Begins a kernel module with a small one that works: see docs/drivers.md.
#
# usage: new-driver.sh [--program PATH] NAME [DIR]
#	--program PATH	the linnet to name in the hints; default: linnet
#
# DIR (default: ./NAME) is made out of drivers/template, where the driver is called "sample".
set -eu
export LC_ALL=C

template=$(cd "$(dirname "$0")" && pwd)/drivers/template

fail()
{
	echo "linnet: $*" >&2
	exit 1
}

program=linnet
if [ "${1-}" = --program ] && [ $# -ge 2 ]; then
	# By its name alone, if that is what a shell would find.
	found=$(command -v linnet || :)
	[ -n "$found" ] && [ "$(realpath "$found")" = "$(realpath "$2")" ] || program=$2
	shift 2
fi
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	sed -n 's/^# usage: /usage: /p' "$0" >&2
	exit 2
fi
name=$1
dir=${2:-$name}
case $name in
[!A-Za-z_]* | *[!A-Za-z0-9_]* | '')
	fail "$name: functions in C begin with it, so give letters, digits and _, no digit first"
	;;
esac
[ ${#name} -le 40 ] || fail "$name: at most 40 characters"
[ ! -e "$dir" ] || fail "$dir: it is there already, and is left alone"
mkdir -p "$(dirname "$dir")"
mkdir "$dir"
upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
cp "$template/../.gitignore" "$dir/"
for file in sample.c Kbuild test.sh; do
	to=$dir/$(echo "$file" | sed "s/sample/$name/")
	sed "s/sample/$name/g; s/SAMPLE/$upper/g" "$template/$file" >"$to"
	[ ! -x "$template/$file" ] || chmod a+x "$to"
done

echo "$dir: a character device, to be changed into what you want. Build and try it:"
if [ "$program" = linnet ]; then
	echo "    linnet kbuild $dir && $dir/test.sh"
else
	echo "    $program kbuild $dir && LINNET=$program $dir/test.sh"
fi
