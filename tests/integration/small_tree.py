"""A registry, a root and a POS broker below it, each to be started, killed and started again by a test."""
import signal
import unittest

from processes import Daemon, Directory, free_ports, run


class SmallTreeTest(unittest.TestCase):
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
        daemon.tcp, daemon.http = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
        return daemon
