"""A node starts while its registry is down: it finds its parent from its cache and serves."""
import json
import signal
import unittest

from processes import Daemon, Directory, ask, free_ports, get_json, run, until


class OfflineTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        self.first_port = free_ports(10)
        self.registry = self.daemon("xylem-registry", "registry", REGISTRY_PORT=self.first_port,
                                    REGISTRY_HOST="127.0.0.1", INSECURE="true",
                                    REGISTRY_STORE=f"sqlite:{self.directory.path}/registry.db")
        self.root = self.broker("root-0", "ROOT", "", 1)
        self.pos = self.broker("pos-0", "POS", "eu/berlin/till-1", 4)

    def daemon(self, program, name, **settings):
        daemon = Daemon(program, self.directory.path / f"{name}.log", **settings)
        self.addCleanup(daemon.end, signal.SIGKILL)
        return daemon

    def broker(self, name, role, location, at):
        port = self.first_port + at
        data = self.directory.path / name
        if role == "ROOT":
            run("root", "init", "--data-dir", data)
        daemon = self.daemon("xylem-broker", name, NODE_ID=name, NODE_ROLE=role,
                             NODE_LOCATION=location, DATA_DIR=data, LISTEN_HOST="127.0.0.1",
                             REGISTRY_URL=f"http://127.0.0.1:{self.first_port}",
                             BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2)
        daemon.http = f"127.0.0.1:{port + 1}"
        return daemon

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
