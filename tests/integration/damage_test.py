"""Bytes flip on an L2 broker's disk: it pulls the records again, and no level ever has a gap.

Once where the start looks (the log's end) and once where only a reader does (its first MiB). The
logs are compared batch by batch at every level, also after one more restart. The root can pull
nothing: it keeps saying what it lost.
"""
import json
import unittest

from processes import Tree, ask, get_json, run, until

RECORDS = 8_000
VALUE_BYTES = 500


class DamageTest(unittest.TestCase):
    def setUp(self):
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

    def flip(self, node, position):
        with open(self.files(node, ".log")[0], "r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 0x10]))

    def produce(self):
        values = "".join(json.dumps({"key": f"k{i}", "value": f"{i:0{VALUE_BYTES}}"}) + "\n"
                         for i in range(RECORDS))
        run("produce", "load", "--broker", self.root["tcp"], "--format", "ndjson", "--envelope",
            input=values.encode())
        self.check_equal_at_all_levels()
        bytes_stored = self.files(self.l2, ".log")[0].stat().st_size
        self.assertGreater(bytes_stored, 3 << 20)
        return bytes_stored

    def test_flipped_bytes_are_pulled_again(self):
        bytes_stored = self.produce()
        for position in (bytes_stored - 100_000, 500_000):
            self.restart(self.l2, lambda: self.flip(self.l2, position))
            taken = run("consume", "load", "--broker", self.tree.node(self.l2)["tcp"],
                        "--from", "earliest", "--count", RECORDS, "--format", "value", timeout=60)
            self.assertEqual([int(value) for value in taken.split()], list(range(RECORDS)))
            aside = self.files(self.l2, ".quarantined")
            self.assertEqual(len(aside), 1)
            aside[0].unlink()  # `log dump` would name it
            self.check_equal_at_all_levels()
        self.restart(self.l2)
        self.check_equal_at_all_levels()

    def test_an_owner_says_what_it_lost(self):
        root = self.root["id"]
        bytes_stored = self.produce()
        whole = self.digest(self.l2)
        self.restart(root, lambda: self.flip(root, bytes_stored - 100_000))
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
