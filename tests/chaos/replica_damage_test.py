"""A root broker's copy of a partition is damaged, or gone: it leaves the in-sync set, takes the records
from the others again, and nobody ever misses one.
"""
import os
import shutil
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
from root_tier import RootTier  # noqa: E402
from processes import run, until  # noqa: E402

RECORDS = 20_000
VALUE = "v" * 200
SEGMENT_BYTES = 1 << 20


class ReplicaDamageTest(unittest.TestCase):
    def setUp(self):
        self.tier = RootTier(SEGMENT_BYTES=SEGMENT_BYTES, STORAGE_SCRUB_BYTES_PER_S=64 << 20)
        self.addCleanup(self.tier.stop)
        self.tier.start()
        self.tier.create("kept", "--partitions", 1)
        until(self.is_whole, lambda: "all in sync; " + self.tier.logs())
        values = "".join(f"{i:08}{VALUE}\n" for i in range(RECORDS))
        run("produce", "kept", "--broker", self.tier.clients(), "--acks", "all",
            input=values.encode())
        until(lambda: self.is_whole() and self.tier.leader("kept") == self.preferred(),
              lambda: "all in sync, led by whom it should be; " + self.tier.logs())

    def is_whole(self):
        return len(self.tier.in_sync("kept")) == 3 and self.tier.leader("kept") is not None

    def preferred(self):
        return self.tier.decided("kept").get("preferred")

    def log_dir(self, number):
        [found] = [entry for entry in (self.tier.data_dir(number) / "logs").iterdir()
                   if entry.name.startswith("kept-")]
        return found

    def numbers(self):
        said = run("consume", "kept", "--broker", self.tier.clients(), "--from", "earliest",
                   "--format", "value", timeout=120)
        return [int(line[:8]) for line in said.split()]

    def log_of(self, number):
        return (self.tier.path / f"root-{number}" / "log").read_text(errors="replace")

    def digests(self):
        for number in range(5):
            self.tier.kill(number, signal.SIGTERM)
        [replicas] = self.tier.digests("kept").values()
        return replicas

    def check_healed(self, victim, is_cut=True):
        until(lambda: self.is_whole() and all(map(self.tier.is_ready, range(5))),
              lambda: "all in sync again; " + self.tier.logs())
        until(lambda: self.is_whole() and
              (not is_cut or "partition.pulled_again" in self.log_of(victim)),
              lambda: "it is mended; " + self.tier.logs())
        # Who has just come to lead may hear a moment late how far all is committed.
        until(lambda: self.numbers() == list(range(RECORDS)), "every record is there, in order, once")
        replicas = self.digests()
        self.assertIn(victim, replicas)
        self.assertEqual(len({each["sha256"] for each in replicas.values()}), 1, replicas)

    def flip(self, number):
        """64 bytes in the middle of a sealed segment."""
        segments = sorted((self.log_dir(number) / "0").glob("*.log"))
        self.assertGreater(len(segments), 2, list(self.log_dir(number).iterdir()))
        with open(segments[1], "r+b") as file:
            file.seek(SEGMENT_BYTES // 2)
            taken = file.read(64)
            file.seek(SEGMENT_BYTES // 2)
            file.write(bytes(byte ^ 0xFF for byte in taken))

    def is_found(self, victim):
        """Who is not in the in-sync set just then need not leave it: it pulls again at once."""
        said = self.log_of(victim)
        return "replica.damaged" in said or "partition.pulled_again" in said

    def find_and_mend(self, victim):
        until(lambda: self.is_found(victim), lambda: "the scrubber finds it; " + self.tier.logs())
        self.check_healed(victim)

    def test_a_leader_with_a_hole(self):
        """A clean start looks at the newest part alone: it leads again until the hole is found."""
        victim = self.tier.leader("kept")
        self.tier.kill(victim, signal.SIGTERM)
        self.flip(victim)
        self.tier.restart(victim)
        until(lambda: self.tier.leader("kept") == victim,
              lambda: "it leads again; " + self.tier.logs())
        self.find_and_mend(victim)

    @unittest.skipUnless("XYLEM_SLOW" in os.environ, "another minute")
    def test_a_running_leader(self):
        victim = self.tier.leader("kept")
        self.flip(victim)
        self.find_and_mend(victim)

    @unittest.skipUnless("XYLEM_SLOW" in os.environ, "another minute")
    def test_a_running_follower(self):
        leader = self.tier.leader("kept")
        victim = next(n for n in self.tier.in_sync("kept") if n != leader)
        self.flip(victim)
        self.find_and_mend(victim)

    def test_a_copy_that_is_gone(self):
        """The only one of the set that is up has lost its log: it must not lead with nothing."""
        until(self.is_whole, "all are in sync")
        victim, second, third = self.tier.decided("kept")["replicas"]
        self.tier.kill(third)
        until(lambda: third not in self.tier.in_sync("kept"), "the set is two")
        self.tier.kill(victim)
        shutil.move(self.log_dir(victim), self.tier.path / "moved")
        self.tier.kill(second)
        self.tier.restart(victim)
        until(lambda: self.tier.is_ready(victim), lambda: "it is back; " + self.tier.logs())
        self.assertIn("replica.unproven", self.log_of(victim))
        self.assertNotEqual(self.tier.leader("kept", asked=victim), victim)
        self.tier.restart(second)
        self.tier.restart(third)
        self.check_healed(victim, is_cut=False)


if __name__ == "__main__":
    unittest.main()
