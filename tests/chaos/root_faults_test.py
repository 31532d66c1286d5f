"""The root tier under everything at once: partitions of random shape (also one-way), lossy links, kills,
pauses, and all five killed together. Nothing acknowledged is missing, doubled or moved; in the end
every replica is the same.

XYLEM_PARTITIONS and XYLEM_KILLS say how many of each (default 6 and 6; the whole is 200 and 500).
Without root or nftables only kills and pauses are made.
"""
import os
import random
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import network  # noqa: E402
from kill_test import Load  # noqa: E402
from processes import get_json, until  # noqa: E402
from root_tier import ROOTS, RootTier  # noqa: E402

PARTITIONS = int(os.environ.get("XYLEM_PARTITIONS", "6"))
KILLS = int(os.environ.get("XYLEM_KILLS", "6"))
SEED = int(os.environ.get("XYLEM_SEED", "1"))
RATE = 3_000
LOGS = 4  # partitions of the topic


class RootFaultsTest(unittest.TestCase):
    def setUp(self):
        self.chance = random.Random(SEED)
        self.network = network.Network(ROOTS) if network.is_possible() else None
        if self.network:
            self.addCleanup(self.network.remove)
        self.tier = RootTier(network=self.network)
        self.addCleanup(self.tier.stop)

    def is_whole(self):
        return all(len(self.tier.in_sync("kept", p)) == 3 and
                   self.tier.leader("kept", p) is not None for p in range(LOGS))

    def some(self, most):
        return self.chance.sample(range(ROOTS), self.chance.randint(1, most))

    def cut_apart(self):
        """A partition of random shape, for up to 4 s."""
        shape = self.chance.choice(["split", "one-way", "alone", "ring", "lossy"])
        if shape == "split":
            ones = self.some(4)
            self.network.split(ones, [i for i in range(ROOTS) if i not in ones])
        elif shape == "alone":
            one = self.chance.randrange(ROOTS)
            self.network.split([one], [i for i in range(ROOTS) if i != one])
        elif shape == "one-way":
            for _ in range(self.chance.randint(1, 6)):
                self.network.cut(*self.chance.sample(range(ROOTS), 2))
        elif shape == "ring":  # each hears its neighbours only
            for one in range(ROOTS):
                self.network.split([one], [(one + 2) % ROOTS])
        else:
            for one in self.some(5):
                self.network.lose(one, self.chance.randint(5, 60))
        time.sleep(self.chance.uniform(0.2, 4))
        self.network.heal()
        return shape

    def kill_some(self):
        """One broker, two or all of them die; some are paused instead."""
        victims = self.chance.choices([self.some(1), self.some(2), range(ROOTS)], [6, 3, 1])[0]
        pauses = self.chance.random() < 0.2
        for victim in victims:
            if pauses:
                self.tier.signal(victim, signal.SIGSTOP)
            else:
                self.tier.kill(victim)
        time.sleep(self.chance.uniform(0, 3))
        for victim in victims:
            if pauses:
                self.tier.signal(victim, signal.SIGCONT)
            else:
                self.tier.restart(victim)
        return len(victims)

    def ends(self):
        """Of each partition: the ends of its replicas' logs."""
        found = {}
        for number in range(ROOTS):
            for each in (get_json(self.tier.http(number), "/api/v1/topics/kept") or
                         {"partitionState": []})["partitionState"]:
                if "end" in each:  # it has a replica
                    found.setdefault(each["partition"], []).append(each["end"])
        return found

    def are_equal(self):
        ends = self.ends()
        return len(ends) == LOGS and all(len(of) == 3 and len(set(of)) == 1 for of in ends.values())

    def test_everything_at_once(self):
        self.tier.start()
        self.tier.create("kept", "--partitions", LOGS)
        until(self.is_whole, lambda: "all are in sync; " + self.tier.logs())
        load = Load(self.tier.clients(), "kept", RATE)
        self.addCleanup(load.process.kill)
        parts, kills, steps = 0, 0, 0
        while kills < KILLS or (self.network and parts < PARTITIONS):
            if self.network and parts < PARTITIONS and (kills >= KILLS or self.chance.random() < .4):
                self.cut_apart()
                parts += 1
            else:
                kills += self.kill_some()
            steps += 1
            if steps % 5 == 0:  # now and then all is well for a moment
                begun = load.read()
                until(lambda: load.read() > begun + RATE,
                      lambda: f"writes go on after {steps} faults; " + self.tier.logs())
            load.read()
        until(self.is_whole, lambda: "all in sync in the end; " + self.tier.logs())
        verdict = load.verdict()
        print(f"{parts} partitions, {kills} kills (seed {SEED}):", verdict,
              "longest silence, ms:", max(load.silences, default=0))
        self.assertEqual(load.process.returncode, 0, str(verdict) + self.tier.logs())
        self.assertEqual(verdict["duplicates"], 0, verdict)
        until(self.are_equal, lambda: f"all replicas are as long: {self.ends()}")
        for number in range(ROOTS):
            self.tier.kill(number, signal.SIGTERM)
        for partition, replicas in self.tier.digests("kept").items():
            self.assertEqual(len(replicas), 3)
            self.assertEqual(len({each["sha256"] for each in replicas.values()}), 1,
                             f"partition {partition}: {replicas}")


if __name__ == "__main__":
    unittest.main()
