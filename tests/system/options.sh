#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: options.sh CASE. Bad input: each mistake gets a message that names the option, the value and
# the cure, and the promised status.
. "$(dirname "$0")/lib.sh"

refuse() { # status regex options...
	linnet run "${@:3}" </dev/null
	expect_status "$1"
	expect_in err "$2"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "not one line for: ${*:3}"
}

case_values() {
	refuse 2 '--mem 0' --mem 0
	refuse 2 '--mem 1M' --mem 1M
	refuse 2 '--mem lots' --mem lots
	refuse 2 '--smp 0' --smp 0
	refuse 2 '--smp 99' --smp 99
	refuse 2 '--memm.*--mem' --memm 1G
	refuse 2 '--clock sundial' --clock sundial
	refuse 2 '--rng maybe.*on' --rng maybe
	refuse 2 '--env A.*NAME=VALUE' --env A
	refuse 2 '--env A=1.*--exec' --env A=1
	refuse 2 '--console pts.*unix:PATH' --console pts
	refuse 1 '--console unix:/nonexistent/x' --console unix:/nonexistent/x --kernel x --initrd x --net none
	refuse 1 '--console pty,link=/nonexistent/x' --console pty,link=/nonexistent/x --kernel x --initrd x --net none
	refuse 2 '--net tap.*ifname=NAME' --net tap
	refuse 2 'mac=1' --net tap,ifname=t0,mac=1
	refuse 1 'ifname=no-such.*ip tuntap add' --net tap,ifname=no-such --kernel x --initrd x
	refuse 2 'append' --append a --append-only b
	refuse 2 '--file' --file x
	refuse 2 '--disk.*pat.*path' --disk pat=x
	refuse 1 '--machine vrit' --machine vrit
	refuse 1 '--engine warp' --engine warp
	refuse 2 '--jit-dump.*needs a file' --jit-dump blocks=1
	refuse 2 '--jit-dump.*blocks=few' --jit-dump f,blocks=few
	refuse 2 '--jit-dump.*nothing lies between' --jit-dump f,from=2,to=1
	refuse 2 '--state-log.*needs a file' --clock instructions --state-log every=5
	refuse 2 '--state-log.*every=0' --clock instructions --state-log f,every=0
	refuse 2 '--state-log: only with --clock instructions' --state-log "$work/f"
	refuse 1 'cannot write /nonexistent/f' --clock instructions --state-log /nonexistent/f
	refuse 1 'interp generates no code.*--engine jit' --engine interp --jit-dump "$work/f"
	refuse 1 '--perf-map: the engine interp generates no code' --engine interp --perf-map
	refuse 1 'cannot write /nonexistent/f' --engine jit --jit-dump /nonexistent/f
	refuse 125 '--mem 0' --mem 0 --exec true
	refuse 125 '--memm' --memm 1G --exec true
	linnet rum
	expect_status 2
	expect_in err 'did you mean run'
}

case_more_memory_than_host() {
	refuse 1 '--mem 1T: .*give at most' --mem 1024G
}

damaged() { # option: files that no loader may take
	: >"$work/empty"
	head -c 100 /dev/urandom >"$work/noise"
	refuse 1 "$1 $work/missing" "$1" "$work/missing"
	refuse 1 "$1 $work/empty.*empty" "$1" "$work/empty"
	refuse 1 "$1 $work:? " "$1" "$work"
	if [ "$(id -u)" != 0 ]; then
		touch "$work/secret"
		chmod 0 "$work/secret"
		refuse 1 "$1 $work/secret" "$1" "$work/secret"
	fi
}

case_kernels() {
	local kernel
	damaged --kernel
	refuse 1 "--kernel $work/noise" --kernel "$work/noise"
	kernel=$("$LINNET" fetch --print | sed -n 's/^kernel=//p')
	head -c 100000 "$kernel" >"$work/short"
	refuse 1 "--kernel $work/short.*truncated" --kernel "$work/short"
	refuse 1 '--kernel /bin/true.*x86' --kernel /bin/true
	refuse 1 "--kernel .*--mem" --mem 16M --kernel "$kernel"
}

case_firmware() {
	damaged --firmware
	refuse 1 '--firmware /bin/true' --firmware /bin/true
}

case_initrds() {
	damaged --initrd
	truncate -s 2G "$work/huge"
	refuse 1 "--initrd $work/huge.*--mem" --initrd "$work/huge"
}

