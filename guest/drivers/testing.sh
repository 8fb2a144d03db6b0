# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the drivers' tests share; each test.sh begins with ". ../testing.sh". They run in a guest as
# root, in the driver's folder, with the driver's test programs in PATH, by
# tests/system/drivers.sh: see docs/drivers.md.

fail()
{
	echo "FAILED: $*"
	dmesg | tail -n 20
	exit 1
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] || fail "$1: got '$2' instead of '$3'"
}

# try COMMAND...: it must succeed.
try()
{
	"$@" || fail "status $?: $*"
}

# refuse COMMAND...: it must fail.
refuse()
{
	if "$@" 2>/dev/null; then
		fail "it was not refused: $*"
	fi
}
