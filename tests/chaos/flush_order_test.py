"""No acknowledgement leaves a broker before the `fdatasync` that covers it: a trace of system calls.

A kill cannot show this, since the page cache outlives the process. One producer, one partition,
flush=always, acks=all, under strace. From the trace: which bytes of the log were written, how far a
sync that has *ended* reaches, and how many batches each ACK frame acknowledged when it left. Whole
batches are found in the log's file afterwards.
"""
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from processes import Daemon, Directory, free_ports, make_topic, run, until  # noqa: E402

RECORDS = 6_000  # in batches of what comes while one is synced
ACK = 0x02
FRAME_HEAD = struct.Struct(">BQI")  # type, message id, payload length

CALL = re.compile(r"^(\d+) +(?:(\w+)\((\d+)<([^>]*)>(.*)|<\.\.\. (\w+) resumed>(.*))$")
HEX = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def data_of(text):
    return b"".join(bytes.fromhex(found.replace("\\x", "")) for found in HEX.findall(text))


def result_of(text):
    return int(text.rsplit("= ", 1)[1].split()[0])


class Trace:
    """Replays the calls in the order in which they began and ended."""

    def __init__(self, path, segment):
        self.segment = segment
        self.written = 0  # bytes of the segment's file
        self.syncing = {}  # by thread: what was written when its sync began
        self.synced = 0
        self.streams = {}  # by socket: frames not whole yet
        self.acks = []  # of each ACK frame that left: how far the log was synced
        self.syncs = 0
        self.open = {}  # by thread: a call that has not ended
        with open(path, errors="replace") as lines:
            for line in lines:
                self.take(line.rstrip("\n"))

    def take(self, line):
        found = CALL.match(line)
        if not found:
            return
        thread, name, fd, target, rest, resumed, tail = found.groups()
        if name:
            if target.startswith("\\x"):
                target = data_of(f'"{target}"').decode()
            if rest.endswith("<unfinished ...>"):
                rest = rest.removesuffix("<unfinished ...>")
                self.open[thread] = (name, fd, target, rest)
                self.begins(thread, name, target, fd, rest)
            else:
                self.begins(thread, name, target, fd, rest)
                self.ends(thread, name, target, fd, rest, rest)
        elif thread in self.open:
            name, fd, target, rest = self.open.pop(thread)
            self.ends(thread, name, target, fd, rest, tail)

    # A sync covers what was written when it began; what leaves, leaves when the call begins.
    def begins(self, thread, name, target, fd, rest):
        if name == "fdatasync" and target == self.segment:
            self.syncing[thread] = self.written
        elif name in ("write", "writev", "sendmsg") and target.startswith("TCP"):
            self.sends(fd, data_of(rest))

    def ends(self, thread, name, target, fd, rest, tail):
        if target != self.segment:
            return
        if name == "fdatasync" and result_of(tail) == 0:
            self.synced = max(self.synced, self.syncing[thread])
            self.syncs += 1
        elif name in ("pwritev", "pwrite64"):
            count = result_of(tail)
            position = int((rest if tail is rest else rest + tail).rsplit("= ", 1)[0]
                           .rstrip(" )").rsplit(", ", 1)[1])
            if any(data_of(rest)):  # not the zeroes ahead
                self.assert_follows(position)
                self.written = max(self.written, position + count)

    def assert_follows(self, position):
        if position > self.written:
            raise AssertionError(f"a write at {position}, {self.written} bytes are there")

    def sends(self, fd, data):
        stream = self.streams.get(fd, b"") + data
        while len(stream) >= FRAME_HEAD.size:
            kind, _, length = FRAME_HEAD.unpack_from(stream)
            if len(stream) < FRAME_HEAD.size + length:
                break
            if kind == ACK:
                self.acks.append(self.synced)
            stream = stream[FRAME_HEAD.size + length:]
        self.streams[fd] = stream


def batch_ends(path):
    """Where each batch of a log file ends."""
    data = path.read_bytes()
    ends, at = [], 0
    while at + 61 <= len(data):
        length = struct.unpack_from(">i", data, at + 8)[0]
        if length <= 0:
            break
        at += 12 + length
        ends.append(at)
    return ends


class TraceTest(unittest.TestCase):
    def test_a_call_may_end_later_than_it_began(self):
        with tempfile.NamedTemporaryFile("w", suffix=".strace") as file:
            file.write("""\
7  pwritev(5</a.log>, [{iov_base="\\x01\\x02", iov_len=2}], 1, 0) = 2
7  pwritev(5</a.log>, [{iov_base="\\x03", iov_len=1}], 1, 2 <unfinished ...>
8  fdatasync(5</a.log> <unfinished ...>
7  <... pwritev resumed>) = 1
8  <... fdatasync resumed>) = 0
""")
            file.flush()
            found = Trace(file.name, "/a.log")
        self.assertEqual(found.written, 3)
        self.assertEqual(found.synced, 2)


@unittest.skipUnless(shutil.which("strace"), "needs strace")
class FlushOrderTest(unittest.TestCase):
    def test_every_ack_comes_after_its_sync(self):
        directory = Directory()
        self.addCleanup(directory.remove)
        port = free_ports(3)
        address = f"127.0.0.1:{port}"
        data = directory.path / "data"
        broker = Daemon("xylem-broker", directory.path / "log", NODE_ID="alone", DATA_DIR=data,
                        BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2)
        broker.start()
        self.addCleanup(broker.end, signal.SIGKILL)
        make_topic(address, "kept")
        trace = directory.path / "trace"
        strace = subprocess.Popen(
            ["strace", "-f", "-y", "-yy", "-xx", "-s", "1048576", "-o", trace, "-p",
             str(broker.process.pid), "-e", "trace=pwritev,pwrite64,fdatasync,write,writev,sendmsg"],
            stderr=subprocess.PIPE)
        self.addCleanup(strace.kill)
        self.assertIn(b"attached", strace.stderr.readline())

        def produced():
            run("produce", "kept", "--broker", address, "--generate", "--count", RECORDS, "--rate",
                2_000)
            return len(batch_ends(next(data.glob("logs/kept-*/0/*.log")))) > 50

        until(produced, "there are more than 50 batches")  # slow disks make few large ones
        strace.send_signal(signal.SIGINT)
        strace.communicate(timeout=120)
        log = next(data.glob("logs/kept-*/0/*.log"))
        found = Trace(trace, str(log))
        ends = batch_ends(log)
        self.assertEqual(len(found.acks), len(ends), "one ACK a batch")
        for number, (end, synced) in enumerate(zip(ends, found.acks)):
            self.assertGreaterEqual(synced, end, f"ACK {number} left before its batch was synced")
        print(f"{len(ends)} batches, {found.syncs} syncs")


if __name__ == "__main__":
    unittest.main()
