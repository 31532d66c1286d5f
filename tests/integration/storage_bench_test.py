"""`xylem bench storage` measures all that it says it does, and leaves nothing. No speed is asserted."""
import json
import signal
import subprocess
import unittest

from processes import BIN, Directory, until

PATHS = {"append_1k", "append_100", "append_rolling", "commit", "commit_64_logs", "read_sealed",
         "read_active", "lookup", "recovery", "open_sealed"}


class BenchStorageTest(unittest.TestCase):
    def setUp(self):
        self.directory = Directory()
        self.command = [BIN / "xylem", "bench", "storage", "--dir", self.directory.path, "--json",
                        "--pairs", "1", "--seconds", "1"]

    def tearDown(self):
        self.directory.remove()

    def left_behind(self):
        return list(self.directory.path.iterdir())

    def test_small(self):
        done = subprocess.run([*self.command, "--bytes", "2MiB"], capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["name"], "storage")
        self.assertEqual(set(found["results"]), PATHS)
        self.assertLessEqual(PATHS, set(found["ratio"]))
        self.assertEqual(set(found["ratio"]), set(found["limit"]))
        for name, figures in found["results"].items():
            with self.subTest(name):
                self.assertGreater(figures["records_per_s"], 0)
                self.assertGreater(figures["cpu_ns_per_record"], 0)
                self.assertGreater(found["ratio"][name], 0)
        self.assertGreater(found["results"]["lookup"]["p99_ms"], 0)
        self.assertEqual(self.left_behind(), [])

    def test_interrupted(self):
        running = subprocess.Popen([*self.command, "--only", "lookup", "--bytes", "256MiB"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(self.left_behind, "it has its directory")
        running.send_signal(signal.SIGINT)
        with running.stdout, running.stderr:
            running.wait(timeout=120)
        self.assertEqual(running.returncode, 130)
        self.assertEqual(self.left_behind(), [])

    def test_usage(self):
        for wrong in (["--only", "nothing"], ["--bytes", "many"], ["--pairs", "0"]):
            done = subprocess.run([*self.command, *wrong], capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 2, wrong)


if __name__ == "__main__":
    unittest.main()
