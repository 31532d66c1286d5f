"""The consumer-app holds what the root holds: when its topic grows, and when it is killed."""
import json
import os
import signal
import threading
import unittest

import processes
from processes import Http, Tree, get_json, quote, until

KEYS = 20_000  # of the load under which the consumer-app is killed
KILLS = 3


class LeafTest(unittest.TestCase):
    def setUp(self):
        self.tree = Tree("--topic", "rules:1:compact", "--no-producer")
        self.addCleanup(self.tree.stop)
        self.root = self.tree.nodes("ROOT")[0]
        self.expected = {}

    def leaf(self):
        return self.tree.nodes("CONSUMER")[0]

    def produce(self, prefix, count, **options):
        values = {f"{prefix}-{i}": f"value {i}" for i in range(count)}
        self.expected.update(values)
        lines = "".join(json.dumps({"key": k, "value": v}) + "\n" for k, v in values.items())
        processes.run("produce", "rules", "--broker", self.root["tcp"], "--format", "ndjson",
                      "--envelope", *options.get("more", []), input=lines.encode())

    def grow(self, partitions):
        processes.run("topic", "alter", "rules", "--broker", self.root["tcp"], "--partitions",
                      partitions)

    def answers(self):
        """Key -> value at the leaf, of every key that it should have; None while it is away."""
        try:
            with Http(self.leaf()["http"]) as leaf:
                answered = {}
                for key in self.expected:
                    status, body = leaf.request("GET", "/api/query/key/" + quote(key))
                    answered[key] = json.loads(body)["value"] if status == 200 else None
                return answered
        except OSError:
            return None

    def check_leaf(self, limit_s=120):
        until(lambda: self.answers() == self.expected, "the leaf answers what the root was told",
              limit_s)

    def test_a_topic_that_grows_is_answered_in_full(self):
        self.produce("first", 20)
        self.check_leaf()
        self.grow(3)
        self.produce("more", 60)
        self.check_leaf()
        pos = self.tree.nodes("POS")[0]["id"]
        self.tree.console(f"broker stop {pos}")
        self.grow(6)
        self.produce("while-away", 60)
        self.tree.console(f"broker start {pos}")
        self.check_leaf()
        self.grow(8)
        self.produce("after", 60)
        self.check_leaf()

    def test_a_consumer_app_killed_under_load_has_everything(self):
        load = threading.Thread(target=self.produce, args=("load", KEYS),
                                kwargs={"more": ["--rate", 4_000]})
        load.start()
        for part in range(1, KILLS + 1):
            want = KEYS * part // (KILLS + 1)
            until(lambda want=want: self.cursor() >= want, f"{want} records at the leaf")
            killed = self.leaf()["pid"]
            os.kill(killed, signal.SIGKILL)
            until(lambda killed=killed: self.leaf()["pid"] not in (killed, None, 0),
                  "the consumer-app is started again")
        load.join()
        self.check_leaf(120)
        stats = get_json(self.leaf()["http"], "/api/query/stats")
        self.assertEqual(stats["cursor"]["rules"], {"0": KEYS})

    def cursor(self):
        stats = get_json(self.leaf()["http"], "/api/query/stats")
        return (stats or {}).get("cursor", {}).get("rules", {}).get("0", 0)


if __name__ == "__main__":
    unittest.main()
