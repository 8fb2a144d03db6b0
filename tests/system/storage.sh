#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: storage.sh CASE. What a disk promises: caches, space given back, queues, and that nothing that
# was acknowledged is lost, whatever becomes of the host's file or of Linnet.
. "$(dirname "$0")/lib.sh"

expect_log() { # number, regex: so many lines of the log
	local n
	n=$(grep -cE -- "^linnet: --disk .*$2" "$work/err")
	[ "$n" = "$1" ] || fail "$n lines of the log instead of $1 match: $2"
}

refuse() { # regex of the message, keys of --disk
	linnet run --disk "$2" --exec true </dev/null
	[ "$status" = 125 ] || fail "exit status $status instead of 125 for --disk $2"
	expect_in err "$1"
}

case_refused() {
	local odd=/sys/kernel/notes # a file whose file system has no O_DIRECT
	truncate -s 1M "$work/image"
	refuse 'cache=writethrough: .*writeback' "path=$work/image,cache=writethrough"
	refuse 'io=sync: .*auto.*uring.*threads' "path=$work/image,io=sync"
	refuse 'queues=17.*16' "path=$work/image,queues=17"
	refuse 'queues=' "path=$work/image,queues=0"
	[ -r "$odd" ] && [ "$(stat -c %s "$odd")" -ge 512 ] || odd=/sys/kernel/btf/vmlinux
	if [ -r "$odd" ]; then
		refuse 'cache=none: .*O_DIRECT.*use cache=writeback' "path=$odd,ro=on,cache=none"
	fi
}

# A file system on each way to the storage.
case_cache() {
	all_caches
}

# With memory that io_uring knows, as long as the host lets it; the content is the same.
case_prealloc() {
	all_caches --mem-prealloc --mem 256M
	guest true --mem-prealloc --balloon on
	expect_status 125
	expect_in err '--mem-prealloc keeps all memory'
}

all_caches() { # OPTIONS...
	local keys=(cache=none 'cache=none,io=threads' io=threads cache=unsafe) disks=() i
	for i in 0 1 2 3; do
		truncate -s 16M "$work/image$i"
		/sbin/mkfs.ext4 -q -F -O ^has_journal "$work/image$i" || fail "mkfs.ext4"
		disks+=(--disk "path=$work/image$i,serial=$i,${keys[i]}")
	done
	guest 'set -e; for d in a b c d; do
			mkdir -p /tmp/$d; mount /dev/vd$d /tmp/$d; head -c 1000001 /dev/urandom >/tmp/$d/file
			(cd /tmp/$d; sha256sum file >sum); done
		sync; echo 3 >/proc/sys/vm/drop_caches
		for d in a b c d; do (cd /tmp/$d; sha256sum -c sum); done; umount /tmp/?; umount /mnt' "${disks[@]}" "$@"
	expect_status 0
	expect_out 'file: OK
file: OK
file: OK
file: OK'
	expect_log 0 .
	for i in 0 1 2 3; do
		/sbin/e2fsck -fn "$work/image$i" >"$work/fsck" 2>&1 || fail "e2fsck: $(cat "$work/fsck")"
		/sbin/debugfs -R "dump /file $work/file" "$work/image$i" 2>/dev/null
		/sbin/debugfs -R "dump /sum $work/sum" "$work/image$i" 2>/dev/null
		(cd "$work" && sha256sum --quiet -c sum) || fail "another content by ${keys[i]}"
	done
}

# The guest may turn its cache to write-through, and back.
case_write_through() {
	truncate -s 1M "$work/image"
	guest 'set -e; cd /sys/block/vda; cat cache_type; echo "write through" >cache_type; cat cache_type
		cat queue/write_cache; dd if=/dev/urandom of=/dev/vda bs=64k count=4 oflag=direct 2>/dev/null
		echo "write back" >cache_type; cat cache_type' \
		--disk "path=$work/image" --net none
	expect_status 0
	expect_out 'write back
write through
write through
write back'
}

