"""A node starts while its registry is down: it finds its parent from its cache and serves."""
import json
import signal
import unittest

from processes import ask, get_json, until
from small_tree import SmallTreeTest


class OfflineTest(SmallTreeTest):
    def publish(self, value):
        body = json.dumps({"topic": "t", "key": "k", "value": value})
        status, answer = ask(self.root.http, "POST", "/api/v1/messages", body)
        self.assertEqual(status, 200, answer)

    def last_value(self):
        page = get_json(self.pos.http, "/api/v1/topics/t/records?from=0") or {}
        return page["records"][-1]["value"] if page.get("records") else None

    def test_restart_without_a_registry(self):
        for daemon in (self.registry, self.root, self.pos):
            daemon.start()
        until(lambda: get_json(self.root.http, "/api/v1/topics"), "the root serves")
        status, answer = ask(self.root.http, "POST", "/api/v1/topics", '{"name":"t"}')
        self.assertEqual(status, 201, answer)
        self.publish("one")
        until(lambda: self.last_value() == "one", "the POS broker has the first record")

        self.pos.end(signal.SIGKILL)
        self.registry.end(signal.SIGKILL)
        self.publish("two")
        self.pos.start()
        until(lambda: self.last_value() == "two", "the POS broker follows its cached parent")
        node = get_json(self.pos.http, "/api/v1/node")
        self.assertEqual((node["parent"], node["registry"]), ("root-0", "away"))

        # And alone: the parent is gone too.
        self.root.end(signal.SIGKILL)
        self.pos.end(signal.SIGKILL)
        self.pos.start()
        until(lambda: self.last_value() == "two", "the POS broker serves what it has, alone")
        until(lambda: ask(self.pos.http, "GET", "/readyz")[0] == 200, "and says so")


if __name__ == "__main__":
    unittest.main()
