# SPDX-License-Identifier: MIT
"""usage: udp.py PORT SIZE...: sends a datagram of each size to a port of the loopback that echoes, and
compares what comes back. One that gets lost is sent again, for at most 20 s each."""
import os
import socket
import sys
import time

peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(("127.0.0.1", int(sys.argv[1])))
peer.settimeout(0.5)
for size in map(int, sys.argv[2:]):
    sent = os.urandom(size)
    end = time.monotonic() + 20
    got = None
    while got != sent:
        if time.monotonic() > end:
            sys.exit(f"no echo of {size} bytes; the last one had {got and len(got)}")
        try:
            peer.send(sent)
            got = peer.recv(65536)
        except (TimeoutError, ConnectionRefusedError):
            time.sleep(0.1)
print("echoed", sys.argv[2:])
