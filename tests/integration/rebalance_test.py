"""Five root brokers: a lost disk is replaced, a broker emptied and filled again, an election forced.

Nothing that was acknowledged is lost but what an operator gives up by name.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "chaos"))
from kill_test import Load  # noqa: E402
from processes import BIN, get_json, run, until  # noqa: E402
from root_tier import RootTier, known  # noqa: E402

RATE = 2_000
CLUSTER = "/api/v1/cluster"


class Moving:
    """`rebalance --execute`, and what it says when something is wrong."""

    def __init__(self, errors, brokers, *arguments):
        self.errors = errors
        with open(errors, "wb") as log:
            self.process = subprocess.Popen(
                [BIN / "xylem", "rebalance", "--execute", "--broker", brokers, *arguments],
                stdout=subprocess.DEVNULL, stderr=log)

    def said(self):
        return self.errors.read_text()


class RebalanceTest(unittest.TestCase):
    def setUp(self):
        self.tier = RootTier()
        self.addCleanup(self.tier.stop)

    def partitions(self):
        """(topic, partition) -> what is decided of it."""
        seen = known(self.tier.cluster, "a root broker answers")
        return {(topic["name"], each["partition"]): each
                for topic in seen["topics"] for each in topic["partitions"]}

    def is_whole(self):
        """A broker that has just started has heard of no topic yet."""
        seen = self.partitions().values()
        return seen and all(each["inSync"] == each["replicas"] and len(each["replicas"]) == 3
                            and not each["movingTo"] for each in seen)

    def holds(self, broker):
        return sum(broker in each["replicas"] for each in self.partitions().values())

    def admins(self):
        return ",".join(self.tier.http(i) for i in range(5))

    def order(self, *arguments):
        return subprocess.run([BIN / "xylem", *map(str, arguments), "--broker", self.admins()],
                              capture_output=True, timeout=300)

    def ordered(self, *arguments):
        done = self.order(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr.decode() + self.tier.logs())
        return done.stdout.decode()

    def test_replicas_move_under_load(self):
        self.tier.start()
        self.tier.create("kept", "--partitions", 4)
        until(self.is_whole, "all replicas are in sync")
        load = Load(self.tier.clients(), "kept", RATE)
        self.addCleanup(load.process.kill)

        def goes_on():
            begun = load.read()
            until(lambda: load.read() >= begun + RATE // 2, "the load goes on; " + self.tier.logs())

        goes_on()
        lost = known(lambda: self.tier.leader("kept"), "somebody leads")
        self.tier.kill(lost)
        self.replace_disk(lost)
        self.tier.restart(lost)
        until(lambda: self.tier.is_ready(lost) and self.is_whole(), "the new disk is in sync")
        goes_on()

        plan = self.ordered("rebalance", "--plan", "--brokers", "0,1,2,3")
        self.assertNotRegex(plan, r"(?m)^0 partitions to move")
        full = self.holds(4)
        moving = Moving(self.tier.path / "emptied", self.admins(), "--brokers", "0,1,2,3",
                        "--max-moves", "2")
        self.addCleanup(moving.process.kill)
        until(lambda: self.holds(4) < full, "replicas move")
        victim = known(self.tier.controller, "there is a controller") % 4  # one that is named
        self.assertIsNone(moving.process.poll(), moving.said())
        self.tier.kill(victim)
        until(lambda: "asking again" in moving.said(), "it finds that a broker is gone")
        self.tier.restart(victim)
        self.assertEqual(moving.process.wait(300), 0, moving.said())
        until(lambda: self.tier.is_ready(victim), "the killed one is back")
        until(lambda: self.holds(4) == 0, "every broker knows that it holds nothing")
        goes_on()
        moving = Moving(self.tier.path / "filled", self.admins(), "--throttle", "10000000")
        self.addCleanup(moving.process.kill)
        until(lambda: self.holds(4) > 0, "replicas move back")
        self.tier.kill(0)  # who is asked first; started again it knows of nothing to move at first
        self.tier.restart(0)
        self.assertEqual(moving.process.wait(300), 0, moving.said())
        until(lambda: self.tier.is_ready(0), "the first broker is back")
        until(lambda: self.holds(4) > full // 2, "every broker knows what it holds")
        self.ordered("rebalance", "--execute")  # what left the first broker while it was gone
        until(lambda: re.search(r"(?m)^0 partitions to move", self.ordered("rebalance", "--plan")),
              "nothing is left to move")
        until(self.is_whole, "all replicas are in sync where they are now")
        goes_on()
        until(lambda: "without a leader 0  below min in-sync 0  moving 0" in
              self.ordered("root", "status"), "nothing is wrong in the root tier")
        verdict = load.verdict()
        self.assertEqual(load.process.returncode, 0, verdict)

    def replace_disk(self, broker):
        directory = self.tier.data_dir(broker)
        cluster = json.loads((directory / "cluster.json").read_text())["clusterId"]
        shutil.rmtree(directory)
        run("root", "init", "--data-dir", directory, "--cluster-id", cluster, "--replace")

    def produce(self, first, last):
        lines = "".join(f"k{i}:v{i}\n" for i in range(first, last))
        run("produce", "given", "--broker", self.tier.clients(), "--acks", "all", "--delimiter", ":",
            input=lines.encode())

    def consumed(self, partition, at=None):
        """(offset, value) of each record of one partition."""
        done = subprocess.run([BIN / "xylem", "consume", "given", "--partition", str(partition),
                               "--broker", at or self.tier.clients()],
                              capture_output=True, timeout=120)
        records = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
        return [(each["offset"], each["value"]) for each in records]

    def test_an_election_is_forced(self):
        tier = self.tier.start(with_tree=True)
        tier.create("given", "--partitions", 2)
        until(self.is_whole, "all replicas are in sync")
        self.produce(0, 500)
        *members, late = self.partitions()["given", 0]["replicas"]
        tier.kill(late)
        until(lambda: late not in tier.in_sync("given"), "who is dead is out of the set")
        self.produce(500, 1_000)
        before = [self.consumed(0), self.consumed(1)]
        until(lambda: self.consumed(0, tier.pos()) == before[0], "the POS has all of it")

        for member in members:
            tier.kill(member)
        tier.restart(late)
        until(lambda: tier.is_ready(late) and tier.leader("given") is None, "nobody leads")
        refused = self.order("root", "elect", "given", 0, "--broker-number", late)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(b"would be lost for good", refused.stderr)
        self.ordered("root", "elect", "given", 0, "--broker-number", late, "--accept-loss")
        until(lambda: tier.leader("given") == late, "the forced one leads; " + tier.logs())
        for member in members:
            tier.restart(member)
        until(lambda: all(map(tier.is_ready, range(5))) and self.is_whole(),
              lambda: "the others are in sync again; " + tier.logs())

        rest = until(lambda: self.consumed(0), "what is left can be read")
        self.assertEqual(rest, before[0][:len(rest)])
        self.assertLess(len(rest), len(before[0]))
        until(lambda: self.consumed(1) == before[1], "the other partition has lost nothing")
        self.produce(1_000, 1_500)
        after = [self.consumed(0), self.consumed(1)]
        self.assertEqual(after[0][:len(rest)], rest)
        self.assertEqual(after[1][:len(before[1])], before[1])
        until(lambda: [self.consumed(i, tier.pos()) for i in (0, 1)] == after,
              "the POS has the new generation, and nothing of the old; " + tier.logs())

        again = self.order("root", "elect", "given", 0, "--broker-number", late, "--accept-loss")
        self.assertIn(b"nothing to force", again.stderr)
        entries = get_json(tier.http(late), CLUSTER + "/audit")["entries"]
        self.assertEqual([entry["what"] for entry in entries],
                         [f"force broker {late} to lead given/0"])
        for broker in range(5):
            log = tier.path / f"root-{broker}" / "log"
            until(lambda log=log: "cluster.forced" in log.read_text(), f"broker {broker} says so")
        self.assert_registry_knows(tier)

    def assert_registry_knows(self, tier):
        """Each partition once, with the leader that the root tier has decided, and its offsets."""
        registry = tier.registry().removeprefix("http://")

        def decided():
            return [(key, f"root-{each['leader']}") for key, each in self.partitions().items()
                    if key[0] == "given"]

        def told():
            found = (get_json(registry, "/api/v1/partitions") or {}).get("partitions", [])
            return [((each["topic"], each["partition"]), each["leader"]) for each in found
                    if "end" in each]

        until(lambda: told() == decided(), "the registry knows the partitions")


if __name__ == "__main__":
    unittest.main()
