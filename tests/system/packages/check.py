# SPDX-License-Identifier: MIT
"""What Python's library computes, a line for each part. The output is that of each Python from 3.9 on."""
import array
import asyncio
import bisect
import decimal
import fractions
import functools
import hashlib
import heapq
import hmac
import itertools
import json
import math
import multiprocessing
import os
import pickle
import queue
import random
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import zlib


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def part_json():
    value = {"n": [random.random() * 10**e for e in range(-300, 300, 7)], "s": "".join(map(chr, range(1, 2000))),
             "t": [True, None, {"deep": [[[1]]]}]}
    text = json.dumps(value, sort_keys=True)
    assert json.loads(text) == value
    return digest(text)


def part_hashlib():
    data = random.getrandbits(8 * 100001).to_bytes(100001, "big")
    names = ["md5", "sha1", "sha224", "sha256", "sha512", "sha3_256", "blake2b", "blake2s"]
    sums = [hashlib.new(name, data).hexdigest() for name in names]
    return digest(sums + [hmac.new(b"key", data, "sha384").hexdigest(),
                          hashlib.pbkdf2_hmac("sha256", b"pass", b"salt", 2000).hex(), zlib.crc32(data), zlib.adler32(data)])


def part_zlib():
    data = b"".join(b"%d " % (i * i % 1009) for i in range(50000))
    for level in (1, 6, 9):
        assert zlib.decompress(zlib.compress(data, level)) == data
    return len(data)


def part_math():
    values = [random.uniform(-1, 1) * 2**random.randrange(-200, 200) for _ in range(3000)]
    rooted = [math.sqrt(abs(v)) for v in values]
    whole = [math.isqrt(abs(int(v * 2**100))) for v in values]
    parts = [math.frexp(v) + math.modf(v) + (math.floor(v), math.ceil(v), round(v, 3), math.fmod(v, 0.3)) for v in values]
    near = ["%.11g" % f(v % 7) for v in values for f in (math.sin, math.exp, math.atan, math.cosh)]
    return digest([math.fsum(values), rooted, whole, parts, math.comb(200, 77), math.factorial(300),
                   pow(7, 12345678901234567890, 2**127 - 1), [v.hex() for v in values], near])


def part_numbers():
    decimal.getcontext().prec = 60
    pi = sum(decimal.Decimal(1) / 16**k * (decimal.Decimal(4) / (8 * k + 1) - decimal.Decimal(2) / (8 * k + 4)
             - decimal.Decimal(1) / (8 * k + 5) - decimal.Decimal(1) / (8 * k + 6)) for k in range(50))
    harmonic = sum((fractions.Fraction(1, k) for k in range(1, 200)), fractions.Fraction(0))
    big = 3**20000
    return digest([pi, harmonic, big % 10**40, str(3**8000), int(str(7**4000)) == 7**4000, big // 7**9000 % 10**30])


def part_re():
    text = " ".join("%s=%d;" % (chr(97 + i % 26) * (i % 5 + 1), i * 37 % 1001) for i in range(5000))
    found = re.findall(r"\b([a-m]{2,4})=(\d*[13579]);", text)
    swapped = re.sub(r"(?P<name>\w+)=(?P<value>\d+)", lambda m: m["value"] + "=" + m["name"], text)
    return digest([len(found), found, swapped, re.split(r"[;=]\s*", text), bool(re.fullmatch(r"(a|b)*?c+", "ab" * 500 + "c"))])


def part_threading():
    jobs, results, total, lock = queue.Queue(), queue.Queue(), [0], threading.Lock()

    def worker():
        while (job := jobs.get()) is not None:
            with lock:
                total[0] += job
            results.put((job, hashlib.sha1(b"%d" % job * 500).hexdigest()))

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for job in range(2000):
        jobs.put(job)
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()
    return digest([total, sorted(results.queue)])


def part_sqlite3():
    db = sqlite3.connect(":memory:")
    db.execute("create table t (id integer primary key, name text, value real)")
    db.executemany("insert into t values (?, ?, ?)", ((i, "n%d" % (i * 7 % 101), i / 3) for i in range(5000)))
    db.execute("create index by_name on t (name)")
    rows = db.execute("select name, count(*), sum(id), max(value) from t group by name having count(*) > 49 order by 3 desc").fetchall()
    joined = db.execute("select count(*) from t a join t b on a.name = b.name and a.id < b.id").fetchone()
    return digest([rows, joined, db.execute("pragma integrity_check").fetchall()])


def part_containers():
    values = [random.randrange(10**9) for _ in range(20000)]
    heap = list(values)
    heapq.heapify(heap)
    ordered = [heapq.heappop(heap) for _ in range(len(heap))]
    assert ordered == sorted(values)
    packed = struct.pack("<20000q", *values) + array.array("d", map(float, values)).tobytes()
    again = pickle.loads(pickle.dumps({v: str(v) for v in values[:3000]}))
    best = functools.reduce(math.gcd, values[:5])
    chains = list(itertools.islice(itertools.permutations("abcdefg"), 1000, 1100))
    return digest([hashlib.md5(packed).hexdigest(), again[values[7]], best, chains, bisect.bisect(ordered, 10**8)])


def part_exceptions():
    caught = 0
    for i in range(3000):
        try:
            [1, 2, 3][i % 5]
            1 // (i % 7)
            {}["missing"] if i % 11 == 0 else int("x" if i % 13 == 0 else "1")
        except (IndexError, ZeroDivisionError, KeyError, ValueError) as error:
            caught = caught * 3 % 1000003 + len(type(error).__name__)
    return caught


def square(number):
    return number * number


def part_processes():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        squares = pool.map(square, range(1000))
    shell = subprocess.run(["sh", "-c", "cat; exit 7"], input=b"through a pipe", capture_output=True, check=False)
    return digest([squares, shell.stdout, shell.returncode])


async def echo_server():
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    path = "/tmp/check-%d.socket" % os.getpid()
    server = await asyncio.start_unix_server(serve, path)

    async def client(number):
        reader, writer = await asyncio.open_unix_connection(path)
        answers = []
        for i in range(20):
            writer.write(b"client %d line %d\n" % (number, i))
            answers.append(await reader.readline())
        writer.close()
        return answers

    answers = await asyncio.gather(*map(client, range(10)))
    server.close()
    if os.path.exists(path):  # before Python 3.13
        os.unlink(path)
    return answers


def part_asyncio():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"x" * 1000)
        received = theirs.recv(1000, socket.MSG_WAITALL)
    return digest([asyncio.run(echo_server()), len(received)])


def main():
    random.seed(2024)
    for name, part in list(globals().items()):
        if name.startswith("part_") and (len(sys.argv) == 1 or name[5:] in sys.argv[1:]):
            print(name[5:], part(), flush=True)


main()
