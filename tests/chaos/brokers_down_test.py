"""How many root brokers may be down: any two, and every partition that has two replicas left is
written on; three, and what is acknowledged is read on while writes are refused clearly; all five lose
their power at once, and nothing acknowledged is gone.

XYLEM_TRIPLES says how many threes are down, one after the other (default 3; 10 are all there are),
XYLEM_CUTS how often the power goes (default 2). Only root can cut it.
"""
import itertools
import os
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import power  # noqa: E402
from kill_test import Load  # noqa: E402
from processes import BIN, Directory, get_json, run, until  # noqa: E402
from root_tier import ROOTS, RootTier  # noqa: E402

CUTS = int(os.environ.get("XYLEM_CUTS", "2"))
TRIPLES = int(os.environ.get("XYLEM_TRIPLES", "3"))
SEED = int(os.environ.get("XYLEM_SEED", "1"))
PARTITIONS = 10
TOPICS = [f"kept-{i}" for i in range(PARTITIONS)]
RATE = 5_000
WITHIN_S = 40


class BrokersDownTest(unittest.TestCase):
    def start(self, **options):
        self.tier = RootTier(**options)
        self.addCleanup(self.tier.stop)
        self.chance = random.Random(SEED)
        self.tier.start()

    def make_topics(self):
        for topic in TOPICS:
            self.tier.create(topic, "--partitions", 1)
        until(self.is_whole, lambda: "all are in sync; " + self.tier.logs())
        self.written = {topic: [] for topic in TOPICS}
        self.unknown = set()  # no answer came: may be there, or come to be
        self.values = itertools.count()
        self.replicas = {topic: set(self.tier.in_sync(topic)) for topic in TOPICS}

    def is_whole(self):
        return all(len(self.tier.in_sync(topic)) == 3 and self.tier.leader(topic) is not None
                   for topic in [*TOPICS, "__topics"])

    def write(self, topic, timeout=f"{WITHIN_S}s"):
        """One record; what the command said when it was refused, else nothing."""
        value = f"{topic} {next(self.values)}"
        done = subprocess.run([BIN / "xylem", "produce", topic, "--broker", self.tier.clients(),
                               "--acks", "all", "--timeout", timeout],
                              input=value.encode(), capture_output=True)
        if done.returncode != 0:
            self.unknown.add(value)
            return done.stderr.decode()
        self.written[topic].append(value)
        return ""

    def is_refused(self, topic):
        """Never taken; and said why, which takes as long as the survivors believe in the others."""
        said = self.write(topic, "2s")
        self.assertNotEqual(said, "", f"{topic} was acknowledged")
        leader = self.tier.leader(topic)
        lives = leader is not None and self.tier.is_up(leader)
        return ("in sync keep up" if lives else "was not reached") in said

    def read(self, topic):
        """Every value of the topic, or what the command said when it ended with no answer."""
        try:
            values = run("consume", topic, "--broker", self.tier.clients(), "--from", "earliest",
                         "--format", "value", timeout=WITHIN_S).decode().split("\n")[:-1]
            return [value for value in values if value not in self.unknown]
        except subprocess.TimeoutExpired as late:
            return f"late: {late.stderr}"
        except AssertionError as refused:
            return str(refused)

    def down(self, numbers):
        """At once: whoever is left for a moment would take the dead ones out of the in-sync sets."""
        for number in numbers:
            self.tier.signal(number, signal.SIGSTOP)
        for number in numbers:
            self.tier.kill(number)

    def knows_committed(self, number):
        """A broker that was started learns from the leaders how far its replicas are committed."""
        for topic in TOPICS:
            state = get_json(self.tier.http(number), f"/api/v1/topics/{topic}")
            if not state or any(each.get("end") != each.get("highWatermark")
                                for each in state["partitionState"]):
                return False
        return True

    def all_have_all(self):
        """So that whoever is left can be read from."""
        until(lambda: all(map(self.tier.is_ready, range(ROOTS))) and self.is_whole() and
              all(map(self.knows_committed, range(ROOTS))),
              lambda: "all in sync; " + self.tier.logs())

    def up(self, numbers):
        for number in numbers:
            self.tier.restart(number)
        self.all_have_all()

    def test_any_two_down(self):
        self.start()
        self.make_topics()
        slowest = 0
        for pair in itertools.combinations(range(ROOTS), 2):
            self.down(pair)
            for topic in TOPICS:
                if len(self.replicas[topic] - set(pair)) < 2:
                    continue
                begun = time.monotonic()
                self.assertEqual(self.write(topic), "", f"{topic} without {pair}")
                slowest = max(slowest, time.monotonic() - begun)
            self.up(pair)
        print(f"any two of five down: slowest first write {slowest:.1f} s")
        for topic in TOPICS:
            self.assertGreater(len(self.written[topic]), 0)
            self.assertEqual(self.read(topic), self.written[topic])

    def test_three_down(self):
        self.start()
        self.make_topics()
        for topic in TOPICS:
            self.assertEqual(self.write(topic), "")
        self.all_have_all()
        triples = list(itertools.combinations(range(ROOTS), 3))
        for dead in self.chance.sample(triples, TRIPLES):
            self.down(dead)
            for topic in TOPICS:
                if self.replicas[topic] <= set(dead):
                    continue  # no copy of it is left
                said = self.read(topic)
                self.assertEqual(said, self.written[topic], f"{topic} on "
                                 f"{self.replicas[topic]}, read without {dead}: {said}")
            for topic in self.chance.sample(TOPICS, 2):
                until(lambda t=topic: self.is_refused(t), f"a write to {topic} is told why it cannot be")
            self.up(dead)
        for topic in TOPICS:
            self.assertEqual(self.read(topic), self.written[topic])

    @unittest.skipUnless(power.is_possible(), "only root can cut the power")
    def test_all_lose_their_power(self):
        directory = Directory()
        disks = power.Disks(directory.path, ROOTS)
        self.addCleanup(directory.remove)
        self.addCleanup(disks.unmount)
        self.start(disks=disks)
        self.tier.create("kept", "--partitions", 4)
        load = Load(self.tier.clients(), "kept", RATE)
        self.addCleanup(load.process.kill)
        for cut in range(CUTS):
            begun = load.read()
            until(lambda: load.read() >= begun + RATE, lambda: "the load runs; " + self.tier.logs())
            time.sleep(self.chance.uniform(0, 0.5))
            for number in range(ROOTS):
                self.tier.signal(number, signal.SIGSTOP)
            disks.cut_power()
            for number in range(ROOTS):
                self.tier.kill(number)
            disks.unmount()
            disks.mount()
            for number in range(ROOTS):
                self.tier.restart(number)
            begun = load.read()
            until(lambda: load.read() > begun,
                  lambda: f"writes go on after cut {cut}; " + self.tier.logs())
        verdict = load.verdict()
        print(f"{CUTS} power cuts of all five (seed {SEED}):", verdict,
              "longest silence, ms:", max(load.silences, default=0))
        self.assertEqual(load.process.returncode, 0, verdict)
        self.assertEqual(verdict["duplicates"], 0, verdict)


if __name__ == "__main__":
    unittest.main()
