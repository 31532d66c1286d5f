"""Kill brokers in the middle of a load: nothing lost, doubled or reordered at the consumer.

Checked from the data: every produced value is its sequence number, and the consumer below the POS
broker must see each exactly once, in order per partition.
"""
import json
import os
import signal
import subprocess
import unittest

from processes import BIN, Tree, get_json, until

RECORDS = 12_000
RATE = 1_500  # records per second


class FaultsTest(unittest.TestCase):
    def setUp(self):
        self.tree = Tree("--topic", "load:3", "--no-producer", "--no-consumer",
                         tree="l2=2,l3=1,pos=1,local=0")
        self.addCleanup(self.tree.stop)
        self.root = self.tree.nodes("ROOT")[0]
        self.pos = self.tree.nodes("POS")[0]
        self.children = []
        self.addCleanup(self.end_children)

    def end_children(self):
        for child in self.children:
            child.kill()
            child.wait()

    def spawn(self, *arguments, **options):
        child = subprocess.Popen([BIN / "xylem", *map(str, arguments)], **options)
        self.children.append(child)
        return child

    def parent_of(self, node, name=""):
        """If its name begins so; else nothing."""
        status = get_json(self.tree.node(node)["http"], "/api/v1/node")
        return status["parent"] if status and status["parent"].startswith(name) else ""

    def received(self):
        lines = (self.tree.directory.path / "out").read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]

    def start_load(self):
        with open(self.tree.directory.path / "out", "wb") as out:
            self.spawn("consume", "load", "--broker", self.pos["tcp"], "--from", "earliest",
                       "--follow", "--format", "ndjson", stdout=out)
        values = self.tree.directory.path / "in"
        values.write_text("".join(f'{{"key":"k{i % 97}","value":"{i}"}}\n' for i in range(RECORDS)))
        return self.spawn("produce", "load", "--broker", self.root["tcp"], "--format", "ndjson",
                          "--envelope", "--rate", RATE, values)

    def check_all_received(self):
        until(lambda: len(self.received()) >= RECORDS, "every record at the consumer")
        places = {}
        seen = []
        for record in self.received():
            offset, place = record["offset"], record["partition"]
            self.assertEqual(offset, places.get(place, 0), "a gap, a duplicate or a reordering")
            places[place] = offset + 1
            seen.append(int(record["value"]))
        self.assertEqual(sorted(seen), list(range(RECORDS)))

    def test_a_killed_l2_and_a_parent_gone_for_good(self):
        site = self.pos["id"]
        l3 = until(lambda: self.parent_of(site), "the POS broker has a parent")
        first = until(lambda: self.parent_of(l3, "l2"),
                      "the L3 broker follows an L2")
        producer = self.start_load()
        until(lambda: len(self.received()) > RECORDS // 6, "the load runs")
        killed = self.tree.node(first)["pid"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.tree.node(first)["pid"] != killed, "the killed L2 is started again")
        until(lambda: len(self.received()) > RECORDS // 3, "the load goes on")
        gone = until(lambda: self.parent_of(l3, "l2"),
                     "the L3 broker follows an L2 again")
        self.tree.console(f"broker stop {gone}")
        until(lambda: self.parent_of(l3) not in ("", gone), "the L3 broker has another parent")
        self.assertEqual(producer.wait(120), 0)
        self.check_all_received()


if __name__ == "__main__":
    unittest.main()
