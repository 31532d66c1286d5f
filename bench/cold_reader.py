#!/usr/bin/env python3
"""A live consumer's latency while another consumer reads a large, cold log from its beginning.

Ours and the null broker in turns, each in a memory cgroup of its own (v2 or v1) and on a log of
--gigabytes, out of the page cache at first. A producer's 1,000 records of 1 KiB a second are
consumed live; every record is counted and in its place. Prints one JSON object.

Usage: bench/cold_reader.py [--bin BIN] [--gigabytes 30] [--memory-mib 2048] [--seconds 20]
                            [--pairs 1] [--dir /var/tmp]
"""
import argparse
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
import threading
import time

TOPIC = "cold"


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--gigabytes", type=float, default=30)
    parser.add_argument("--memory-mib", type=int, default=2048)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--dir", default="/var/tmp", help="where logs are made: a disk")
    return parser.parse_args()


class MemoryGroup:
    """A cgroup below ours that holds a process and its page cache to a limit."""

    def __init__(self, mebibytes):
        lines = [line.split(":", 2) for line in
                 pathlib.Path("/proc/self/cgroup").read_text().splitlines()]
        v1 = [path for _, names, path in lines if "memory" in names.split(",")]
        if v1:
            base, limit = pathlib.Path("/sys/fs/cgroup/memory" + v1[0]), "memory.limit_in_bytes"
        else:
            path = next(path for number, _, path in lines if number == "0")
            base, limit = pathlib.Path("/sys/fs/cgroup" + path), "memory.max"
        self.path = base / f"xylem-cold-reader-{os.getpid()}"
        self.path.mkdir()
        (self.path / limit).write_text(str(mebibytes * 1024 * 1024))

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        for _ in range(100):
            try:
                return self.path.rmdir()
            except OSError:  # the kernel still counts what the last process had
                time.sleep(0.1)


class Broker:
    """One of the two, in the group, with its log in a directory of its own."""

    def __init__(self, kind, options, group):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="xylem-cold-", dir=options.dir))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        port = self.address.rsplit(":", 1)[1]
        settings = {"NODE_ID": "bench", "DATA_DIR": str(self.directory / "data"), "HTTP_PORT": "0",
                    "PIPE_PORT": "0", "BROKER_PORT": port, "LISTEN_HOST": "127.0.0.1",
                    "LOG_LEVEL": "warn"}
        command = {"xylem": [options.bin / "xylem-broker"],
                   "null": [options.bin / "xylem-null-broker", self.directory / "records",
                            "--port", port]}[kind]
        self.process = subprocess.Popen(command, env={**os.environ, **settings},
                                        stdout=subprocess.DEVNULL, preexec_fn=group.enter)
        for _ in range(600):
            try:
                socket.create_connection(self.address.split(":")).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{kind} does not serve")

    def remove(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def xylem(options, *arguments):
    done = subprocess.run([options.bin / "xylem", "bench", *map(str, arguments), "--json"],
                          stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"xylem bench {arguments[0]} exited {done.returncode}")
    return json.loads(done.stdout)


class ColdReader(threading.Thread):
    """Reads the whole log again and again until it is told to stop."""

    def __init__(self, options, address):
        super().__init__()
        self.command = [options.bin / "xylem", "bench", "consume", "--broker", address,
                        "--topic", TOPIC, "--json"]
        self.lock = threading.Lock()
        self.is_over = False
        self.passes = []  # bytes a second
        self.start()

    def run(self):
        while True:
            with self.lock:
                if self.is_over:
                    return
                self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
            said = self.process.communicate()[0]
            if self.process.returncode == 0:
                self.passes.append(json.loads(said)["results"][0]["bytes_per_s"])

    def stop(self):
        with self.lock:
            self.is_over = True
        self.process.kill()
        self.join()


def measure(kind, options):
    group = MemoryGroup(options.memory_mib)
    broker = Broker(kind, options, group)
    try:
        xylem(options, "produce", "--broker", broker.address, "--topic", TOPIC, "--size", "1KiB",
              "--bytes", int(options.gigabytes * 1e9))
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
        live = ("latency", "--broker", broker.address, "--topic", TOPIC, "--rate", 1000,
                "--size", 1024, "--seconds", options.seconds)
        alone = xylem(options, *live)["results"]
        reader = ColdReader(options, broker.address)
        time.sleep(1)
        result = xylem(options, *live)["results"]
        reader.stop()
        result["alone_p99_ms"] = alone["p99_ms"]
        result["whole_passes"] = len(reader.passes)
        if reader.passes:
            result["cold_bytes_per_s"] = statistics.median(reader.passes)
        return result
    finally:
        broker.remove()
        group.remove()


def main():
    options = parse()
    options.bin = options.bin.resolve()
    ours, null = [], []
    for _ in range(options.pairs):
        ours.append(measure("xylem", options))
        null.append(measure("null", options))
    ratio = {name: statistics.median(a[name + "_ms"] / b[name + "_ms"] for a, b in zip(ours, null))
             for name in ("p50", "p99")}
    print(json.dumps({"name": "cold_reader",
                      "params": {"gigabytes": options.gigabytes, "memory_mib": options.memory_mib,
                                 "rate": 1000, "size": 1024, "seconds": options.seconds},
                      "results": ours, "limit": null, "ratio": ratio}, indent=1))


if __name__ == "__main__":
    main()
