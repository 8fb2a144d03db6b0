#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: guest.sh fio|net|memory [ROUNDS]. What a guest's disk and network cost the host, on Linnet and on
# Debian's qemu-system-riscv64, in turn in each round: the same kernel, initrd, image and TAP device.
# Figures are CPU time of the whole process (user and system) between marks that the guest prints,
# medians over the rounds (3). $LINNET, $TCP, $TCP_GUEST and $SLEEP are programs (tests/system/tcp.c and
# hang.S).
#
#	fio	Debian's fio, direct, 4 KiB at random places and 64 KiB in sequence, over mmio and PCI
#	net	TCP over a TAP device with offloads, over 1, 2 and 4 queues (needs namespaces)
#	memory	memory of the process without the guest's, for one more device that nobody uses
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap 'rm -rf "$work"; [ -z "$server" ] || kill "$server"' EXIT
LINNET=${LINNET:-$PWD/build/linnet}
rounds=${2:-3}

die() {
	echo "bench/guest: $*" >&2
	exit 1
}

# ---- the guest ----

# make_guest FILE...: the default guest whose demo is $work/demo, with these files in /.
make_guest() {
	"$LINNET" fetch --print >"$work/guest"
	kernel=$work/kernel # of our own, since the cache may be given another guest meanwhile
	cp "$(sed -n 's/^kernel=//p' "$work/guest")" "$kernel"
	append=$(sed -n 's/^append=//p' "$work/guest")
	mkdir -p "$work/root/lib/linnet"
	install -m 755 "$work/demo" "$work/root/lib/linnet/demo"
	for file in "$@"; do
		install -m 755 "$file" "$work/root/${file##*/}"
	done
	cp "$(sed -n 's/^initrd=//p' "$work/guest")" "$work/initrd"
	(cd "$work/root" && find . | cpio -o -H newc --quiet) >>"$work/initrd"
}

# What the guest's scripts begin with. busybox' sh.
prelude='#!/bin/sh
say() { echo "bench: $*" >/dev/console; }
'

linnet=() qemu=() # options for both
both() {          # SMP QEMU-TRANSPORT: begins them
	linnet=("$LINNET" run --mem 512M --smp "$1" --kernel "$kernel" --initrd "$work/initrd"
		--append-only "$append quiet linnet.mode=demo")
	qemu=(qemu-system-riscv64 -M virt -m 512 -smp "$1" -nographic -no-reboot -kernel "$kernel"
		-initrd "$work/initrd" -append "$append quiet linnet.mode=demo")
}

# ---- running and counting ----

cpu_ms() { # pid
	local stat
	stat=$(cat "/proc/$1/stat")
	# shellcheck disable=SC2086 # words
	set -- ${stat##*) }
	echo $(((${12} + ${13}) * 1000 / $(getconf CLK_TCK)))
}

# run PEER COMMAND...: the guest says "bench: begin ROW", "bench: end ROW OPERATIONS" or "bench: note ROW
# WORDS". Lines "ROW PEER NANOSECONDS" go to figures, "ROW PEER WORDS" to notes. What the row "start" took
# is what the others begin with, and is taken off them.
run() {
	local peer=$1 pid line row n from=0 cost start=0
	shift
	rm -f "$work/pipe"
	mkfifo "$work/pipe"
	# shellcheck disable=SC2016 # for that shell
	timeout -k 5 600 sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$work/pid" "$@" </dev/null >"$work/pipe" 2>&1 &
	while IFS= read -r line; do
		echo "$line" >>"$work/log"
		[[ $line = *'bench: '* ]] || continue
		line=${line%$'\r'}
		read -r line row n <<<"${line#*bench: }"
		pid=$(cat "$work/pid")
		case $line in
		begin) from=$(cpu_ms "$pid") ;;
		end)
			cost=$(($(cpu_ms "$pid") - from))
			if [ "$row" = start ]; then start=$cost; fi
			echo "$row $peer $(((cost - start) * 1000000 / n))" >>"$work/figures"
			;;
		note) echo "$row $peer $n" >>"$work/notes" ;;
		*) die "$peer: $line $row" ;;
		esac
	done <"$work/pipe"
	wait $! || die "$peer has failed; the end of its output: $(tail -n 5 "$work/log")"
}

