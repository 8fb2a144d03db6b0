#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: fip.py OUT [RUN]: writes a board's fip.bin, of which only the parameters mean something; with
RUN (hexadecimal), a firmware for the small core that is loaded there. binascii has the CRC of the
boards' own tool."""
import binascii
import random
import struct
import sys


def crc(data):
    return 0xCAFE0000 | binascii.crc_hqx(bytes(data), 0)


def blob(size):
    return bytes(random.randrange(256) for _ in range(size))


def second_part(start, run):
    """PARAM2 and what it tells of, at this place of the file."""
    param, body = bytearray(4096), bytearray()
    param[:8] = b'CVLD02\n\0'

    def part(offset, size, address):
        data = blob(size)
        struct.pack_into('<IIII', param, offset, crc(data), start + 4096 + len(body), size, address)
        body.extend(data)

    part(0x10, 512, 0)
    if run:
        part(0x20, 1024, run)
    part(0x30, 1024, 0x80000000)
    loader = bytearray(blob(512))
    loader[4:8] = b'B3MA'
    struct.pack_into('<IQ', loader, 12, len(loader), 0x80200000)
    struct.pack_into('<I', loader, 8, crc(loader[12:]))
    struct.pack_into('<I', param, 0x44, start + 4096 + len(body))
    struct.pack_into('<I', param, 8, crc(param[12:]))
    return param + body + loader


def main():
    random.seed(1)
    param, bl2 = bytearray(4096), blob(1024)
    param[:8] = b'CVBL01\n\0'
    struct.pack_into('<III', param, 0xD4, crc(bl2), len(bl2), 0)
    struct.pack_into('<I', param, 0xE0, 4096 + len(bl2))
    struct.pack_into('<I', param, 12, crc(param[16:0x800]))
    run = int(sys.argv[2], 16) if len(sys.argv) > 2 else 0
    with open(sys.argv[1], 'wb') as out:
        out.write(param + bl2 + second_part(4096 + len(bl2), run))


main()
