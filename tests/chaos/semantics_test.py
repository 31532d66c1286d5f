"""What each mode of consuming promises, under kill -9 of the consumer and of the broker in turn, while
an idempotent producer goes on:

    at most once    no record twice
    at least once   no record lost; twice only what was not committed
    exactly once    every record once, from the producer to the consumer's own database

XYLEM_KILLS says how many kills each mode gets (default 6), XYLEM_SEED which.
"""
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from processes import BIN, Daemon, Directory, free_ports, get_json, run, until  # noqa: E402

KILLS = int(os.environ.get("XYLEM_KILLS", "6"))
SEED = int(os.environ.get("XYLEM_SEED", "1"))
TOPIC, GROUP, PARTITIONS = "sales", "tills", 3
RECORDS_PER_S = 3_000
BETWEEN = 300  # records consumed at least, from one kill to the next
COMMITTED_S = 120


class Producing(threading.Thread):
    """`xylem produce`, fed with sales of one unit, each with a sku of its own, until it is to end."""

    def __init__(self, broker):
        super().__init__()
        self.process = subprocess.Popen(
            [BIN / "xylem", "produce", TOPIC, "--broker", broker, "--format", "ndjson", "--key", "sku",
             "--acks", "all", "--rate", str(RECORDS_PER_S)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.count, self.is_over = 0, False

    def run(self):
        with self.process.stdin as out:
            while not self.is_over:
                out.write(f'{{"sku":"s{self.count}","units":1}}\n'.encode())
                self.count += 1

    def end(self):
        """How many records there are."""
        self.is_over = True
        self.join()
        if self.process.wait(120) != 0:
            raise AssertionError("not all was acknowledged")
        return self.count


class Telling:
    """xylem-telling-consumer: a file for each of its lives, and what was committed when it began."""

    def __init__(self, test, mode):
        self.test, self.mode = test, mode
        self.lives, self.committed = [], []
        self.process = None

    def start(self):
        self.committed.append(until(self.test.committed, "the broker says what is committed"))
        self.lives.append(self.test.directory.path / f"{self.mode}-{len(self.lives)}")
        with open(self.lives[-1], "wb") as out:
            self.process = subprocess.Popen(
                [BIN.parent / "tests" / "xylem-telling-consumer", self.test.tcp, TOPIC, GROUP,
                 self.mode, "alone"], stdout=out, stderr=subprocess.DEVNULL)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(120)

    @staticmethod
    def places(life):
        """(partition, offset), of whole lines."""
        lines = life.read_bytes().split(b"\n")[:-1]
        return [tuple(map(int, line.split()[:2])) for line in lines]

    def told(self):
        return [place for life in self.lives for place in self.places(life)]

    def count(self):
        return len(self.told())


class Selling:
    """examples/exactly_once.cpp: units by sku in SQLite, a batch and its cursor in one transaction."""

    def __init__(self, test):
        self.test, self.process = test, None
        self.path = test.directory.path / "sales.db"

    def start(self):
        program = BIN.parent / "examples" / "example_exactly_once"
        with open(self.test.directory.path / "selling.log", "ab") as log:
            self.process = subprocess.Popen([program, self.test.tcp, TOPIC, self.path], stdout=log,
                                            stderr=log)

    kill = Telling.kill

    def ask(self, query):
        with contextlib.closing(sqlite3.connect(self.path, timeout=120)) as database:
            try:
                return database.execute(query).fetchone()
            except sqlite3.OperationalError:
                return (0, 0)  # not made yet

    def count(self):
        return self.ask("SELECT count(*) FROM sold")[0]


class SemanticsTest(unittest.TestCase):
    def setUp(self):
        self.chance = random.Random(SEED)
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        port = free_ports(3)
        self.tcp, self.http = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
        self.broker = Daemon("xylem-broker", self.directory.path / "broker.log", NODE_ID="alone",
                             DATA_DIR=self.directory.path / "data", LISTEN_HOST="127.0.0.1",
                             BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2)
        self.addCleanup(self.broker.end, signal.SIGKILL)
        self.broker.start()
        until(lambda: self.topics() is not None, "the broker serves")
        run("topic", "create", TOPIC, "--broker", self.tcp, "--partitions", PARTITIONS)

    def topics(self):
        return get_json(self.http, "/api/v1/topics")

    def committed(self):
        """By partition; None while nobody can say."""
        groups = get_json(self.http, "/api/v1/groups")
        if groups is None:
            return None
        committed = {partition: 0 for partition in range(PARTITIONS)}
        if any(group["group"] == GROUP for group in groups["groups"]):
            for one in json.loads(run("groups", "describe", GROUP, "--broker", self.tcp,
                                      "--json"))["partitions"]:
                committed[one["partition"]] = one["committed"] or 0
        return committed

    def ends(self):
        topic = get_json(self.http, f"/api/v1/topics/{TOPIC}")
        return topic and {one["partition"]: one["highWatermark"] for one in topic["partitionState"]}

    def kill_in_turn(self, consumer):
        """Consumes what is produced meanwhile; where the partitions end."""
        self.addCleanup(consumer.kill)
        producer = Producing(self.tcp)
        self.addCleanup(producer.process.kill)
        producer.start()
        consumer.start()
        for kill in range(KILLS):
            before = consumer.count()
            until(lambda before=before: consumer.count() >= before + BETWEEN,
                  f"records are consumed before kill {kill}", COMMITTED_S)
            victims = [("consumer",), ("broker",), ("consumer", "broker")][
                kill if kill < 3 else self.chance.randrange(3)]
            if "consumer" in victims:
                consumer.kill()
            if "broker" in victims:
                self.broker.end(signal.SIGKILL)
                self.broker.start()
            if "consumer" in victims:
                consumer.start()
        produced = producer.end()
        ends = until(self.ends, "the broker serves")
        # The producer's half of exactly once.
        self.assertEqual(sum(ends.values()), produced, "stored twice, or lost")
        return ends

    def check_order(self, consumer):
        """Within a life a partition's records come in order, and no one twice."""
        for life in consumer.lives:
            last = {}
            for partition, offset in consumer.places(life):
                self.assertGreater(offset, last.get(partition, -1), f"{life.name}/{partition}")
                last[partition] = offset

    def test_at_most_once(self):
        consumer = Telling(self, "at-most-once")
        ends = self.kill_in_turn(consumer)
        until(lambda: self.committed() == ends, "all is committed", COMMITTED_S)
        consumer.kill()
        told = consumer.told()
        self.check_order(consumer)
        self.assertEqual(len(told), len(set(told)), "delivered twice")
        missing = sum(ends.values()) - len(told)
        print(f"at most once: {len(told)} delivered, {missing} never, 0 twice")

    def test_at_least_once(self):
        consumer = Telling(self, "at-least-once")
        ends = self.kill_in_turn(consumer)
        until(lambda: len(set(consumer.told())) >= sum(ends.values()), "all is delivered",
              COMMITTED_S)
        consumer.kill()
        self.check_order(consumer)
        wanted = {(partition, offset) for partition, end in ends.items() for offset in range(end)}
        self.assertEqual(set(consumer.told()), wanted)
        for life, committed in zip(consumer.lives, consumer.committed):
            for partition, offset in consumer.places(life):
                self.assertGreaterEqual(offset, committed[partition], f"{life.name}/{partition}")
        twice = len(consumer.told()) - len(wanted)
        print(f"at least once: {len(wanted)} delivered, 0 lost, {twice} more that were not committed")

    def test_exactly_once(self):
        consumer = Selling(self)
        ends = self.kill_in_turn(consumer)
        records = sum(ends.values())
        until(lambda: consumer.count() >= records, "all is sold", COMMITTED_S)
        consumer.kill()
        self.assertEqual(consumer.ask("SELECT count(*), sum(units) FROM sold"), (records, records))
        self.assertEqual(consumer.ask("SELECT min(units), max(units) FROM sold"), (1, 1))
        print(f"exactly once: {records} delivered, each once")


if __name__ == "__main__":
    unittest.main()
