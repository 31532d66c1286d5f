"""The main job: Debian's package catalogue, published at five root brokers, is answered by the leaf.

Every key is checked by query at a consumer-app below the POS broker; then some are changed, some
deleted, and all checked again. The logs are equal at every level, and so are their replicas at the
roots.
"""
import json
import subprocess
import unittest

import processes
from processes import Http, Tree, get_json, quote, until


def catalogue():
    """Package name -> its last stanza, as bytes; and all stanzas as they are."""
    dump = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout
    last = {}
    for stanza in dump.split(b"\n\n"):
        stanza = stanza.strip(b"\n")
        if stanza.startswith(b"Package: "):
            last[stanza.split(b"\n", 1)[0][len(b"Package: "):].decode()] = stanza
    return dump, last


class CatalogueTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree("--topic", "packages:4:compact", "--no-producer", roots=None)
        cls.roots = cls.tree.nodes("ROOT")
        cls.leaf = cls.tree.nodes("CONSUMER")[0]

    @classmethod
    def tearDownClass(cls):
        cls.tree.stop()

    def produce(self, stanzas, *more):
        processes.run("produce", "packages", "--broker",
                      ",".join(root["tcp"] for root in self.roots), *more, input=stanzas)

    def ends(self, node):
        """Partition -> end offset of the topic at a broker, of those that it has."""
        topic = get_json(node["http"], "/api/v1/topics/packages") or {"partitionState": []}
        return {p["partition"]: p["end"] for p in topic["partitionState"] if "end" in p}

    def ends_at_roots(self):
        """Of each partition's replicas; None: they are not equal yet."""
        found = {}
        for root in self.roots:
            for partition, end in self.ends(root).items():
                if found.setdefault(partition, end) != end:
                    return None
        return found

    def wait_for_leaf(self):
        ends = until(self.ends_at_roots, "the replicas are as long as each other")
        want = {str(p): end for p, end in ends.items()}

        def caught_up():
            stats = get_json(self.leaf["http"], "/api/query/stats")
            cursor = (stats or {}).get("cursor", {}).get("packages", {})
            return all(cursor.get(p, 0) >= end for p, end in want.items())

        until(caught_up, "the consumer-app has everything the root has", 120)

    def check_every_key(self, expected):
        with Http(self.leaf["http"]) as leaf:
            for name, value in expected.items():
                status, body = leaf.request("GET", "/api/query/key/" + quote(name))
                if value is None:
                    self.assertEqual(status, 404, name)
                else:
                    self.assertEqual(status, 200, name)
                    self.assertEqual(json.loads(body)["value"], value.decode(), name)

    def test_every_package_is_answered_at_the_leaf(self):
        dump, expected = catalogue()
        self.assertGreater(len(expected), 50_000, "apt-get update has not been run")
        self.produce(dump, "--format", "stanza", "--key", "Package")
        self.wait_for_leaf()
        self.check_every_key(expected)

        names = sorted(expected)
        changed = names[::50]
        deleted = names[7::100]
        for name in changed:
            expected[name] = b"Package: " + name.encode() + b"\nVersion: changed \xe2\x9c\x93"
        for name in deleted:
            expected[name] = None
        self.produce(b"\n\n".join(expected[name] for name in changed if expected[name]),
                     "--format", "stanza", "--key", "Package")
        tombstones = "".join(json.dumps({"key": name, "value": None}) + "\n"
                             for name in deleted)
        self.produce(tombstones.encode(), "--format", "ndjson", "--envelope")
        self.wait_for_leaf()
        self.check_every_key(expected)
        self.check_digests()

    def check_digests(self):
        """The same (topic id, partition, offset, epoch, CRC) list at root, L2, L3 and POS."""
        want = {}
        for node in self.roots + [n for role in ("L2", "L3", "POS") for n in self.tree.nodes(role)]:
            if node not in self.roots:
                until(lambda node=node: self.ends(node) == self.ends_at_roots(), node["id"])
            logs = {log["partition"]: log for log in self.tree.digest(node["id"])["logs"]
                    if log["topic"] == "packages"}
            for partition, log in logs.items():
                self.assertEqual(want.setdefault(partition, log), log, node["id"])
        self.assertEqual(len(want), 4)


if __name__ == "__main__":
    unittest.main()
