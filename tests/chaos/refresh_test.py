"""Refresh under fire: a broker, its parent or a consumer dies at any moment of a refresh, another
consumer joins late, a second refresh takes the place of the first, somebody stops it, data comes all
the while, and the log that is replayed is compacted. Whatever happens it ends, COMPLETED with new copies or ABORTED with the old ones in service;
no copy is ever seen half old and half new, and no query fails.

XYLEM_RUNS says how often (default 6; a run takes a few seconds), XYLEM_SEED which ones.
"""
import os
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from processes import ask, get_json, until  # noqa: E402
from refresh_site import NEW, OLD, Reader, Site  # noqa: E402

RUNS = int(os.environ.get("XYLEM_RUNS", "6"))
SEED = int(os.environ.get("XYLEM_SEED", "1"))
KEYS = 24_000
VALUE_BYTES = 200
CHURN_KEYS = 12_000  # written again and again, so that logs are compacted
LATEST_S = 120  # until it must have ended: what is lost is told again after 5 or 10 s
OVER = ("COMPLETED", "ABORTED")
STATES = ("RESET_SENT", "REPLAYING", "READY_SENT")

VICTIMS = ["nobody", "broker", "consumer", "parent", "broker and consumer"]
MEANWHILE = ["nothing", "late joiner", "second refresh", "stop", "both"]


