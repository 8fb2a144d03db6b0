#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: tools/demo.sh LINNET
# Boots the default guest without a terminal and lets it show itself: the guest's init prints its
# kernel version and address, fetches a page from a web server that this script runs on the host's
# loopback (10.0.2.2 seen from the guest), writes a file to its disk, reads it back and powers off.
# Exit 0 only if the guest said so and the page is the one served here.
set -u
linnet=$1
work=$(mktemp -d) || exit 1
server=
cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null
		wait "$server" 2>/dev/null
	fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

mkdir "$work/www"
word="a page from the host, number $$-$RANDOM"
echo "$word" >"$work/www/index.html"

# Nobody hands out a free port: take one at random and see whether it is our page that answers.
serves() { # port
	for _ in {1..30}; do
		kill -0 "$server" 2>/dev/null || return 1
		[ "$(busybox wget -q -O - "http://127.0.0.1:$1/" 2>/dev/null)" = "$word" ] && return 0
		sleep 0.1
	done
	return 1
}
for _ in {1..20}; do
	port=$((20000 + RANDOM % 30000))
	busybox httpd -f -p "127.0.0.1:$port" -h "$work/www" 2>/dev/null &
	server=$!
	serves $port && break
	kill $server 2>/dev/null
	wait $server 2>/dev/null
	server=
done
if [ -z "$server" ]; then
	echo 'demo: no web server could be started on the loopback (is busybox there?)' >&2
	exit 1
fi

"$linnet" run --time-limit 300 --append "linnet.mode=demo linnet.http=$port" </dev/null |
	tee "$work/console"
status=${PIPESTATUS[0]}
console=$(tr -d '\r' <"$work/console")
fail() {
	echo "demo: $*" >&2
	exit 1
}
[ "$status" = 0 ] || fail "linnet ended with status $status"
grep -qx 'linnet: demo passed' <<<"$console" || fail 'the guest did not say that the demo passed'
grep -qF "$word" <<<"$console" || fail 'the guest did not show the page served to it'
