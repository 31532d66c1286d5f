"""A topic refreshed at a fleet in waves: root, L2, L3, two POS, a consumer-app below one of them; by the
command, through the registry, which is also killed in the middle."""
import json
import os
import signal
import subprocess
import unittest

import processes
from processes import BIN, Tree, get_json, until

KEYS = 2_000
TOPIC = "prices"


class RefreshFleetTest(unittest.TestCase):
    def setUp(self):
        self.tree = Tree("--topic", f"{TOPIC}:2:compact", "--no-producer", tree="l2=1,l3=1,pos=2,local=0")
        self.addCleanup(self.tree.stop)
        self.registry = self.tree.nodes("REGISTRY")[0]["http"]
        lines = "".join(json.dumps({"key": f"k{i}", "value": f"v{i}"}) + "\n" for i in range(KEYS))
        processes.run("produce", TOPIC, "--broker", self.tree.nodes("ROOT")[0]["tcp"], "--format",
                      "ndjson", "--envelope", input=lines.encode())
        until(lambda: self.copy().get("keys") == KEYS, "the consumer-app has all keys")
        until(self.all_carry_it, "the registry knows who carries the topic")

    def copy(self):
        stats = get_json(self.tree.nodes("CONSUMER")[0]["http"], "/api/query/stats") or {}
        return stats.get("topics", {}).get(TOPIC, {})

    def all_carry_it(self):
        nodes = (get_json(self.registry, "/api/v1/tree") or {"nodes": []})["nodes"]
        carriers = [n["nodeId"] for n in nodes if any(t["name"] == TOPIC for t in n["topics"])]
        return len(carriers) == 5

    def refresh(self, *arguments):
        """The command; its exit code, and what it printed as JSON."""
        done = subprocess.run([BIN / "xylem", "refresh", *arguments, "--registry",
                               "http://" + self.registry, "--json"], capture_output=True, timeout=200)
        return done.returncode, json.loads(done.stdout or b"null"), done.stderr.decode()

    def job(self, refresh):
        return get_json(self.registry, f"/api/v1/refreshes/{refresh}") or {}

    def node(self, refresh, name):
        job = self.job(refresh)
        return next(n for n in job["page"]["nodes"] if n["nodeId"] == name) if job else {}

    def signal(self, name, which):
        os.kill(self.tree.node(name)["pid"], which)

    def test_the_fleet_is_refreshed_wave_after_wave(self):
        code, job, said = self.refresh("start", TOPIC, "--fleet", "--wave", "1", "--wait",
                                       "--reason", "a test")
        self.assertEqual((code, job["state"]), (0, "COMPLETED"), said)
        self.assertEqual(job["reason"], "a test")
        nodes = job["page"]["nodes"]
        self.assertEqual([(n["nodeId"], n["wave"]) for n in nodes],
                         [("l2-0", 1), ("l3-0", 2), ("pos-0", 3), ("pos-1", 4)])
        self.assertEqual(nodes[2]["consumers"], {"total": 1, "reset": 1, "ready": 1})
        copy = self.copy()
        self.assertEqual((copy["keys"], copy["refresh"]["state"]), (KEYS, "SERVING"))
        self.assertEqual(copy["refresh"]["refreshId"], int(job["id"], 16))
        # A wave began after the one before had ended, as the brokers themselves have it.
        times = []
        for name in ("l2-0", "l3-0", "pos-0", "pos-1"):
            local = get_json(self.tree.node(name)["http"], f"/api/v1/refreshes/{job['id']}")
            self.assertEqual((local["state"], local["reason"]), ("COMPLETED", "a test"))
            times += [local["startedAt"], local["endedAt"]]
        self.assertEqual(times, sorted(times))
        code, listed, said = self.refresh("list")
        self.assertEqual([each["id"] for each in listed["refreshes"]], [job["id"]], said)

    def test_a_refresh_that_is_stopped_stops(self):
        _, job, said = self.refresh("start", TOPIC, "--fleet", "--wave", "1")
        self.assertIsNotNone(job, said)
        until(lambda: self.node(job["id"], "l2-0").get("state") in ("ORDERED", "RUNNING", "COMPLETED"),
              "the first wave began")
        self.signal("pos-0", signal.SIGSTOP)  # who stands still takes no order
        self.addCleanup(self.signal, "pos-0", signal.SIGCONT)
        until(lambda: self.node(job["id"], "pos-0").get("state") == "ORDERED", "it is at pos-0")
        code, stopping, said = self.refresh("stop", job["id"], "--reason", "enough")
        self.assertEqual(code, 0, said)
        self.assertIn("enough", stopping["why"])
        self.signal("pos-0", signal.SIGCONT)
        until(lambda: self.job(job["id"]).get("state") == "STOPPED", "it has stopped")
        self.assertEqual(self.node(job["id"], "pos-0")["state"], "ABORTED")
        self.assertEqual(self.node(job["id"], "pos-1")["state"], "NOT_BEGUN")
        self.assertEqual(self.copy()["keys"], KEYS)
        self.assertNotEqual(self.copy()["refresh"]["refreshId"], int(job["id"], 16))

    def test_it_goes_on_when_the_registry_was_killed(self):
        waiting = subprocess.Popen([BIN / "xylem", "refresh", "start", TOPIC, "--fleet", "--wave", "1",
                                    "--wait", "--json", "--registry", "http://" + self.registry],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(waiting.kill)
        listed = until(lambda: (get_json(self.registry, "/api/v1/refreshes") or {}).get("refreshes"),
                       "the refresh is there")
        refresh = listed[0]["id"]
        until(lambda: self.node(refresh, "l2-0").get("state") == "COMPLETED", "the first wave ended")
        before = self.tree.nodes("REGISTRY")[0]["pid"]
        self.signal("registry", signal.SIGKILL)
        until(lambda: self.tree.nodes("REGISTRY")[0]["pid"] not in (0, before), "it is there again")
        out, err = waiting.communicate(timeout=120)
        self.assertEqual(waiting.returncode, 0, err.decode())
        job = json.loads(out)
        self.assertEqual((job["id"], job["state"]), (refresh, "COMPLETED"))
        self.assertEqual(self.copy()["refresh"]["refreshId"], int(refresh, 16))

    def test_one_broker_alone(self):
        broker = self.tree.node("pos-0")["http"]
        out = processes.run("refresh", "start", TOPIC, "--broker", broker, "--wait", "--json")
        refresh = json.loads(out)
        self.assertEqual((refresh["state"], refresh["topic"]), ("COMPLETED", TOPIC))
        self.assertEqual(self.copy()["refresh"]["refreshId"], int(refresh["id"], 16))
        listed = processes.run("refresh", "list", "--broker", broker).decode()
        self.assertIn(refresh["id"], listed)
        self.assertEqual(self.refresh("start", TOPIC, "--node", "nobody")[0], 3)


if __name__ == "__main__":
    unittest.main()