class RefreshTest(unittest.TestCase):
    def setUp(self):
        self.site = Site(KEYS, VALUE_BYTES)
        self.addCleanup(self.site.close)
        self.chance = random.Random(SEED)
        self.live = 0
        self.moments = {}  # in which state it was when it was disturbed

    def test_under_fire(self):
        outcomes = {}
        for number in range(RUNS):
            victim = VICTIMS[number % len(VICTIMS)] if number < 5 else self.chance.choice(VICTIMS)
            what = self.chance.choice(MEANWHILE)
            churn = number % 2 == 1
            try:
                outcome = self.one_run(victim, what, churn)
            except AssertionError as why:
                raise AssertionError(f"run {number} (seed {SEED}): {victim} dies, {what}"
                                     f"{', compaction' if churn else ''}: {why}\n"
                                     + self.site.said()) from why
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        print(f"{RUNS} refreshes (seed {SEED}):", outcomes, "disturbed in", self.moments,
              f"; {self.compactions()} compactions of the logs replayed")

    def one_run(self, victim, what, churn):
        first, second = self.site.consumers
        for consumer in (first, second):
            self.site.make_old(consumer)
        late = what in ("late joiner", "both")
        if late:
            second.end()
        readers = [Reader(first, KEYS), Reader(second, KEYS)]
        readers[1].away = late
        ends = threading.Event()
        feed = threading.Thread(target=self.feed, args=(ends, churn), daemon=True)
        seen = []
        for thread in (*readers, feed):
            thread.start()
        try:
            if churn:
                self.wait_for_compaction()
            refresh = self.site.refresh()
            refresh = self.disturb(refresh, victim, what, readers, seen)
            state = self.outcome(refresh, seen)
            self.check_copies(state, seen)
        finally:
            ends.set()
            for thread in readers:
                thread.end()
            feed.join(30)
        for reader in readers:
            self.assertEqual(reader.wrong[:3], [], f"queries of {reader.consumer.name}")
            self.assertGreater(reader.asked, 0)
        return state

    def feed(self, ends, churn):
        """New data, while the refresh runs."""
        while not ends.wait(0.1):
            self.live += 1
            values = {f"live-{self.live:06}": "now", "live": str(self.live)}
            if churn:
                filler = str(self.live).ljust(VALUE_BYTES)
                values |= {f"churn-{i:06}": filler for i in range(CHURN_KEYS)}
            try:
                self.site.produce(values)
            except AssertionError:
                pass  # the root is away

    def wait_for_compaction(self):
        """Of one partition: the other's log is next, and takes as long as most refreshes do."""
        before = self.compactions()
        until(lambda: self.compactions() > before, "a log is compacted", LATEST_S)

    def compactions(self):
        return self.site.pos.log.read_text(errors="replace").count("storage.compacted")

    def disturb(self, refresh, victim, what, readers, seen):
        self.reach_a_moment(refresh)
        self.kill(victim, readers)
        if what in ("second refresh", "both"):
            older, refresh = refresh, self.again()
            until(lambda: (self.site.state(older) or {}).get("state") in OVER, "the older one ends")
        if what in ("late joiner", "both"):
            self.site.consumers[1].start()
            until(lambda: self.answers(self.site.consumers[1]), "the late joiner answers")
            readers[1].away = False
        if what == "stop":
            self.stop(refresh)
        self.look(seen)
        return refresh

    def reach_a_moment(self, refresh):
        """Some state, and then some time: kills fall anywhere in every one of them."""
        wanted = self.chance.choice(STATES)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            state = (self.site.state(refresh) or {}).get("state")
            if state in OVER or state == wanted:
                break
            time.sleep(0.005)
        time.sleep(self.chance.uniform(0, 0.3))
        state = (self.site.state(refresh) or {}).get("state")
        self.moments[state] = self.moments.get(state, 0) + 1

    def kill(self, victim, readers):
        consumer = self.site.consumers[0]
        doomed = {"nobody": [], "broker": [self.site.pos], "parent": [self.site.root],
                  "consumer": [consumer], "broker and consumer": [self.site.pos, consumer]}[victim]
        readers[0].away = consumer in doomed
        for daemon in doomed:
            daemon.end(signal.SIGKILL)
        for daemon in doomed:
            daemon.start()
        if consumer in doomed:
            until(lambda: self.answers(consumer), "the consumer answers again")
            readers[0].away = False

    def answers(self, consumer):
        return self.site.snapshot(consumer) is not None

    def again(self):
        def started():
            try:
                return self.site.refresh("once more")
            except (AssertionError, OSError):
                return None  # the broker has just come back: it reads its topics first
        return until(started, "a second refresh starts")

    def stop(self, refresh):
        def stopped():
            try:
                status, _ = self.delete(refresh)
                return status in (200, 400)  # 400: it has ended already
            except OSError:
                return False
        until(stopped, "the refresh is stopped")

    def delete(self, refresh):
        return ask(self.site.pos.http, "DELETE", f"/api/v1/refreshes/{refresh}")

    def look(self, seen):
        """What the copies are made of at this moment."""
        for consumer in self.site.consumers:
            found = self.site.snapshot(consumer)
            if found is None:
                continue
            generations, keys = found
            seen.append((consumer.name, generations, keys))
            self.assertEqual(keys, KEYS, f"{consumer.name} shows a part")
            self.assertEqual(len(generations), 1, f"{consumer.name} mixes {generations}")

    def outcome(self, refresh, seen):
        def over():
            self.look(seen)
            return (self.site.state(refresh) or {}).get("state") in OVER
        until(over, lambda: f"it ends: {self.site.state(refresh)}", LATEST_S)
        return self.site.state(refresh)["state"]

    def check_copies(self, state, seen):
        if state == "COMPLETED":
            # Also who was away when it ended, and gets it now.
            until(lambda: all((self.site.snapshot(one) or ({OLD}, 0))[0] == {NEW}
                              for one in self.site.consumers),
                  lambda: f"new copies: {[self.site.snapshot(c) for c in self.site.consumers]}",
                  LATEST_S)
        self.look(seen)
        self.produced_live()

    def produced_live(self):
        """Live data goes on behind it."""
        mark = f"mark-{self.chance.random()}"

        def produced():
            try:
                self.site.produce({"mark": mark})
                return True
            except AssertionError:
                return False
        until(produced, "the root takes records")
        for consumer in self.site.consumers:
            until(lambda consumer=consumer: self.value(consumer, "mark") == mark,
                  f"{consumer.name} has what came last")

    def value(self, consumer, key):
        return (get_json(consumer.http, f"/api/query/key/{key}") or {}).get("value")


if __name__ == "__main__":
    unittest.main()
