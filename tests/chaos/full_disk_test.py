"""A full disk: appends are refused with a clear error, reads go on, and room made resumes the log.

On a tmpfs and on an ext4 of a few MiB each (needs root, to mount). The disk is filled by the log
itself and, in the steps where that is another path, by a file beside it: before the topic's first
append, in the middle of a segment, at the roll to the next one.
"""
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from processes import BIN, Daemon, Directory, ask, free_ports, get_json, run, until  # noqa: E402

DISK_BYTES = 48 << 20
SEGMENT_BYTES = 1 << 20
VALUE = "v" * 1000
FULL = re.compile(rb"[Nn]o space|disk is full|DISK_FULL")


def mount(kind, directory):
    at = directory / "disk"
    at.mkdir()
    if kind == "tmpfs":
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", at], check=True)
    else:
        image = directory / "image"
        with open(image, "wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
        subprocess.run(["mount", "-o", "loop", image, at], check=True)
    return at


@unittest.skipUnless(os.geteuid() == 0, "only root may mount")
class FullDiskTest(unittest.TestCase):
    def start(self, kind):
        directory = Directory()
        self.addCleanup(directory.remove)
        self.disk = mount(kind, directory.path)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk])
        port = free_ports(3)
        self.tcp, self.http = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
        self.log = directory.path / "log"
        self.broker = Daemon("xylem-broker", self.log, NODE_ID="alone", DATA_DIR=self.disk / "data",
                             BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2,
                             SEGMENT_BYTES=SEGMENT_BYTES)
        self.broker.start()
        self.addCleanup(self.broker.end, signal.SIGKILL)
        until(lambda: get_json(self.http, "/api/v1/node"), "the broker answers")
        run("topic", "create", "kept", "--broker", self.tcp)
        self.sent = 0

    def produce(self, count):
        """Appends `count` records, numbered on; how it went."""
        values = "".join(f"{i:08}{VALUE}\n" for i in range(self.sent, self.sent + count))
        self.sent += count
        return subprocess.run([BIN / "xylem", "produce", "kept", "--broker", self.tcp,
                               "--timeout", "1500ms", "--json"],
                              input=values.encode(), capture_output=True)

    def produce_until_refused(self, count):
        """`count` records at a time: a slow disk fills more slowly than producers wait."""
        for _ in range(100):
            done = self.produce(count)
            if FULL.search(done.stderr):
                return done
        self.fail(f"the disk is never full: {done.stderr.decode()}")

    def state(self):
        return get_json(self.http, "/api/v1/topics/kept")["partitionState"][0]

    def end(self):
        return self.state()["end"]

    def is_committed(self):
        state = self.state()
        return state["end"] == state["highWatermark"]

    def consume(self, *options):
        """The numbers of all records, in order."""
        taken = run("consume", "kept", "--broker", self.tcp, "--from", "earliest", "--format",
                    "value", *options, timeout=120)
        return [int(line[:8]) for line in taken.split()]

    def fill(self, leave):
        """A file that takes what is free but `leave` bytes."""
        with open(self.disk / "filler", "ab", buffering=0) as file:
            step = 1 << 20
            while step >= 4096:
                free = os.statvfs(self.disk)
                if free.f_bavail * free.f_bsize - leave < step:
                    step //= 2
                    continue
                try:
                    file.write(b"x" * step)
                except OSError:
                    step //= 2

    def make_room(self):
        (self.disk / "filler").unlink()

    def is_healthy(self):
        return ask(self.http, "GET", "/readyz")[0] == 200

    def check_refused(self, done):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stderr, FULL)
        node = get_json(self.http, "/api/v1/node")
        self.assertNotEqual(node["health"], "HEALTHY")
        self.assertRegex(node["lastError"], "kept/0.*(No space|full)")

    def fill_and_free(self, leave):
        pid = self.broker.process.pid
        self.fill(leave)
        self.check_refused(self.produce_until_refused(3_000))
        until(self.is_committed, "what was taken is committed")
        there = self.consume()
        self.assertEqual(len(there), self.end())
        self.assertEqual(there, sorted(set(there)))
        self.make_room()
        until(lambda: self.produce(100).returncode == 0, "appends are taken again")
        until(self.is_healthy, "the broker is well again")
        self.assertEqual(self.broker.process.pid, pid)
        self.assertIsNone(self.broker.process.poll())
        now = self.consume()
        self.assertEqual(now[:len(there)], there)
        self.assertEqual(now[-100:], list(range(self.sent - 100, self.sent)))

    def check_steps(self, kind):
        self.start(kind)
        for leave in (0, 4096, 70_000, 300_000, 1_100_000):
            with self.subTest(kind=kind, leave=leave):
                self.fill_and_free(leave)
        with self.subTest(kind=kind, what="a group commits while the disk is full"):
            self.fill(0)
            subprocess.run([BIN / "xylem", "consume", "kept", "--broker", self.tcp, "--group", "g",
                            "--count", "10"], capture_output=True, timeout=120)
            self.make_room()
            until(lambda: self.produce(10).returncode == 0, "appends are taken again")
        with self.subTest(kind=kind, what="retention makes the room"):
            self.check_refused(self.produce_until_refused(10_000))
            end = self.end()
            run("topic", "alter", "kept", "--broker", self.tcp, "--retention-bytes", 8 << 20)
            until(lambda: self.produce(100).returncode == 0, "appends are taken again")
            self.assertGreater(self.end(), end)
        self.broker.end()
        run("log", "verify", self.disk / "data")

    def test_tmpfs(self):
        self.check_steps("tmpfs")

    def test_ext4(self):
        self.check_steps("ext4")


if __name__ == "__main__":
    unittest.main()
