#!/usr/bin/env python3
"""How fast a consumer-app makes its copy of a topic, in turns with a bare SQLite program that has the
same schema and the same groups.

    bench/apply_rate.py [BIN] [--records N] [--keys N] [--bytes N] [--pairs N]

Ours is timed from the consumer-app's start to the last record in its view: connecting, the record log
and the queries' side are part of it. Its log is beside the view, so the null writes one as well.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "integration"))
if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
    os.environ["XYLEM_BIN"] = sys.argv.pop(1)
from processes import BIN, Daemon, Directory, free_ports, get_json, run, until  # noqa: E402

TOPIC = "items"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=300_000)
    parser.add_argument("--bytes", type=int, default=300, help="of a value, half of them random")
    parser.add_argument("--pairs", type=int, default=3)
    return parser.parse_args()


def write_lines(path, asked):
    chance = random.Random(1)
    with open(path, "w", encoding="ascii") as lines:
        for _ in range(asked.records):
            noise = f"{chance.getrandbits(asked.bytes * 2):0{asked.bytes // 2}x}"
            lines.write(f"item-{chance.randrange(asked.keys):08d}\t"
                        f"{noise[:asked.bytes // 2]:x<{asked.bytes}}\n")


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, asked):
        self.asked = asked
        self.directory = Directory()
        self.lines = self.directory.path / "lines"
        write_lines(self.lines, asked)
        self.port = free_ports(4)
        self.broker = Daemon("xylem-broker", self.directory.path / "broker.log", NODE_ID="bench",
                             DATA_DIR=self.directory.path / "broker", LISTEN_HOST="127.0.0.1",
                             BROKER_PORT=self.port, HTTP_PORT=self.port + 1,
                             PIPE_PORT=self.port + 2).start()
        http = f"127.0.0.1:{self.port + 1}"
        until(lambda: get_json(http, "/api/v1/topics") is not None, "the broker serves")
        broker = f"127.0.0.1:{self.port}"
        run("topic", "create", TOPIC, "--flush", "never", "--cleanup", "compact", "--broker", broker)
        run("produce", TOPIC, self.lines, "--delimiter", "\t", "--broker", broker)

    def ours(self, number):
        data = self.directory.path / f"copy-{number}"
        began = time.monotonic()
        consumer = Daemon("xylem-consumer-app", self.directory.path / "consumer.log",
                          CONSUMER_TOPIC=TOPIC, CONSUMER_PORT=self.port + 3,
                          BROKER_HOST="127.0.0.1", BROKER_PORT=self.port,
                          STORAGE_DATA_DIR=data).start()
        http = f"127.0.0.1:{self.port + 3}"

        def applied():
            stats = get_json(http, "/api/query/stats") or {}
            return stats.get("records") == self.asked.records
        until(applied, "all is applied", 600)
        took = time.monotonic() - began
        spent = cpu_s(consumer.process.pid)
        consumer.end()
        return took, spent

    def null(self, number):
        data = self.directory.path / f"null-{number}"
        data.mkdir()
        said = json.loads(subprocess.run([BIN / "xylem-null-view", self.lines, data, "--log"],
                                         check=True, capture_output=True).stdout)
        return said["seconds"], said["cpu_s"]

    def end(self):
        self.broker.end()
        self.directory.remove()


def main():
    asked = arguments()
    bench = Bench(asked)
    try:
        pairs = [(bench.ours(number), bench.null(number)) for number in range(asked.pairs)]
    finally:
        bench.end()
    rate = [asked.records / ours[0] for ours, _ in pairs]
    limit = [asked.records / null[0] for _, null in pairs]
    ratios = sorted(ours / null for ours, null in zip(rate, limit))
    print(json.dumps({
        "name": "apply",
        "params": vars(asked),
        "results": {"records_per_s": statistics.median(rate),
                    "cpu_us_per_record": statistics.median(o[1] for o, _ in pairs) * 1e6
                    / asked.records},
        "limit": {"records_per_s": statistics.median(limit),
                  "cpu_us_per_record": statistics.median(n[1] for _, n in pairs) * 1e6
                  / asked.records},
        "ratio": {"apply": statistics.median(ratios)},
        "ratios": [round(one, 3) for one in ratios],
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0]},
    }, indent=2))


if __name__ == "__main__":
    main()