case_disks() {
	: >"$work/empty"
	refuse 1 "$work/missing" --disk "path=$work/missing"
	refuse 1 "$work/empty" --disk "path=$work/empty"
	refuse 1 "$work" --disk "path=$work"
	truncate -s 1M "$work/image"
	"$LINNET" run --disk "path=$work/image" --exec 'echo ready; sleep 1000' </dev/null \
		>"$work/first" 2>"$work/first_err" &
	pids+=("$!")
	for _ in $(seq 600); do
		[ -s "$work/first" ] && break
		sleep 0.1
	done
	[ -s "$work/first" ] || fail "the first machine did not start: $(cat "$work/first_err")"
	refuse 1 "$work/image.*(use|lock)" --disk "path=$work/image"
}

# Two machines may read one image, each with its own changes to it or none; nobody may write it then.
case_locks() {
	local image=$work/image
	truncate -s 1M "$image"
	"$LINNET" run --disk "path=$image,snapshot=on" --exec 'echo ready; sleep 1000' </dev/null \
		>"$work/first" 2>"$work/first_err" &
	pids+=("$!")
	for _ in $(seq 600); do
		[ -s "$work/first" ] && break
		sleep 0.1
	done
	guest 'ls /dev/vd?; cat /sys/block/vd?/ro' --disk "path=$image,snapshot=on" \
		--disk "path=$image,ro=on"
	expect_status 0
	expect_out $'/dev/vda\n/dev/vdb\n0\n1'
	refuse 1 "$image.*in use" --disk "path=$image"
	kill -9 "${pids[0]}"
	wait "${pids[0]}" 2>/dev/null
	pids=()
	refuse 125 "$image.*in use" --disk "path=$image" --disk "path=$image" --exec true
	guest 'cat /sys/block/vda/ro' --disk "path=$image"
	expect_out 0
}

# What only the kernel can see of an initial RAM disk ends in its panic.
case_bad_initrd() {
	local initrd
	initrd=$("$LINNET" fetch --print | sed -n 's/^initrd=//p')
	head -c 100000 "$initrd" >"$work/short"
	linnet run --initrd "$work/short" --net none </dev/null
	expect_status 1
	expect_in out 'Kernel panic'
}

case_forward_in_use() {
	listen nc.openbsd -l 127.0.0.1 PORT >/dev/null </dev/null
	refuse 1 "hostfwd.*$port" --net "user,hostfwd=tcp::$port-:22"
}

# The statuses and messages of a file's mistakes; that a file's options are used, and those of the
# command line before them; and that what is dumped does the same again.
case_config() {
	local config=$work/a.json
	refuse 2 "--config $work/none: No such file" --config "$work/none"
	echo '{"mem": "1M"}' >"$config"
	refuse 2 "$config:1:9: \"mem\": 1M: too small" --config "$config"
	refuse 125 "$config:1:9: " --config "$config" --exec true
	echo '{"mem": "1M", "exec": "true"}' >"$config"
	refuse 125 "$config:1:9: " --config "$config"
	printf '{\n "mem": "1G",\n}\n' >"$config"
	refuse 2 "$config:3:1: " --config "$config"
	cat >"$config" <<-END
		{"mem": "256M", "smp": 4, "time-limit": 100, "net": "none",
		 "file": ["$config:/a,b", "/etc/hostname:/c"],
		 "exec": "cat /a,b /c; nproc; ls -d /sys/class/net/eth0; exit 5"}
	END
	linnet run --config "$config" --smp 2 --dump-config
	expect_status 0
	cp "$work/out" "$work/b.json"
	linnet run --config "$work/b.json" </dev/null
	expect_status 5
	expect_out "$(cat "$config" /etc/hostname; echo 2)"
	"$LINNET" run --config - --dump-config <"$work/b.json" >"$work/c.json" || fail "stdin"
	cmp "$work/b.json" "$work/c.json" || fail "another dump of the same"
}

case_help() {
	local what
	for what in --help 'run --help' 'fetch --help' 'kbuild --help' 'new-driver --help' \
		'machines --help' 'devices --help' 'doctor --help' 'switch --help' 'ioctl --help'; do
		# shellcheck disable=SC2086 # words
		linnet $what
		expect_status 0
		[ "$(wc -l <"$work/out")" -le 50 ] || fail "$what does not fit a screen"
		[ "$(wc -L <"$work/out")" -le 80 ] || fail "$what is wider than 80 columns"
	done
	linnet --version
	expect_in out '^linnet [0-9]'
	linnet ioctl decode 0x8004d505 SCULL_IOCRESET
	expect_out '0x8004d505 direction read size 4 type 0xd5 number 5 of scull: SCULL_IOCGQUANTUM
0x0000d500 direction none size 0 type 0xd5 number 0 of scull: SCULL_IOCRESET'
	linnet ioctl decode 0x1 word
	expect_status 2
	linnet machines
	expect_in out '^virt '
	linnet devices
	expect_in out '^blk '
}

"case_$1"
