#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: share.sh CASE. Devices that another process serves: shared folders, and disks by vhost-user.
. "$(dirname "$0")/lib.sh"

# A folder to share, in $dir.
make_shared() {
	need_virtiofsd
	dir=$work/shared
	mkdir "$dir"
}

expect_no_virtiofsd() {
	! pgrep -f "virtiofsd.*source=$dir" >"$work/err" || fail "a virtiofsd is left behind"
}

case_exec() {
	make_shared
	echo 'from the host' >"$dir/there"
	guest 'pwd; cat there; echo "from the guest" >back; mkdir sub; ln -s there link; chmod 755 back' \
		--share "$dir"
	expect_status 0
	expect_out $'/share\nfrom the host'
	[ ! -s "$work/err" ] || fail "it has something to say"
	[ "$(cat "$dir/back")" = 'from the guest' ] || fail "the file did not come back"
	[ "$(stat -c %u:%a "$dir/back")" = "$(id -u):755" ] || fail "owner or mode of the file"
	[ "$(readlink "$dir/link")" = there ] || fail "the link"
	[ -d "$dir/sub" ] || fail "the directory"
	expect_no_virtiofsd
	# With its own directory, two folders, and a name that virtiofsd's options would part.
	mkdir "$dir/a,b" "$dir/c"
	touch "$dir/a,b/x" "$dir/c/y"
	guest 'pwd; ls /one /two' --share "$dir/a,,b,tag=one" --share "dir=$dir/c,tag=two" --cwd /root
	expect_status 0
	expect_out $'/root\n/one:\nx\n\n/two:\ny'
}

case_read_only() {
	make_shared
	echo content >"$dir/file"
	mkdir "$dir/sub"
	guest 'cat file; for f in file new sub/new; do echo x >$f; done; rm file; touch file; chmod 600 file
		mount -o remount,rw /share; echo x >file' --share "$dir,ro=on"
	expect_status 1
	expect_out content
	[ "$(grep -c 'Read-only file system' "$work/err")" = 7 ] || fail "something was not refused"
	[ "$(find "$dir" | wc -l) $(cat "$dir/file")" = '3 content' ] || fail "something was changed"
}

case_mistakes() {
	local dir=$work/shared
	mkdir "$dir"
	guest ls --share "$work/none"
	expect_status 125
	expect_in err "^linnet run: --share $work/none: No such file"
	touch "$work/file"
	guest ls --share "$work/file"
	expect_status 125
	expect_in err 'is no directory; --file'
	guest ls --share "$dir,tag=a/b"
	expect_status 125
	expect_in err '^linnet run: --share tag=a/b: give 1 to 36 letters'
	guest ls --share "$dir" --share "$dir"
	expect_status 125
	expect_in err 'another folder has this tag'
	guest ls --share "$dir" --clock instructions
	expect_status 125
	expect_in err '--clock instructions makes each run the same'
	guest ls --vhost-user socket=/x
	expect_in err 'needs the kind of device: kind='
	guest ls --vhost-user kind=blk
	expect_in err "needs the back end's socket"
	guest ls --vhost-user "kind=blk,socket=$work/none"
	expect_status 125
	expect_in err 'No such file or directory; start the back end first'
	guest ls --vhost-user kind=net,socket=/x,queues=2
	expect_in err 'only kind=blk'
	# Something listens that speaks another language.
	serve "$work/other" nc.openbsd -lkU "$work/other" </dev/zero >"$work/heard" 2>&1
	guest ls --vhost-user "kind=blk,socket=$work/other"
	expect_status 125
	expect_in err 'it answers wrongly; is it a vhost-user back end'
}

# Many files, large ones, and programs: what the guest reads and writes is what the host has.
case_tree() {
	make_shared
	mkdir "$dir/in" "$dir/out"
	for i in $(seq 300); do
		head -c $((RANDOM * 3)) /dev/urandom >"$dir/in/$i"
	done
	head -c 48M /dev/urandom >"$dir/in/large"
	# Pages of one program take the place of another's: an engine must not execute what was there.
	# shellcheck disable=SC2016 # for the guest
	guest 'md5sum in/* >sums && cp -r in/* out && sync && echo 3 >/proc/sys/vm/drop_caches &&
		cmp in/large out/large && for i in 1 2 3 4 5 6 7 8; do
			d=b$((i % 3)); mkdir -p $d; cp /bin/busybox $d; echo 3 >/proc/sys/vm/drop_caches
			$d/busybox seq 3 | $d/busybox tr -d "\n" || exit 9
			cat in/large >/dev/null; $d/busybox md5sum /bin/busybox >>programs
		done' --share "$dir" --smp 2
	expect_status 0
	expect_out '123123123123123123123123'
	[ "$(cut -c 1-32 "$dir/programs" | sort -u)" = "$(md5sum <"$dir/b1/busybox" | cut -c 1-32)" ] ||
		fail "the program differs"
	(cd "$dir" && md5sum --quiet -c sums) || fail "the guest read something else"
	diff -r "$dir/in" "$dir/out" || fail "the copies differ"
}

# A back end that dies: the guest hears of errors, and goes on.
case_dies() {
	make_shared
	echo content >"$dir/file"
	start run --share "$dir" --exec 'cat file; sleep 1000 3<file & echo ready; read x
		cat file || echo "status $?"; echo x >new; echo alive; sync'
	wait_for '^ready'
	pkill -9 -f "virtiofsd.*source=$dir" || fail "no virtiofsd"
	wait_err 'virtio fs: the back end has ended'
	say go
	finish
	expect_status 0
	expect_in out '^status 1'
	expect_in out '^alive$'
	expect_in err 'Transport endpoint is not connected'
}

