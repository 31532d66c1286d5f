#!/usr/bin/env python3
"""Five root brokers: how long until many new partitions are all led, and until another controller has
moved the leaderships of one that was killed.

    bench/many_partitions.py [BIN] [--partitions N] [--times N]
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tests", "chaos"))
if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
    os.environ["XYLEM_BIN"] = sys.argv.pop(1)
from root_tier import RootTier, known  # noqa: E402
from processes import run, until  # noqa: E402

TOPIC = "many"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--partitions", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=3, help="how often a controller is killed")
    return parser.parse_args()


def partitions(tier):
    for topic in (tier.cluster() or {"topics": []})["topics"]:
        if topic["name"] == TOPIC:
            return topic["partitions"]
    return []


def leaders(tier, count):
    """Of all of them; nothing while any is missing or has none."""
    found = [one["leader"] for one in partitions(tier)]
    return found if len(found) == count and min(found) >= 0 else None


def main():
    asked = arguments()
    tier = RootTier()
    try:
        tier.start()
        begun = time.monotonic()
        tier.create(TOPIC, "--partitions", asked.partitions)
        until(lambda: leaders(tier, asked.partitions), "all are led")
        print(f"{asked.partitions} partitions: created and led after {time.monotonic() - begun:.2f} s")
        until(lambda: all(len(one["inSync"]) == 3 for one in partitions(tier)), "all are in sync")
        begun = time.monotonic()
        values = "".join(f"{{\"k\":{i}}}\n" for i in range(20 * asked.partitions)).encode()
        run("produce", TOPIC, "--broker", tier.clients(), "--format", "ndjson", "--key", "k",
            "--acks", "all", input=values)
        print(f"{20 * asked.partitions} records to them acknowledged after "
              f"{time.monotonic() - begun:.2f} s")
        for _ in range(asked.times):
            victim = known(tier.controller, "a controller")
            led = known(lambda: leaders(tier, asked.partitions), "all are led").count(victim)
            begun = time.monotonic()
            tier.kill(victim)
            until(lambda v=victim: tier.controller() not in (None, v), "another controller")
            elected_s = time.monotonic() - begun
            until(lambda v=victim: v not in (leaders(tier, asked.partitions) or [v]), "all moved")
            print(f"controller killed, which led {led}: the next one after {elected_s:.2f} s, "
                  f"all led by others after {time.monotonic() - begun:.2f} s")
            tier.restart(victim)
            until(lambda: all(len(one["inSync"]) == 3 for one in partitions(tier)),
                  "all are in sync again")
    finally:
        tier.stop()


if __name__ == "__main__":
    main()
