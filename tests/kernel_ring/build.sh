#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a shared object of Linux' own ring code: see kring.h.
#
# usage: build.sh LINUX-SOURCE DIRECTORY
#	Writes DIRECTORY/kring.so. The source's headers of virtio are copied there; each other header that
#	they ask for is kernel.h, beside this script.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source=$1
out=$2
headers='err bug compiler_types types device slab module hrtimer dma-mapping kmsan spinlock scatterlist
	mod_devicetable gfp completion irqreturn'

mkdir -p "$out/linux" "$out/uapi/linux" "$out/xen" "$out/asm"
cp "$source/drivers/virtio/virtio_ring.c" "$out/"
for name in virtio virtio_ring virtio_config virtio_byteorder; do
	cp "$source/include/linux/$name.h" "$out/linux/"
done
for name in virtio_ring virtio_config virtio_types; do
	cp "$source/include/uapi/linux/$name.h" "$out/uapi/linux/"
done
cp "$out/uapi/linux/virtio_types.h" "$out/linux/"
for name in $headers; do
	echo '#include "kernel.h"' >"$out/linux/$name.h"
done
echo '#include "kernel.h"' | tee "$out/xen/xen.h" >"$out/asm/barrier.h"

# Errors alone count: the kernel's code is compiled with other warnings than ours.
"${CC:-cc}" -std=gnu11 -O2 -g -w -Werror=implicit-function-declaration -Wl,-z,defs \
	-fPIC -shared -fvisibility=hidden -fno-strict-aliasing -D__KERNEL__ \
	-I "$out" -I "$here" -o "$out/kring.so" "$here/kring.c" "$out/virtio_ring.c"