# table UNIT: medians by row and peer, and of each peer the ratio to Linnet on the same carrier.
table() {
	printf '%-24s %-12s %12s %12s %14s\n' "$1" carrier Linnet QEMU 'QEMU / Linnet'
	grep -v '^start ' "$work/figures" | sort -k 1,1 -k 2,2 -k 3,3n | awk '
		function close_group() {
			if (key != "")
				m[key] = v[int((n + 1) / 2)]
			n = 0
		}
		$1 " " $2 != key { close_group(); key = $1 " " $2 }
		{ v[++n] = $3 }
		END {
			close_group()
			for (k in m) {
				split(k, w, /[ \/]/)
				if (w[2] == "linnet")
					printf "%-24s %-12s %12.1f %12.1f %14.2f\n", w[1], w[3], m[k] / 1000,
						m[w[1] " qemu/" w[3]] / 1000, m[w[1] " qemu/" w[3]] / m[k]
			}
		}' | sort -V
}

# ---- fio ----

bench_fio() {
	local tools carrier
	tools=$("$here/../../guest/userland.sh" fio | sed -n 's/^image=//p')
	cat >"$work/demo" <<-END
		$prelude
		for disk in vda vdb; do
			case \$(cat /sys/block/\$disk/serial) in
			tools) grep -q /mnt /proc/mounts || mount /dev/\$disk /mnt ;;
			data) data=/dev/\$disk ;;
			esac
		done
		row() { # NAME RW BS DEPTH OPERATIONS
			/mnt/enter fio --eta=never --output=/tmp/log --name=x --filename=\$data --size=256m --direct=1 \\
				--ioengine=libaio --rw=\$2 --bs=\$3k --iodepth=\$4 --io_size=\$((\$3 * \$5))k \\
				--exec_prerun="echo bench: begin \$1 | tee /dev/console" \\
				--exec_postrun="echo bench: end \$1 \$5 | tee /dev/console" || say failed
		}
		cd /tmp
		row start read 4 1 1
		for depth in 1 32; do
			row randread-\$depth randread 4 \$depth 4000
			row randwrite-\$depth randwrite 4 \$depth 4000
			row read-\$depth read 64 \$depth 1000
			row write-\$depth write 64 \$depth 1000
		done
	END
	make_guest
	head -c 256M /dev/zero >"$work/data"
	for _ in $(seq "$rounds"); do
		for carrier in mmio pci; do
			both 1
			run linnet/$carrier "${linnet[@]}" --transport $carrier --net none \
				--disk "path=$tools,snapshot=on,serial=tools" --disk "path=$work/data,serial=data"
			local kind=device
			[ $carrier = mmio ] || kind=pci
			run qemu/$carrier "${qemu[@]}" -nic none \
				-drive "file=$tools,if=none,format=raw,snapshot=on,id=tools" \
				-device virtio-blk-$kind,drive=tools,serial=tools \
				-drive "file=$work/data,if=none,format=raw,id=data" \
				-device virtio-blk-$kind,drive=data,serial=data
		done
	done
	table 'CPU us/request'
}

# ---- TCP ----

