"""Consuming by HTTP alone: long polls and server-sent events of a broker that is killed in between.

Each reader goes on by what it was given last, `next` or the event's id: no gap, no duplicate.
"""
import http.client
import json
import signal
import threading
import unittest

from http_readers import Poll, Stream
from processes import Daemon, Directory, ask, free_ports, get_json, until

PARTITIONS = 3
KILLS = 3
RECORDS = 300  # that the stream reads from one kill to the next
BATCH = 20


class Load:
    """Produces batch after batch on a thread of its own, each once: of one without an answer it is not
    known whether it is stored."""

    def __init__(self, address):
        self.address, self.sent, self.stored, self.wrong = address, set(), {}, []
        self.is_stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_stopped.is_set():
            first = len(self.sent)
            values = [f"value {number}" for number in range(first, first + BATCH)]
            self.sent.update(values)
            try:
                self.take(values, *produce(self.address, values))
            except (OSError, http.client.HTTPException):
                self.is_stopped.wait(0.05)

    def take(self, values, status, results):
        if status != 200:
            return self.wrong.append((status, results))
        for value, result in zip(values, results["results"]):
            self.stored[result["partition"], result["offset"]] = value

    def stop(self):
        self.is_stopped.set()
        self.thread.join(30)


def produce(address, values):
    messages = [{"key": value, "value": value} for value in values]
    status, answer = ask(address, "POST", "/api/v1/messages/batch",
                         json.dumps({"topic": "t", "messages": messages}))
    return status, json.loads(answer)


class HttpConsumeTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        port = free_ports(3)
        self.http = f"127.0.0.1:{port + 1}"
        self.broker = Daemon("xylem-broker", self.directory.path / "broker.log", NODE_ID="local-0",
                             NODE_ROLE="LOCAL", DATA_DIR=self.directory.path / "data",
                             LISTEN_HOST="127.0.0.1", BROKER_PORT=port, HTTP_PORT=port + 1,
                             PIPE_PORT=port + 2, SEGMENT_BYTES="64KiB")
        self.addCleanup(self.broker.end, signal.SIGKILL)
        self.start()
        topic = json.dumps({"name": "t", "partitions": PARTITIONS})
        status, answer = ask(self.http, "POST", "/api/v1/topics", topic)
        self.assertEqual(status, 201, answer)

    def start(self):
        self.broker.start()
        until(lambda: get_json(self.http, "/api/v1/topics"), "the broker serves")

    def running(self, made):
        self.addCleanup(made.stop)
        return made

    def partition(self, number):
        return get_json(self.http, "/api/v1/topics/t")["partitionState"][number]

    def check(self, records, load):
        """All that is there, in order in each partition, each once; nothing acknowledged is missing."""
        for partition in range(PARTITIONS):
            offsets = [r["offset"] for r in records if r["partition"] == partition]
            self.assertEqual(offsets, list(range(self.partition(partition)["highWatermark"])))
        found = {(r["partition"], r["offset"]): r["value"] for r in records}
        self.assertEqual({at: found.get(at) for at in load.stored}, load.stored)
        self.assertLessEqual(set(found.values()), load.sent)
        self.assertEqual(len(set(found.values())), len(records))

    def test_a_killed_broker_leaves_no_gap_and_no_duplicate(self):
        stream = self.running(Stream(self.http, "/api/v1/topics/t/stream"))
        polls = [self.running(Poll(self.http, "t", partition)) for partition in range(PARTITIONS)]
        load = self.running(Load(self.http))
        for number in range(1, KILLS + 1):
            until(lambda want=number * RECORDS: len(stream.records) > want, "the stream reads")
            self.broker.end(signal.SIGKILL)
            self.start()
            until(lambda want=number + 1: stream.opened >= want, "the stream is open again")
        until(lambda: len(stream.records) > (KILLS + 1) * RECORDS, "the stream reads on")
        load.stop()
        ends = [self.partition(number)["highWatermark"] for number in range(PARTITIONS)]
        until(lambda: len(stream.records) >= sum(ends), "the stream has everything")
        until(lambda: [poll.next for poll in polls] == ends, "the long polls have everything")
        self.check(stream.records, load)
        self.check([record for poll in polls for record in poll.records], load)
        self.assertEqual((stream.others, load.wrong), ([], []))
        self.assertEqual([poll.wrong for poll in polls], [[]] * PARTITIONS)

    def test_what_retention_removed_and_the_topics_end_are_events(self):
        target = "/api/v1/topics/t/stream?partition=0"
        before = Stream(self.http, target)
        produce(self.http, [f"value {number}" for number in range(50)])
        until(lambda: before.records, "the stream reads")
        before.stop()
        self.broker.end(signal.SIGKILL)
        before.thread.join(20)
        self.start()
        status, answer = ask(self.http, "PATCH", "/api/v1/topics/t", '{"retentionBytes":65536}')
        self.assertEqual(status, 200, answer)
        for number in range(12):
            produce(self.http, [f"{number} {i} " + "x" * 1_000 for i in range(50)])
        next_offset = before.records[-1]["offset"] + 1
        until(lambda: self.partition(0)["start"] > next_offset, "retention has removed some")

        again = self.running(Stream(self.http, target, before.position))
        until(lambda: again.records, "what follows comes")
        gap = again.others[0]
        told = json.loads(gap["data"])
        self.assertEqual((gap["event"], told["from"]), ("gap", next_offset))
        self.assertEqual(again.records[0]["offset"], told["to"])
        status, answer = ask(self.http, "DELETE", "/api/v1/topics/t")
        self.assertEqual(status, 204, answer)
        until(lambda: len(again.others) > 1, "the end is told")
        self.assertEqual(again.others[1]["event"], "end")
        self.assertEqual(json.loads(again.others[1]["data"])["code"], "UNKNOWN_TOPIC_OR_PARTITION")


if __name__ == "__main__":
    unittest.main()
