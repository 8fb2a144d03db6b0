# SPDX-License-Identifier: MIT
"""Reads a pcap file as docs/trace.md describes it: two times 32 numbers go from Linux to the counter, endpoint 30,
and come back increased by one, and each name is announced twice."""
import struct
import sys

data = sys.stdin.buffer.read()
magic, major, minor, _, _, _, link = struct.unpack_from("<IHHIIII", data)
assert (magic, major, minor, link) == (0xA1B23C4D, 2, 4, 147), (magic, major, minor, link)
at, last, numbers, names = 24, (0, 0, 0), {0: [], 1: []}, []
while at < len(data):
    seconds, ns, length, full = struct.unpack_from("<IIII", data, at)
    packet = data[at + 16 : at + 16 + length]
    at += 16 + length
    assert len(packet) == length == full and ns < 10**9
    to, big, small = struct.unpack_from("<B7xQQ", packet)
    now = (seconds * 10**9 + ns, big, small)
    assert all(a >= b for a, b in zip(now, last)), (now, last)
    last = now
    src, dst, _, size, _ = struct.unpack_from("<IIIHH", packet, 24)
    payload = packet[40:]
    assert len(payload) == size
    if 30 in (src, dst) and size == 4:
        numbers[to].append(int.from_bytes(payload, "little"))
    if dst == 53:
        names.append(payload[:32].rstrip(b"\0").decode())
assert at == len(data)
assert numbers == {1: [*range(32)] * 2, 0: [*range(1, 33)] * 2}, numbers
assert names == ["rpmsg-sg2002-c906l-channel", "rpmsg-raw", "linnet-burst", "rpmsg-tty"] * 2, names
