"""Records that cannot be delivered, at a POS broker: one that its consumer cannot handle, one that
kills its consumer (SIGKILL) each time. Both end in the broker's own topic of dead letters, after
exactly so many deliveries, and all else arrives in order; also with no parent to be reached, and
across a kill -9 of the broker in between."""
import contextlib
import json
import signal
import sqlite3
import subprocess
import unittest

from processes import BIN, ask, get_json, run, until
from small_tree import SmallTreeTest

TOPIC, LETTERS, GROUP = "prices", "prices.dlq", "tills"
DELIVERIES = 3


class Consumer:
    """xylem-telling-consumer, started again whenever it was killed."""

    def __init__(self, broker, path):
        self.broker, self.path = broker, path
        self.process, self.starts = None, 0

    def run(self):
        """Sees to it that it runs, or that it runs again."""
        if self.process is None or self.process.poll() is not None:
            self.starts += 1
            with open(self.path, "ab") as out, open(f"{self.path}.log", "ab") as errors:
                self.process = subprocess.Popen(
                    [BIN.parent / "tests" / "xylem-telling-consumer", self.broker, TOPIC, GROUP,
                     "at-least-once"], stdout=out, stderr=errors)

    def told(self):
        return [line.split()[2] for line in self.path.read_text().splitlines()]

    def end(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(120)


class DeadLettersTest(SmallTreeTest):
    def setUp(self):
        super().setUp()
        for daemon in (self.registry, self.root, self.pos):
            daemon.start()
        until(lambda: get_json(self.root.http, "/api/v1/topics"), "the root serves")
        run("topic", "create", TOPIC, "--broker", self.root.tcp, "--dead-letter-after", DELIVERIES)
        self.consumer = Consumer(self.pos.tcp, self.directory.path / "told")
        self.addCleanup(self.consumer.end)

    def produce(self, values):
        run("produce", TOPIC, "--broker", self.root.tcp, "--acks", "all",
            input="".join(value + "\n" for value in values).encode())
        self.produced = getattr(self, "produced", 0) + len(values)
        until(lambda: self.end_at_pos() == self.produced, "the POS broker has all of it")

    def end_at_pos(self):
        topic = get_json(self.pos.http, f"/api/v1/topics/{TOPIC}")
        return topic and topic["partitionState"][0].get("highWatermark")

    def letters(self):
        out = run("consume", LETTERS, "--broker", self.pos.tcp)
        return [json.loads(line) for line in out.splitlines()]

    def leave_alone(self):
        """The POS broker has nobody above it any more."""
        self.root.end(signal.SIGKILL)
        self.registry.end(signal.SIGKILL)

    def check_letter(self, letter, value, offset, reason):
        self.assertEqual(letter["value"], value)
        headers = letter["headers"]
        wanted = {"topic": TOPIC, "partition": "0", "offset": str(offset), "group": GROUP,
                  "deliveries": str(DELIVERIES)}
        for name, expected in wanted.items():
            self.assertEqual(headers[f"xylem-dlq-{name}"], expected)
        self.assertIn(reason, headers["xylem-dlq-reason"])
        self.assertGreater(int(headers["xylem-dlq-time"]), 1_600_000_000_000)
        self.assertGreaterEqual(int(headers["xylem-dlq-epoch"]), 0)

    def test_poison_and_killer_alone(self):
        values = [f"value-{i}" for i in range(20)]
        values[5], values[12] = "poison", "killer"
        self.produce(values)
        self.leave_alone()
        self.consume_until("value-19")
        told = self.consumer.told()
        self.assertEqual(told.count("poison"), DELIVERIES)
        self.assertEqual(told.count("killer"), DELIVERIES)
        self.assertEqual(self.consumer.starts, 1 + DELIVERIES)
        # Each once, in order; what was handled is not given again when the next one was lethal.
        self.assertEqual([value for value in told if value.startswith("value")],
                         [value for value in values if value.startswith("value")])
        letters = self.letters()
        self.assertEqual(len(letters), 2, letters)
        self.check_letter(letters[0], "poison", 5, "poison")
        self.check_letter(letters[1], "killer", 12, "the consumer was lost")
        self.check_is_local(letters)

    def check_is_local(self, letters):
        page = get_json(self.pos.http, f"/api/v1/topics/{LETTERS}/records?from=0")
        self.assertEqual([record["value"] for record in page["records"]],
                         [letter["value"] for letter in letters])
        self.assertTrue(get_json(self.pos.http, f"/api/v1/topics/{LETTERS}")["local"])
        listed = run("topic", "list", "--broker", self.pos.tcp).decode().splitlines()
        self.assertIn("local", next(line for line in listed if line.startswith(LETTERS)))
        metrics = ask(self.pos.http, "GET", "/metrics")[1].decode()
        self.assertIn(f"xylem_delivery_failures_total {2 * DELIVERIES}", metrics)
        self.assertIn("xylem_delivery_dead_lettered_total 2", metrics)
        # There again after a restart without anybody above; and not at the root, ever.
        self.pos.end(signal.SIGKILL)
        self.pos.start()
        until(lambda: get_json(self.pos.http, "/api/v1/topics"), "the POS broker serves again")
        self.assertEqual([letter["value"] for letter in self.letters()],
                         [letter["value"] for letter in letters])
        self.root.start()
        until(lambda: get_json(self.root.http, "/api/v1/topics"), "the root serves again")
        self.assertIsNone(get_json(self.root.http, f"/api/v1/topics/{LETTERS}"))
        self.produce_again()

    def produce_again(self):
        """As docs/operations.md says."""
        letters = run("consume", LETTERS, "--broker", self.pos.tcp)
        run("produce", TOPIC, "--broker", self.root.tcp, "--format", "ndjson", "--envelope",
            input=letters)
        page = get_json(self.root.http, f"/api/v1/topics/{TOPIC}/records?from={self.produced}")
        self.assertEqual([record["value"] for record in page["records"]], ["poison", "killer"])
        self.assertEqual(page["records"][0]["headers"]["xylem-dlq-offset"], "5")

    def consume_until(self, last):
        def is_there():
            self.consumer.run()
            return last in self.consumer.told()

        until(is_there, f"{last} is delivered")

    def failed(self):
        """Deliveries of the next record that have failed, as the group is described."""
        group = get_json(self.pos.http, f"/api/v1/groups/{GROUP}") or {"offsets": []}
        return sum(each.get("deliveries", 0) for each in group["offsets"])

    def written(self):
        """The same as state.db has it: failures in 4 bytes of a row (broker/groups/delivery_counts.h)."""
        uri = f"file:{self.directory.path}/pos-0/state.db?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as state:
            rows = state.execute("SELECT value FROM state WHERE kind = 'delivery_count'").fetchall()
        return sum(int.from_bytes(value[28:32], "big") for value, in rows)

    def test_across_a_kill_of_the_broker(self):
        """Killed after each delivery that was counted: the count goes on."""
        self.produce(["first", "killer", "last"])
        self.leave_alone()
        for delivery in range(1, DELIVERIES):
            self.consumer.run()
            self.consumer.process.wait(120)
            self.assertEqual(self.consumer.told().count("killer"), delivery)
            until(lambda: self.failed() == delivery, "it is counted")
            described = run("groups", "describe", GROUP, "--broker", self.pos.tcp, "--json")
            self.assertEqual(json.loads(described)["partitions"][0]["deliveries"], delivery)
            until(lambda: self.written() == delivery, "it is on the disk")
            self.pos.end(signal.SIGKILL)
            self.pos.start()
            until(lambda: get_json(self.pos.http, "/api/v1/topics"), "the broker serves again")
            self.assertEqual(self.failed(), delivery)
        self.consume_until("last")
        told = self.consumer.told()
        self.assertEqual([told.count(value) for value in ("first", "killer", "last")],
                         [1, DELIVERIES, 1])
        letters = self.letters()
        self.assertEqual(len(letters), 1, letters)
        self.check_letter(letters[0], "killer", 1, "the consumer was lost")


if __name__ == "__main__":
    unittest.main()