# Space that the guest gives back is free on the host, and what it wants zero is zero.
case_discard() {
	local freed
	truncate -s 64M "$work/image"
	/sbin/mkfs.ext4 -q -F -E nodiscard "$work/image" || fail "mkfs.ext4"
	head -c 8M /dev/urandom >"$work/raw"
	cp "$work/raw" "$work/base"
	# Boundaries that are no multiples of a page, too.
	guest 'set -e; head -c 30000000 /dev/zero >/mnt/file; sync; [ $(stat -c %b /mnt/file) -gt 58000 ]; rm /mnt/file; sync; fstrim /mnt
		for d in b c; do
			/blkio zero /dev/vd$d 1048064 3145728; blkdiscard -o 6291456 -l 1048576 /dev/vd$d
			dd if=/dev/vd$d bs=512 skip=2047 count=6144 iflag=direct 2>/dev/null | tr -d "\\0" | wc -c
		done' --file "$BLKIO:/blkio" --disk "path=$work/image" --disk "path=$work/raw" \
		--disk "path=$work/base,snapshot=on"
	expect_status 0
	expect_out '0
0'
	freed=$(du -k "$work/image" | cut -f 1)
	[ "$freed" -lt 12000 ] || fail "$freed KiB after fstrim"
	/sbin/e2fsck -fn "$work/image" >"$work/fsck" 2>&1 || fail "e2fsck: $(cat "$work/fsck")"
	[ "$(dd if="$work/raw" bs=512 skip=2047 count=6144 status=none | tr -d '\0' | wc -c)" = 0 ] ||
		fail "the image is not zero where the guest wanted it"
	[ "$(dd if="$work/raw" bs=1M skip=6 count=1 status=none | tr -d '\0' | wc -c)" = 0 ] ||
		fail "what was discarded is still in the image"
	cmp -n 1048064 "$work/raw" "$work/base" || fail "too much is zero"
	cmp -i 4193792 -n 2097664 "$work/raw" "$work/base" || fail "too much is zero behind"
	cmp -i 7340032 "$work/raw" "$work/base" || fail "too much was discarded, or the size is another"
	[ "$(tr -d '\0' <"$work/base" | wc -c)" -gt 8000000 ] || fail "a snapshot's zeroes are in its image"
}

# Random requests of all kinds by two harts, each read checked, on two disks with two queues each.
verify() { # seconds, keys of the one, keys of the other
	truncate -s 32M "$work/a" "$work/b"
	guest "cat /sys/block/vd[ab]/mq/1/cpu_list
		/blkio verify /dev/vda $1 4 & a=\$!; /blkio verify /dev/vdb $1 4 && wait \$a" --file "$BLKIO:/blkio" \
		--smp 2 --disk "path=$work/a,queues=2,$2" --disk "path=$work/b,queues=2,$3"
	expect_status 0
	[ "$(grep -c '^1$' "$work/out")" = 2 ] || fail "the second hart has no queue of its own"
	[ "$(grep -cE '^[0-9]{3,} requests$' "$work/out")" = 2 ] || fail "not two times some hundred requests"
	expect_log 0 .
	rm "$work/a" "$work/b"
}

case_verify() {
	verify 8 io=auto cache=none
}

case_verify_long() {
	verify 30 io=uring cache=none
	verify 30 cache=unsafe,snapshot=on io=threads
	verify 30 cache=none,io=threads cache=none,snapshot=on
}

