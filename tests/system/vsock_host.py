# SPDX-License-Identifier: MIT
# Usage: vsock_host.py PATH PORT TEST. The host's end of virtio-vsock, by the sockets at PATH.
#	echo N BYTES	N connections at once, each sends BYTES random bytes, ends its half, and must
#			get them back and then an end
#	refused		a port where nobody listens: the connection ends without a word
#	stuck		a server that reads nothing: what is sent meets its limit; others are served
#	abort N		N connections that end in the middle
#	words		first lines that are no command
#	answer FILE TO	listens at PATH_PORT, once: sends FILE there, writes what comes to TO, until both
#			directions have ended
import os
import random
import socket
import sys
import threading

path, port, test = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def connect(line=None):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(path)
    s.sendall(line if line is not None else b"CONNECT %d\n" % port)
    return s


def answer(s):
    line = b""
    while not line.endswith(b"\n"):
        try:
            c = s.recv(1)
        except ConnectionResetError:
            return None
        if not c:
            return None
        line += c
    return line


def opened():
    s = connect()
    line = answer(s)
    assert line and line.startswith(b"OK ") and line[3:].strip().isdigit(), line
    return s


def echo(size, failed):
    data = os.urandom(size)
    s = opened()

    def send():
        at = 0
        while at < size:
            n = random.choice((1, 100, 5000, 70000, 200000))
            s.sendall(data[at:at + n])
            at += n
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    back = bytearray()
    while True:
        part = s.recv(random.choice((1, 300, 65536)))
        if not part:
            break
        back += part
    sender.join()
    if bytes(back) != data:
        failed.append("%d of %d bytes came back" % (len(back), size))


def answer_one(data, to):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("%s_%d" % (path, port))
    listener.listen()
    s, _ = listener.accept()
    listener.close()
    s.settimeout(60)

    def send():
        s.sendall(open(data, "rb").read())
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    with open(to, "wb") as out:
        while part := s.recv(65536):
            out.write(part)
    sender.join()


def main():
    if test == "echo":
        failed = []
        threads = [threading.Thread(target=echo, args=(int(sys.argv[5]), failed))
                   for _ in range(int(sys.argv[4]))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not failed, failed
    elif test == "refused":
        assert answer(connect()) is None
    elif test == "stuck":
        s = opened()
        s.settimeout(2)
        sent = 0
        try:
            while sent < 64 << 20:
                sent += s.send(bytes(65536))
        except socket.timeout:
            pass
        assert 65536 <= sent < 16 << 20, sent
    elif test == "abort":
        for _ in range(int(sys.argv[4])):
            s = opened()
            s.sendall(bytes(50000))
            s.close()
    elif test == "answer":
        answer_one(sys.argv[4], sys.argv[5])
    elif test == "words":
        for line in (b"HELLO\n", b"CONNECT\n", b"CONNECT x\n", b"CONNECT 1 2\n", b"CONNECT -1\n",
                     b"CONNECT 4294967296\n", b"\n", b"CONNECT 00000000000000000000000001\n",
                     bytes(40), b"CONNECT 5\0\n"):
            assert answer(connect(line)) is None, line
    print("passed")


main()
