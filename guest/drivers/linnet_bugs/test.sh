#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the bugs do to a kernel is seen by tests of that kernel; here: without one nothing happens.
. ../testing.sh

echo '- it refuses to load without a bug, and names those there are'
refuse modprobe linnet_bugs bug=none
dmesg | grep -q 'bug=use_after_free$' || fail 'there is no list'
