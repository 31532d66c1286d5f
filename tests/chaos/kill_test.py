"""kill -9 of a broker under load, again and again: nothing acknowledged is missing, doubled or moved.

XYLEM_KILLS says how often (default 25; 1,000 take some five minutes). A killed process leaves the page
cache behind: that `flush=always` also survives a power cut is flush_order_test's and the simulated
disk's to show.
"""
import os
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from processes import BIN, Daemon, Directory, free_ports, make_topic, run, until  # noqa: E402

KILLS = int(os.environ.get("XYLEM_KILLS", "25"))
RECORDS_PER_S = 20_000
ACKNOWLEDGED_BETWEEN = 500  # at least, from one kill to the next
SEED = int(os.environ.get("XYLEM_SEED", "1"))


class Load:
    """xylem-acked-load, and how much was acknowledged to it."""

    def __init__(self, brokers, topic, rate=RECORDS_PER_S, *read_at):
        self.process = subprocess.Popen(
            [BIN.parent / "tests" / "xylem-acked-load", brokers, topic, str(rate), *read_at],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.silences = []  # milliseconds without an acknowledgement
        os.set_blocking(self.process.stdout.fileno(), False)
        self.said = b""
        self.acknowledged = 0

    def read(self):
        self.said += self.process.stdout.read() or b""
        *lines, self.said = self.said.split(b"\n")
        for line in lines:
            word, count = line.split()
            if word == b"acknowledged":
                self.acknowledged = int(count)
            elif word == b"silence":
                self.silences.append(int(count))
        if self.process.poll() is not None:
            raise AssertionError("the load ended")
        return self.acknowledged

    def verdict(self):
        os.set_blocking(self.process.stdout.fileno(), True)
        said, _ = self.process.communicate(timeout=300)
        lines = (self.said + said).decode().split("\n")
        return {word: int(count) for word, count in (line.split() for line in lines if line)
                if word != "silence"}


class KillTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        port = free_ports(3)
        self.address = f"127.0.0.1:{port}"
        self.broker = Daemon("xylem-broker", self.directory.path / "log", NODE_ID="alone",
                             DATA_DIR=self.directory.path / "data", BROKER_PORT=port,
                             HTTP_PORT=port + 1, PIPE_PORT=port + 2, SEGMENT_BYTES=1 << 20)
        self.addCleanup(self.broker.end, signal.SIGKILL)

    def log(self):
        return (self.directory.path / "log").read_text(errors="replace")[-3000:]

    def test_nothing_acknowledged_is_missing(self):
        chance = random.Random(SEED)
        self.broker.start()
        make_topic(self.address, "kept")
        load = Load(self.address, "kept")
        self.addCleanup(load.process.kill)
        for kill in range(KILLS):
            begun = load.read()
            until(lambda: load.read() >= begun + ACKNOWLEDGED_BETWEEN,
                  f"acknowledgements before kill {kill}; {self.log()}")
            time.sleep(chance.uniform(0, 0.05))  # anywhere in a commit
            self.broker.end(signal.SIGKILL)
            self.broker.start()
        verdict = load.verdict()
        self.assertEqual(load.process.returncode, 0, verdict)
        print(f"{KILLS} kills (seed {SEED}):", verdict)
        # Only what was under way at a kill may be there twice: one batch.
        self.assertLessEqual(verdict["duplicates"], KILLS * 2_000)
        self.broker.end()
        run("log", "verify", self.directory.path / "data")


if __name__ == "__main__":
    unittest.main()
