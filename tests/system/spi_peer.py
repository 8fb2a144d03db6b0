#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# usage: spi_peer.py SOCKET
# Plays a part on an SPI bus, see docs/spi.md: it answers each frame by its complement. A frame of dd
# makes it hang up; the next connection is served as the first.
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen()
while True:
    peer, _ = listener.accept()
    while message := peer.recv(1024):
        kind, mode, bits, first = message[:4]
        if kind == ord('E'):
            continue
        frames = [message[i] | message[i + 1] << 8 for i in range(4, len(message), 2)]
        if 0xdd in frames:
            break
        answer = b''.join((~f & (1 << bits) - 1).to_bytes(2, 'little') for f in frames)
        peer.send(b'X\0\0\0' + answer)
    peer.close()
