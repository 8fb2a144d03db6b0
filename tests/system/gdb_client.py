# SPDX-License-Identifier: MIT
"""A client of the gdb protocol that does what it is told, also wrong things.

    gdb_client.py SOCKET WORD...

A word is sent as a packet, and its acknowledgement and answer are read as long as it asks for one.
Other words: expect PREFIX (of the last answer, or of the next when there is none yet), raw TEXT,
garbage BYTES, signal PID, eof, silence, expect-alive, second, deaf.
"""

import os
import signal
import socket
import sys
import time

LIMIT = 30  # seconds; nothing here takes one


class Client:
    def __init__(self, path):
        self.socket = self.connect(path)
        self.path = path
        self.buffer = b""
        self.answer = None

    @staticmethod
    def connect(path):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(LIMIT)
        s.connect(path)
        return s

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("the other side has hung up")
        self.buffer += data

    def read_packet(self):
        """The next packet, whatever acknowledgements stand before it."""
        while True:
            self.buffer = self.buffer.lstrip(b"+-")
            end = self.buffer.find(b"#")
            if end >= 0 and len(self.buffer) >= end + 3:
                break
            self.read()
        packet, self.buffer = self.buffer[: end + 3], self.buffer[end + 3 :]
        if packet[:1] != b"$" or int(packet[end + 1 :], 16) != sum(packet[1:end]) % 256:
            raise SystemExit("broken packet: %r" % packet)
        try:
            self.socket.sendall(b"+")
        except BrokenPipeError:
            pass  # it was the last
        return packet[1:end].decode()

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))
        self.answer = None
        if not text.startswith(("vCont;", "k")):
            self.answer = self.read_packet()

    def expect(self, prefix):
        answer = self.answer if self.answer is not None else self.read_packet()
        if not answer.startswith(prefix):
            raise SystemExit("%r instead of %r" % (answer, prefix))

    def raw(self, text):
        self.socket.sendall(text.encode())

    def garbage(self, count):
        """Anything but what begins a packet, and then a packet that is much too long."""
        self.socket.sendall(bytes(b for b in os.urandom(int(count) // 2) if b not in b"$"))
        self.socket.sendall(b"$" + b"x" * (int(count) // 2))
        self.socket.sendall(b"#%02x" % (ord("x") * (int(count) // 2) % 256))
        self.answer = self.read_packet()
        self.expect("E")

    def signal(self, pid):
        self.answer = None
        os.kill(int(pid), signal.SIGTERM)

    def eof(self):
        while self.socket.recv(65536):
            pass

    def silence(self):
        pass

    def expect_alive(self):
        """Another client, later, finds a machine that has gone on: this one has stopped nothing."""
        self.socket.close()
        self.socket = self.connect(self.path)
        self.send("?")
        before = self.counter()
        self.send("D")
        self.expect("OK")
        for _ in range(100):
            self.send("?")
            if self.counter() != before:
                return
            self.send("D")
            time.sleep(0.05)  # for the harts to get going
        raise SystemExit("the machine stands still")

    def counter(self):
        self.send("p12")  # s2
        return self.answer

    def second(self):
        self.send("?")
        self.expect("T05")
        other = self.connect(self.path)
        if other.recv(1):
            raise SystemExit("a second client was welcome")
        self.send("?")
        self.expect("T05")

    def deaf(self):
        """Asks until the other side would have to keep the answers."""
        self.socket.setblocking(False)
        ask = b"+$m80000000,1000#%02x" % (sum(b"m80000000,1000") % 256)
        try:
            for _ in range(100000):
                self.socket.sendall(ask)
        except BlockingIOError:
            return
        raise SystemExit("it takes requests without end")


def main():
    client = Client(sys.argv[1])
    words = iter(sys.argv[2:])
    takes = {"expect": 1, "raw": 1, "garbage": 1, "signal": 1, "eof": 0, "silence": 0,
             "expect-alive": 0, "second": 0, "deaf": 0}
    for word in words:
        if word in takes:
            arguments = [next(words) for _ in range(takes[word])]
            getattr(client, word.replace("-", "_"))(*arguments)
        else:
            client.send(word)


main()
