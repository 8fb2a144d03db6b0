# SPDX-License-Identifier: MIT
"""samples.py PORT OUT FILE TEXT: takes one TCP connection and writes what comes to OUT, from the
moment on when TEXT stands in FILE. Until then it does not read, and TCP holds little for it."""
import socket
import sys
import time

port, out, watched, text = sys.argv[1:]
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
listener.bind(("127.0.0.1", int(port)))
listener.listen()
peer, _ = listener.accept()
while text not in open(watched, encoding="utf-8").read():
    time.sleep(0.05)
with open(out, "wb") as f:
    while part := peer.recv(65536):
        f.write(part)
