#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the disk of tests/system/packages.sh if it is not there, and prints where it is: 130 MB are
# downloaded, and the cache gets 530 MB.
exec "$(dirname "$0")/../../../guest/userland.sh" \
	gcc libc6-dev git python3 libpython3.13-testsuite openssl
