"""Five root brokers; the one that keeps a group's offsets is killed (SIGKILL), again and again: the
group's next consumer goes on exactly where the last one stopped."""
import json
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "chaos"))
from root_tier import RootTier, known  # noqa: E402
from processes import run, run_again, until  # noqa: E402

OFFSETS, OFFSETS_PARTITIONS = "__group_offsets", 16
GROUP, TOPIC, PARTITIONS = "tills", "orders", 6
RECORDS, SHARE, KILLS = 1_000, 200, 3


def murmur2(data):
    """As Kafka's producers place a key."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        h = (h * m ^ (k ^ k >> 24) * m) & mask
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


PARTITION = (murmur2(GROUP.encode()) & 0x7FFFFFFF) % OFFSETS_PARTITIONS


class GroupOffsetsTest(unittest.TestCase):
    def setUp(self):
        self.tier = RootTier()
        self.addCleanup(self.tier.stop)

    def is_whole(self):
        topics = {each["name"]: each["partitions"]
                  for each in (self.tier.cluster() or {"topics": []})["topics"]}
        return len(topics.get(OFFSETS, ())) == OFFSETS_PARTITIONS and all(
            len(one["inSync"]) == 3 for topic in (OFFSETS, TOPIC) for one in topics.get(topic, ()))

    def coordinator(self):
        return known(lambda: self.tier.leader(OFFSETS, PARTITION), "somebody coordinates")

    def consume(self, *arguments):
        out = run("consume", TOPIC, "--group", GROUP, "--broker", self.tier.clients(), *arguments)
        return [(record["partition"], record["offset"]) for record in map(json.loads, out.splitlines())]

    def test_goes_on_where_it_stopped(self):
        self.tier.start()
        self.tier.create(TOPIC, "--partitions", PARTITIONS)
        until(self.is_whole, "all replicas are in sync; " + self.tier.logs())
        values = "".join(f"{{\"k\":{i}}}\n" for i in range(RECORDS))
        run("produce", TOPIC, "--broker", self.tier.clients(), "--format", "ndjson", "--key", "k",
            "--acks", "all", input=values.encode())
        seen = self.consume("--count", SHARE)
        for _ in range(KILLS):
            victim = self.coordinator()
            self.tier.kill(victim)
            until(lambda: self.coordinator() != victim, "another one coordinates")
            seen += self.consume("--count", SHARE)
            self.tier.restart(victim)
            until(self.is_whole, "all in sync again; " + self.tier.logs())
        self.assertEqual(len(seen), (KILLS + 1) * SHARE)
        seen += self.consume()
        self.assertEqual(len(seen), RECORDS, "skipped, or delivered again")
        self.assertEqual(len(set(seen)), RECORDS)
        for partition in range(PARTITIONS):
            offsets = [offset for at, offset in seen if at == partition]
            self.assertEqual(offsets, list(range(len(offsets))))

    def groups(self, *arguments):
        return json.loads(run_again("groups", *arguments, "--broker", self.tier.clients(), "--json"))

    def test_is_listed_described_and_reset(self):
        """Groups of several coordinators; back to where a moment is, which is tried first."""
        self.tier.start()
        self.tier.create(TOPIC, "--partitions", PARTITIONS)
        until(self.is_whole, "all replicas are in sync; " + self.tier.logs())
        names = [f"group-{number}" for number in range(8)]
        for share in ("old", "new"):
            begun = time.time()
            values = "".join(f"{{\"k\":{i},\"v\":\"{share}\"}}\n" for i in range(RECORDS))
            run("produce", TOPIC, "--broker", self.tier.clients(), "--format", "ndjson", "--key", "k",
                "--acks", "all", input=values.encode())
        for name in names:
            run("consume", TOPIC, "--group", name, "--broker", self.tier.clients(), "--count", SHARE)
        listed = self.groups("list")["groups"]
        self.assertEqual([each["group"] for each in listed], names)
        described = self.groups("describe", names[0])
        self.assertEqual(described["lag"], 2 * RECORDS - SHARE)
        self.assertEqual(len(described["partitions"]), PARTITIONS)
        lags = json.loads(run_again("lag", "--broker", self.tier.clients(), "--json"))["groups"]
        self.assertEqual({each["lag"] for each in lags}, {2 * RECORDS - SHARE})

        to_new = ("reset", names[0], "--to-time", str(int(begun * 1_000)))
        tried = self.groups(*to_new, "--dry-run")
        self.assertTrue(tried["dryRun"])
        self.assertEqual(self.groups("describe", names[0])["lag"], 2 * RECORDS - SHARE)
        self.groups(*to_new)
        self.assertEqual(self.groups("describe", names[0])["lag"], RECORDS)
        out = run("consume", TOPIC, "--group", names[0], "--broker", self.tier.clients())
        values = [json.loads(json.loads(line)["value"]) for line in out.splitlines()]
        self.assertEqual(sorted(value["k"] for value in values), list(range(RECORDS)))
        self.assertEqual({value["v"] for value in values}, {"new"})


if __name__ == "__main__":
    unittest.main()
