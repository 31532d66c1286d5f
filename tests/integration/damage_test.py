"""Bytes flip on a broker's disk: it pulls what was lost again, and no level ever has a gap.

Once where the start looks (the log's end) and once where only a reader does (its first MiB, or a
sealed segment, whose neighbours must stay as they are). The logs are compared batch by batch at
every level, also after one more restart. The root can pull nothing: it keeps saying what it lost.
"""
import json
import os
import re
import unittest

from processes import Tree, ask, get_json, run, until

RECORDS = 8_000
VALUE_BYTES = 500
SEGMENT_BYTES = 1 << 20


class DamageTest(unittest.TestCase):
    def setUp(self):
        os.environ["SEGMENT_BYTES"] = str(SEGMENT_BYTES if "segment" in self.id() else 64 << 20)
        self.addCleanup(os.environ.pop, "SEGMENT_BYTES")
        self.tree = Tree("--topic", "load:1", "--no-producer", "--no-consumer")
        self.addCleanup(self.tree.stop)
        self.root = self.tree.nodes("ROOT")[0]
        self.below = [self.tree.nodes(role)[0]["id"] for role in ("L2", "L3", "POS")]
        self.l2 = self.below[0]

    def end(self, node):
        topic = get_json(self.tree.node(node)["http"], "/api/v1/topics/load")
        return topic["partitionState"][0]["end"] if topic else -1

    def digest(self, node):
        return [log for log in self.tree.digest(node)["logs"] if log["topic"] == "load"]

    def check_equal_at_all_levels(self):
        want = self.digest(self.root["id"])
        for node in self.below:
            until(lambda: self.end(node) == RECORDS and self.digest(node) == want,
                  f"{node} has what the root has")

    def restart(self, node, meanwhile=lambda: None):
        self.tree.console(f"broker stop {node}")
        until(lambda: self.end(node) == -1, f"{node} has stopped")
        meanwhile()
        self.tree.console(f"broker start {node}")
        until(lambda: self.end(node) >= 0, f"{node} serves again")

    def files(self, node, suffix):
        return sorted(self.tree.data_dir(node).glob("logs/load-*/0/*" + suffix))

    def flip(self, node, position, segment=0):
        """A negative position counts from the file's end, which is the records' while nobody writes."""
        with open(self.files(node, ".log")[segment], "r+b") as file:
            position = file.seek(position, os.SEEK_SET if position >= 0 else os.SEEK_END)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 0x10]))

    def produce(self):
        values = "".join(json.dumps({"key": f"k{i}", "value": f"{i:0{VALUE_BYTES}}"}) + "\n"
                         for i in range(RECORDS))
        run("produce", "load", "--broker", self.root["tcp"], "--format", "ndjson", "--envelope",
            input=values.encode())
        self.check_equal_at_all_levels()
        bytes_stored = sum(file.stat().st_size for file in self.files(self.l2, ".log"))
        self.assertGreater(bytes_stored, 3 << 20)

    def metric(self, node, name):
        _, text = ask(self.tree.node(node)["http"], "GET", "/metrics")
        return float(re.search(rf"\n{name} (\S+)", text.decode())[1])

    def inodes(self, node):
        return {file.name: file.stat().st_ino for file in self.files(node, ".log")}

    def test_a_sealed_segment_is_filled_and_its_neighbours_stay(self):
        self.produce()
        l3 = self.below[1]
        self.restart(l3, lambda: self.flip(l3, SEGMENT_BYTES // 2, segment=1))
        before = self.inodes(l3)
        self.assertGreater(len(before), 3)
        taken = run("consume", "load", "--broker", self.tree.node(l3)["tcp"], "--from", "earliest",
                    "--count", RECORDS, "--format", "value", timeout=120)
        self.assertEqual([int(value) for value in taken.split()], list(range(RECORDS)))
        aside, = self.files(l3, ".quarantined")
        aside.unlink()
        after = self.inodes(l3)
        damaged = sorted(before)[1]
        for name, inode in before.items():
            if name != damaged:
                self.assertEqual(after[name], inode, name)
        self.assertGreater(self.metric(l3, "xylem_storage_filled_bytes_total"), 0)
        self.assertLess(self.metric(l3, "xylem_pipe_received_bytes_total"), SEGMENT_BYTES / 2)
        self.assertEqual(self.metric(l3, "xylem_pipe_partitions_repaired_total"), 1)
        self.check_equal_at_all_levels()
        self.restart(l3)
        self.check_equal_at_all_levels()
        self.assertEqual(self.metric(l3, "xylem_storage_lost_offsets_total"), 0)

    def test_flipped_bytes_are_pulled_again(self):
        self.produce()
        for position in (-100_000, 500_000):
            self.restart(self.l2, lambda: self.flip(self.l2, position))
            taken = run("consume", "load", "--broker", self.tree.node(self.l2)["tcp"],
                        "--from", "earliest", "--count", RECORDS, "--format", "value", timeout=120)
            self.assertEqual([int(value) for value in taken.split()], list(range(RECORDS)))
            aside = self.files(self.l2, ".quarantined")
            self.assertEqual(len(aside), 1)
            aside[0].unlink()  # `log dump` would name it
            self.check_equal_at_all_levels()
        self.restart(self.l2)
        self.check_equal_at_all_levels()

    def test_an_owner_says_what_it_lost(self):
        root = self.root["id"]
        self.produce()
        whole = self.digest(self.l2)
        self.restart(root, lambda: self.flip(root, -100_000))
        for _ in range(2):
            status = get_json(self.tree.node(root)["http"], "/api/v1/node")
            self.assertEqual(status["health"], "DEGRADED")
            self.assertRegex(status["lastError"], "load/[0-9]+: offsets [0-9]+ to [0-9]+ were lost")
            _, metrics = ask(self.tree.node(root)["http"], "GET", "/metrics")
            self.assertRegex(metrics.decode(), "\nxylem_storage_lost_offsets_total [1-9]")
            self.assertEqual(self.end(root), RECORDS)
            self.restart(root)
        for node in self.below:
            self.assertEqual(self.digest(node), whole)


if __name__ == "__main__":
    unittest.main()
