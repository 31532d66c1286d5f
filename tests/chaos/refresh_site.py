"""A root, a broker below it, and consumer-apps there, whose copies can be made to look old; readers
that ask those all the time and note every answer that must not be."""
import json
import signal
import sqlite3
import threading
import time

from processes import Daemon, Directory, ask, free_ports, get_json, run, until

TOPIC = "prices"
OLD, NEW = "old", "new"


class Site:
    def __init__(self, keys, value_bytes, consumers=2):
        self.keys = keys
        self.directory = Directory()
        self.port = free_ports(10 + consumers)
        self.daemons = []
        self.registry = self.daemon("xylem-registry", "registry", REGISTRY_PORT=self.port,
                                    REGISTRY_HOST="127.0.0.1", INSECURE="true",
                                    REGISTRY_STORE=f"sqlite:{self.directory.path}/registry.db")
        self.root = self.broker("root-0", "ROOT", "", 1)
        self.pos = self.broker("pos-0", "POS", "eu/berlin/till-1", 4)
        self.consumers = [self.consumer(f"consumer-{i}", 7 + i) for i in range(consumers)]
        for daemon in (self.registry, self.root, self.pos):
            daemon.start()
        until(lambda: get_json(self.root.http, "/api/v1/topics"), "the root serves")
        self.must("POST", self.root.http, "/api/v1/topics",
                  {"name": TOPIC, "partitions": 2, "cleanup": "compact"}, 201)
        filler = "x" * value_bytes
        self.produce({f"key-{i:06}": f"{NEW} {filler}" for i in range(keys)})
        for consumer in self.consumers:
            consumer.start()
        until(lambda: all(self.is_whole(consumer) for consumer in self.consumers),
              "every consumer has everything")

    def daemon(self, program, name, **settings):
        daemon = Daemon(program, self.directory.path / f"{name}.log", **settings)
        daemon.name = name
        self.daemons.append(daemon)
        return daemon

    def broker(self, name, role, location, at):
        port = self.port + at
        data = self.directory.path / name
        if role == "ROOT":
            run("root", "init", "--data-dir", data)
        daemon = self.daemon("xylem-broker", name, NODE_ID=name, NODE_ROLE=role,
                             NODE_LOCATION=location, DATA_DIR=data, LISTEN_HOST="127.0.0.1",
                             REGISTRY_URL=f"http://127.0.0.1:{self.port}", BROKER_PORT=port,
                             HTTP_PORT=port + 1, PIPE_PORT=port + 2, SEGMENT_BYTES=1 << 20)
        daemon.http = f"127.0.0.1:{port + 1}"
        daemon.tcp = f"127.0.0.1:{port}"
        return daemon

    def consumer(self, name, at):
        daemon = self.daemon("xylem-consumer-app", name, CONSUMER_TYPE=name, CONSUMER_TOPIC=TOPIC,
                             CONSUMER_HOST="127.0.0.1", CONSUMER_PORT=self.port + at,
                             CONSUMER_BROKERS=self.pos.tcp,
                             STORAGE_DATA_DIR=self.directory.path / name)
        daemon.http = f"127.0.0.1:{self.port + at}"
        daemon.view = self.directory.path / name / "view.db"
        return daemon

    def must(self, method, address, target, body, expected):
        status, answer = ask(address, method, target, json.dumps(body))
        if status != expected:
            raise AssertionError(f"{method} {target}: {status} {answer}")
        return json.loads(answer)

    def produce(self, values):
        lines = "".join(json.dumps({"key": k, "value": v}) + "\n" for k, v in values.items())
        run("produce", TOPIC, "--broker", self.root.tcp, "--format", "ndjson", "--envelope",
            input=lines.encode())

    def is_whole(self, consumer):
        return (get_json(consumer.http, "/api/query/stats") or {}).get("keys", 0) >= self.keys

    def make_old(self, consumer):
        """As if what it has were of long ago: every value says so, but for those written live."""
        if consumer.process is not None:
            consumer.end()
        view = sqlite3.connect(consumer.view)
        with view:
            view.execute("UPDATE entries SET value = CAST(replace(CAST(value AS TEXT), ?, ?) AS BLOB)"
                         " WHERE key LIKE 'key-%'", (NEW, OLD))
        view.close()
        consumer.start()
        until(lambda: get_json(consumer.http, "/api/query/stats"), f"{consumer.name} answers")

    def snapshot(self, consumer):
        """The generations of its whole copy, and how many keys; None while it is away."""
        try:
            status, body = ask(consumer.http, "GET", "/api/query/snapshot")
        except OSError:
            return None
        if status != 200:
            return None
        records = [json.loads(line) for line in body.splitlines()[1:]]
        records = [one for one in records if one.get("key", "").startswith("key-")]
        return {one["value"].split()[0] for one in records}, len(records)

    def refresh(self, reason="chaos"):
        return self.must("POST", self.pos.http, "/api/v1/refreshes",
                         {"topic": TOPIC, "reason": reason}, 202)["id"]

    def state(self, refresh):
        return get_json(self.pos.http, f"/api/v1/refreshes/{refresh}")

    def said(self):
        return "\n".join(f"--- {one.name}\n" + one.log.read_text(errors="replace")[-2500:]
                         for one in self.daemons if one.log.exists())

    def close(self):
        for daemon in self.daemons:
            daemon.end(signal.SIGKILL)
        self.directory.remove()


class Reader(threading.Thread):
    """Asks a consumer for keys as long as it is told; `wrong` is what it should not have heard.

    While the consumer is `away`, killed by the test, its silence is not wrong."""

    def __init__(self, consumer, keys):
        super().__init__(daemon=True)
        self.consumer, self.keys = consumer, keys
        self.away = False
        self.asked, self.wrong = 0, []
        self.ends = False

    def run(self):
        number = 0
        while not self.ends:
            number = (number + 7919) % self.keys
            self.ask(f"/api/query/key/key-{number:06}")

    def ask(self, target):
        was_away = self.away
        try:
            status, _ = ask(self.consumer.http, "GET", target)
            self.asked += 1
            if status != 200 and not (was_away or self.away):
                self.wrong.append(f"{target}: {status}")
        except OSError as why:
            if not (was_away or self.away):
                self.wrong.append(f"{target}: {why}")
            time.sleep(0.02)

    def end(self):
        self.ends = True
        self.join(30)
