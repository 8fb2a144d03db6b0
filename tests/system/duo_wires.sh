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
		for i in $(seq 300); do # a bus with pins comes when their driver is there
			[ -e /dev/spidev2.1 -a -e /sys/bus/iio/devices/iio:device0 -a -e /dev/mtd0 ] || sleep 0.1
		done
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
		echo i2c
		eeprom=/sys/bus/i2c/devices/0-0050/eeprom
		head -c 5 $eeprom; echo
		printf 0123456789abcdef | dd of=$eeprom bs=1 seek=100 2>/dev/null
		modprobe i2c-dev
		i2cget -y 2 0x51 0x00 2>&1
		head -c 3000 /data >/sys/bus/i2c/devices/1-0050/eeprom
		head -c 3000 /sys/bus/i2c/devices/1-0050/eeprom | md5sum
		echo gpio
		cd /sys/class/gpio
		for pin in 526 527 545 642; do echo $pin >export; done
		echo in >gpio527/direction; echo rising >gpio527/edge
		echo out >gpio526/direction; cat gpio527/value
		for level in 1 0 1 0 1; do echo $level >gpio526/value; done
		cat gpio527/value; awk '/gpiolib/ { print $2 }' /proc/interrupts
		echo low >gpio527/direction # both drive
		cat gpio545/value # joined with an input
		echo high >gpio642/direction; echo 0 >gpio642/value
		echo watchdog
		devmem 0x03010004 32 15; devmem 0x03010000 32 3
		first=$(devmem 0x03010008); usleep 1000
		[ $((first)) -gt $(($(devmem 0x03010008))) ] && echo counts
		devmem 0x03010000 32 0; devmem 0x03010000 32; devmem 0x03010010 32
	END
	truncate -s 256 "$work/e02"
	printf hello | dd of="$work/e02" conv=notrunc 2>/dev/null
	truncate -s 8K "$work/e64"
	serve "$work/peer" python3 "$(dirname "$0")/spi_peer.py" "$work/peer" </dev/null
	linnet run --machine duo256m -v "${quick[@]}" --file "$work/data:/data" --file "$SPIDEV:/spidev" \
		--file "$work/steps:/steps" \
		--spi 0:0=flash,path="$work/flash" --spi 0:1=adc,cs=A20 --spi 1:0=loopback \
		--spi 1:1=shift --spi 1:1=shift,chain=on \
		--spi 2:0=expander,cs=B3 --spi 2:0=expander,address=2,cs=B3 --spi 2:1=expander --spi 2:1=adc \
		--spi 3:0=unix:"$work/peer" --spi 3:1=adc,3wire=on,compatible=rohm,,dh2228fv \
		--i2c 0:0x50=eeprom,path="$work/e02" --i2c 1:0x50=eeprom,path="$work/e64" --gpio A14=A15 --gpio B1=C2 \
		--exec 'sh /steps' </dev/null
	expect_status 0
	expect_out "dev:    size   erasesize  name
mtd0: 00100000 00001000 \"spi0.0\"
$(md5sum <"$work/data")
0
1536
1600
$(printf '12 ab 00 ff\n1234 abcd\n%.0s' 0 1 2 3)
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
90
i2c
hello
i2cget: read failed: Remote I/O error
$(head -c 3000 "$work/data" | md5sum)
gpio
0
1
3
0
watchdog
counts
0x00000001
0x00000000"
	cmp -n 3000 "$work/e64" "$work/data" || fail 'the EEPROM does not hold what the guest wrote'
	[ "$(tail -c +101 "$work/e02" | head -c 16)" = 0123456789abcdef ] || fail 'the small EEPROM neither'
	expect_in err 'contention: gpio A14 drives 1, gpio A15 0'
	expect_in err 'gpio A20: 0'
	expect_in err 'gpio B3: 0'
	expect_in err 'gpio E2: 1'
	expect_in err 'gpio E2: 0'
	cmp -n 700001 "$work/flash" "$work/data" || fail 'the file does not hold what the guest wrote'
	[ "$(stat -c %s "$work/flash")" = 1048576 ] || fail 'the file has another size'
	expect_in err 'contention on MISO: expander 0 \(select 1\) drives 1, adc \(select 1\) 0'
	expect_in err 'its program has gone'
	expect_not_in err 'Oops|BUG:|WARNING:'
}

# A watchdog that nobody kicks, after 21 ms.
case_watchdog() {
	linnet run --machine duo256m "${quick[@]}" --no-reboot \
		--exec 'devmem 0x03010004 32 3; devmem 0x03010000 32 1; sleep 100' </dev/null
	expect_status 125
	expect_in err 'the watchdog was not kicked in time, and resets the machine'
}

mistake() { # value, words
	mistake_of --spi "$@"
}

mistake_of() { # option, value, words
	linnet run --machine duo256m "$1" "$2" --exec true </dev/null
	expect_status 125
	expect_in err "$3"
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
	mistake 0:0=adc,cs=F1 '--spi .*cs=F1: give a pin, A0 to E31, such as A20'
	mistake 0:0=adc,cs=A1x 'give a pin'
	mistake 0:0=unix:x,cs=A1 '--spi 0:0=unix,cs=: its select is the controller.s; leave it out'
	mistake 0:0=adc,chain=on 'chain=on: there is no part before it on this select'
	mistake 0:0=unix:"$work/none" '--spi 0:0=unix:.*/none: No such file.*start the program'
	mistake_of --i2c 0:0x50 '--i2c 0:0x50: give BUS:ADDRESS=KIND, such as 0:0x50=eeprom,path=F'
	mistake_of --i2c 5:0x50=eeprom 'there are buses 0 to 4 with addresses 0x08 to 0x77'
	mistake_of --i2c 0:0x78=eeprom 'there are buses 0 to 4'
	mistake_of --i2c 0:0x50=rtc '--i2c 0:0x50=rtc: there is no such part; give eeprom'
	mistake_of --i2c 0:0x50=eeprom '--i2c 0:0x50=eeprom: needs path=F'
	mistake_of --i2c 0:0x50=eeprom,path="$work/flash" 'has 100000 bytes'
	truncate -s 1K "$work/e08"
	mistake_of --i2c 0:0x50=eeprom,path="$work/e08" 'has 1024 bytes; such a chip has 256, or 4K to 64K'
	mistake_of --gpio A14 '--gpio A14: give two pins to join, A0 to E31'
	mistake_of --gpio A14=F1 'give two pins'
	mistake_of --gpio A14=A32 'give two pins'
	mistake_of --gpio A1=A1 'joins a pin with itself'
	linnet run --machine duo --gpio A1=A2 --gpio A2=A3 --exec true </dev/null
	expect_in err '--gpio A2=A3: one of them has a wire already'
	linnet run --machine duo --spi 0:0=adc,cs=A1 --spi 0:0=shift --exec true </dev/null
	expect_in err '--spi 0:0=shift: another part on this select has another wire for it'
	linnet run --machine duo --spi 0:0=adc,cs=A1 --spi 1:0=adc,cs=A1 --exec true </dev/null
	expect_in err '--spi 0:0=adc: its pin has a wire already'
	linnet run --machine duo --spi 0:0=adc,cs=A1 --gpio A2=A1 --exec true </dev/null
	expect_in err '--spi 0:0=adc: its pin has a wire already'
	linnet run --gpio A1=A2 --exec true </dev/null
	expect_in err '--gpio: the machine virt has no such wires; add --machine duo256m'
	linnet run --spi 0:0=adc --exec true </dev/null
	expect_status 125
	expect_in err '--spi 0:0=adc: the machine virt has no such wires; add --machine duo256m'
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
