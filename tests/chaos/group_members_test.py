"""A group's members join, leave and are killed (SIGKILL) at random, then several at once, while
records flow: each record is consumed, and what moves between them is little more than what must. As
long as nobody is killed nothing is consumed twice.

XYLEM_MEMBERS=20 XYLEM_PARTITIONS=100 XYLEM_SECONDS=300 XYLEM_SEED=1 for the long form.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from urllib.parse import quote

sys.path.insert(0, os.path.dirname(__file__))
from root_tier import RootTier  # noqa: E402
from processes import BIN, get_json, run, until  # noqa: E402

MEMBERS = int(os.environ.get("XYLEM_MEMBERS", 6))
PARTITIONS = int(os.environ.get("XYLEM_PARTITIONS", 20))
SECONDS = int(os.environ.get("XYLEM_SECONDS", 40))
SEED = int(os.environ.get("XYLEM_SEED", 1))
RATE = 500  # records a second
GROUP, TOPIC = "tills", "orders"
MOVES_MAX = 1.2  # times the fewest that could be
CHANGES_MIN = 15


class Member:
    """`xylem consume --follow`, and what it wrote."""

    def __init__(self, brokers, path):
        self.path = path
        self.out = open(path, "wb")
        self.errors = open(f"{path}.log", "wb")
        self.process = subprocess.Popen(
            [BIN / "xylem", "consume", TOPIC, "--group", GROUP, "--broker", brokers,
             "--follow"], stdout=self.out, stderr=self.errors)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(120)
        self.out.close()
        self.errors.close()

    def values(self):
        """Of whole lines: what was cut off was not committed either."""
        lines = self.path.read_bytes().split(b"\n")[:-1]
        return [json.loads(line)["value"] for line in lines]


def fewest_moves(owners, members):
    """From `owners` (partition to member) to any even assignment among `members`, all of them."""
    held = {member: 0 for member in members}
    for owner in owners.values():
        if owner in held:
            held[owner] += 1
    share, more = divmod(len(owners), len(members))
    kept = sum(min(count, share) for count in held.values())
    kept += min(more, sum(count > share for count in held.values()))
    return len(owners) - kept


class GroupMembersTest(unittest.TestCase):
    def setUp(self):
        self.chance = random.Random(SEED)
        self.members, self.gone = [], []
        self.moves = self.needed = 0
        self.tier = RootTier()
        self.addCleanup(self.tier.stop)
        self.addCleanup(self.end_all)

    def end_all(self):
        for member in self.members:
            member.end(signal.SIGKILL)

    def join(self):
        number = len(self.members) + len(self.gone)
        self.members.append(Member(self.tier.clients(), self.tier.path / f"member-{number}"))

    def leave(self, how):
        member = self.members.pop(self.chance.randrange(len(self.members)))
        member.end(how)
        self.gone.append(member)

    def owners(self):
        """Partition to member, when all are there and have even shares; else None."""
        for number in range(len(self.tier.brokers)):
            group = get_json(self.tier.http(number), f"/api/v1/groups/{quote(GROUP)}")
            if group:
                break
        if not group or len(group["members"]) != len(self.members):
            return None
        counts = [len(member["assigned"]) for member in group["members"]]
        if sum(counts) != PARTITIONS or max(counts) - min(counts) > 1:
            return None
        return {each["partition"]: member["member"] for member in group["members"]
                for each in member["assigned"]}

    def settle(self, before):
        after = until(self.owners, lambda: f"{len(self.members)} share evenly; " + self.tier.logs())
        moved = sum(after[partition] != owner for partition, owner in before.items())
        self.moves += moved
        self.needed += fewest_moves(before, set(after.values()))
        return after

    def churn(self, seconds, ways, at_once):
        """Up to so many changes at once, then until all is even again; CHANGES_MIN at least, for few
        say little of how many partitions have to move."""
        end = time.monotonic() + seconds
        owners = until(self.owners, lambda: "all share at first; " + self.tier.logs())
        changes = 0
        while time.monotonic() < end or changes < CHANGES_MIN:
            for _ in range(self.chance.randint(1, at_once)):
                room = MEMBERS // 2 < len(self.members) < MEMBERS * 3 // 2
                few = len(self.members) <= MEMBERS // 2
                if (room and self.chance.random() < 0.5) or few:
                    self.join()
                else:
                    self.leave(self.chance.choice(ways))
                changes += 1
            owners = self.settle(owners)
        return changes

    def consumed(self):
        return [value for member in self.members + self.gone for value in member.values()]

    def test_members_come_and_go(self):
        self.tier.start()
        self.tier.create(TOPIC, "--partitions", PARTITIONS)
        for _ in range(MEMBERS):
            self.join()
        total = RATE * SECONDS
        lines = "".join(f"{{\"k\":{i}}}\n" for i in range(total)).encode()
        source = self.tier.path / "lines"
        source.write_bytes(lines)
        load = subprocess.Popen([BIN / "xylem", "produce", TOPIC, source, "--broker",
                                 self.tier.clients(), "--format", "ndjson", "--key", "k", "--acks",
                                 "all", "--rate", str(RATE)], stderr=subprocess.DEVNULL)
        self.addCleanup(load.kill)

        gentle = self.churn(SECONDS / 2, [signal.SIGTERM], 1)
        twice_before = len(values := self.consumed()) - len(set(values))
        rough = self.churn(SECONDS / 2, [signal.SIGTERM, signal.SIGKILL, signal.SIGKILL], 3)
        self.assertEqual(load.wait(120), 0)
        until(lambda: len(set(self.consumed())) == total,
              lambda: f"all of {total} are consumed, not {len(set(self.consumed()))}")
        twice = len(self.consumed()) - total
        lag = json.loads(run("lag", "--group", GROUP, "--broker", self.tier.clients(), "--json"))
        print(f"{gentle} joins and leaves, then {rough} with kills (seed {SEED}): {total} records, "
              f"lost 0, twice {twice_before} and {twice - twice_before}; {self.moves} partitions "
              f"moved, {self.needed} had to; lag {lag['groups'][0]['lag']}")
        self.assertEqual(twice_before, 0, "consumed twice although nobody was killed")
        self.assertLessEqual(self.moves, MOVES_MAX * self.needed)


if __name__ == "__main__":
    unittest.main()
