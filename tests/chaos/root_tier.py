"""Five root brokers, a registry, and a chain L2, L3, POS below them: processes of their own, so that
a driver decides what dies and when it comes back."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from processes import BIN, Daemon, Directory, free_ports, get_json, make_topic, run, until  # noqa: E402

ROOTS = 5
PORTS = 4 * ROOTS + 10


def known(ask, what):
    """The first answer that is not None."""
    return until(lambda: [found for found in [ask()] if found is not None], what)[0]


class RootTier:
    """`network`: each broker in a namespace of its own (network.py); none: all on the loopback.
    `disks`: each broker's data on a disk of its own (power.py)."""

    def __init__(self, roots=ROOTS, network=None, disks=None, **settings):
        self.directory = Directory()
        self.path = self.directory.path
        self.first = free_ports(PORTS)
        self.host = "127.0.0.1"  # of all that are no root brokers
        self.network = network
        self.disks = disks
        self.peers = ",".join(f"root-{i}@{self.host_of(i)}:{self.ports(i)[3]}"
                              for i in range(roots))
        self.brokers = [self._root(i, settings) for i in range(roots)]
        self.others = []
        cluster = os.urandom(16).hex()
        for i in range(roots):
            run("root", "init", "--data-dir", self.data_dir(i), "--cluster-id", cluster)

    def ports(self, number):
        """Clients, admin, pipe, quorum."""
        return [self.first + 4 * number + each for each in range(4)]

    def data_dir(self, number):
        home = self.disks.path(number) if self.disks else self.path / f"root-{number}"
        return home / "data"

    def _root(self, number, settings):
        (self.path / f"root-{number}").mkdir()
        tcp, http, pipe, raft = self.ports(number)
        host = self.host_of(number)
        prefix = self.network.prefix(number) if self.network else ()
        return Daemon("xylem-broker", self.path / f"root-{number}" / "log", prefix,
                      NODE_ID=f"root-{number}", NODE_ROLE="ROOT", DATA_DIR=self.data_dir(number),
                      LISTEN_HOST=host, ADVERTISED_HOST=host, BROKER_PORT=tcp, HTTP_PORT=http, PIPE_PORT=pipe,
                      RAFT_PORT=raft, ROOT_PEERS=self.peers,
                      **settings)

    def host_of(self, number):
        return self.network.host(number) if self.network else self.host

    def registry(self):
        return f"http://{self.host}:{self.first + 4 * ROOTS}"

    def start(self, with_tree=False):
        if with_tree:
            (self.path / "registry").mkdir()
            self.others.append(Daemon(
                "xylem-registry", self.path / "registry" / "log", REGISTRY_HOST=self.host,
                REGISTRY_PORT=self.first + 4 * ROOTS, INSECURE="true",
                REGISTRY_STORE=f"sqlite:{self.path}/registry/registry.db"))
            self.others[0].start()
            for broker in self.brokers:
                broker.settings["REGISTRY_URL"] = self.registry()
        for broker in self.brokers:
            broker.start()
        until(lambda: all(self.is_ready(i) for i in range(len(self.brokers))), "root brokers ready")
        if with_tree:
            for index, (name, location) in enumerate((("l2-0", "r"), ("l3-0", "r/s"),
                                                      ("pos-0", "r/s/t"))):
                self.start_child(index, name, location)
        return self

    def start_child(self, index, name, location):
        (self.path / name).mkdir()
        port = self.first + 4 * ROOTS + 1 + 3 * index
        child = Daemon("xylem-broker", self.path / name / "log", NODE_ID=name,
                       NODE_LOCATION=location, REGISTRY_URL=self.registry(),
                       DATA_DIR=self.path / name / "data", LISTEN_HOST=self.host,
                       ADVERTISED_HOST=self.host, BROKER_PORT=port, HTTP_PORT=port + 1,
                       PIPE_PORT=port + 2)
        self.others.append(child.start())
        until(lambda: (get_json(f"{self.host}:{port + 1}", "/api/v1/node") or {}).get("parent"),
              f"{name} has a parent")

    def pos(self):
        return f"{self.host}:{self.first + 4 * ROOTS + 7}"

    def http(self, number):
        return f"{self.host_of(number)}:{self.ports(number)[1]}"

    def is_ready(self, number):
        seen = get_json(self.http(number), "/api/v1/cluster")
        return seen is not None and seen["registered"]

    def clients(self):
        return ",".join(f"{self.host_of(i)}:{self.ports(i)[0]}" for i in range(len(self.brokers)))

    def cluster(self, asked=None):
        """What the root tier has decided, as a living broker sees it."""
        for number in range(len(self.brokers)) if asked is None else [asked]:
            if self.is_up(number):
                seen = get_json(self.http(number), "/api/v1/cluster")
                if seen:
                    return seen
        return None

    def is_up(self, number):
        process = self.brokers[number].process
        return process is not None and process.poll() is None

    def create(self, topic, *arguments):
        make_topic(self.clients(), topic, *arguments)

    def leader(self, topic, partition=0, asked=None):
        """The number of the broker that leads; None: nobody."""
        seen = self.cluster(asked)
        if not seen:
            return None
        for each in seen["topics"]:
            if each["name"] == topic:
                found = each["partitions"][partition]["leader"]
                return None if found < 0 else found
        return None

    def controller(self):
        for number in range(len(self.brokers)):
            if self.is_up(number):
                seen = get_json(self.http(number), "/api/v1/cluster")
                if seen and seen["controller"] >= 0:
                    return seen["controller"]
        return None

    def in_sync(self, topic, partition=0):
        return self.decided(topic, partition).get("inSync", [])

    def decided(self, topic, partition=0):
        """What `/api/v1/cluster` says of a partition."""
        for each in (self.cluster() or {"topics": []})["topics"]:
            if each["name"] == topic:
                return each["partitions"][partition]
        return {}

    def kill(self, number, how=signal.SIGKILL):
        self.brokers[number].end(how)

    def signal(self, number, what):
        if self.is_up(number):
            self.brokers[number].process.send_signal(what)

    def digests(self, topic):
        """partition -> what each replica's log says of itself; after all have ended."""
        found = {}
        for number in range(len(self.brokers)):
            said = json.loads(subprocess.run(  # fails where a file was set aside, and says all the same
                [BIN / "xylem", "log", "dump", "--digest", "--json", self.data_dir(number)],
                capture_output=True).stdout)
            for each in said["logs"]:
                if each["topic"] != topic:
                    continue
                found.setdefault(each["partition"], {})[number] = {
                    key: value for key, value in each.items() if key != "batches"}
        return found

    def restart(self, number):
        self.brokers[number].start()

    def logs(self, lines=30):
        said = ""
        for number in range(len(self.brokers)):
            text = (self.path / f"root-{number}" / "log").read_text(errors="replace")
            kept = [line for line in text.split("\n") if "broker.setting" not in line]
            said += f"--- root-{number}\n" + "\n".join(kept[-lines:]) + "\n"
        return said

    def stop(self):
        for daemon in reversed(self.others + self.brokers):
            daemon.end(signal.SIGKILL)
        self.directory.remove()