# Images that qemu-img made, with all kinds of clusters, read as qemu-img reads them.
case_qcow2() {
	local name disks=()
	cd "$work" || fail "no folder"
	head -c 1M /dev/urandom >base.raw
	qemu-img create -q -f qcow2 -b base.raw -F raw over.qcow2 6M || fail "qemu-img"
	qemu-io -c 'write -P 0x5a 100k 300k' -c 'write -z 512k 200k' -c 'write -P 0x77 5M 10k' over.qcow2 >/dev/null
	qemu-img convert -c -O qcow2 over.qcow2 packed.qcow2
	qemu-img create -q -f qcow2 -o cluster_size=512 -b packed.qcow2 -F qcow2 small.qcow2
	qemu-io -c 'write -P 0x11 700k 70k' -c 'write -c -P 0x12 2M 512' -c 'write -P 0x13 4M 512' small.qcow2 >/dev/null
	for name in over packed small; do
		qemu-img convert -O raw "$name.qcow2" expected
		sha256sum <expected
		disks+=(--disk "path=$name.qcow2,format=qcow2,snapshot=on")
	done >sums
	sha256sum ./*.qcow2 base.raw >before
	guest 'for d in a b c; do sha256sum </dev/vd$d; done; echo changed >/dev/vda; head -c 8 /dev/vda' "${disks[@]}"
	expect_status 0
	expect_out "$(cat sums && echo changed)"
	sha256sum --quiet -c before || fail "an image has changed"

	refuse 'snapshot=on' path=over.qcow2,format=qcow2
	refuse 'no sound qcow2 image' path=base.raw,format=qcow2,ro=on
	guest true --disk path=packed.qcow2,ro=on
	expect_in err 'looks like a qcow2 image.*format=qcow2'
	rm base.raw
	refuse "backing file base.raw cannot be opened" path=over.qcow2,format=qcow2,ro=on
}

# ---- faults of the host's storage ----

# Writes 1 MB pieces until one fails, then waits for room and goes on. $1: pieces at most.
until_full() {
	cat <<-END
		n=0
		head -c 1048576 /dev/urandom >/tmp/piece; sha256sum </tmp/piece | cut -c 1-64
		write() { dd if=/tmp/piece of=/dev/vda bs=1M count=1 seek=\$n oflag=direct conv=notrunc 2>/dev/null; }
		while [ \$n -lt $1 ] && write; do n=\$((n + 1)); done
		for again in 1 2 3 4 5; do write && exit 9; done
		echo "failed at \$n"
		for i in \$(seq 300); do write && break; usleep 100000; done
		echo "went on at \$n"
		for i in \$(seq 0 \$n); do dd if=/dev/vda bs=1M count=1 skip=\$i iflag=direct 2>/dev/null | sha256sum | cut -c 1-64; done
	END
}

expect_pieces() { # image: all that the guest was told is written is there, with the same content
	local n i sum
	sum=$(head -n 1 "$work/out")
	n=$(sed -n 's/^went on at //p' "$work/out")
	[ "${n:-0}" -ge 3 ] || fail "the guest did not go on"
	[ "$(tail -n +4 "$work/out" | sort | uniq -c | tr -s ' ')" = " $((n + 1)) $sum" ] ||
		fail "the guest reads other bytes than it wrote"
	for i in $(seq 0 "$n"); do
		[ "$(dd if="$1" bs=1M count=1 skip="$i" status=none | sha256sum | cut -c 1-64)" = "$sum" ] ||
			fail "piece $i of $n is not in the image"
	done
}

# A file system with room for a part of the image. When the guest has met its end, some is made.
case_full_disk() {
	need_namespaces m
	"${apart[@]}" bash "$0" in_a_small_file_system "$@" || exit $?
}

case_in_a_small_file_system() {
	mkdir "$work/small"
	trap 'umount "$work/small"; cleanup' EXIT
	mount -t tmpfs -o size=16M tmpfs "$work/small" || fail "no tmpfs"
	truncate -s 40M "$work/small/image"
	head -c 6M /dev/zero >"$work/small/filler"
	start run --disk "path=$work/small/image" --exec "$(until_full 40)"
	wait_for '^failed at'
	rm "$work/small/filler"
	finish
	expect_status 0
	expect_log 1 'writing the image failed: No space left on device'
	expect_pieces "$work/small/image"
}

# The same by a limit of the process. It begins late, for it counts for the guest's memory too.
case_file_limit() {
	local pid
	truncate -s 8M "$work/image"
	start run --disk "path=$work/image" --exec "echo ready; read; $(until_full 8)"
	wait_for '^ready'
	pid=$(cat "/proc/$started/task/$started/children") # timeout's
	prlimit --fsize=4194304: --pid "${pid% }" || fail "no limit can be set"
	say go
	wait_for '^failed at'
	prlimit --fsize=unlimited: --pid "${pid% }" || fail "the limit cannot be lifted"
	finish
	expect_status 0
	expect_log 1 'writing the image failed: File too large'
	sed -i 1d "$work/out"
	expect_pieces "$work/image"
}

# Somebody cuts the image off under a running machine: what is gone cannot be read, the rest can.
case_truncated() {
	head -c 8M /dev/urandom >"$work/image"
	head -c 1M "$work/image" | sha256sum >"$work/sum"
	start run --disk "path=$work/image" --exec '
		echo ready; while [ "$(dd if=/dev/vda bs=512 skip=16000 count=1 iflag=direct 2>/dev/null | wc -c)" = 512 ]
		do usleep 50000; done; echo "not any more"
		dd if=/dev/vda of=/dev/null bs=1M skip=4 count=1 iflag=direct 2>/dev/null || echo error
		dd if=/dev/vda bs=1M count=1 iflag=direct 2>/dev/null | sha256sum; dmesg | grep -c "I/O error.*vda"'
	wait_for '^ready'
	truncate -s 3M "$work/image"
	finish
	expect_status 0
	expect_in out '^not any more$'
	expect_in out '^error$'
	expect_in out "^$(cat "$work/sum")\$"
	expect_log 1 'reading the image failed: the file has become shorter'
}

# ---- kill -9 ----

# A guest that writes files, makes them durable and says so, while others come and go.
writer='
	{ j=0; while :; do j=$((j + 1)); head -c $((RANDOM * 9)) /dev/urandom >/mnt/loose.$((j % 20))
		rm -f /mnt/loose.$(((j * 7) % 20)); done; } &
	n=0
	while :; do
		n=$((n + 1)); dd if=/dev/urandom of=/mnt/kept.$n bs=$((RANDOM + 1)) count=3 conv=fsync 2>/dev/null
		echo "kept.$n $(sha256sum </mnt/kept.$n | cut -c 1-64)"
		[ $n -le 150 ] || { usleep 100000; n=150; }
	done'

kill_once() { # number, keys
	local kept
	rm -f "$work/image"
	truncate -s 64M "$work/image"
	/sbin/mkfs.ext4 -q -F "$work/image" || fail "mkfs.ext4"
	: >"$work/out"
	"$LINNET" run --disk "path=$work/image,$2" --exec "$writer" </dev/null >"$work/out" 2>"$work/err" &
	started=$!
	pids+=("$started")
	wait_for '^kept'
	sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))"
	kill -KILL "$started"
	wait "$started" 2>/dev/null
	/sbin/e2fsck -p "$work/image" >"$work/fsck" 2>&1
	[ $? -le 1 ] || fail "e2fsck -p after kill $1 ($2): $(cat "$work/fsck")"
	/sbin/e2fsck -fn "$work/image" >"$work/fsck" 2>&1 || fail "e2fsck after kill $1 ($2): $(cat "$work/fsck")"
	rm -rf "$work/kept"
	mkdir "$work/kept"
	# The last line may have been cut off in the middle.
	grep -E '^kept\.[0-9]+ [0-9a-f]{64}$' "$work/out" | sort -u >"$work/lines"
	while read -r kept _; do
		echo "dump /$kept $work/kept/$kept"
	done <"$work/lines" >"$work/dump"
	/sbin/debugfs -f "$work/dump" "$work/image" >/dev/null 2>&1
	sed 's/^\([^ ]*\) \(.*\)$/\2  \1/' "$work/lines" >"$work/sums"
	(cd "$work/kept" && sha256sum --quiet -c "$work/sums") >"$work/lost" 2>&1 ||
		fail "lost by kill $1 ($2): $(cat "$work/lost")"
	files=$((files + $(wc -l <"$work/lines")))
}

kill_often() { # times
	local ways=(io=auto io=threads cache=none queues=2) i
	RANDOM=${SEED:-20261122}
	files=0
	for ((i = 0; i < $1; i++)); do
		kill_once "$i" "${ways[i % ${#ways[@]}]}"
	done
	echo "$1 kills, $files files that had been synced are whole"
	[ "$files" -ge "$1" ] || fail "hardly anything was synced"
}

case_kill3() {
	kill_often 3
}

case_kill50() {
	kill_often 50
}

"case_$1"