bench_net() {
	if [ "${IN_NAMESPACE:-}" != yes ]; then
		export IN_NAMESPACE=yes
		if [ "$(id -u)" = 0 ]; then unshare -n "$0" net "$rounds"; else unshare -rn "$0" net "$rounds"; fi
		return
	fi
	local queues port
	ip link set lo up
	ip addr add 192.0.2.1/32 dev lo
	"$TCP" serve 192.0.2.1 >"$work/port" &
	server=$!
	until grep -q port= "$work/port"; do sleep 0.1; done
	port=$(sed -n s/port=//p "$work/port")
	cat >"$work/demo" <<-END
		$prelude
		ip addr add 192.0.2.2/24 dev eth0
		bulk() { # ROW up|down CONNECTIONS MB
			say begin \$1
			/tcp_rv64 bulk \$2 192.0.2.1 $port \$3 \$4 >/tmp/said || say failed
			say end \$1 \$4
			say note \$1 "\$(sed 's/.* //' /tmp/said)"
		}
		bulk up-10 up 10 100
		bulk down-10 down 10 100
		[ -d /sys/class/net/eth0/queues/tx-1 ] && exit
		bulk up-1000 up 1000 100
		bulk down-1000 down 1000 100
		say begin exchange-1000
		/tcp_rv64 exchange 192.0.2.1 $port 1000 10 >/tmp/said || say failed
		say end exchange-1000 10000
		say note ping \$(/tcp_rv64 ping 192.0.2.1 $port 500)
		/tcp_rv64 bulk up 192.0.2.1 $port 10 1000000 &
		flood=\$!
		usleep 200000
		say note ping-beside-flood \$(/tcp_rv64 ping 192.0.2.1 $port 500)
		kill \$flood
	END
	make_guest "$TCP_GUEST"
	for _ in $(seq "$rounds"); do
		for queues in 1 2 4; do
			both $queues
			cable $queues
			run linnet/$queues-queues "${linnet[@]}" --net tap,ifname=t0,queues=$queues
			cable $queues
			run qemu/$queues-queues "${qemu[@]}" \
				-netdev tap,id=net,ifname=t0,script=no,downscript=no,vhost=off,queues=$queues \
				-device "virtio-net-device,netdev=net,mq=$([ $queues = 1 ] && echo off || echo on)"
		done
	done
	table 'CPU us/MB or message'
	echo 'evenness (1.00: each connection got as much); latencies'
	sort "$work/notes"
}

cable() { # queues
	ip link del t0 2>/dev/null || :
	# shellcheck disable=SC2046 # nothing or a word
	ip tuntap add dev t0 mode tap $([ "$1" = 1 ] || echo multi_queue)
	ip addr add 192.0.2.1/24 dev t0
	ip link set t0 up
}

# ---- memory ----

own_kb() { # pid: what it alone has, and wrote; without the guest's RAM
	awk '/^[0-9a-f]+-/ { ram = /memfd:linnet-ram|memfd:memory-backend-memfd/ }
		/^Private_Dirty:/ && !ram { kb += $2 }
		END { print kb + 0 }' "/proc/$1/smaps"
}

# weigh KIND PEER DEVICES COMMAND...: what its process has when that does not change any more.
weigh() {
	local kind=$1 peer=$2 n=$3 pid kb before=-1
	shift 3
	"$@" </dev/null >"$work/log" 2>&1 &
	pid=$!
	sleep 1
	kb=$(own_kb "$pid") || die "$peer has failed: $(cat "$work/log")"
	while [ "$kb" != "$before" ]; do
		before=$kb
		sleep 0.5
		kb=$(own_kb "$pid")
	done
	kill "$pid"
	wait "$pid" || : # that is how it ends
	echo "$kind $peer $n $kb" >>"$work/weights"
}

weigh_linnet() { # KIND DEVICES OPTIONS...
	weigh "$1" linnet "$2" "$LINNET" run --mem 512M --firmware "$SLEEP" "${@:3}"
}

weigh_qemu() { # the same
	weigh "$1" qemu "$2" qemu-system-riscv64 -object memory-backend-memfd,id=ram,size=512M \
		-M virt,memory-backend=ram -m 512M -nographic -nic none -bios "$SLEEP" "${@:3}"
}

# The guest is one that sleeps from the first instruction on.
bench_memory() {
	local i linnet_disks=() qemu_disks=() none=(--net none --rng off)
	for i in 1 2 3 4; do
		truncate -s 64M "$work/disk$i"
		linnet_disks+=(--disk "path=$work/disk$i")
		qemu_disks+=(-drive "file=$work/disk$i,if=none,format=raw,id=d$i" -device "virtio-blk-device,drive=d$i")
	done
	for _ in $(seq "$rounds"); do
		weigh_linnet none 0 "${none[@]}"
		weigh_qemu none 0
		weigh_linnet disk 4 "${none[@]}" "${linnet_disks[@]}"
		weigh_qemu disk 4 "${qemu_disks[@]}"
		weigh_linnet net-user 1 --rng off --net user
		weigh_qemu net-user 1 -netdev user,id=n -device virtio-net-device,netdev=n
		weigh_linnet rng 1 --net none
		weigh_qemu rng 1 -device virtio-rng-device
		weigh_linnet balloon 1 "${none[@]}" --balloon on
		weigh_qemu balloon 1 -device virtio-balloon-device
		weigh_linnet vsock 1 "${none[@]}" --vsock "cid=3,path=$work/vsock"
	done
	echo "KB of its own, without the guest's RAM: of the board alone, and what one more device adds"
	sort -k 1,1 -k 2,2 -k 4,4n "$work/weights" | awk '
		{ k = $1 " " $2; v[k, ++n[k]] = $4; count[k] = $3 }
		END {
			printf "%-10s %-8s %8d\n", "none", "linnet", base["linnet"] = v["none linnet", int((n["none linnet"] + 1) / 2)]
			printf "%-10s %-8s %8d\n", "none", "qemu", base["qemu"] = v["none qemu", int((n["none qemu"] + 1) / 2)]
			for (k in n) {
				split(k, w, " ")
				if (w[1] != "none")
					printf "%-10s %-8s %8d\n", w[1], w[2], (v[k, int((n[k] + 1) / 2)] - base[w[2]]) / count[k] | "sort"
			}
		}'
}

case ${1:-} in
fio | net | memory) "bench_$1" ;;
*) die 'usage: guest.sh fio|net|memory [ROUNDS]' ;;
esac
