# SPDX-License-Identifier: MIT
"""rpmsg.py LINNET FIRMWARE GUEST CORES_BIG CORES_SMALL: what a message to the small core and back takes, and
what both cores compute.

GUEST is guest.c, FIRMWARE the image of guest/firmware/apps/rpmsg.c, CORES_* cores.c. Each engine boots
twice: round trips and rates without a trace, then with one, which says where the time of a round trip
goes. The times of the guest's program and of the trace are of one clock."""
import bisect
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time

SIZES = (4, 32, 128, 496)
ROUNDS = 400
BATCH = 50  # the host is shared: a batch may have it for itself
SEGMENTS = ("system call", "transport there", "firmware", "transport back", "work, wake-up")
BOARDS = "real boards (published, of 4 bytes): 75 (vendor's 5.10), 152 (mainline), 128 to 176 (remoteproc)"
SCRIPT = """
cd /sys/class/remoteproc/remoteproc0 && echo bench.elf >firmware && echo start >state || exit 1
modprobe -a virtio_rpmsg_bus rpmsg_char rpmsg_ctrl || exit 1
until [ -e /dev/rpmsg0 ]; do sleep 0.05; done
for size in %s; do /bench ping /dev/rpmsg0 $size %d || exit 1; done
[ -n "%s" ] || exit 0
nobody=$(linnet-rpmsg create nobody -1 99) && burst=$(linnet-rpmsg create burst -1 34) || exit 1
for size in 4 496; do
	/bench send $nobody $size 5000 && /bench burst $burst $size 5000 || exit 1
done
"""


def say(*words):
    print(*words, flush=True)


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def quietest(values):
    """The least median of a batch."""
    return min(at(values[i:i + BATCH], 0.5) for i in range(0, len(values), BATCH))


def boot(linnet, engine, firmware, program, work, trace):
    script = os.path.join(work, "sh")
    with open(script, "w", encoding="utf-8") as f:
        f.write(SCRIPT % (" ".join(map(str, SIZES)), ROUNDS, "" if trace else "rates"))
    command = [linnet, "run", "--machine", "duo256m", "--engine", engine, "--file", f"{script}:/sh",
               "--file", f"{program}:/bench", "--file", f"{firmware}:/lib/firmware/bench.elf"]
    command += ["--trace", trace] if trace else []
    done = subprocess.run(command + ["--exec", "sh /sh"], stdin=subprocess.DEVNULL, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"bench/rpmsg: the guest has failed:\n{(done.stdout + done.stderr).decode()[-2000:]}")
    pings = {size: [] for size in SIZES}
    rates = []
    for words in map(str.split, done.stdout.decode().splitlines()):
        if words and words[0].isdigit():
            pings[int(words[0])].append(tuple(map(int, words[1:])))
        elif words and words[0] in ("send", "burst"):
            rates.append(words)
    return pings, rates


def steps_of(trace):
    """The times of each kind of event that ends a segment: kick, claim, kick back, taken."""
    steps = ([], [], [], [])
    with open(trace, encoding="utf-8") as f:
        for event in map(json.loads, f):
            kind = (event["event"], event["core"])
            if event["event"] == "mail":
                steps[0 if event["to"] == "small" else 2].append(event["t"])
            elif kind == ("claim", "small"):
                steps[1].append(event["t"])
            elif kind == ("taken", "big"):
                steps[3].append(event["t"])
    return steps


def split(ping, steps):
    """A round trip's segments, or None when one of its events is missing in the trace."""
    now, end = ping[0], ping[2]
    parts = []
    for times in steps:
        i = bisect.bisect_left(times, now)
        if i == len(times) or times[i] > end:
            return None
        parts.append(times[i] - now)
        now = times[i]
    return parts + [end - now]


def show_engine(linnet, engine, firmware, program, work):
    pings, rates = boot(linnet, engine, firmware, program, work, None)
    trace = os.path.join(work, "trace")
    traced, _ = boot(linnet, engine, firmware, program, work, trace)
    steps = steps_of(trace)
    say(f"{engine}: us            p50     p99  quiet p50 | with --trace, p50:", ", ".join(SEGMENTS))
    for size in SIZES:
        took = [(p[2] - p[0]) / 1000 for p in pings[size]]
        parts = [s for s in (split(p, steps) for p in traced[size]) if s]
        middle = " ".join(f"{at(column, 0.5) / 1000:6.1f}" for column in zip(*parts))
        say(f"  {size:3} bytes       {at(took, 0.5):7.1f} {at(took, 0.99):7.1f} {quietest(took):10.1f} | {middle}")
    for way, size, rate in rates:
        to = "to the small core" if way == "send" else "from the small core"
        say(f"  {to}, {size} bytes: {rate} messages a second")


def until_connected(path):
    for _ in range(200):
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            time.sleep(0.05)
    sys.exit(f"bench/rpmsg: nobody listens at {path}")


def join(big, small):
    """Passes on bytes above 127 both ways until both are closed; what else the big core says."""
    said = bytearray()
    wait = selectors.DefaultSelector()
    wait.register(big, selectors.EVENT_READ, small)
    wait.register(small, selectors.EVENT_READ, big)
    while wait.get_map():
        for key, _ in wait.select():
            data = key.fileobj.recv(4096)
            if not data:
                wait.unregister(key.fileobj)
                continue
            if key.fileobj is big:
                said += bytes(b for b in data if b < 128)
            data = bytes(b for b in data if b >= 128)
            if data:
                key.data.sendall(data)
    return said.decode()


def show_cores(linnet, engine, big_image, small_image, work):
    paths = [os.path.join(work, name) for name in ("big", "small")]
    process = subprocess.Popen(
        [linnet, "run", "--machine", "duo256m", "--engine", engine, "--firmware", big_image, "--small-core",
         small_image, "--console", f"unix:{paths[0]}", "--small-console", f"unix:{paths[1]}",
         "--time-limit", "60"], stdin=subprocess.DEVNULL)
    big, small = map(until_connected, paths)
    big.sendall(b"g")
    said = join(big, small)
    if process.wait():
        sys.exit("bench/rpmsg: the cores have failed")
    figures = {(w[1], w[2]): int(w[3]) / 1000 for w in map(str.split, said.splitlines()) if len(w) == 4}
    for way in ("memory", "mailbox", "uart"):
        say(f"  {way:14} {figures[way, 'p50']:8.1f} {figures[way, 'p99']:7.1f}")
    alone, both = figures["work", "alone"], figures["work", "both"]
    say(f"  million instructions a second: one core {alone * 10:.0f}, both {both * 10:.0f}, ratio {both / alone:.2f}")


def main():
    linnet, firmware, program, big, small = sys.argv[1:]
    subprocess.run([linnet, "kbuild", "--extras"], check=True)
    for engine in ("jit", "interp") if os.uname().machine == "x86_64" else ("interp",):
        with tempfile.TemporaryDirectory() as work:
            show_engine(linnet, engine, firmware, program, work)
            show_cores(linnet, engine, big, small, work)
    say(BOARDS)
    say("load of the host:", os.getloadavg())


main()
