"""Delayed records while root brokers are killed (SIGKILL) and come back: each is delivered exactly once,
none before its time, and in due order as far as that is promised: whoever comes after an elder one was
stored where it waits only after that one was due.

Three root brokers (XYLEM_ROOTS=5), and a root alone. XYLEM_KILLS says how often (default 4). The victim
is the leader of a partition in which records wait or to which they go, or the controller; now and then
it is everybody, and now and then it only stands still (SIGSTOP) until others lead in its place, and goes on
where it was. How late records were, as a consumer that was there all the time sees them, is printed.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from root_tier import RootTier, known  # noqa: E402
from processes import BIN, Daemon, Directory, free_ports, get_json, make_topic, run, until  # noqa: E402

KILLS = int(os.environ.get("XYLEM_KILLS", "4"))
ROOTS = int(os.environ.get("XYLEM_ROOTS", "3"))
SEED = int(os.environ.get("XYLEM_SEED", "1"))
TOPIC, PARTITIONS = "reminders", 4
HOME, HOME_PARTITIONS = "__delayed", 16
PER_ROUND = 400
AHEAD_S = (1.0, 4.0)  # when they are due, after they are given
EVERYBODY = 5         # each so many kills
PAUSE = 3


class Reader:
    """Consumes as it comes, and notes when."""

    def __init__(self, brokers):
        self.complaints = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [BIN / "xylem", "consume", TOPIC, "--broker", brokers, "--from", "earliest", "--follow"],
            stdout=subprocess.PIPE, stderr=self.complaints)
        self.late_ms = []
        self.seen = set()  # (partition, offset)
        self.early = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            record = json.loads(line)
            late_ms = time.time() * 1000 - int(record["headers"]["xylem-due-at"])
            self.late_ms.append(late_ms)
            self.seen.add((record["partition"], record["offset"]))
            if late_ms < -1:
                self.early.append(record)

    def lacks(self, records):
        return {(record["partition"], record["offset"]) for record in records} - self.seen

    def said(self):
        self.complaints.seek(0)
        return f"ended: {self.process.poll()}, {self.complaints.read().decode()[-2000:]}"

    def end(self):
        self.complaints.close()
        self.process.kill()
        self.thread.join(20)
        self.process.stdout.close()
        self.process.wait()

    def figures(self):
        late = sorted(self.late_ms)
        return {name: round(late[min(len(late) - 1, int(len(late) * share))])
                for name, share in (("p50_ms", .5), ("p99_ms", .99), ("max_ms", 1))} if late else {}


class Records:
    """What was given, and what must become of it."""

    def __init__(self, chance):
        self.chance = chance
        self.due_ms = {}  # by value
        self.stored_ms = {}

    def batch(self, count):
        """Lines for `xylem produce`."""
        lines = []
        for _ in range(count):
            value = f"r{len(self.due_ms)}"
            due_ms = int((time.time() + self.chance.uniform(*AHEAD_S)) * 1000)
            self.due_ms[value] = due_ms
            lines.append(json.dumps({"key": f"k{self.chance.randrange(50)}", "value": value,
                                     "headers": {"xylem-due-at": str(due_ms)}}))
        return "\n".join(lines).encode() + b"\n"

    def stored(self):
        now_ms = time.time() * 1000
        for value in self.due_ms:
            self.stored_ms.setdefault(value, now_ms)

    def check(self, test, records):
        values = [record["value"] for record in records]
        test.assertEqual(len(values), len(set(values)), "delivered twice")
        test.assertEqual(set(values), set(self.due_ms), "lost, or from nowhere")
        last = {}
        for record in records:
            value, partition = record["value"], record["partition"]
            test.assertEqual(int(record["headers"]["xylem-due-at"]), self.due_ms[value])
            elder = last.get(partition)
            if elder and self.due_ms[value] < self.due_ms[elder]:
                test.assertGreater(self.stored_ms[value], self.due_ms[elder],
                                   f"{value} after {elder}, which was due later")
            last[partition] = value


class Round:
    """One producing process; the records that it gives are acknowledged before they are noted."""

    def __init__(self, brokers, records):
        self.records = records
        self.process = subprocess.Popen(
            [BIN / "xylem", "produce", TOPIC, "--broker", brokers, "--format", "ndjson",
             "--envelope", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.process.stdin.write(records.batch(PER_ROUND))
        self.process.stdin.close()
        self.process.stdin = None

    def end(self, test):
        said, complaints = self.process.communicate(timeout=120)
        test.assertEqual(self.process.returncode, 0, complaints.decode())
        test.assertEqual(json.loads(said)["sent"], PER_ROUND)
        self.records.stored()


def waiting_at(address):
    """How many wait there, and in how many partitions; None: not known now."""
    seen = get_json(address, "/api/v1/delayed")
    if seen is None or seen["reading"]:
        return None
    return seen["parked"], len(seen["partitions"])


def all_records(brokers):
    return [json.loads(line) for line in
            run("consume", TOPIC, "--broker", brokers, "--from", "earliest").splitlines()]


class DelayedTest(unittest.TestCase):
    def check(self, records, reader, brokers, what):
        found = all_records(brokers)
        records.check(self, found)
        until(lambda: not reader.lacks(found),
              lambda: f"the reader lacks {sorted(reader.lacks(found))[:20]}; {reader.said()}")
        reader.end()
        self.assertEqual(reader.early, [], "delivered before its time")
        print(f"{what} (seed {SEED}): {len(found)} records, late:", reader.figures())

    def test_root_tier(self):
        chance = random.Random(SEED)
        tier = RootTier(ROOTS)
        self.addCleanup(tier.stop)
        tier.start()
        tier.create(TOPIC, "--partitions", PARTITIONS)

        def is_whole():
            topics = {each["name"]: each["partitions"]
                      for each in (tier.cluster() or {"topics": []})["topics"]}
            return len(topics.get(HOME, ())) == HOME_PARTITIONS and all(
                len(one["inSync"]) == 3 for name in (HOME, TOPIC) for one in topics.get(name, ()))

        def is_done():
            found = [waiting_at(tier.http(i)) for i in range(ROOTS)]
            return None not in found and [sum(each) for each in zip(*found)] == [0, HOME_PARTITIONS]

        until(is_whole, lambda: "all replicas are in sync; " + tier.logs())
        records, reader = Records(chance), Reader(tier.clients())
        self.addCleanup(reader.process.kill)
        for kill in range(KILLS):
            batch = Round(tier.clients(), records)
            self.addCleanup(batch.process.kill)
            time.sleep(chance.uniform(0.2, AHEAD_S[1]))  # anywhere between parking and delivery
            victims = {known(lambda: chance.choice((
                tier.leader(HOME, chance.randrange(HOME_PARTITIONS)),
                tier.leader(TOPIC, chance.randrange(PARTITIONS)), tier.controller())), "a victim")}
            if kill % EVERYBODY == EVERYBODY - 1:
                victims = set(range(ROOTS))
            is_paused = kill % PAUSE == PAUSE - 2 and len(victims) == 1
            for victim in victims:
                if is_paused:
                    tier.signal(victim, signal.SIGSTOP)
                else:
                    tier.kill(victim)
            # Before or after others have taken over.
            time.sleep(chance.uniform(0, 3) if is_paused else chance.uniform(0, 1.5))
            for victim in victims:
                if is_paused:
                    tier.signal(victim, signal.SIGCONT)
                else:
                    tier.restart(victim)
            batch.end(self)
            until(is_whole, lambda: f"all in sync again after kill {kill}; " + tier.logs())
        until(is_done, lambda: "all were delivered; " + tier.logs())
        self.check(records, reader, tier.clients(), f"{ROOTS} roots, {KILLS} kills")

    def test_alone(self):
        chance = random.Random(SEED)
        directory = Directory()
        self.addCleanup(directory.remove)
        port = free_ports(3)
        address, http = f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"
        broker = Daemon("xylem-broker", directory.path / "log", NODE_ID="alone",
                        DATA_DIR=directory.path / "data", BROKER_PORT=port, HTTP_PORT=port + 1,
                        PIPE_PORT=port + 2)
        self.addCleanup(broker.end, signal.SIGKILL)
        broker.start()
        make_topic(address, TOPIC, "--partitions", PARTITIONS)
        records, reader = Records(chance), Reader(address)
        self.addCleanup(reader.process.kill)
        for kill in range(KILLS):
            batch = Round(address, records)
            self.addCleanup(batch.process.kill)
            time.sleep(chance.uniform(0.2, AHEAD_S[1]))
            broker.end(signal.SIGKILL if kill % 4 else signal.SIGTERM)
            broker.start()
            batch.end(self)
        until(lambda: waiting_at(http) == (0, HOME_PARTITIONS),
              lambda: "all were delivered; " + (directory.path / "log").read_text()[-3000:])
        self.check(records, reader, address, f"a root alone, {KILLS} restarts")


if __name__ == "__main__":
    unittest.main()
