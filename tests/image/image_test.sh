#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the default guest, one a call.
#
# usage: image_test.sh CASE FETCH INIT CLIENT
#	FETCH INIT CLIENT: guest/image/fetch.sh, the init and exec_client of this build
#
# The guest comes from the user's cache (it is fetched if it is not there); what a test damages is
# a copy of it. Exit status: 0 passed, 77 skipped, else failed. Machines are QEMU's, each bounded in
# time: the guest is tested here, not Linnet.
set -eu
export LC_ALL=C

fetch=$2
init=$3
client=$4
image=$(dirname "$fetch")
nowhere=http://127.0.0.1:9/ # the discard port: nobody listens

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail()
{
	echo "FAILED: $*"
	exit 1
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] || fail "$1: got \"$2\", wanted \"$3\""
}

kernel='' initrd='' disk='' append='' append_off=''

# Gets the guest and sets these. $@: options for fetch.sh.
use_guest()
{
	"$fetch" --init "$init" --print "$@" >"$tmp/vars" || fail 'no default guest'
	# shellcheck disable=SC2034 # eval uses "value"
	while IFS='=' read -r name value; do
		case $name in
		kernel | initrd | disk | append | append_off)
			eval "$name=\$value"
			;;
		esac
	done <"$tmp/vars"
}

# A copy of the guest's cache in $tmp/cache.
copy_cache()
{
	use_guest
	mkdir -p "$tmp/cache/guest"
	cp -a --sparse=always "$(dirname "$kernel")" "$tmp/cache/guest/"
	ln -s "$(basename "$(dirname "$kernel")")" "$tmp/cache/guest/current"
	use_guest --cache "$tmp/cache" --mirror $nowhere
}

need_qemu()
{
	command -v qemu-system-riscv64 >/dev/null && return 0
	echo 'skipped: qemu-system-riscv64 is not installed'
	exit 77
}

# machine APPEND [OPTION...]: runs the guest with disk and network, console on standard output.
machine()
{
	line=$1
	shift
	timeout 100 qemu-system-riscv64 -M virt -m 512 -nographic -no-reboot \
		-global virtio-mmio.force-legacy=false -kernel "$kernel" -initrd "$initrd" \
		-netdev user,id=n -device virtio-net-device,netdev=n \
		-drive "file=$disk,format=raw,if=none,id=d,snapshot=on" \
		-device virtio-blk-device,drive=d -append "$line" "$@"
}

# exec_in_guest COMMAND [CLIENT-OPTION]: as `linnet run --exec`; the command's standard output goes to
# $tmp/out, its error to $tmp/err, the console to $tmp/console, its status to $status.
exec_in_guest()
{
	command=$1
	shift
	ports=$(mktemp -d "$tmp/ports.XXXXXX")
	devices=
	for port in out err in control; do
		devices="$devices -chardev socket,id=$port,path=$ports/$port,server=on,wait=off"
		devices="$devices -device virtserialport,chardev=$port,name=linnet.$port"
	done
	# shellcheck disable=SC2086 # a list of words
	machine "$append quiet linnet.mode=exec" -device virtio-serial-device $devices \
		</dev/null >"$tmp/console" 2>&1 &
	status=0
	timeout 60 "$client" "$@" "$ports" "$command" >"$tmp/out" 2>"$tmp/err" || status=$?
	wait $! || fail 'QEMU did not end well'
}

# --- cases ----------------------------------------------------------------------------------------

case_print()
{
	use_guest
	for file in "$kernel" "$initrd" "$disk"; do
		[ -s "$file" ] || fail "$file is not there"
	done
	for line in "$append" "$append_off"; do
		[ -n "$line" ] || fail 'a kernel line is missing'
	done
}

case_reproducible()
{
	copy_cache
	base=$(dirname "$kernel")
	"$image/initramfs.sh" "$base/busybox" "$init" "$tmp/one" "$base/modules"
	find "$base/modules" -exec touch -d '2001-01-01' {} +
	chmod -R g+w "$base/modules"
	(umask 077 && TZ=Asia/Tokyo \
		"$image/initramfs.sh" "$base/busybox" "$init" "$tmp/two" "$base/modules")
	cmp "$tmp/one" "$tmp/two" || fail 'two builds differ'
	cmp "$tmp/one" "$initrd" || fail 'the one in the cache differs'
	expect 'padding' $(($(stat -c %s "$tmp/one") % 4)) 0
	modules=$(cd "$base" && find modules -type f -exec cat {} + | wc -c)
	size=$(stat -c %s "$tmp/one")
	[ $((size - modules)) -le 6291456 ] || fail "$((size - modules)) bytes beyond the modules"
}

case_damage()
{
	copy_cache
	sum=$(cat "$initrd" "$disk" | sha256sum)
	truncate -s 1000 "$initrd"
	printf X | dd of="$disk" bs=1 seek=5000 conv=notrunc 2>/dev/null
	use_guest --cache "$tmp/cache" --mirror $nowhere
	expect 'remade initrd and disk' "$(cat "$initrd" "$disk" | sha256sum)" "$sum"

	touch "$kernel"
	use_guest --cache "$tmp/cache" --mirror $nowhere

	truncate -s 20000000 "$kernel"
	"$fetch" --init "$init" --cache "$tmp/cache" --mirror $nowhere >"$tmp/log" 2>&1 &&
		fail 'a truncated kernel was not noticed'
	grep -q 'damaged' "$tmp/log" || fail 'the damage is not named'
	grep -q -e '--kernel FILE --initrd FILE --disk' "$tmp/log" || fail 'no cure is named'
}

