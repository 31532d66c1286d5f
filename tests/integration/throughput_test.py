"""`xylem bench produce`, `consume`, `fanout` and `push` beside the null broker: sane figures, no speed
asserted."""
import json
import unittest

from processes import Daemon, Directory, free_ports, get_json, run, until


class BenchTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.addCleanup(self.directory.remove)

    def bench(self, *arguments):
        said = json.loads(run("bench", *arguments, "--dir", self.directory.path, "--json"))
        for figures in said["results"] + said["limit"]:
            self.assertGreater(figures["records"], 0)
            self.assertEqual(figures["misplaced"], 0)
            self.assertGreater(figures["records_per_s"], 0)
            self.assertGreater(figures["cpu_ns_per_record"], 0)
        self.assertEqual([], list(self.directory.path.iterdir()), "nothing is left behind")
        return said

    def test_produce(self):
        said = self.bench("produce", "--seconds", 1, "--vs", "null", "--size", "100", "64KiB")
        self.assertEqual("produce", said["name"])
        self.assertEqual({"throughput_100_never", "cpu_100_never", "throughput_65536_never",
                          "cpu_65536_never"}, set(said["ratio"]))

    def test_produce_synced(self):
        said = self.bench("produce", "--bytes", "4MiB", "--vs", "null", "--size", "1KiB",
                          "--flush", "always")
        self.assertIn("throughput_1024_always", said["ratio"])

    def test_consume(self):
        said = self.bench("consume", "--bytes", "32MiB", "--vs", "null")
        self.assertEqual(said["results"][0]["records"], said["limit"][0]["records"])
        self.assertGreaterEqual(said["results"][0]["records"], 32 * 1024)

    def test_fanout(self):
        said = self.bench("fanout", "--seconds", 1, "--consumers", 20, "--vs", "null")
        self.assertEqual({"throughput_100_never", "cpu_100_never"}, set(said["ratio"]))
        self.assertEqual(0, said["results"][0]["records"] % 20, "each record once for each consumer")

    def test_push(self):
        said = json.loads(run("bench", "push", "--seconds", 1, "--rate", 2_000, "--vs", "null", "--dir",
                              self.directory.path, "--json"))
        for figures in said["results"], said["limit"]:
            self.assertEqual(2_000, figures["records"])
            self.assertEqual(0, figures["misplaced"])
            self.assertGreater(figures["p50_ms"], 0)
        self.assertEqual({"p50", "p99", "cpu"}, set(said["ratio"]))

    def test_a_broker_that_runs_keeps_nothing(self):
        port = free_ports(3)
        http = f"127.0.0.1:{port + 1}"
        broker = Daemon("xylem-broker", self.directory.path / "log", NODE_ID="alone",
                        DATA_DIR=self.directory.path / "data", LISTEN_HOST="127.0.0.1",
                        BROKER_PORT=port, HTTP_PORT=port + 1, PIPE_PORT=port + 2).start()
        self.addCleanup(broker.end)
        until(lambda: get_json(http, "/api/v1/topics"), "the broker serves")
        before = get_json(http, "/api/v1/topics")
        for verb in "produce", "consume":
            said = json.loads(run("bench", verb, "--broker", f"127.0.0.1:{port}", "--bytes", "4MiB",
                                  "--size", "1KiB", "--pairs", 2, "--json"))
            self.assertEqual(0, said["results"][0]["misplaced"])
        self.assertEqual(before, get_json(http, "/api/v1/topics"))


if __name__ == "__main__":
    unittest.main()
