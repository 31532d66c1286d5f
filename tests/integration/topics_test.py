"""A topic is deleted, and made anew, while a broker is away: it drops the old one's files, and no other's.

And a topic that is compacted at every broker: the last value of each key, everywhere, also for a
broker that comes with an empty disk.
"""
import json
import signal
import unittest

from processes import Daemon, Directory, ask, free_ports, get_json, run, until


class TopicsTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        self.first_port = free_ports(10)
        registry = self.daemon("xylem-registry", "registry", REGISTRY_PORT=self.first_port,
                               REGISTRY_HOST="127.0.0.1", INSECURE="true",
                               REGISTRY_STORE=f"sqlite:{self.directory.path}/registry.db")
        run("root", "init", "--data-dir", self.directory.path / "root-0")
        self.root = self.broker("root-0", "ROOT", "", 1)
        self.pos = self.broker("pos-0", "POS", "eu/berlin/till-1", 4)
        for daemon in (registry, self.root, self.pos):
            daemon.start()
        until(lambda: get_json(self.root.http, "/api/v1/topics"), "the root serves")

    def daemon(self, program, name, **settings):
        daemon = Daemon(program, self.directory.path / f"{name}.log", **settings)
        self.addCleanup(daemon.end, signal.SIGKILL)
        return daemon

    def broker(self, name, role, location, at):
        port = self.first_port + at
        daemon = self.daemon("xylem-broker", name, NODE_ID=name, NODE_ROLE=role,
                             NODE_LOCATION=location, DATA_DIR=self.directory.path / name,
                             LISTEN_HOST="127.0.0.1", SEGMENT_BYTES="64KiB",
                             REGISTRY_URL=f"http://127.0.0.1:{self.first_port}",
                             BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2)
        daemon.http = f"127.0.0.1:{port + 1}"
        daemon.tcp = f"127.0.0.1:{port}"
        return daemon

    def make(self, topic, **policies):
        status, answer = ask(self.root.http, "POST", "/api/v1/topics",
                             json.dumps({"name": topic, **policies}))
        self.assertEqual(status, 201, answer)

    def delete(self, topic):
        status, answer = ask(self.root.http, "DELETE", f"/api/v1/topics/{topic}")
        self.assertIn(status, (200, 204), answer)

    def publish(self, topic, value):
        body = json.dumps({"topic": topic, "key": "k", "value": value})
        status, answer = ask(self.root.http, "POST", "/api/v1/messages", body)
        self.assertEqual(status, 200, answer)

    def last_value(self, topic):
        page = get_json(self.pos.http, f"/api/v1/topics/{topic}/records?from=0") or {}
        return page["records"][-1]["value"] if page.get("records") else None

    def files(self, name, topic):
        logs = self.directory.path / name / "logs"
        return sorted(path.name for path in logs.glob(topic + "-*"))

    def check_only_one(self, topic):
        for name in ("root-0", "pos-0"):
            until(lambda name=name: len(self.files(name, topic)) == 1, f"one {topic} at {name}")
            trash = self.directory.path / name / "trash"
            until(lambda trash=trash: not list(trash.glob("*")), f"no trash at {name}")
        self.assertEqual(self.files("root-0", topic), self.files("pos-0", topic))

    def test_deleted_and_made_anew(self):
        for topic in ("t", "other"):
            self.make(topic)
            self.publish(topic, "one")
        until(lambda: [self.last_value(t) for t in ("t", "other")] == ["one"] * 2, "all is there")
        first = self.files("pos-0", "t")

        # While the broker is there.
        self.delete("t")
        until(lambda: not self.files("pos-0", "t"), "the files go below the root as well")
        self.assertEqual(self.files("root-0", "t"), [])
        self.make("t")
        self.publish("t", "two")
        until(lambda: self.last_value("t") == "two", "the new topic arrives")
        second = self.files("pos-0", "t")
        self.assertNotEqual(first, second)
        self.check_only_one("t")

        # While it is away; and killed as soon as it has heard of it.
        self.pos.end(signal.SIGKILL)
        self.delete("t")
        self.make("t")
        self.publish("t", "three")
        self.pos.start()
        until(lambda: self.last_value("t") in ("two", "three"), "it serves")
        self.pos.end(signal.SIGKILL)
        self.pos.start()
        until(lambda: self.last_value("t") == "three", "the newest topic arrives")
        self.assertNotEqual(second, self.files("pos-0", "t"))
        self.check_only_one("t")
        self.assertEqual(self.last_value("other"), "one")
        self.check_only_one("other")

    def view_of(self, broker):
        records = [json.loads(line) for line in run("consume", "prices", "--broker", broker.tcp,
                                                    "--format", "ndjson").splitlines()]
        return {r["key"]: (r["offset"], r["value"]) for r in records}, len(records)

    def produce(self, rounds, keys):
        lines = [json.dumps({"key": f"k{key}", "value": f"{number} " + "v" * 400})
                 for number in range(rounds) for key in range(keys)]
        run("produce", "prices", "--broker", self.root.tcp, "--format", "ndjson", "--envelope",
            input="\n".join(lines).encode())

    def compactions(self, broker):
        for line in ask(broker.http, "GET", "/metrics")[1].decode().splitlines():
            if line.startswith("xylem_storage_compaction_runs_total "):
                return int(line.split()[1])
        return 0

    def test_compacted_at_every_broker(self):
        self.make("prices", cleanup="compact")
        self.produce(40, 50)
        for broker in (self.root, self.pos):
            until(lambda broker=broker: self.compactions(broker) > 0, "it was compacted")
        until(lambda: self.view_of(self.root)[1] < 1_000, "most of 2,000 are gone")
        want, _ = self.view_of(self.root)
        self.assertEqual(len(want), 50)
        until(lambda: self.view_of(self.pos)[0] == want, "the same at the leaf")

        # An empty disk: everything comes from a log that is compacted already.
        self.pos.end(signal.SIGKILL)
        run_away = self.directory.path / "pos-0"
        run_away.rename(self.directory.path / "pos-0.old")
        self.produce(3, 50)
        self.pos.start()
        want, _ = self.view_of(self.root)
        until(lambda: get_json(self.pos.http, "/api/v1/topics/prices"), "the topic is known")
        until(lambda: self.view_of(self.pos)[0] == want, "the same on an empty disk")


if __name__ == "__main__":
    unittest.main()
