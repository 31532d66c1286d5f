"""A network of namespaces on one bridge, and rules between them: cut, one way or both, or lossy.

Needs root, iproute2 and nftables. Every broker has an address of its own; the driver has the bridge's.
"""
import os
import shutil
import subprocess

TABLE = "inet xylem_chaos"


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def is_possible():
    if os.geteuid() != 0 or not all(map(shutil.which, ("nft", "ip"))):
        return False
    return all(run(*command, check=False).returncode == 0
               for command in (("nft", "list", "tables"), ("ip", "netns", "list")))


class Network:
    def __init__(self, count):
        self.name = f"xy{os.getpid() % 100_000}"
        self.subnet = f"10.{64 + os.getpid() % 64}.{os.getpid() // 64 % 250}"
        self.count = count
        self.made = []
        try:
            self._make()
        except Exception:
            self.remove()
            raise

    def _make(self):
        run("ip", "link", "add", self.name, "type", "bridge")
        run("ip", "addr", "add", f"{self.subnet}.1/24", "dev", self.name)
        run("ip", "link", "set", self.name, "up")
        for i in range(self.count):
            space = self.space(i)
            run("ip", "netns", "add", space)
            self.made.append(space)
            run("ip", "link", "add", f"{space}a", "type", "veth", "peer", "name", "eth0",
                "netns", space)
            run("ip", "link", "set", f"{space}a", "master", self.name, "up")
            inside = ["ip", "netns", "exec", space]
            run(*inside, "ip", "addr", "add", f"{self.host(i)}/24", "dev", "eth0")
            run(*inside, "ip", "link", "set", "eth0", "up")
            run(*inside, "ip", "link", "set", "lo", "up")
            run(*inside, "nft", "add", "table", *TABLE.split())
            run(*inside, "nft", "add", "chain", *TABLE.split(), "input",
                "{ type filter hook input priority 0 ; }")

    def space(self, i):
        return f"{self.name}n{i}"

    def host(self, i):
        return f"{self.subnet}.{10 + i}"

    def prefix(self, i):
        return ["ip", "netns", "exec", self.space(i)]

    def _rule(self, at, *rule):
        run("ip", "netns", "exec", self.space(at), "nft", "add", "rule", *TABLE.split(), "input", *rule)

    def cut(self, source, target):
        """Nothing from `source` reaches `target` any more; the other way is as it was."""
        self._rule(target, "ip", "saddr", self.host(source), "drop")

    def split(self, ones, others):
        for one in ones:
            for other in others:
                self.cut(one, other)
                self.cut(other, one)

    def lose(self, target, percent):
        """Of what reaches `target` from other brokers so much is lost."""
        for source in range(self.count):
            if source != target:
                self._rule(target, "ip", "saddr", self.host(source), "numgen", "random", "mod", "100",
                           "<", str(percent), "drop")

    def heal(self):
        for i in range(self.count):
            run("ip", "netns", "exec", self.space(i), "nft", "flush", "chain", *TABLE.split(), "input")

    def remove(self):
        for space in self.made:
            run("ip", "netns", "del", space, check=False)
        run("ip", "link", "del", self.name, check=False)
