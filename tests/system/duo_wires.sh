#!/bin/bash
# SPDX-License-Identifier: MIT
# Usage: duo_wires.sh CASE. What can be put on the Duo boards' buses, by the drivers of Debian's kernel.
. "$(dirname "$0")/lib.sh"

make_flash() { # file size
	head -c "$2" /dev/zero | tr '\0' '\377' >"$1"
}

# One boot with all of it: a line of output for each thing tried.
case_parts() {
	make_flash "$work/flash" 1M
	head -c 700001 /dev/urandom >"$work/data"
	cat >"$work/steps" <<-'END'
		modprobe mtdblock
		cat /proc/mtd
		dd if=/data of=/dev/mtdblock0 bs=64k 2>/dev/null && sync
		head -c 700001 /dev/mtd0 | md5sum
		cat /sys/bus/iio/devices/iio:device0/in_voltage[03]_raw /sys/bus/iio/devices/iio:device0/in_voltage3_raw
		for mode in 0 1 2 3; do
			/spidev /dev/spidev1.0 $mode 8 12 ab 00 ff
			/spidev /dev/spidev1.0 $mode 16 1234 abcd
		done
		/spidev /dev/spidev1.0 0 12 1234 fabc
		echo chain
		/spidev /dev/spidev1.1 0 8 11 22 33
		/spidev /dev/spidev1.1 0 8 00 00 00
		/spidev /dev/spidev1.1 1 8 ff 00 00
		/spidev /dev/spidev1.1 0 8 00 00 00
		echo address
		/spidev /dev/spidev2.0 0 8 44 09 a5
		/spidev /dev/spidev2.0 0 8 45 0a 00
		/spidev /dev/spidev2.0 0 8 41 0a 00
		/spidev /dev/spidev2.0 0 8 47 0a 00
		echo contention
		/spidev /dev/spidev2.1 0 8 41 00 00 00 >/dev/null
		echo 3wire
		/spidev /dev/spidev3.1 0 8 60 ff ff
		echo unix
		/spidev /dev/spidev3.0 0 8 01 02 fe
		/spidev /dev/spidev3.0 3 16 0102 fe00
		/spidev /dev/spidev3.0 0 8 dd
		/spidev /dev/spidev3.0 0 8 01
		seq 10 99 | xargs /spidev /dev/spidev3.0 0 8 | wc -w
	END
	serve "$work/peer" python3 "$(dirname "$0")/spi_peer.py" "$work/peer" </dev/null
	linnet run --machine duo256m -v "${quick[@]}" --file "$work/data:/data" --file "$SPIDEV:/spidev" \
		--file "$work/steps:/steps" \
		--spi 0:0=flash,path="$work/flash" --spi 0:1=adc --spi 1:0=loopback \
		--spi 1:1=shift --spi 1:1=shift,chain=on \
		--spi 2:0=expander --spi 2:0=expander,address=2 --spi 2:1=expander --spi 2:1=adc \
		--spi 3:0=unix:"$work/peer" --spi 3:1=adc,3wire=on,compatible=rohm,,dh2228fv \
		--exec 'sh /steps' </dev/null
	expect_status 0
	expect_out "dev:    size   erasesize  name
mtd0: 00100000 00001000 \"spi0.0\"
$(md5sum <"$work/data")
0
1536
1600
$(for mode in 0 1 2 3; do printf '12 ab 00 ff\n1234 abcd\n'; done)
0234 0abc
chain
00 00 11
22 33 00
00 00 7f
80 00 00
address
ff ff ff
ff ff a5
ff ff 00
ff ff ff
contention
3wire
60 00 00
unix
fe fd 01
fefd 01ff
ff
fe
90"
	cmp -n 700001 "$work/flash" "$work/data" || fail 'the file does not hold what the guest wrote'
	[ "$(stat -c %s "$work/flash")" = 1048576 ] || fail 'the file has another size'
	expect_in err 'contention on MISO: expander 0 \(select 1\) drives 1, adc \(select 1\) 0'
	expect_in err 'its program has gone'
	expect_not_in err 'Oops|BUG:|WARNING:'
}

mistake() { # value, words
	linnet run --machine duo256m --spi "$1" --exec true </dev/null
	expect_status 125
	expect_in err "$2"
}

case_mistakes() {
	make_flash "$work/flash" 100000
	mistake 0:0 '--spi 0:0: give BUS:SELECT=KIND, such as'
	mistake 0:x=adc '--spi 0:x=adc: give BUS:SELECT=KIND'
	mistake 4:0=adc '--spi 4:0=adc: there are buses 0 to 3 with selects 0 to 3'
	mistake 0:4=adc 'selects 0 to 3'
	mistake 0:0=flsh '--spi 0:0=flsh.*did you mean flash|--spi 0:0=flsh'
	mistake 0:0=flash '--spi 0:0=flash: needs path=F'
	mistake 0:0=adc,path=F 'path=F: has no file; leave it out'
	mistake 0:0=adc,ro=on 'ro=on: is for a flash'
	mistake 0:0=shift,address=1 'address=1: is for an expander'
	mistake 0:0=expander,address=4 'address=4'
	mistake 0:0=flash,path="$work/none" 'none: there is no such file; make an erased chip: head'
	mistake 0:0=flash,path="$work/flash" 'has 100000 bytes; such a chip has a power of two, 64K to 64M'
	mistake 0:0=flash,path="$work" 'is no file|Is a directory'
	mistake 0:0=adc,chain=on 'chain=on: there is no part before it on this select'
	mistake 0:0=unix:"$work/none" '--spi 0:0=unix:.*/none: No such file.*start the program'
	linnet run --spi 0:0=adc --exec true </dev/null
	expect_status 125
	expect_in err '--spi 0:0=adc: the machine virt has no SPI; add --machine duo256m'
	linnet run --machine duo --clock instructions --spi 0:0=unix:"$work/none" --exec true </dev/null
	expect_in err '--spi 0:0=unix: --clock instructions makes each run the same'
	make_flash "$work/flash" 65536
	linnet run --machine duo --spi 0:0=flash,path="$work/flash" --spi 0:1=flash,path="$work/flash" \
		--exec true </dev/null
	expect_in err '0:1=flash,path=.*: is in use by another chip'
	[ "$(id -u)" = 0 ] && return
	chmod 400 "$work/flash"
	mistake 0:0=flash,path="$work/flash" 'cannot be written; add ro=on'
}

"case_$1"
