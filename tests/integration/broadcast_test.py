"""Broadcast topics and gaps, with real processes: three members of a group each get every record, also
one that is killed and comes back as its instance; what retention removed before a slow group or a slow
consumer-app came to it is told once, with its bounds."""
import json
import os
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "chaos"))
from http_readers import Stream  # noqa: E402
from root_tier import RootTier  # noqa: E402
from processes import BIN, Daemon, Directory, ask, free_ports, get_json, run, run_again, until  # noqa: E402

PARTITIONS = 3
RECORDS = 3_000  # from one turn to the next
# Larger than what can be under way to a consumer that is stopped; and retention takes a quarter of the
# segments at a time.
SEGMENT = 4 * 1024 * 1024
FLOOD = 20_000  # records of a kilobyte
GAP = re.compile(r"gap: partition (\d+) of (\S+): records from (\d+) to below (\d+) are gone")


class Member:
    """`xylem consume --follow` of a group, perhaps an instance; what it and its forerunners wrote."""

    def __init__(self, broker, topic, group, path, instance=None):
        self.out, self.err = path.with_suffix(".out"), path.with_suffix(".err")
        self.command = [BIN / "xylem", "consume", topic, "--group", group, "--broker", broker,
                        "--follow", *(["--instance", instance] if instance else [])]
        self.lives = []  # how many bytes were written when each life ended
        self.start()

    def start(self):
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=err)

    def end(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
        self.process.wait(120)
        self.lives.append(self.out.stat().st_size)

    def records(self, life=None):
        """Of whole lines, all of them or those of one life."""
        ends = [0, *self.lives, None]
        begin, end = (0, None) if life is None else ends[life:life + 2]
        found = []
        for part in [self.out.read_bytes()[begin:end]]:
            for line in part.split(b"\n")[:-1]:
                if line.startswith(b"{") and line.endswith(b"}"):
                    found.append(json.loads(line))
        return found

    def offsets(self, partition, life=None):
        return [r["offset"] for r in self.records(life) if r["partition"] == partition]

    def gaps(self):
        return [tuple(int(found[number]) for number in (1, 3, 4))
                for found in GAP.finditer(self.err.read_text())]


class BroadcastTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)
        self.path = self.directory.path
        self.port = free_ports(4)
        self.tcp, self.http = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.port + 1}"
        self.broker = Daemon("xylem-broker", self.path / "broker.log", NODE_ID="local-0",
                             NODE_ROLE="LOCAL", DATA_DIR=self.path / "data",
                             LISTEN_HOST="127.0.0.1", BROKER_PORT=self.port,
                             HTTP_PORT=self.port + 1, PIPE_PORT=self.port + 2,
                             SEGMENT_BYTES=SEGMENT)
        self.addCleanup(self.broker.end, signal.SIGKILL)
        self.broker.start()
        until(lambda: get_json(self.http, "/api/v1/topics"), "the broker serves")
        self.produced = 0

    def topic(self, name, *options):
        run("topic", "create", name, "--broker", self.tcp, *options)

    def produce(self, topic, count, value=""):
        lines = [json.dumps({"key": f"k{number}", "value": f"{number} {value}"})
                 for number in range(self.produced, self.produced + count)]
        run("produce", topic, "--broker", self.tcp, "--format", "ndjson", "--envelope", "--acks",
            "all", input="\n".join(lines).encode())
        self.produced += count

    def member(self, topic, group, name, instance=None):
        made = Member(self.tcp, topic, group, self.path / name, instance)
        self.addCleanup(made.end)
        return made

    def group(self, name):
        return json.loads(run_again("groups", "describe", name, "--broker", self.tcp, "--json"))

    def state(self, topic, partition=0):
        topic = until(lambda: get_json(self.http, f"/api/v1/topics/{topic}"), f"{topic} is described")
        return topic["partitionState"][partition]

    def ends(self, topic):
        return [self.state(topic, number)["highWatermark"] for number in range(PARTITIONS)]

    def check_whole(self, member, topic):
        """Every record at least once; in order in each life, and none left out between two."""
        for partition, end in enumerate(self.ends(topic)):
            self.assertEqual(sorted(set(member.offsets(partition))), list(range(end)))
            for life in range(len(member.lives) + 1):
                offsets = member.offsets(partition, life)
                self.assertEqual(offsets, sorted(set(offsets)), "in order, each once")

    def has_all(self, member, topic):
        return [len(set(member.offsets(p))) for p in range(PARTITIONS)] == self.ends(topic)

    def test_every_member_gets_every_record(self):
        self.topic("prices", "--partitions", PARTITIONS, "--delivery", "broadcast")
        self.assertIn("delivery broadcast",
                      run("topic", "describe", "prices", "--broker", self.tcp).decode())
        members = [self.member("prices", "tills", f"till-{n}", f"till-{n}") for n in range(3)]
        until(lambda: len((get_json(self.http, "/api/v1/groups/tills") or {"members": []})
                          ["members"]) == 3, "all have joined")
        stream = Stream(self.http, "/api/v1/topics/prices/stream")  # who reads by HTTP has no group
        self.addCleanup(stream.stop)
        self.produce("prices", RECORDS)
        until(lambda: all(self.has_all(one, "prices") for one in members), "all have everything")
        until(lambda: len(stream.records) == RECORDS, "the HTTP stream, too")
        until(lambda: self.group("tills")["lag"] == 0, "all is committed")
        members[1].end(signal.SIGKILL)
        self.produce("prices", RECORDS)
        until(lambda: self.has_all(members[0], "prices"), "the others go on")
        members[1].start()
        until(lambda: all(self.has_all(one, "prices") for one in members), "it has caught up")
        for member in members:
            self.check_whole(member, "prices")
        begun = [members[1].offsets(partition, 1)[0] for partition in range(PARTITIONS)]
        self.assertGreater(min(begun), 0, "it went on where it was")

        described = self.group("tills")
        self.assertEqual({one["instance"] for one in described["partitions"]},
                         {"till-0", "till-1", "till-2"})
        until(lambda: self.group("tills")["lag"] == 0, "all is committed")
        self.assertIn("till-2", run("lag", "--broker", self.tcp).decode())
        for member in members:
            member.end(signal.SIGTERM)

    def test_who_loses_its_instance_ends(self):
        self.topic("prices", "--partitions", PARTITIONS, "--delivery", "broadcast")
        first = self.member("prices", "tills", "first", "till-1")
        until(lambda: (get_json(self.http, "/api/v1/groups/tills") or {"members": []})["members"],
              "it has joined")
        second = self.member("prices", "tills", "second", "till-1")
        self.assertNotEqual(first.process.wait(120), 0)
        self.assertIn("till-1", first.err.read_text())
        self.produce("prices", 300)
        until(lambda: self.has_all(second, "prices"), "its successor has everything")

    def test_reset_and_forget(self):
        self.topic("prices", "--partitions", PARTITIONS, "--delivery", "broadcast")
        self.produce("prices", 300)
        for name in ("till-1", "till-2"):
            run("consume", "prices", "--group", "tills", "--instance", name, "--broker", self.tcp)
        until(lambda: not self.group("tills")["members"], "sessions end")
        reset = ("groups", "reset", "tills", "--broker", self.tcp, "--json", "--to")
        one = json.loads(run(*reset, "earliest", "--instance", "till-1"))["offsets"]
        self.assertEqual({each["instance"] for each in one}, {"till-1"})
        again = run("consume", "prices", "--group", "tills", "--instance", "till-1", "--broker",
                    self.tcp)
        self.assertEqual(len(again.splitlines()), 300)
        until(lambda: not self.group("tills")["members"], "sessions end")
        both = json.loads(run(*reset, "earliest"))["offsets"]
        self.assertEqual(len(both), 2 * PARTITIONS)
        run("groups", "forget", "tills", "--instance", "till-2", "--broker", self.tcp)
        left = {each["instance"] for each in self.group("tills")["partitions"]}
        self.assertEqual(left, {"till-1"})

    @staticmethod
    def leads_nothing(tier, number):
        seen = tier.cluster()
        return seen and all(each["leader"] not in (number, -1)
                            for topic in seen["topics"] for each in topic["partitions"])

    def test_in_a_root_tier(self):
        """Where a group's coordinator keeps the offsets of its instances, and is killed."""
        tier = RootTier(roots=3)
        self.addCleanup(tier.stop)
        tier.start()
        tier.create("prices", "--partitions", PARTITIONS, "--delivery", "broadcast")
        self.tcp = tier.clients()
        self.produce("prices", 300)

        def consume(instance):
            return len(run("consume", "prices", "--group", "tills", "--instance", instance, "--broker",
                           self.tcp).splitlines())

        self.assertEqual((consume("till-1"), consume("till-1")), (300, 0))
        self.produce("prices", 30)
        self.assertEqual((consume("till-1"), consume("till-2")), (30, 330))
        tier.kill(0)
        until(lambda: self.leads_nothing(tier, 0), "others coordinate")
        self.assertEqual((consume("till-1"), consume("till-2")), (0, 0))
        until(lambda: not self.group("tills")["members"], "sessions end")
        run_again("groups", "forget", "tills", "--instance", "till-2", "--broker", self.tcp)
        self.assertEqual(consume("till-2"), 330)

    def outrun(self, topic, offset, count=FLOOD // 2):
        """Produces until retention has removed what is at `offset`, and all else that it may; where the
        log begins then."""
        self.produce(topic, count, "x" * 1_000)
        until(lambda: self.state(topic)["segments"] <= 2, "retention is done")
        start = self.state(topic)["start"]
        self.assertGreater(start, offset)
        return start

    def test_a_slow_group_is_told_one_gap(self):
        self.topic("events", "--retention-bytes", SEGMENT)
        member = self.member("events", "slow", "slow")
        self.produce("events", 20)
        until(lambda: len(member.records()) == 20, "it reads")
        until(lambda: self.group("slow")["lag"] == 0, "it has committed")
        member.process.send_signal(signal.SIGSTOP)
        self.outrun("events", 20, FLOOD)
        member.process.send_signal(signal.SIGCONT)
        self.produce("events", 10)
        end = self.state("events")["highWatermark"]
        until(lambda: member.offsets(0)[-1] == end - 1, "it has reached the end")
        self.check_one_gap(member, 20)

        until(lambda: self.group("slow")["lag"] == 0, "all is committed")
        member.end(signal.SIGTERM)  # then at subscribing
        start = self.outrun("events", end)
        member.err.unlink()
        member.start()
        until(lambda: member.offsets(0, 1), "what follows comes")
        self.assertEqual(member.gaps(), [(0, end, start)])
        self.assertEqual(member.offsets(0, 1)[0], start)
        metrics = ask(self.http, "GET", "/metrics")[1].decode()
        self.assertIn("xylem_delivery_gaps_total 2\n", metrics)

    def check_one_gap(self, member, committed):
        """It tells all that is missing, and nothing that was committed. It may reach back to records
        that were consumed and not committed: who is taken for dead comes again where it committed."""
        offsets, gaps = member.offsets(0), member.gaps()
        self.assertEqual(len(gaps), 1)
        (_, first, end), = gaps
        missing = set(range(offsets[-1])).difference(offsets)
        self.assertGreaterEqual(min(missing), first)
        self.assertEqual(max(missing), end - 1)
        self.assertGreaterEqual(first, committed)

    def app(self):
        return Daemon("xylem-consumer-app", self.path / "app.log", CONSUMER_TOPIC="events",
                      CONSUMER_HOST="127.0.0.1", CONSUMER_PORT=self.port + 3,
                      BROKER_HOST="127.0.0.1", BROKER_PORT=self.port,
                      STORAGE_DATA_DIR=self.path / "app")

    def stats(self):
        return get_json(f"127.0.0.1:{self.port + 3}", "/api/query/stats")

    def value(self, key):
        found = get_json(f"127.0.0.1:{self.port + 3}", f"/api/query/key/{key}")
        return found and found["value"]

    def cursor(self):
        return ((self.stats() or {}).get("cursor", {}).get("events", {})).get("0", 0)

    def test_a_slow_consumer_app_keeps_its_copy(self):
        self.topic("events", "--retention-bytes", SEGMENT)
        app = self.app().start()
        self.addCleanup(app.end, signal.SIGKILL)
        self.produce("events", 20)
        until(lambda: self.cursor() == 20, "it has the first ones")
        app.end(signal.SIGTERM)
        start = self.outrun("events", 20)
        app.start()
        end = self.state("events")["highWatermark"]
        until(lambda: self.cursor() == end, "it has reached the end")
        told = self.stats()["topics"]["events"]
        self.assertEqual((told["gaps"], told["gapRecords"]), (1, start - 20))
        self.assertEqual(self.value("k0"), "0 ")  # of the old copy
        self.assertEqual(self.stats()["records"], 20 + end - start)
        self.assertTrue(told["whole"])
        self.produce("events", 1)
        until(lambda: self.value(f"k{self.produced - 1}"), "records go on")
        app.end(signal.SIGKILL)
        app.start()
        until(lambda: self.cursor() == end + 1, "it is there again")
        until(lambda: self.stats()["connected"], "it is connected")
        self.assertEqual(self.stats()["topics"]["events"]["gaps"], 0)


if __name__ == "__main__":
    unittest.main()
