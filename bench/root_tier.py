#!/usr/bin/env python3
"""What five root brokers on this machine carry with acks=all, three replicas and flush=always, beside a
program that only writes and syncs the same three copies.

    bench/root_tier.py [BIN] [--size 1KiB ...] [--pairs N] [--seconds S] [--topics N] [--window BYTES]
                       [--consumer]

Each run has a new topic of one partition for each load (--topics of them at once, each by `xylem bench
produce` at the broker that leads it; with --consumer each has one there, too). The share of time in sync
is of the wall time, of the busiest broker: the sum of its xylem_storage_sync_seconds.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "chaos"))
if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
    os.environ["XYLEM_BIN"] = sys.argv.pop(1)
from root_tier import RootTier, known  # noqa: E402
from processes import BIN, ask, until  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", nargs="*", default=["100", "1KiB"])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--topics", type=int, default=1)
    parser.add_argument("--window", default="4MiB")
    parser.add_argument("--consumer", action="store_true")
    return parser.parse_args()


def sync_seconds(tier):
    """Of each broker so far."""
    found = []
    for number in range(len(tier.brokers)):
        text = ask(tier.http(number), "GET", "/metrics")[1].decode()
        found.append(float(re.search(r"^xylem_storage_sync_seconds_sum (\S+)", text, re.M).group(1)))
    return found


def run_once(tier, size, asked, number):
    topics = [f"load-{size}-{number}-{i}" for i in range(asked.topics)]
    for topic in topics:
        tier.create(topic, "--partitions", 1, "--flush", "always")
        until(lambda: len(tier.in_sync(topic)) == 3, "three replicas")
    before, begun = sync_seconds(tier), time.monotonic()
    loads = []
    for topic in topics:
        leader = known(lambda: tier.leader(topic), "a leader")
        until(lambda: tier.leader(topic, asked=leader) == leader, "the leader knows of it")
        loads.append(subprocess.Popen(
            [BIN / "xylem", "bench", "produce", "--broker", f"{tier.host}:{tier.ports(leader)[0]}",
             "--topic", topic, "--flush", "always", "--size", size, "--seconds", str(asked.seconds),
             "--window", asked.window, "--dir", tier.path, "--copies", "3", "--json",
             *([] if asked.consumer else ["--no-consumer"])],
            stdout=subprocess.PIPE))
    runs = [json.loads(load.communicate()[0])["results"][0] for load in loads]
    # The limit ran after the load, for as long.
    share = max(now - was for now, was in zip(sync_seconds(tier), before)) / asked.seconds
    run_s = time.monotonic() - begun
    for topic in topics:
        subprocess.run([BIN / "xylem", "topic", "delete", topic, "--broker", tier.clients()],
                       check=True, capture_output=True)
    return runs, share, run_s


def main():
    asked = arguments()
    tier = RootTier()
    try:
        tier.start()
        for size in asked.size:
            ratios, rates, shares = [], [], []
            for pair in range(asked.pairs):
                runs, share, _ = run_once(tier, size, asked, pair)
                rate = sum(run["bytes_per_s"] for run in runs)
                limit = sum(run["synced_disk_bytes_per_s"] for run in runs)
                ratios.append(rate / limit)
                rates.append((rate, sum(run["records_per_s"] for run in runs)))
                shares.append(share)
                print(f"{size}: {rate / 1e6:.1f} MB/s, {rates[-1][1]:,.0f} records/s, limit "
                      f"{limit / 1e6:.1f} MB/s, ratio {ratios[-1]:.2f}, in sync {share:.0%}",
                      flush=True)
            print(f"{size}: median {statistics.median(r[0] for r in rates) / 1e6:.1f} MB/s, "
                  f"{statistics.median(r[1] for r in rates):,.0f} records/s, ratio "
                  f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), "
                  f"in sync {statistics.median(shares):.0%}")
    finally:
        tier.stop()


if __name__ == "__main__":
    main()
