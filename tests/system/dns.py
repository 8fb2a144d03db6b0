# SPDX-License-Identifier: MIT
"""A name server on the loopback that knows one name: linnet.test is 192.0.2.53 (RFC 1035, 4.1)."""
import socket
import struct

ADDRESS = bytes([192, 0, 2, 53])
NAME = b"\x06linnet\x04test\x00"
TYPE_A = 1

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    query, client = server.recvfrom(512)
    question = query[12:12 + len(NAME) + 4]
    known = question.lower().startswith(NAME)
    wanted = known and struct.unpack("!H", question[len(NAME):len(NAME) + 2])[0] == TYPE_A
    header = struct.pack("!HHHHHH", struct.unpack("!H", query[:2])[0], 0x8180 if known else 0x8183,
                         1, 1 if wanted else 0, 0, 0)
    answer = struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, 60, len(ADDRESS)) + ADDRESS
    server.sendto(header + query[12:] + (answer if wanted else b""), client)