wait_err() { # regex
	local i
	for ((i = 0; i < 300; i++)); do
		grep -qE -- "$1" "$work/err" && return
		sleep 0.1
	done
	fail "waiting for: $1"
}

# The driver lets go of the device with requests in flight, and takes it again; then a reboot.
case_reset() {
	make_shared
	head -c 30M /dev/urandom >"$dir/large"
	# shellcheck disable=SC2016 # for the guest
	guest 'cd /; d=$(basename $(dirname $(grep -l 0x001a /sys/bus/virtio/devices/*/device)))
		for i in 1 2 3; do
			cat /share/large >/dev/null & sleep 0.1
			echo $d >/sys/bus/virtio/drivers/virtiofs/unbind
			umount -l /share; wait; echo $d >/sys/bus/virtio/drivers/virtiofs/bind
			echo again $i
		done; echo end' --share "$dir"
	expect_status 0
	expect_in out '^again 3'
	expect_in out '^end'
}

case_reboot() {
	make_shared
	start run --share "$dir"
	for i in 1 2; do
		wait_for 'linnet:~#' "$i"
		say "echo boot$i >>/share/log; reboot -f"
	done
	wait_for 'linnet:~#' 3
	say 'poweroff -f'
	finish
	expect_status 0
	[ "$(cat "$dir/log")" = $'boot1\nboot2' ] || fail "the log is $(cat "$dir/log")"
	expect_no_virtiofsd
}

case_no_virtiofsd() {
	make_shared
	need_namespaces m
	mkdir "$work/empty"
	# shellcheck disable=SC2016 # for the inner shell
	timeout 60 "${apart[@]}" sh -c 'mount --bind "$1" /usr/lib/qemu; shift; exec "$@"' sh "$work/empty" \
		"$LINNET" run --share "$dir" --exec ls >"$work/out" 2>"$work/err"
	status=$?
	expect_status 125
	expect_in err 'needs /usr/lib/qemu/virtiofsd, which is not there; install Debian.s qemu-system-common'
}

# without_user_namespaces SETPRIV-ARG...: as root who can make none, perhaps in one that is the last.
without_user_namespaces() {
	local last=(unshare -Urm)
	"${last[@]}" true 2>/dev/null || last=()
	# shellcheck disable=SC2016 # for the inner shell
	timeout 100 "${last[@]}" sh -c '[ "$1" = 0 ] || echo 0 >/proc/sys/user/max_user_namespaces
		shift; exec setpriv "$@"' sh ${#last[@]} "$@" </dev/null >"$work/out" 2>"$work/err"
	status=$?
}

# Root needs no user namespace of virtiofsd's own; whoever is not, does.
case_no_namespace() {
	make_shared
	echo content >"$dir/file"
	without_user_namespaces --bounding-set=-sys_chroot "$LINNET" run --share "$dir" --exec ls
	expect_status 125
	expect_in err 'virtiofsd cannot make a user namespace .see linnet doctor.'
	without_user_namespaces --nnp "$LINNET" run --share "$dir" \
		--exec 'cat file; echo back >new; mknod node c 1 3 || echo none; ls ..'
	expect_status 0
	expect_in out '^content$'
	expect_in out '^none$'
	[ "$(cat "$dir/new")" = back ] || fail "nothing came back"
	[ ! -s "$work/err" ] || expect_in err 'mknod'
	without_user_namespaces --nnp "$LINNET" run --share "$dir,ro=on" \
		--exec 'cat file; echo x >file; echo x >other; rm new'
	expect_status 1
	expect_out content
	[ "$(grep -c 'Read-only file system' "$work/err")" = 3 ] || fail "something was not refused"
	expect_no_virtiofsd
}

# The disk of another program, which dies in the middle.
case_blk() {
	command -v qemu-storage-daemon >/dev/null || { echo 'skipped: no qemu-storage-daemon'; exit 77; }
	truncate -s 64M "$work/image"
	serve "$work/sock" qemu-storage-daemon --blockdev driver=file,node-name=f,filename="$work/image" \
		--export type=vhost-user-blk,id=e,addr.type=unix,addr.path="$work/sock",node-name=f,writable=on,num-queues=2
	guest 'set -e; cat /sys/block/vdb/size; mke2fs /dev/vdb >/dev/null
		mkdir /d; mount -t ext4 /dev/vdb /d; head -c 20000000 /dev/urandom >/d/file
		sync; echo 3 >/proc/sys/vm/drop_caches; md5sum </d/file; ls /sys/block/vdb/mq | wc -l; umount /d' \
		--vhost-user "kind=blk,socket=$work/sock,queues=2" --smp 2
	expect_status 0
	sum=$(sed -n 2p "$work/out")
	[ "$(sed -n 1p "$work/out") $(sed -n 3p "$work/out")" = '131072 2' ] || fail "size or queues"
	# What it has written is on the disk: the same guest by Linnet's own device.
	guest 'mkdir /d; mount -t ext4 /dev/vda /d; md5sum </d/file' --disk "path=$work/image,snapshot=on"
	expect_out "$sum"
	start run --vhost-user "kind=blk,socket=$work/sock" --exec 'echo ready; read x
		dd if=/dev/vdb of=/dev/null bs=1M count=4 2>&1; echo "status $?"; echo alive'
	wait_for '^ready'
	kill -9 "${pids[0]}"
	wait_err 'virtio blk: the back end has ended'
	say go
	finish
	expect_in out 'I/O error|Input/output error'
	expect_in out '^alive'
}

"case_$1"
