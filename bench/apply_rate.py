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
import time

from lines_at_broker import LinesAtBroker, lines_of
from processes import BIN, until


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=300_000)
    parser.add_argument("--bytes", type=int, default=300, help="of a value, half of them random")
    parser.add_argument("--pairs", type=int, default=3)
    return parser.parse_args()


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, asked):
        self.asked = asked
        chance = random.Random(2)
        self.source = LinesAtBroker(lines_of(
            (chance.randrange(asked.keys) for _ in range(asked.records)), asked.bytes))

    def ours(self, number):
        began = time.monotonic()
        consumer = self.source.consumer(self.source.directory.path / f"copy-{number}").start()
        until(lambda: self.source.stats().get("records") == self.asked.records, "all is applied", 600)
        took = time.monotonic() - began
        spent = cpu_s(consumer.process.pid)
        consumer.end()
        return took, spent

    def null(self, number):
        data = self.source.directory.path / f"null-{number}"
        data.mkdir()
        said = json.loads(subprocess.run([BIN / "xylem-null-view", self.source.path, data, "--log"],
                                         check=True, capture_output=True).stdout)
        return said["seconds"], said["cpu_s"]


def main():
    asked = arguments()
    bench = Bench(asked)
    try:
        pairs = [(bench.ours(number), bench.null(number)) for number in range(asked.pairs)]
    finally:
        bench.source.end()
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
