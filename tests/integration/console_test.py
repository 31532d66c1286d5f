"""The coordinator's console: five root brokers on ports of their own, and every command on real
processes; what was published before a stop is there after it.
"""
import os
import signal
import subprocess
import unittest

from processes import BIN, Tree, free_ports, get_json, run, until

RECORDS = 500


class ConsoleTest(unittest.TestCase):
    def setUp(self):
        self.tree = Tree("--topic", "kept:3", roots=None)
        self.addCleanup(self.tree.stop)

    def state_of(self, name):
        for line in self.tree.console("status").split("\n")[1:]:
            words = line.split()
            if words and words[0] == name:
                return words[3]
        return None

    def roots(self):
        return ",".join(node["tcp"] for node in self.tree.nodes("ROOT"))

    def publish(self, first):
        values = "".join(f"{i}\n" for i in range(first, first + RECORDS))
        run("produce", "kept", "--broker", self.roots(), input=values.encode())

    def numbers_at(self, node):
        said = run("consume", "kept", "--broker", node["tcp"], "--from", "earliest", "--format",
                   "value", timeout=120)
        return sorted(map(int, said.split()))

    def wait_for(self, count):
        """All records at every broker below the roots, each once."""
        for role in ("L2", "L3", "POS"):
            for node in self.tree.nodes(role):
                until(lambda node=node: self.numbers_at(node) == list(range(count)),
                      f"{count} records at {node['id']}")

    def test_every_command(self):
        roots = self.tree.nodes("ROOT")
        self.assertEqual([node["id"] for node in roots], [f"root-{i}" for i in range(5)])
        listed = self.tree.console("broker list").split("\n")
        self.assertEqual([line.split()[1] for line in listed[1:6]], [n["id"] for n in roots])
        self.publish(0)
        self.wait_for(RECORDS)

        for name in ("producer", "consumer"):
            self.assertEqual(self.tree.console(f"{name} stop"), f"{name} is stopped\n")
            self.assertEqual(self.state_of(name), "stopped")
            self.tree.console(f"{name} start")
            until(lambda name=name: self.state_of(name) == "serving", f"the {name} is back")

        self.assertEqual(self.tree.console("broker stop 1"), "root-1 is stopped\n")
        self.assertEqual(self.state_of("root-1"), "stopped")
        self.publish(RECORDS)
        self.wait_for(2 * RECORDS)
        self.tree.console("broker start root-1")

        killed = self.tree.node("root-2")["pid"]
        os.kill(killed, signal.SIGKILL)
        until(lambda: self.tree.node("root-2")["pid"] not in (killed, None), "it is started again")

        self.assertEqual(self.tree.console("restart all"), "everything was restarted\n")
        until(lambda: all(self.state_of(node["id"]) == "serving" for node in self.tree.nodes()),
              lambda: "all serve again: " + self.tree.console("status"))
        self.publish(2 * RECORDS)
        self.wait_for(3 * RECORDS)
        consumer = self.tree.nodes("CONSUMER")[0]["http"]
        until(lambda: get_json(consumer, "/api/query/stats"), "the consumer-app answers")

    def test_what_is_wrong_is_said(self):
        for command in ("broker stop root-9", "broker stop 99", "restart some", "nonsense"):
            done = subprocess.run([BIN / "xylem", "console", "--dir", self.tree.up_dir, "-c",
                                   command], capture_output=True)
            self.assertNotEqual(done.returncode, 0, command)
        again = ["xylem", "up", "--no-console", "--dir", self.tree.up_dir, "--base-port",
                 str(free_ports(80))]
        self.assertIn("another `xylem up` runs", self.refused(*again))
        self.tree.console("quit")
        self.tree.process.wait(120)
        self.assertIn("tier of several", self.refused(*again, "--roots", "1"))

    def refused(self, program, *arguments):
        done = subprocess.run([BIN / program, *arguments], capture_output=True, timeout=120)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr.decode()


if __name__ == "__main__":
    unittest.main()
