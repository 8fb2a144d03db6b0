#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: same.sh PROGRAM FILE. What PROGRAM prints is what FILE holds.
"$1" | cmp - "$2"
