#!/usr/bin/env python3
"""A consumer-app's whole copy made anew while it answers queries, in turns with a bare program that
writes the same log and the same SQLite view (xylem-null-view).

    bench/refresh_under_queries.py [BIN] [--keys N] [--bytes N] [--rate N] [--pairs N]

Queries come at a rate, whatever happens; each one's latency counts from when it was due. Before a
refresh the copy is made to look old: an answer that is old after one that was new is a mix. Takes
about eight times keys x bytes of disk.
"""
import argparse
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

from lines_at_broker import TOPIC, LinesAtBroker, key, lines_of, say
from paced_queries import PacedQueries
from processes import BIN, ask, get_json, until

OLD, NEW = b"old", b"new"
LIMIT_S = 3600
FLIP_WINDOW_S = 1.0  # around the first new answer
ROWS_AT_ONCE = 20_000


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=3_000, help="of a value, half of them random")
    parser.add_argument("--rate", type=int, default=1_000, help="queries a second")
    parser.add_argument("--pairs", type=int, default=1)
    return parser.parse_args()


class Memory(threading.Thread):
    """The most that a process has had, by samples: in all, and what is no file's."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid = pid
        self.before = self.read()
        self.most = dict(self.before)
        self.is_over = threading.Event()

    def read(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            said = dict(re.findall(r"^(VmRSS|RssAnon):\s+(\d+) kB", status.read(), re.MULTILINE))
        return {name: int(value) / 1024 for name, value in said.items()}

    def run(self):
        while not self.is_over.wait(0.05):
            for name, value in self.read().items():
                self.most[name] = max(self.most[name], value)

    def extra_mib(self):
        self.is_over.set()
        self.join()
        return {name: self.most[name] - self.before[name] for name in self.most}


class Bench:
    def __init__(self, asked):
        self.asked = asked
        self.source = LinesAtBroker(lines_of(range(asked.keys), asked.bytes, f"{NEW.decode()} "))
        self.copy = self.source.directory.path / "copy"
        self.consumer = self.source.consumer(self.copy).start()
        until(self.is_whole, "the copy is whole", LIMIT_S)
        say("the first copy is whole")

    def is_whole(self):
        return self.source.stats().get("keys") == self.asked.keys

    def make_old(self):
        self.consumer.end()
        view = sqlite3.connect(self.copy / "view.db")
        view.execute("PRAGMA synchronous=OFF")
        last = view.execute("SELECT max(rowid) FROM entries").fetchone()[0]
        for first in range(0, last + 1, ROWS_AT_ONCE):
            with view:
                view.execute("UPDATE entries SET value = CAST(? || substr(value, 4) AS BLOB) "
                             "WHERE rowid BETWEEN ? AND ?",
                             (OLD.decode(), first, first + ROWS_AT_ONCE - 1))
        view.close()
        os.sync()
        self.consumer.start()
        until(self.is_whole, "the old copy is served", LIMIT_S)
        say("the copy is old")

    def refresh(self):
        status, said = ask(self.source.broker_http, "POST", "/api/v1/refreshes",
                           json.dumps({"topic": TOPIC, "reason": "bench"}))
        if status != 202:
            raise AssertionError(f"the refresh: {status} {said}")
        target = f"/api/v1/refreshes/{json.loads(said)['id']}"

        def ended():
            state = (get_json(self.source.broker_http, target) or {}).get("state")
            return state if state in ("COMPLETED", "ABORTED") else None
        return until(ended, "the refresh ends", LIMIT_S)

    def ours(self):
        self.make_old()
        chance = random.Random(2)
        queries = PacedQueries(self.source.consumer_http, self.asked.rate,
                               lambda: f"/api/query/key/{key(chance.randrange(self.asked.keys))}",
                               {OLD: b'"value":"' + OLD, NEW: b'"value":"' + NEW})
        memory = Memory(self.consumer.process.pid)
        queries.start()
        memory.start()
        until(lambda: queries.answered(OLD) > self.asked.rate, "old answers come")
        began = time.monotonic()
        state = self.refresh()
        took = time.monotonic() - began
        until(lambda: queries.answered(NEW) > self.asked.rate, "new answers come")
        extra = memory.extra_mib()
        queries.end()
        flip = queries.first(NEW)
        return {"state": state, "ready_s": took, "queries": len(queries.answers),
                "failed": queries.failed, "mixed": queries.mixed(OLD, NEW),
                "p50_ms": queries.percentile_ms(50), "p99_ms": queries.percentile_ms(99),
                "max_ms": queries.percentile_ms(100),
                "flip_max_ms": queries.longest_ms(flip - FLIP_WINDOW_S, flip + FLIP_WINDOW_S),
                "extra_mib": extra["VmRSS"], "extra_anonymous_mib": extra["RssAnon"]}

    def null(self, number):
        data = self.source.directory.path / f"null-{number}"
        data.mkdir()
        os.sync()
        said = subprocess.run([BIN / "xylem-null-view", self.source.path, data, "--log"], check=True,
                              capture_output=True).stdout
        subprocess.run(["rm", "-r", data], check=True)
        return json.loads(said)["seconds"]

    def end(self):
        self.consumer.end()
        self.source.end()


def main():
    asked = arguments()
    bench = Bench(asked)
    pairs = []
    try:
        for number in range(asked.pairs):
            pairs.append((bench.ours(), bench.null(number)))
            say(f"{pairs[-1][0]}; the null: {pairs[-1][1]:.1f} s")
    finally:
        bench.end()
    print(json.dumps({
        "name": "refresh_under_queries",
        "params": vars(asked),
        "results": [ours for ours, _ in pairs],
        "limit": {"seconds": [null for _, null in pairs]},
        "ratio": {"time_to_ready": statistics.median(ours["ready_s"] / null for ours, null in pairs)},
        "machine": {"cpus": os.cpu_count(), "load": os.getloadavg()[0]},
    }, indent=2))
    is_right = all(ours["state"] == "COMPLETED" and not ours["failed"] and not ours["mixed"]
                   for ours, _ in pairs)
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main()