case_offline()
{
	status=0
	"$fetch" --init "$init" --cache "$tmp/cache" --mirror $nowhere --print \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	expect 'status' $status 1
	expect 'standard output' "$(cat "$tmp/out")" ''
	grep -q -e '--kernel FILE --initrd FILE --disk' "$tmp/err" || fail 'no cure is named'
	expect 'left in the cache' "$(ls "$tmp/cache/guest")" 'lock'
}

case_update_fails()
{
	copy_cache
	"$fetch" --init "$init" --cache "$tmp/cache" --mirror $nowhere --update \
		>"$tmp/log" 2>&1 && fail 'an update without network succeeded'
	grep -q 'guest of before is kept' "$tmp/log" || fail 'the message does not say it'
	use_guest --cache "$tmp/cache" --mirror $nowhere
	[ -s "$kernel" ] || fail 'the old set is gone'
}

case_off()
{
	need_qemu
	use_guest
	machine "$append_off" </dev/null >"$tmp/console" 2>&1 || fail 'QEMU did not end well'
	grep -q 'reboot: Power down' "$tmp/console" || fail 'no power-off on the console'
}

case_demo()
{
	need_qemu
	use_guest
	machine "$append quiet linnet.mode=demo" </dev/null >"$tmp/console" 2>&1 || fail 'QEMU did not end well'
	cat "$tmp/console"
	grep -q '^network: 10\.0\.2\.15/24' "$tmp/console" || fail 'no network address'
	grep -q '^disk:    written to the disk' "$tmp/console" || fail 'nothing from the disk'
	grep -q '^linnet: demo passed' "$tmp/console" || fail 'no verdict'
}

# A failure is visible: here there is nobody on the port.
case_demo_fails()
{
	need_qemu
	use_guest
	machine "$append quiet linnet.mode=demo linnet.http=9" </dev/null >"$tmp/console" 2>&1 ||
		fail 'QEMU did not end well'
	grep -q '^linnet: demo failed: no page' "$tmp/console" || fail 'no verdict'
}

# wait_for WORDS: until the console shows them, 60 s at most.
wait_for()
{
	tries=0
	until grep -q "$1" "$tmp/console" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || fail "the console never showed \"$1\""
		sleep 0.1
	done
}

case_shell()
{
	need_qemu
	use_guest
	mkfifo "$tmp/keys"
	machine "$append linnet.rows=33 linnet.cols=111 linnet.term=xterm" \
		<"$tmp/keys" >"$tmp/console" 2>&1 &
	exec 8>"$tmp/keys"
	wait_for 'linnet:~# '
	# Each answer is told from the echo of its question by a sum.
	echo 'stty size; tty; echo $TERM; sleep 1 & kill %1; echo end $((40 + 2))' >&8
	wait_for 'end 42'
	grep -q '^33 111' "$tmp/console" || fail 'wrong terminal size'
	grep -q '^/dev/ttyS0' "$tmp/console" || fail 'no controlling terminal'
	grep -q '^xterm' "$tmp/console" || fail 'wrong TERM'
	# A shell that is killed comes again; "poweroff" asks init to end.
	echo 'kill -9 $$' >&8
	sleep 1
	echo 'echo again $((40 + 3)); poweroff' >&8
	wait_for 'again 43'
	wait $! || fail 'QEMU did not end well'
	grep -q 'reboot: Power down' "$tmp/console" || fail 'no power-off on the console'
}

case_exec_status()
{
	need_qemu
	use_guest
	printf 'abcdef' >"$tmp/in"
	exec_in_guest 'head -c 3 </dev/stdin; echo; pwd; echo $HOME; id -u; echo oops >&2; exit 7' \
		<"$tmp/in"
	expect 'status' $status 7
	expect 'output' "$(tr '\n' ' ' <"$tmp/out")" 'abc /root /root 0 '
	expect 'error' "$(cat "$tmp/err")" 'oops'
}

# 1 MB of random bytes through cat while standard error is flooded, and a long command.
case_exec_bytes()
{
	need_qemu
	use_guest
	head -c 1048576 /dev/urandom >"$tmp/in"
	long=$(printf '%060000d' 0)
	exec_in_guest "yes flood | head -c 1000000 >&2 & cat; wait; : $long" <"$tmp/in"
	expect 'status' $status 0
	cmp "$tmp/in" "$tmp/out" || fail 'the bytes differ'
	expect 'bytes of standard error' "$(wc -c <"$tmp/err")" 1000000
}

# What the command leaves in the background keeps the pipes open, and neither delays the end nor
# loses what was written before.
case_exec_background()
{
	need_qemu
	use_guest
	exec_in_guest 'echo before; sleep 1000 & yes >/dev/null & echo after' </dev/null
	expect 'status' $status 0
	expect 'output' "$(tr '\n' ' ' <"$tmp/out")" 'before after '
}

case_exec_signal()
{
	need_qemu
	use_guest
	exec_in_guest 'echo ready; sleep 1000; echo not reached' -s 15 </dev/null
	expect 'status' $status 143
	expect 'output' "$(cat "$tmp/out")" 'ready'
}

# The host closes the output: the command gets SIGPIPE.
case_exec_closed()
{
	need_qemu
	use_guest
	exec_in_guest 'exec yes' -c </dev/null
	expect 'status' $status 141
}

case_exec_poweroff()
{
	need_qemu
	use_guest
	exec_in_guest 'poweroff; sleep 1000' </dev/null
	expect 'status' $status 125
}

case $1 in
print | reproducible | damage | offline | update_fails | off | demo | demo_fails | shell | \
	exec_status | exec_bytes | exec_background | exec_signal | exec_closed | exec_poweroff)
	"case_$1"
	;;
*) fail "there is no case $1" ;;
esac
