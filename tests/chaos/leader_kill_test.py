"""kill -9 of the broker that leads a partition, again and again, under 20,000 records/s with acks=all:
writes go on, and nothing acknowledged is missing, doubled or moved, read below a POS.

XYLEM_KILLS says how often (default 6; the whole is 50). Every second one kills the controller as well,
unless that would leave fewer than min_insync replicas, which promise nothing: XYLEM_REPLICAS=5 makes
sure that it never does (default 3). XYLEM_RESUME_MS is how long writes may stand still: 3000 is
promised where nothing else runs (default 20000).
"""
import os
import random
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from root_tier import RootTier, known  # noqa: E402
from kill_test import Load  # noqa: E402
from processes import until  # noqa: E402

KILLS = int(os.environ.get("XYLEM_KILLS", "6"))
RATE = int(os.environ.get("XYLEM_RATE", "20000"))
SEED = int(os.environ.get("XYLEM_SEED", "1"))
REPLICAS = int(os.environ.get("XYLEM_REPLICAS", "3"))
MIN_INSYNC = 2
RESUME_MS_MAX = int(os.environ.get("XYLEM_RESUME_MS", "20000"))


class LeaderKillTest(unittest.TestCase):
    def setUp(self):
        self.tier = RootTier()
        self.addCleanup(self.tier.stop)

    def is_whole(self):
        return (len(self.tier.in_sync("kept")) == REPLICAS and
                len(self.tier.in_sync("__topics")) == 3)

    def test_writes_go_on(self):
        chance = random.Random(SEED)
        self.tier.start(with_tree=True)
        self.tier.create("kept", "--partitions", 1, "--replicas", REPLICAS, "--min-insync", MIN_INSYNC)
        until(self.is_whole, "all replicas are in sync")
        load = Load(self.tier.clients(), "kept", RATE, self.tier.pos())
        self.addCleanup(load.process.kill)
        slow, controllers = [], 0
        for kill in range(KILLS):
            begun = load.read()
            until(lambda: load.read() >= begun + RATE // 2, lambda: "the load runs; " + self.tier.logs())
            time.sleep(chance.uniform(0, 0.2))  # anywhere in a commit
            victims = {known(lambda: self.tier.leader("kept"), "somebody leads")}
            controller = known(self.tier.controller, "there is a controller")
            left = set(self.tier.in_sync("kept")) - victims - {controller}
            if kill % 2 == 0 and len(left) >= MIN_INSYNC:
                victims.add(controller)
            controllers += controller in victims
            load.silences.clear()
            killed_at = load.read()
            for victim in victims:
                self.tier.kill(victim)
            until(lambda: load.read() >= killed_at + RATE,
                  lambda: f"writes go on after kill {kill}; " + self.tier.logs())
            slow.append(max(load.silences, default=0))
            for victim in victims:
                self.tier.restart(victim)
            until(self.is_whole,
                  lambda: f"all in sync again after kill {kill}; " + self.tier.logs())
        verdict = load.verdict()
        print(f"{KILLS} kills (seed {SEED}), {controllers} of a controller:", verdict,
              "longest silences, ms:", sorted(slow))
        self.assertEqual(load.process.returncode, 0, verdict)
        self.assertEqual(verdict["duplicates"], 0, verdict)
        self.assertLessEqual(max(slow), RESUME_MS_MAX)


if __name__ == "__main__":
    unittest.main()
