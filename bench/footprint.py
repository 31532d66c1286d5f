#!/usr/bin/env python3
"""What an idle POS broker costs: memory, binary size, time to ready. One JSON object.

Usage: bench/footprint.py [BIN]      (BIN: the programs' directory, default build/release/bin)
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/release/bin").resolve()
PROGRAMS = ["xylem-broker", "xylem-registry", "xylem-consumer-app", "xylem"]
MIB = 1024 * 1024
TOPICS, STARTS, IDLE_S = 24, 10, 5


def get(port, target):
    """(status, body); status 0 while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def post(port, target, document):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", target, json.dumps(document))
    answer = connection.getresponse()
    if answer.status not in (200, 201):
        sys.exit(f"{target}: {answer.status} {answer.read()}")
    connection.close()


def until(condition, what, limit_s=60, pause_s=0.02):
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not within {limit_s} s: {what}")
        time.sleep(pause_s)


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Tree:
    """A registry, a root and a POS broker below it."""

    def __init__(self, directory):
        self.directory = directory
        self.running = {}
        self.registry_port, *rest = free_ports(7)
        self.ports = {"root-0": rest[:3], "pos-0": rest[3:]}
        subprocess.run([BIN / "xylem", "root", "init", "--data-dir", directory / "root-0"],
                       check=True, stdout=subprocess.DEVNULL)
        self.start("registry", "xylem-registry", REGISTRY_PORT=self.registry_port,
                   REGISTRY_HOST="127.0.0.1", INSECURE="true",
                   REGISTRY_STORE=f"sqlite:{directory}/registry.db")
        self.start_broker("root-0", "ROOT", "")
        until(lambda: self.is_ready("root-0"), "the root is ready")
        for number in range(TOPICS):
            post(self.ports["root-0"][1], "/api/v1/topics", {"name": f"topic-{number}"})
            post(self.ports["root-0"][1], "/api/v1/messages",
                 {"topic": f"topic-{number}", "key": "k", "value": "v"})

    def start(self, name, program, **settings):
        environment = {"PATH": os.environ["PATH"],
                       **{key: str(value) for key, value in settings.items()}}
        with open(self.directory / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen([BIN / program], env=environment, stdout=log,
                                                  stderr=log, stdin=subprocess.DEVNULL)

    def start_broker(self, name, role, location):
        broker, admin, pipe = self.ports[name]
        self.start(name, "xylem-broker", NODE_ID=name, NODE_ROLE=role, NODE_LOCATION=location,
                   DATA_DIR=self.directory / name, LISTEN_HOST="127.0.0.1", BROKER_PORT=broker,
                   HTTP_PORT=admin, PIPE_PORT=pipe,
                   REGISTRY_URL=f"http://127.0.0.1:{self.registry_port}")

    def start_leaf(self):
        self.start_broker("pos-0", "POS", "eu/berlin/till-1")

    def is_ready(self, name):
        return get(self.ports[name][1], "/readyz")[0] == 200

    def leaf_has_all(self):
        status, body = get(self.ports["pos-0"][1], "/api/v1/node")
        topics = json.loads(body)["topics"] if status == 200 else []
        ours = [one for one in topics if one["name"].startswith("topic-")]
        return sum(one["end"] >= 1 for one in ours) == TOPICS

    def stop(self, name):
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        process.wait(20)

    def stop_all(self):
        for process in self.running.values():
            process.kill()
            process.wait()


def memory(pid):
    """Bytes by kind, from the kernel."""
    kinds = {"Rss": 0, "Pss": 0, "Private_Dirty": 0, "Anonymous": 0}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        if name in kinds:
            kinds[name] = int(value.split()[0]) * 1024
    return kinds


def stripped_bytes(program, directory):
    copy = directory / f"{program}.stripped"
    subprocess.run(["strip", "-o", copy, BIN / program], check=True)
    return copy.stat().st_size


def start_to_ready_ms(tree):
    times = []
    for _ in range(STARTS):
        tree.stop("pos-0")
        began = time.monotonic()
        tree.start_leaf()
        until(lambda: tree.is_ready("pos-0"), "the POS broker is ready", pause_s=0.002)
        times.append((time.monotonic() - began) * 1000)
    return times


def figure(value, target, digits=1):
    return {"value": round(value, digits), "target": target, "met": value <= target}


def main():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="xylem-footprint-"))
    tree = None
    try:
        tree = Tree(directory)
        tree.start_leaf()
        until(tree.leaf_has_all, "the POS broker has every topic")
        time.sleep(IDLE_S)
        idle = memory(tree.running["pos-0"].pid)
        ready = start_to_ready_ms(tree)
        programs = [name for name in PROGRAMS if (BIN / name).exists()]
        print(json.dumps({
            "name": "footprint",
            "params": {"topics": TOPICS, "idle_s": IDLE_S, "starts": STARTS},
            "results": {
                "pos_rss_mib": figure(idle["Rss"] / MIB, 20),
                "pos_memory_mib": {kind: round(size / MIB, 1) for kind, size in idle.items()},
                "stripped_mib": {name: figure(stripped_bytes(name, directory) / MIB, 15)
                                 for name in programs},
                "ready_ms": figure(statistics.median(ready), 200),
                "ready_ms_all": [round(one, 1) for one in ready],
            },
            "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0]},
        }, indent=2))
    finally:
        if tree:
            tree.stop_all()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
